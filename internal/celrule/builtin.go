package celrule

// Builtin returns the rules that apply when a host gives none. What an
// instrumentation should have called an error by the semantic conventions, and
// did not, counts on the side that the conventions say; status Ok is never an
// error.
func Builtin() []Rule {
	return []Rule{{
		Name: "errors",
		When: `span.status == "ERROR"`,
	}, {
		Name: "server-5xx",
		When: `span.status == "UNSET" && span.kind == "SERVER" && ` + anyHTTP5xx,
	}, {
		Name: "client-5xx",
		When: `span.status == "UNSET" && span.kind == "CLIENT" && ` + anyHTTP5xx,
	}, {
		// The other codes say that the client did something wrong.
		Name: "grpc-server",
		When: `span.status == "UNSET" && span.kind == "SERVER" && ` + anyGRPC(
			`"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"`,
			`2, 4, 12, 13, 14, 15`, `"2", "4", "12", "13", "14", "15"`),
	}, {
		// All but OK, and CANCELLED, which the caller wanted.
		Name: "grpc-client",
		When: `span.status == "UNSET" && span.kind == "CLIENT" && ` + anyGRPC(
			`"UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", `+
				`"FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"`,
			`2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16`,
			`"2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16"`),
	}, {
		Name: "panics",
		When: `span.status == "UNSET" && (exception.escaped || exception.type.startsWith("runtime."))`,
	}}
}

const anyHTTP5xx = `(span.attributes["http.response.status_code"] >= 500 || span.attributes["http.status_code"] >= 500)`

// anyGRPC asks for any of some status codes. The attribute is a name by its
// convention, which some record as a number, and was a number by an older one.
func anyGRPC(names, numbers, digits string) string {
	return `(span.attributes["rpc.response.status_code"] in [` + names + ", " + digits + `] || ` +
		`span.attributes["rpc.grpc.status_code"] in [` + numbers + `])`
}
