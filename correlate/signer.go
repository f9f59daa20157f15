package correlate

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// revision is what one version of the algorithm does that the one before did
// not.
type revision struct {
	dependency bool // a dependency that failed stands for what called it
	meaning    bool // type and message are looked for wherever they may be recorded
}

// revisions are all versions, by number. There is a new one when the same
// occurrence would get another ID.
var revisions = [...]revision{1: {}, 2: {dependency: true, meaning: true}}

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
	// All text goes into one buffer and becomes one string at the end: a storm
	// of failures is signed one by one.
	scratch := signScratches.Get().(*signScratch)
	defer signScratches.Put(scratch)
	version := s.version()
	does := revisions[version]
	buf := scratch.text[:0]
	var parts [componentCount]struct {
		used bool
		why  string
		end  int // of its value in buf
	}
	var said Exception // what texts say that were not recorded as an exception's
	if does.meaning {
		said = exceptionInText(&o)
	}
	enc := append(scratch.encoded[:0], byte(version))
	enc = appendField(enc, o.Scope.Namespace) // a slash in it must not move into the service
	begin, count := 0, 0
	stands := false // the dependency stands for what called it
	for i := range parts {
		p := &parts[i]
		if i == componentDependency && !does.dependency {
			p.end = begin
			continue
		}
		count++
		buf, p.used, p.why = s.appendComponent(buf, i, &o, said)
		if why := spec.leavesOut(i); why != "" {
			p.used, p.why = false, why
		} else if stands && p.used {
			p.used, p.why = false, "not used: the dependency stands for it"
		}
		if i == componentDependency {
			stands = p.used && !spec.chooses()
		}
		if p.used {
			enc = appendField(appendField(enc, componentNames[i]), buf[begin:])
		}
		begin, p.end = len(buf), len(buf)
	}
	for _, v := range spec.Values {
		enc = appendField(appendField(enc, componentRule), v)
	}
	if spec.Rule != "" {
		enc = appendField(appendField(enc, componentApart), spec.Rule)
	}
	buf = appendID(buf, version, enc)
	if cap(buf)+cap(enc) < 64<<10 {
		scratch.text, scratch.encoded = buf, enc
	}

	text := string(buf)
	begin = 0
	components := make([]Component, 0, count+len(spec.Values)+min(len(spec.Rule), 1))
	for i, p := range parts {
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
	return Signature{ID: text[begin:], Version: version, Components: components}
}

// Earlier returns the ID that an occurrence had by the version before, so that
// the problem that it was counted on then is found. It is "" if there is no
// such version, or the rule names a component that it did not have.
func (s Signer) Earlier(o Occurrence, spec Spec) string {
	s.Version = s.version() - 1
	if s.Version == 0 || !revisions[s.Version].dependency && slices.Contains(spec.Components, componentNames[componentDependency]) {
		return ""
	}
	return strings.Clone(s.Sign(o, spec).ID) // it lies in a text with all components
}

// signScratch holds buffers between calls of Sign.
type signScratch struct{ text, encoded []byte }

var signScratches = sync.Pool{New: func() any { return new(signScratch) }}

// componentRule is the name of the components that a rule's own values make.
const componentRule = "rule"

// componentApart encodes the name of a rule, so that no value of a rule's own
// is taken for it.
const componentApart = "rule name"

// appendField appends text so that no two sequences of fields have the same
// encoding.
func appendField[T string | []byte](dst []byte, text T) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(text)))
	return append(dst, text...)
}

var idEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// appendID appends the ID of what was encoded.
func appendID(dst []byte, version int, encoded []byte) []byte {
	const digits = 26
	sum := sha256.Sum256(encoded)
	dst = append(dst, 'v')
	dst = strconv.AppendInt(dst, int64(version), 10)
	begin := len(dst)
	dst = idEncoding.AppendEncode(dst, sum[:])
	return dst[:begin+digits]
}
