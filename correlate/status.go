package correlate

import "strconv"

// statusSources lists the attributes that hold a status, newest names first.
var statusSources = []struct {
	prefix string
	keys   []string
	names  func(string) string
	judge  func(string) (verdict, string)
}{
	{"status ", []string{"http.response.status_code", "http.status_code"}, nil, judgeHTTP},
	{"rpc status ", []string{"rpc.response.status_code", "rpc.status_code", "rpc.grpc.status_code", "rpc.connect_rpc.error_code", "rpc.jsonrpc.error_code"}, grpcName, judgeRPC},
	{"database status ", []string{"db.response.status_code"}, nil, judgeDatabase},
}

// HTTPStatus returns the status of HTTP that was recorded, or 0.
func (o *Occurrence) HTTPStatus() int {
	n, _ := parseNumber(o.status(0))
	return int(n)
}

// RPCStatus returns the name of the status of gRPC or Connect that was
// recorded, as NOT_FOUND, or "".
func (o *Occurrence) RPCStatus() string { return rpcName(o.status(1)) }

// status returns what the first attribute of a source says.
func (o *Occurrence) status(source int) string {
	for _, key := range statusSources[source].keys {
		if code := statusCode(Attr(o.Attributes, key)); code != "" {
			return code
		}
	}
	return ""
}

func statusCode(v any) string {
	switch v := v.(type) {
	case string:
		return maskCut(v, 128)
	case int64:
		if 100 <= v && v <= 999 { // of HTTP, mostly
			return threeDigits[3*(v-100):][:3]
		}
		return strconv.FormatInt(v, 10)
	}
	return ""
}

// threeDigits holds the numbers of three digits, one after the other.
var threeDigits = func() string {
	var b []byte
	for n := int64(100); n <= 999; n++ {
		b = strconv.AppendInt(b, n, 10)
	}
	return string(b)
}()

// grpcNames are the statuses of gRPC, by number.
var grpcNames = [...]string{"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
	"RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"}

// grpcName returns the name of a gRPC status, which older conventions record
// as a number.
func grpcName(code string) string {
	if n, ok := parseNumber(code); ok && n < int64(len(grpcNames)) {
		return grpcNames[n]
	}
	return code
}

// parseNumber reads a short number. Most of what it is asked about is none, and
// so there is no error that has to be made.
func parseNumber(s string) (n int64, ok bool) {
	if !isNumber(s) || len(s) > 9 {
		return 0, false
	}
	for i := range len(s) {
		n = 10*n + int64(s[i]-'0')
	}
	return n, true
}

// rpcName returns the name of a status of gRPC or Connect however it is
// written: 14, unavailable, DeadlineExceeded. It is "" if there is no such
// status.
func rpcName(code string) string {
	code = grpcName(code)
	if sameName(code, "canceled") {
		return "CANCELLED"
	}
	for _, name := range grpcNames {
		if sameName(code, name) {
			return name
		}
	}
	return ""
}

// sameName reports whether two names differ in nothing but case and
// underscores.
func sameName(a, b string) bool {
	i, j := 0, 0
	for {
		for i < len(a) && a[i] == '_' {
			i++
		}
		for j < len(b) && b[j] == '_' {
			j++
		}
		if i == len(a) || j == len(b) {
			return i == len(a) && j == len(b)
		}
		if lowerASCII(a[i]) != lowerASCII(b[j]) {
			return false
		}
		i, j = i+1, j+1
	}
}
