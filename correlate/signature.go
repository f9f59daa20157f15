package correlate

import (
	"cmp"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// signatureVersion is raised when the same occurrence would get another ID.
const signatureVersion = 1

// Signature is the identity of "the same problem": the same failure, whoever
// saw it, has the same ID. It depends on nothing but the occurrence and the
// rule, so that replicas that never met, and the process after a restart,
// agree on it.
type Signature struct {
	ID         string      `json:"id"`      // "v1" and 26 digits of base32: [a-z2-7]
	Version    int         `json:"version"` // of the algorithm
	Components []Component `json:"components"`
}

// Component is one thing that was looked at to compute a signature.
type Component struct {
	Name  string `json:"name"`  // one of [ComponentNames], or rule for a rule's own
	Value string `json:"value"` // as it went in, normalised
	Used  bool   `json:"used"`
	Why   string `json:"why"` // why it was used or left out
}

// Names of components, in the order in which they are encoded.
const (
	componentService = iota
	componentEnvironment
	componentOperation
	componentException
	componentMessage
	componentFrames
	componentCount
)

var componentNames = [componentCount]string{"service", "environment", "operation", "exception", "message", "frames"}

// ComponentNames returns the names that [Spec.Components] may hold.
func ComponentNames() []string { return slices.Clone(componentNames[:]) }

// Signer computes signatures. Its zero value is ready to use.
type Signer struct {
	// Module is the path of the main module of the process, so that its stack
	// frames can be told from others. Empty means unknown.
	Module string
}

// Spec says what makes a signature. Its zero value means the default: every
// component that says something.
type Spec struct {
	Components []string // names of components, instead of the default ones
	Values     []string // a rule's own values, instead of any component but service and environment
}

// Sign computes the signature of an occurrence. What varies between
// occurrences of one problem is kept out of it: trace ids, instances,
// versions, times, line numbers, and the variable parts of names and messages
// (see [Mask]). Service and environment are always part of it.
func (s Signer) Sign(o Occurrence, spec Spec) Signature {
	// All text goes into one buffer and becomes one string at the end: a storm
	// of failures is signed one by one.
	scratch := signScratches.Get().(*signScratch)
	defer signScratches.Put(scratch)
	buf := scratch.text[:0]
	var ends [componentCount]int
	components := make([]Component, componentCount, componentCount+len(spec.Values))
	for i := range components {
		c := &components[i]
		c.Name = componentNames[i]
		begin := len(buf)
		buf, c.Why = s.appendComponent(buf, i, &o)
		ends[i] = len(buf)
		c.Used, c.Why = spec.judge(i, len(buf) > begin, c.Why)
	}

	enc := append(scratch.encoded[:0], signatureVersion)
	begin := 0
	for i, end := range ends {
		if components[i].Used {
			enc = appendField(appendField(enc, componentNames[i]), buf[begin:end])
		}
		begin = end
	}
	for _, v := range spec.Values {
		enc = appendField(appendField(enc, componentRule), v)
		components = append(components, Component{Name: componentRule, Value: v, Used: true, Why: "the rule's signature is made of it"})
	}
	buf = appendID(buf, enc)
	scratch.text, scratch.encoded = buf, enc

	text := string(buf)
	begin = 0
	for i, end := range ends {
		components[i].Value = text[begin:end]
		begin = end
	}
	return Signature{ID: text[begin:], Version: signatureVersion, Components: components}
}

// signScratch holds buffers between calls of Sign.
type signScratch struct{ text, encoded []byte }

var signScratches = sync.Pool{New: func() any { return new(signScratch) }}

// componentRule is the name of the components that a rule's own values make.
const componentRule = "rule"

// judge decides whether a component counts, and why. why is what is known of
// it; where it begins with "not ", it is why the component cannot count.
func (spec Spec) judge(i int, found bool, why string) (bool, string) {
	switch {
	case i == componentService, i == componentEnvironment:
		return true, why
	case len(spec.Values) > 0:
		return false, "not used: the rule gives its own values"
	case len(spec.Components) > 0 && !slices.Contains(spec.Components, componentNames[i]):
		return false, "not used: the rule does not name it"
	case !found, strings.HasPrefix(why, "not "):
		return false, why
	}
	return true, why
}

// appendComponent appends the value of a component and says where it is from,
// or why it has none.
func (s Signer) appendComponent(dst []byte, i int, o *Occurrence) ([]byte, string) {
	switch i {
	case componentService:
		return appendService(dst, o.Scope), "always"
	case componentEnvironment:
		return append(dst, o.Scope.Environment...), "always"
	case componentOperation:
		if o.Operation == "" {
			return dst, "not recorded"
		}
		dst = appendOperation(dst, o.Operation)
		if o.Kind != "" {
			dst = append(append(append(dst, " ("...), o.Kind...), ')')
		}
		return dst, "span name and kind, numbers and ids masked"
	case componentException:
		return appendException(dst, o)
	case componentMessage:
		return appendMessage(dst, o)
	default:
		if o.Exception.Stacktrace == "" {
			return dst, "not recorded"
		}
		begin := len(dst)
		dst = appendFrames(dst, o.Exception.Stacktrace, s.Module)
		if len(dst) == begin {
			return dst, "not in the stack: no frame of the application"
		}
		return dst, "top frames of the application"
	}
}

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

func appendException(dst []byte, o *Occurrence) ([]byte, string) {
	const limit = 256
	name, why := o.Exception.Type, "type of the exception"
	if name == "" {
		name, why = AttrString(o.Attributes, "error.type"), "error.type"
		if !isTypeName(name) {
			name, why = "", "not recorded"
		}
	}
	if isMuteType(name) {
		why = "not used: any error in Go may have this type"
	}
	return append(dst, maskCut(name, limit)...), why
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
func appendMessage(dst []byte, o *Occurrence) ([]byte, string) {
	if o.Exception.Message != "" {
		return appendMask(dst, o.Exception.Message), "message of the exception, what varies masked"
	}
	if o.Message != "" {
		return appendMask(dst, o.Message), "status description, what varies masked"
	}
	// The same failure may be recorded with its type here or there.
	switch t := cmp.Or(AttrString(o.Attributes, "error.type"), o.Exception.Type); {
	case isNumber(t):
		return append(append(dst, "status "...), t...), "error.type"
	case isTypeName(t) && !isMuteType(t):
		return appendMask(dst, t), "no message was recorded: type of the error"
	}
	for _, source := range statusSources {
		for _, key := range source.keys {
			if code := statusCode(Attr(o.Attributes, key)); code != "" {
				if source.names != nil {
					code = source.names(code)
				}
				return append(append(dst, source.prefix...), code...), key
			}
		}
	}
	return dst, "not recorded"
}

// statusSources lists the attributes that hold a status, newest names first.
var statusSources = []struct {
	prefix string
	keys   []string
	names  func(string) string
}{
	{"status ", []string{"http.response.status_code", "http.status_code"}, nil},
	{"rpc status ", []string{"rpc.response.status_code", "rpc.status_code", "rpc.grpc.status_code", "rpc.connect_rpc.error_code", "rpc.jsonrpc.error_code"}, grpcName},
	{"database status ", []string{"db.response.status_code"}, nil},
}

func statusCode(v any) string {
	switch v := v.(type) {
	case string:
		return maskCut(v, 128)
	case int64:
		return strconv.FormatInt(v, 10)
	}
	return ""
}

// grpcName returns the name of a gRPC status, which older conventions record
// as a number.
func grpcName(code string) string {
	names := [...]string{"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
		"RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"}
	if n, err := strconv.Atoi(code); err == nil && n >= 0 && n < len(names) {
		return names[n]
	}
	return code
}

// appendField appends text so that no two sequences of fields have the same
// encoding.
func appendField[T string | []byte](dst []byte, text T) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(text)))
	return append(dst, text...)
}

var idEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// appendID appends the ID of what was encoded.
func appendID(dst, encoded []byte) []byte {
	const digits = 26
	sum := sha256.Sum256(encoded)
	dst = append(dst, 'v')
	dst = strconv.AppendInt(dst, signatureVersion, 10)
	begin := len(dst)
	dst = idEncoding.AppendEncode(dst, sum[:])
	return dst[:begin+digits]
}

// Explain says what went into the signature and what did not, and why, one
// component a line.
func (s Signature) Explain() string {
	var b strings.Builder
	b.WriteString(s.ID)
	b.WriteByte('\n')
	for _, c := range s.Components {
		mark := "  - "
		if c.Used {
			mark = "  + "
		}
		b.WriteString(mark)
		b.WriteString(c.Name)
		b.WriteString(": ")
		if c.Value != "" {
			b.WriteString(c.Value)
			b.WriteByte(' ')
		}
		b.WriteByte('[')
		b.WriteString(c.Why)
		b.WriteString("]\n")
	}
	return b.String()
}
