package celrule

import "go.opentelemetry.io/otel/attribute"

// statusKeys are the attributes that have the status of an HTTP response.
var statusKeys = []string{"http.response.status_code", "http.status_code"}

var statusClasses = [...]string{1: "1xx", 2: "2xx", 3: "3xx", 4: "4xx", 5: "5xx"}

// statusClassOf returns the class of the status of an HTTP response, or "".
func statusClassOf(attrs []attribute.KeyValue) string {
	for _, key := range statusKeys {
		if class := statusClassIn(valueOf(attrs, key, intType)); class != "" {
			return class
		}
	}
	return ""
}

func statusClassIn(v value) string {
	if v.kind != kindInt || v.n < 100 || v.n > 599 {
		return ""
	}
	return statusClasses[v.n/100]
}

// statusClass is statusClassOf, for an occurrence too.
func (a *attributes) statusClass() string {
	if a.kept == nil {
		return statusClassOf(a.live)
	}
	for _, key := range statusKeys {
		if n, ok := a.FindStringKey(key); ok {
			if n, ok := n.(int64); ok {
				if class := statusClassIn(value{kind: kindInt, n: n}); class != "" {
					return class
				}
			}
		}
	}
	return ""
}
