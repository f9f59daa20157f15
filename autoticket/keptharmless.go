package autoticket

import (
	"hash/maphash"
	"strings"
	"sync/atomic"

	"github.com/spanticket/spanticket/redact"
)

const (
	// harmlessSlots bounds what is known to be harmless: where two meet, the newer
	// one is known. It is a power of two.
	harmlessSlots = 1 << 9
	// maxHarmless is the longest text that is remembered, in bytes.
	maxHarmless = 2 * keptValue
)

// harmless remembers texts and attributes that a redactor has left as they were.
// What it leaves depends on nothing but the key and the value, and of most spans
// they are those of the span before: of the resource, the method, the route. It is
// safe for concurrent use.
type harmless struct {
	seed  maphash.Seed
	slots [harmlessSlots]atomic.Pointer[keptAttribute]
}

func newHarmless() *harmless { return &harmless{seed: maphash.MakeSeed()} }

// keyOfText is the key under which texts are remembered that have none. No
// attribute has it: it is longer than those that are kept.
var keyOfText = strings.Repeat("text ", keptName)

func (h *harmless) slot(a keptAttribute) *atomic.Pointer[keptAttribute] {
	return &h.slots[maphash.Comparable(h.seed, a)%harmlessSlots]
}

func (h *harmless) has(a keptAttribute) bool {
	known := h.slot(a).Load()
	return known != nil && *known == a
}

func (h *harmless) add(a keptAttribute) {
	if s, ok := a.Value.(string); ok {
		if len(s) > maxHarmless {
			return
		}
		a.Value = strings.Clone(s) // it may be a part of a long one
	}
	h.slot(a).Store(&a)
}

// redact redacts what an occurrence says, and looks only at what is not known.
func (h *harmless) redact(r *redact.Redactor, t *keptText) error {
	texts := []*string{&t.Operation, &t.Message, &t.Library, &t.Exception.Type, &t.Exception.Message, &t.Exception.Stacktrace}
	was := make([]string, len(texts))
	known := make([]bool, len(texts))
	for i, text := range texts {
		was[i] = *text
		if known[i] = len(was[i]) <= maxHarmless && h.has(keptAttribute{keyOfText, was[i]}); known[i] {
			*text = ""
		}
	}
	attrs, resource := h.split(t.Attributes), h.split(t.Resource)
	t.Attributes, t.Resource = attrs.news, resource.news
	if err := r.Document(t); err != nil { // all of it: a field that is added is not forgotten
		return err
	}
	for i, text := range texts {
		switch {
		case known[i]:
			*text = was[i]
		case *text == was[i]:
			h.add(keptAttribute{keyOfText, was[i]})
		}
	}
	t.Attributes, t.Resource = h.join(attrs, t.Attributes), h.join(resource, t.Resource)
	return nil
}

// split is attributes, and those of them that must be looked at.
type split struct {
	all, news []keptAttribute
	at        []int // where in all the news are
}

func (h *harmless) split(all []keptAttribute) split {
	s := split{all: all}
	for i, a := range all {
		if !h.has(a) {
			s.news, s.at = append(s.news, a), append(s.at, i)
		}
	}
	return s
}

// join puts what was redacted where it was.
func (h *harmless) join(s split, redacted []keptAttribute) []keptAttribute {
	for i, a := range redacted {
		if a == s.all[s.at[i]] {
			h.add(a)
		}
		s.all[s.at[i]] = a
	}
	return s.all
}
