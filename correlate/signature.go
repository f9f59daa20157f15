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
	Rule       string   // name of the rule, if its problems are to be apart from those of other rules
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
		buf, c.Used, c.Why = s.appendComponent(buf, i, &o)
		ends[i] = len(buf)
		if why := spec.leavesOut(i); why != "" {
			c.Used, c.Why = false, why
		}
	}

	enc := append(scratch.encoded[:0], signatureVersion)
	enc = appendField(enc, o.Scope.Namespace) // a slash in it must not move into the service
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
	if spec.Rule != "" {
		enc = appendField(appendField(enc, componentApart), spec.Rule)
		components = append(components, Component{Name: componentRule, Value: spec.Rule, Used: true, Why: "its problems are apart from those of other rules"})
	}
	buf = appendID(buf, enc)
	if cap(buf)+cap(enc) < 64<<10 {
		scratch.text, scratch.encoded = buf, enc
	}

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

// componentApart encodes the name of a rule, so that no value of a rule's own
// is taken for it.
const componentApart = "rule name"

// leavesOut says why a component is not to be used, or "" if it is.
func (spec Spec) leavesOut(i int) string {
	switch {
	case i == componentService, i == componentEnvironment:
		return ""
	case len(spec.Values) > 0:
		return "not used: the rule gives its own values"
	case len(spec.Components) > 0 && !slices.Contains(spec.Components, componentNames[i]):
		return "not used: the rule does not name it"
	}
	return ""
}

// appendComponent appends the value of a component. It reports whether that
// says anything, and where it is from or why it does not.
func (s Signer) appendComponent(dst []byte, i int, o *Occurrence) ([]byte, bool, string) {
	switch i {
	case componentService:
		return appendService(dst, o.Scope), true, "always"
	case componentEnvironment:
		return append(dst, o.Scope.Environment...), true, "always"
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
		return appendException(dst, o)
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

func appendException(dst []byte, o *Occurrence) ([]byte, bool, string) {
	const limit = 256
	name, why := o.Exception.Type, "type of the exception"
	if name == "" {
		name, why = AttrString(o.Attributes, "error.type"), "error.type"
		if !isTypeName(name) {
			return dst, false, notRecorded
		}
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
