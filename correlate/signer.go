package correlate

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strconv"
	"sync"
)

// revision is what one version of the algorithm does that the one before did
// not.
type revision struct {
	dependency bool // a dependency that failed stands for what called it
	meaning    bool // type and message are looked for wherever they may be recorded
	brief      bool // components are encoded by their numbers, and a service without its namespace
}

// revisions are all versions, by number. There is a new one when the same
// occurrence would get another ID.
var revisions = [...]revision{1: {}, 2: {dependency: true, meaning: true, brief: true}}

// signatureVersion is the newest version.
const signatureVersion = len(revisions) - 1

// Signer computes signatures. Its zero value is ready to use.
type Signer struct {
	// Module is the path of the main module of the process, so that its stack
	// frames can be told from others. Empty means unknown.
	Module string
	// Version is that of the algorithm. 0 means the newest, and so does one
	// that there is not.
	Version int
}

func (s Signer) version() int {
	if s.Version <= 0 || s.Version > signatureVersion {
		return signatureVersion
	}
	return s.Version
}

// Sign computes the signature of an occurrence. What varies between
// occurrences of one problem is kept out of it: trace ids, instances,
// versions, times, line numbers, and the variable parts of names and messages
// (see [Mask]). Service and environment are always part of it.
//
// Where a call failed because what it calls is not available, the dependency
// is the problem, whichever operation was calling it.
func (s Signer) Sign(o Occurrence, spec Spec) Signature {
	w := signings.Get().(*signing)
	defer w.release()
	w.sign(s, &o, spec)

	text := string(w.text)
	components := make([]Component, 0, w.count+len(spec.Values)+min(len(spec.Rule), 1))
	begin := 0
	for i, p := range w.parts {
		if p.why != "" {
			components = append(components, Component{componentNames[i], text[begin:p.end], p.used, p.why})
		}
		begin = p.end
	}
	for _, v := range spec.Values {
		components = append(components, Component{componentRule, v, true, "the rule's signature is made of it"})
	}
	if spec.Rule != "" {
		components = append(components, Component{componentRule, spec.Rule, true, "its problems are apart from those of other rules"})
	}
	return Signature{ID: text[begin:], Version: s.version(), Components: components}
}

// ID returns the ID of the signature that Sign computes, for less: nothing is
// kept of what went into it.
func (s Signer) ID(o Occurrence, spec Spec) string {
	w := signings.Get().(*signing)
	defer w.release()
	w.sign(s, &o, spec)
	return string(w.text[w.parts[componentCount-1].end:])
}

// Earlier returns the ID that an occurrence had by the version before, so that
// the problem that it was counted on then is found. It is "" if there is no
// such version, or the rule names a component that it did not have.
func (s Signer) Earlier(o Occurrence, spec Spec) string {
	s.Version = s.version() - 1
	if s.Version == 0 || !revisions[s.Version].dependency && slices.Contains(spec.Components, componentNames[componentDependency]) {
		return ""
	}
	return s.ID(o, spec)
}

// signing is one computation of a signature. All text goes into one buffer, and
// buffers are used again: a storm of failures is signed one by one.
type signing struct {
	text    []byte // the values of all components, and the ID
	encoded []byte // what the ID is of
	parts   [componentCount]part
	count   int // of components that there are
}

// part is one component.
type part struct {
	used bool
	why  string
	end  int // of its value in the text
}

var signings = sync.Pool{New: func() any { return new(signing) }}

func (w *signing) release() {
	if cap(w.text)+cap(w.encoded) > 64<<10 {
		w.text, w.encoded = nil, nil
	}
	signings.Put(w)
}

func (w *signing) sign(s Signer, o *Occurrence, spec Spec) {
	version := s.version()
	does := revisions[version]
	buf, enc := w.text[:0], append(w.encoded[:0], byte(version))
	w.parts, w.count = [componentCount]part{}, 0
	var said Exception // what texts say that were not recorded as an exception's
	if does.meaning && spec.Fold == "" {
		said = exceptionInText(o)
	}
	enc = appendField(enc, o.Scope.Namespace) // a slash in it must not move into the service
	stands := false                           // the dependency stands for what called it
	for i := range w.parts {
		p, begin := &w.parts[i], len(buf)
		if i == componentDependency && !does.dependency {
			p.end = begin
			continue
		}
		w.count++
		if why := spec.leavesOut(i); why != "" && spec.Fold != "" { // and so need not be masked
			p.why, p.end = why, len(buf)
			continue
		}
		buf, p.used, p.why = s.appendComponent(buf, i, o, said)
		if why := spec.leavesOut(i); why != "" {
			p.used, p.why = false, why
		} else if stands && p.used {
			p.used, p.why = false, "not used: the dependency stands for it"
		}
		if i == componentDependency {
			stands = p.used && !spec.chooses()
		}
		switch {
		case !p.used:
		case !does.brief:
			enc = appendField(appendField(enc, componentNames[i]), buf[begin:])
		case i == componentService:
			enc = appendField(append(enc, byte(i)), serviceName(o.Scope))
		default:
			enc = appendField(append(enc, byte(i)), buf[begin:])
		}
		p.end = len(buf)
	}
	if does.brief && len(spec.Values)+len(spec.Rule)+len(spec.Fold) > 0 {
		enc = append(enc, byte(componentCount)) // which is that of no component
	}
	for _, v := range spec.Values {
		enc = appendField(appendField(enc, componentRule), v)
	}
	if spec.Rule != "" {
		enc = appendField(appendField(enc, componentApart), spec.Rule)
	}
	if spec.Fold != "" {
		enc = appendField(appendField(enc, componentFold), string(spec.Fold))
	}
	w.text, w.encoded = appendID(buf, version, enc), enc
}

// componentRule is the name of the components that a rule's own values make.
const componentRule = "rule"

// componentApart encodes the name of a rule, so that no value of a rule's own
// is taken for it.
const componentApart = "rule name"

// componentFold encodes that signatures are counted as one, which no other
// signature says.
const componentFold = "fold"

// appendField appends text so that no two sequences of fields have the same
// encoding.
func appendField[T string | []byte](dst []byte, text T) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(text)))
	return append(dst, text...)
}

// appendID appends the ID of what was encoded: 26 digits of base32, which are 130
// bits of its SHA-256.
func appendID(dst []byte, version int, encoded []byte) []byte {
	const digits, alphabet = 26, "abcdefghijklmnopqrstuvwxyz234567"
	sum := sha256.Sum256(encoded)
	dst = append(dst, 'v')
	dst = strconv.AppendInt(dst, int64(version), 10)
	for bit := 0; bit < 5*digits; bit += 5 {
		two := uint(sum[bit/8])<<8 | uint(sum[bit/8+1])
		dst = append(dst, alphabet[two>>(11-bit%8)&31])
	}
	return dst
}
