package correlate

import (
	"reflect"
	"strings"
)

// maxChain bounds how many errors of a tree are looked at.
const maxChain = 32

// ErrorType returns the type that says most about an error: that of the first in
// its tree, the error itself before what it wraps, that is not one of those any
// error in Go may have, such as *fmt.wrapError. If there is none it is the type
// of the error itself. The name is that of the fmt verb %T, but for the numbers
// that tell local types apart.
func ErrorType(err error) string {
	first := ""
	for _, e := range ErrorChain(err) {
		name := typeName(e)
		if !isWrapper(name) {
			return name
		}
		if first == "" {
			first = name
		}
	}
	return first
}

// typeName returns the name of an error's type. As an argument of another type a
// local one is numbered, pkg.Of[pkg.local·2]: in another build it has another
// number.
func typeName(err error) string {
	name := reflect.TypeOf(err).String()
	before, after, found := strings.Cut(name, "·")
	if !found {
		return name
	}
	var b strings.Builder
	for ; found; before, after, found = strings.Cut(after, "·") {
		b.WriteString(before)
		after = strings.TrimLeft(after, "0123456789")
	}
	b.WriteString(before)
	return b.String()
}

// ErrorChain returns an error and what it wraps, each before what is in it, as
// errors.Is goes through them; at most 32. It knows the methods by which errors
// of widely used packages tell what they hold, beside Unwrap. One whose method
// panics holds nothing.
func ErrorChain(err error) []error {
	return appendChain(nil, err)
}

func appendChain(chain []error, err error) []error {
	// Not by recursion where an error holds one: such chains can be long.
	for err != nil && len(chain) < maxChain {
		chain = append(chain, err)
		many, one := wrapped(err)
		for _, err := range many[:min(len(many), maxChain)] {
			chain = appendChain(chain, err)
		}
		err = one
	}
	return chain
}

// wrapped returns what an error holds: many errors, or one.
func wrapped(err error) (many []error, one error) {
	defer func() {
		if recover() != nil { // a nil pointer in an interface, for instance
			many, one = nil, nil
		}
	}()
	switch e := err.(type) {
	case interface{ WrappedErrors() []error }: // hashicorp/go-multierror, which unwraps to a list of its own
		return e.WrappedErrors(), nil
	case interface{ Unwrap() error }:
		return nil, e.Unwrap()
	case interface{ Unwrap() []error }:
		return e.Unwrap(), nil
	case interface{ Cause() error }: // pkg/errors, before errors could be unwrapped
		return nil, e.Cause()
	case interface{ Errors() []error }: // Kubernetes' aggregates
		return e.Errors(), nil
	}
	return nil, nil
}

// isWrapper reports whether a type says nothing in Go: any error may have it,
// since it holds a text or wraps another error.
func isWrapper(name string) bool {
	pkg, typ, ok := strings.Cut(strings.TrimPrefix(name, "*"), ".")
	if !ok {
		return false
	}
	switch pkg {
	case "errors": // of the standard library, pkg/errors, juju, emperror, go-errors, Kratos, Kubernetes
		switch typ {
		case "errorString", "joinError", "fundamental", "withStack", "withMessage", "withDetails", "plainError", "fmtError",
			"Err", "Error", "locationError", "ConstError", "aggregate", "multiError":
			return true
		}
	case "fmt":
		return typ == "wrapError" || typ == "wrapErrors" || typ == "fmtError"
	case "xerrors":
		return typ == "errorString" || typ == "wrapError" || typ == "noWrapError" || typ == "noWrapper" || typ == "fmtError"
	case "multierror", "multierr", "errwrap":
		return typ == "Error" || typ == "chain" || typ == "multiError" || typ == "wrappedError"
	case "eris":
		return typ == "rootError" || typ == "wrapError"
	case "oops":
		return typ == "OopsError"
	case "withstack", "errutil", "markers", "secondary", "hintdetail", "barriers", "assert", "domains", "telemetrykeys", "issuelink",
		"join", "safedetails", "contexttags", "exthttp", "extgrpc", "errbase": // of cockroachdb/errors
		return strings.HasPrefix(typ, "with") || strings.HasPrefix(typ, "opaque") ||
			typ == "leafError" || typ == "barrierErr" || typ == "joinError" || typ == "unimplementedError"
	}
	return false
}

// SaysNothing reports whether a type of an exception tells no failure from
// another, because any error in Go may have it: *errors.errorString,
// *fmt.wrapError and the like. So does none at all, or a status in its place.
func SaysNothing(typ string) bool { return !isTypeName(typ) || isWrapper(typ) }

// shortType returns the name of a type in Go as %T prints it, without what
// makes it a pointer: some record its whole path, such as the SDKs for logs,
// and for spans where it is no pointer. Of a package that ends in a version the
// name is the element before.
func shortType(name string) string {
	name = strings.TrimLeft(name, "*")
	slash := strings.LastIndexByte(name, '/')
	if slash < 0 {
		return name
	}
	pkg, typ, ok := strings.Cut(name[slash+1:], ".")
	if !ok {
		return name // no type of Go
	}
	if isMajor(pkg) {
		pkg = name[strings.LastIndexByte(name[:slash], '/')+1 : slash]
	} else if v, rest, ok := strings.Cut(typ, "."); ok && isMajor(v) { // gopkg.in/yaml.v3
		typ = rest
	}
	return pkg + "." + typ
}

// isMajor reports whether an element of a path is a major version.
func isMajor(s string) bool { return len(s) > 1 && s[0] == 'v' && isNumber(s[1:]) }
