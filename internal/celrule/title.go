package celrule

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

// defaultTitle says where something went wrong, and what: in the operation, or in
// what many operations call. Of the message it takes a part.
func defaultTitle(o *correlate.Occurrence, p *correlate.Problem, scrub func(string) string) string {
	typ := shortType(o.Exception.Type)
	message, _, _ := strings.Cut(strings.TrimSpace(scrub(cmp.Or(o.Exception.Message, o.Message))), "\n")
	message = innermost(message, o.Exception.Type)
	title := o.Operation
	for _, c := range p.Signature.Components {
		if c.Name == "dependency" && c.Used {
			title = c.Value
		}
	}
	if typ == "" && message == "" {
		message = outcome(o)
	}
	for _, part := range []string{typ, message} {
		if part != "" {
			title += ": " + part
		}
	}
	return title
}

// outcome says what is known of an operation that recorded no error.
func outcome(o *correlate.Occurrence) string {
	if status := o.HTTPStatus(); status >= 400 {
		return "status " + strconv.Itoa(status)
	}
	if took := o.End.Sub(o.Start); o.Status != "ERROR" && took > 0 {
		return "took " + took.Round(time.Millisecond).String()
	}
	return ""
}

// shortType returns the type of an exception without its path, or nothing if it
// is one of those of Go that any error may have.
func shortType(typ string) string {
	switch typ {
	case "*errors.errorString", "*errors.joinError", "*fmt.wrapError", "*fmt.wrapErrors":
		return ""
	}
	typ = strings.TrimPrefix(typ, "*")
	typ = typ[strings.LastIndexByte(typ, '/')+1:]
	if strings.Count(typ, ".") > 1 { // Java; Go has one, between package and name
		typ = typ[strings.LastIndexByte(typ, '.')+1:]
	}
	return typ
}

// innermost returns the last cause that a message quotes, in the way of Spring,
// without the name of its type.
func innermost(message, typ string) string {
	const nested = "nested exception is "
	if i := strings.LastIndex(message, nested); i >= 0 {
		message = message[i+len(nested):]
		message = strings.TrimSuffix(message, "] with root cause")
	}
	if typ != "" {
		message = strings.TrimPrefix(message, typ+": ")
	}
	return strings.TrimSpace(message)
}
