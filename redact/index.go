package redact

import (
	"math/bits"
	"slices"
	"strings"
)

// index finds keywords in one pass over a text: of each it knows the bigram that
// is rarest in ordinary text, and looks at the keyword itself only where that
// stands. Whether a bigram is of any interest is one bit, so that most bytes cost
// a look at 8 KiB that stay in the processor's nearest cache.
type index struct {
	// gate has the bigrams that the scan stops at, for whatever reason.
	gate bigramSet
	// short has those that are all of a keyword.
	short bigramSet
	// words has those of keywords. rank counts the bits before each of its words;
	// buckets says where the hints of each bit begin.
	words   bigramSet
	before  trigramSet // bigrams with the byte before them in the word
	behind  trigramSet // bigrams that begin a word, with the byte behind them
	rank    [1 << 10]uint16
	buckets []uint16
	hints   []hint
}

// hint leads from a bigram to the keyword that it is part of.
type hint struct {
	word string // in lower case if fold
	back uint8  // the offset of the bigram in the word
	fold bool   // case does not count
	rule *rule  // what to try; nil for a word of keys
}

type bigramSet [1 << 10]uint64

func (b *bigramSet) has(w bigram) bool { return b[w>>6]>>(w&63)&1 != 0 }
func (b *bigramSet) add(w bigram)      { b[w>>6] |= 1 << (w & 63) }

// trigramSet holds bigrams with a byte beside them. It errs on the side of yes.
type trigramSet [1 << 10]uint64

func trigram(w bigram, c byte) uint32 { return (uint32(w)<<8 | uint32(c)) * 0x9e3779b1 >> 16 }

func (t *trigramSet) has(w bigram, c byte) bool {
	n := trigram(w, c)
	return t[n>>6&1023]>>(n&63)&1 != 0
}

func (t *trigramSet) add(w bigram, c byte, fold bool) {
	n := trigram(w, c)
	t[n>>6&1023] |= 1 << (n & 63)
	if fold && isAlpha(c) {
		t.add(w, c^0x20, false)
	}
}

// keyword is a word that the index finds, of at least two bytes.
type keyword struct {
	word string
	fold bool
	rule *rule
}

// build makes the index of the keywords.
func (x *index) build(keywords []keyword) {
	by := map[bigram][]hint{}
	for _, k := range keywords {
		if k.fold {
			k.word = strings.ToLower(k.word)
		}
		at := rarest(k.word)
		h := hint{word: k.word, back: uint8(at), fold: k.fold, rule: k.rule}
		for _, w := range variants(bigramAt(k.word, at), k.fold) {
			by[w] = append(by[w], h)
			x.words.add(w)
			x.gate.add(w)
			switch {
			case at > 0:
				x.before.add(w, k.word[at-1], k.fold)
			case len(k.word) > 2:
				x.behind.add(w, k.word[2], k.fold)
			default:
				x.short.add(w)
			}
		}
	}
	for w := range 1 << 16 {
		if w%64 == 0 {
			x.rank[w>>6] = uint16(len(x.buckets))
		}
		if h := by[bigram(w)]; h != nil {
			// The longest first: of two that begin alike it says more.
			slices.SortStableFunc(h, func(a, b hint) int { return len(b.word) - len(a.word) })
			x.buckets = append(x.buckets, uint16(len(x.hints)))
			x.hints = append(x.hints, h...)
		}
	}
	x.buckets = append(x.buckets, uint16(len(x.hints)))
}

// at returns the keywords that w may be part of.
func (x *index) at(w bigram) []hint {
	n := int(x.rank[w>>6]) + bits.OnesCount64(x.words[w>>6]&(1<<(w&63)-1))
	return x.hints[x.buckets[n]:x.buckets[n+1]]
}

// may reports whether a keyword may stand around the bigram w at s[i].
func (x *index) may(s string, i int, w bigram) bool {
	return i > 0 && x.before.has(w, s[i-1]) || i+2 < len(s) && x.behind.has(w, s[i+2]) || x.short.has(w)
}

// maxBack is how far into a keyword its bigram may be.
const maxBack = 255

// rarest returns where the rarest bigram of word is.
func rarest(word string) int {
	best := 0
	for i := 1; i+1 < min(len(word), maxBack); i++ {
		if bigramAt(word, i).weight() < bigramAt(word, best).weight() {
			best = i
		}
	}
	return best
}

// variants returns the ways to write w.
func variants(w bigram, fold bool) []bigram {
	all := []bigram{w}
	if !fold {
		return all
	}
	for _, shift := range []int{0, 8} {
		if isAlpha(byte(w >> shift)) {
			for _, v := range all {
				all = append(all, v^0x20<<shift)
			}
		}
	}
	return all
}

// is reports whether the keyword begins at s[i].
func (h *hint) is(s string, i int) bool {
	if i < 0 || len(s)-i < len(h.word) {
		return false
	}
	t := s[i : i+len(h.word)]
	if !h.fold {
		return t == h.word
	}
	for k := range len(t) {
		c := t[k]
		if isUpper(c) {
			c |= 0x20
		}
		if c != h.word[k] {
			return false
		}
	}
	return true
}
