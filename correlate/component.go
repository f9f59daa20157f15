package correlate

import (
	"cmp"
	"strings"
)

// appendComponent appends the value of a component. It reports whether that
// says anything, and where it is from or why it does not.
func (s Signer) appendComponent(dst []byte, i int, o *Occurrence, said Exception) ([]byte, bool, string) {
	switch i {
	case componentService:
		return appendService(dst, o.Scope), true, "always"
	case componentEnvironment:
		return append(dst, o.Scope.Environment...), true, "always"
	case componentDependency:
		return appendDependency(dst, o, said)
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
		return s.appendException(dst, o, said)
	case componentMessage:
		return appendMessage(dst, o, said)
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
	return append(dst, serviceName(s)...)
}

// serviceName returns the name of a service, without that of its executable if
// it has no other.
func serviceName(s Scope) string {
	if s.Service == "" || strings.HasPrefix(s.Service, unknownService+":") {
		return unknownService
	}
	return s.Service
}

// exceptionInText returns what the stack of an exception says of its type and
// message where they were not recorded, or else what a status description says
// that begins with a type, as SDKs make it of an exception.
func exceptionInText(o *Occurrence) (said Exception) {
	switch {
	case o.Exception.Type != "":
	case o.Exception.Stacktrace != "":
		said.Type, said.Message = stackHead(o.Exception.Stacktrace)
	case o.Exception.Message == "" && strings.Contains(o.Message, ": "):
		said.Type, said.Message = headLine(o.Message[:min(len(o.Message), maskLimit)])
		if !strings.HasSuffix(said.Type, "Error") && !strings.HasSuffix(said.Type, "Exception") {
			said = Exception{}
		}
	}
	return said
}

func (s Signer) appendException(dst []byte, o *Occurrence, said Exception) ([]byte, bool, string) {
	const limit = 256
	name, why := o.Exception.Type, "type of the exception"
	if name == "" || isWrapper(name) && revisions[s.version()].meaning {
		if t := AttrString(o.Attributes, "error.type"); isTypeName(t) && (name == "" || !isWrapper(t)) {
			name, why = t, "error.type"
		}
	}
	if name == "" {
		name, why = said.Type, "as a text says"
	}
	if name == "" {
		return dst, false, notRecorded
	}
	if revisions[s.version()].meaning {
		name = shortType(name)
	}
	dst = append(dst, maskCut(name, limit)...)
	if isWrapper(name) {
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

// appendMessage appends what was said about the failure, by whatever said it
// best.
func appendMessage(dst []byte, o *Occurrence, said Exception) ([]byte, bool, string) {
	begin := len(dst)
	if dst = appendMask(dst, o.Exception.Message); len(dst) > begin {
		return dst, true, "message of the exception, what varies masked"
	}
	if dst = appendMask(dst, said.Message); len(dst) > begin {
		return dst, true, "message that a text says after the type, what varies masked"
	}
	if dst = appendMask(dst, o.Message); len(dst) > begin {
		return dst, true, "status description, what varies masked"
	}
	// The same failure may be recorded with its type here or there.
	switch t := cmp.Or(AttrString(o.Attributes, "error.type"), o.Exception.Type); {
	case isNumber(t):
		return append(append(dst, "status "...), t...), true, "error.type"
	case isTypeName(t) && !isWrapper(t):
		return appendMask(dst, shortType(t)), true, "no message was recorded: type of the error"
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
