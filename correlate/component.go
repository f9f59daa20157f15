package correlate

import (
	"cmp"
	"strings"
)

// appendComponent appends the value of a component. It reports whether that
// says anything, and where it is from or why it does not.
func (s Signer) appendComponent(dst []byte, i int, o *Occurrence) ([]byte, bool, string) {
	switch i {
	case componentService:
		return appendService(dst, o.Scope), true, "always"
	case componentEnvironment:
		return append(dst, o.Scope.Environment...), true, "always"
	case componentDependency:
		return appendDependency(dst, o)
	case componentOperation:
		if o.Operation == "" {
			return dst, false, notRecorded
		}
		dst = appendOperation(dst, o.Operation)
		if o.Kind != "" {
			dst = append(append(append(dst, " ("...), o.Kind...), ')')
		}
		return dst, true, "span name and kind, numbers and ids masked"
	case componentException:
		return s.appendException(dst, o)
	case componentMessage:
		return appendMessage(dst, o)
	default:
		if o.Exception.Stacktrace == "" {
			return dst, false, notRecorded
		}
		begin := len(dst)
		dst = appendFrames(dst, o.Exception.Stacktrace, s.Module)
		if len(dst) == begin {
			return dst, false, "no frame of the application in the stack"
		}
		return dst, true, "top frames of the application"
	}
}

const notRecorded = "not recorded"

// unknownService is what SDKs call a service without a name, often with the
// name of its executable after it.
const unknownService = "unknown_service"

func appendService(dst []byte, s Scope) []byte {
	if s.Namespace != "" {
		dst = append(append(dst, s.Namespace...), '/')
	}
	if s.Service == "" || strings.HasPrefix(s.Service, unknownService+":") {
		return append(dst, unknownService...)
	}
	return append(dst, s.Service...)
}

func (s Signer) appendException(dst []byte, o *Occurrence) ([]byte, bool, string) {
	const limit = 256
	name, why := o.Exception.Type, "type of the exception"
	if name == "" || isMuteType(name) && revisions[s.version()].meaning {
		if t := AttrString(o.Attributes, "error.type"); isTypeName(t) && (name == "" || !isMuteType(t)) {
			name, why = t, "error.type"
		}
	}
	if name == "" {
		return dst, false, notRecorded
	}
	dst = append(dst, maskCut(name, limit)...)
	if isMuteType(name) {
		return dst, false, "not used: any error in Go may have this type"
	}
	return dst, true, why
}

// isTypeName reports whether an error.type names a type: it may hold a status
// code, or say that the type is not known.
func isTypeName(s string) bool {
	return s != "" && s != "_OTHER" && !isNumber(s)
}

func isNumber(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// isMuteType reports whether a type says nothing in Go: these hold a text or
// wrap another error.
func isMuteType(name string) bool {
	switch strings.TrimPrefix(name, "*") {
	case "errors.errorString", "errors.joinError", "errors.fmtError", "fmt.wrapError", "fmt.wrapErrors", "fmt.fmtError",
		"errors.fundamental", "errors.withStack", "errors.withMessage",
		"xerrors.errorString", "xerrors.wrapError", "xerrors.noWrapError", "xerrors.fmtError",
		"withstack.withStack", "errutil.leafError", "errutil.withPrefix", "multierror.Error", "multierr.multiError":
		return true
	}
	return false
}

// appendMessage appends what was said about the failure, by whatever said it
// best.
func appendMessage(dst []byte, o *Occurrence) ([]byte, bool, string) {
	begin := len(dst)
	if dst = appendMask(dst, o.Exception.Message); len(dst) > begin {
		return dst, true, "message of the exception, what varies masked"
	}
	if dst = appendMask(dst, o.Message); len(dst) > begin {
		return dst, true, "status description, what varies masked"
	}
	// The same failure may be recorded with its type here or there.
	switch t := cmp.Or(AttrString(o.Attributes, "error.type"), o.Exception.Type); {
	case isNumber(t):
		return append(append(dst, "status "...), t...), true, "error.type"
	case isTypeName(t) && !isMuteType(t):
		return appendMask(dst, t), true, "no message was recorded: type of the error"
	}
	for _, source := range statusSources {
		for _, key := range source.keys {
			if code := statusCode(Attr(o.Attributes, key)); code != "" {
				if source.names != nil {
					code = source.names(code)
				}
				return append(append(dst, source.prefix...), code...), true, key
			}
		}
	}
	return dst, false, notRecorded
}
