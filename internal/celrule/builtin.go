package celrule

// Builtin returns the rules that apply when a host gives none.
func Builtin() []Rule {
	return []Rule{{
		Name: "errors",
		When: `span.status == "ERROR"`,
	}, {
		Name: "server-5xx",
		When: `span.kind == "SERVER" && span.status != "ERROR" && ` +
			`(span.attributes["http.response.status_code"] >= 500 || span.attributes["http.status_code"] >= 500)`,
	}, {
		Name: "panics",
		When: `exception.escaped || span.status == "UNSET" && exception.type.startsWith("runtime.")`,
	}}
}
