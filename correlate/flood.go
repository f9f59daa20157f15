package correlate

import (
	"cmp"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fold says which signatures are counted as one, where there are too many of them.
type Fold string

const (
	FoldOperation Fold = "operation" // those of a rule and operation
	FoldRule      Fold = "rule"      // those of a rule
	FoldService   Fold = "service"   // those of a service: there was no room for more
)

const (
	// maxFields bounds the components of a flood's signatures that are looked at.
	maxFields = int(componentCount) + 8
	// maxExamples bounds the values of a component that are told, and maxExample
	// the bytes of each.
	maxExamples = 3
	maxExample  = 200
)

// Flood is what is known of signatures that are counted as one problem, because
// there are too many: which of their components varies.
type Flood struct {
	Fold       Fold      `json:"fold"`
	Since      time.Time `json:"since"`
	Signatures Sketch    `json:"signatures"` // distinct ones
	Fields     []Varying `json:"fields"`     // of the signatures, the one with most values first
}

// Varying is one component of the signatures of a flood.
type Varying struct {
	Component string   `json:"component"` // as in [Spec.Components], or "rule 1" and so on for a rule's own values
	Field     string   `json:"field"`     // that it is made of, such as exception.message
	Values    Sketch   `json:"values"`    // distinct ones
	Examples  []string `json:"examples"`  // a few of them, redacted
}

// Add counts the signature of an occurrence, which spec makes, in place.
func (f *Flood) Add(s Signer, o *Occurrence, spec Spec) {
	id := f.each(s, o, spec, func(v *Varying, value []byte) { v.Values.Add(hashOf(value)) })
	f.Signatures.Add(id)
}

// Show adds an occurrence that was redacted to the examples, in place.
func (f *Flood) Show(s Signer, o *Occurrence, spec Spec) {
	f.each(s, o, spec, func(v *Varying, value []byte) { v.show(string(value)) })
}

// each signs an occurrence, calls fn with each component that is a part of the
// signature, and returns the hash of its ID.
func (f *Flood) each(s Signer, o *Occurrence, spec Spec, fn func(v *Varying, value []byte)) uint64 {
	w := signings.Get().(*signing)
	defer w.release()
	w.sign(s, o, spec)
	begin := 0
	for i, p := range w.parts {
		if p.used && i != componentService && i != componentEnvironment {
			fn(f.field(componentNames[i], fieldOf(i, o)), w.text[begin:p.end])
		}
		begin = p.end
	}
	for i, value := range spec.Values {
		if i >= maxFields-int(componentCount) {
			break
		}
		name := componentRule + " " + strconv.Itoa(i+1)
		fn(f.field(name, "value "+strconv.Itoa(i+1)+" of the rule's signature"), []byte(value))
	}
	return hashOf(w.text[begin:])
}

// field returns what is known of a component.
func (f *Flood) field(component, field string) *Varying {
	for i := range f.Fields {
		if f.Fields[i].Component == component {
			return &f.Fields[i]
		}
	}
	f.Fields = append(f.Fields, Varying{Component: component, Field: field})
	return &f.Fields[len(f.Fields)-1]
}

// fieldOf names what a component of an occurrence is made of, as rules do.
func fieldOf(i int, o *Occurrence) string {
	switch {
	case i == componentOperation:
		return "span.name"
	case i == componentException:
		return "exception.type"
	case i == componentFrames:
		return "exception.stacktrace"
	case i == componentMessage && (o.Exception.Message != "" || o.Message == ""):
		return "exception.message"
	case i == componentMessage:
		return "span.status.message"
	}
	return componentNames[i]
}

func hashOf(value []byte) uint64 {
	h := fnv.New64a()
	h.Write(value)
	return spread(h.Sum64())
}

// show adds an example. The first ones stay, and the newest.
func (v *Varying) show(value string) {
	if len(value) > maxExample {
		value = strings.ToValidUTF8(value[:maxExample], "") + "…"
	}
	if value == "" || slices.Contains(v.Examples, value) {
		return
	}
	if len(v.Examples) == maxExamples {
		v.Examples = v.Examples[:maxExamples-1]
	}
	v.Examples = append(v.Examples, value)
}

// Merge returns what both know. Neither is changed, and either may be nil.
func (f *Flood) Merge(other *Flood) *Flood {
	if f == nil || other == nil {
		return cmp.Or(f, other)
	}
	out := &Flood{Fold: other.Fold, Since: f.Since, Signatures: f.Signatures.clone()}
	if other.Since.Before(out.Since) {
		out.Since = other.Since
	}
	out.Signatures.Merge(other.Signatures)
	for _, v := range f.Fields {
		v.Values, v.Examples = v.Values.clone(), slices.Clone(v.Examples)
		out.Fields = append(out.Fields, v)
	}
	for _, v := range other.Fields {
		if len(out.Fields) >= maxFields && !slices.ContainsFunc(out.Fields, func(have Varying) bool { return have.Component == v.Component }) {
			continue
		}
		have := out.field(v.Component, v.Field)
		have.Values.Merge(v.Values)
		for _, e := range v.Examples {
			have.show(e)
		}
	}
	slices.SortStableFunc(out.Fields, func(a, b Varying) int {
		return cmp.Or(cmp.Compare(b.Values.Count(), a.Values.Count()), cmp.Compare(a.Component, b.Component))
	})
	return out
}

// Varies returns the components of which there are so many signatures: the one with
// most values, and others that come near it.
func (f *Flood) Varies() (out []Varying) {
	var most int64
	for _, v := range f.Fields {
		most = max(most, v.Values.Count())
	}
	for _, v := range f.Fields {
		if n := v.Values.Count(); n > 1 && n >= most/8 {
			out = append(out, v)
		}
	}
	return out
}

// Common returns what the examples have in common: their words, with an ellipsis
// for those that differ.
func (v Varying) Common() string {
	if len(v.Examples) == 0 {
		return ""
	}
	common := strings.Fields(v.Examples[0])
	for _, e := range v.Examples[1:] {
		common = commonWords(common, strings.Fields(e))
	}
	return strings.Join(common, " ")
}

// ellipsis stands for words that differ.
const ellipsis = "…"

// commonWords keeps the words in which two texts begin and end alike or, if they
// have equally many, that stand at the same place.
func commonWords(a, b []string) []string {
	var out []string
	add := func(word string) {
		if word != ellipsis || len(out) == 0 || out[len(out)-1] != ellipsis {
			out = append(out, word)
		}
	}
	if len(a) == len(b) {
		for i := range a {
			if a[i] == b[i] {
				add(a[i])
			} else {
				add(ellipsis)
			}
		}
		return out
	}
	n, begin, end := min(len(a), len(b)), 0, 0
	for begin < n && a[begin] == b[begin] {
		begin++
	}
	for end < n-begin && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	for _, word := range a[:begin] {
		add(word)
	}
	add(ellipsis)
	for _, word := range a[len(a)-end:] {
		add(word)
	}
	return out
}
