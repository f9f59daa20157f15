package celrule

import "math/bits"

// filter tells most texts that are not in a set from those that are, for much
// less than a map does: what spans hold is mostly in no rule.
type filter struct {
	lengths uint64 // of the texts, modulo 64: a bit for each
	bits    []uint64
	shift   uint // of a hash, to a bit
}

// newFilter returns a filter of texts, with some sixteen bits for each.
func newFilter(texts []string) filter {
	if len(texts) == 0 {
		return filter{}
	}
	words := 4
	for words < len(texts)/4 {
		words *= 2
	}
	f := filter{bits: make([]uint64, words), shift: 64 - uint(bits.Len(uint(words*64-1)))}
	for _, text := range texts {
		f.lengths |= 1 << (len(text) % 64)
		h := hash(text) >> f.shift
		f.bits[h/64] |= 1 << (h % 64)
	}
	return f
}

// mayHave reports whether a text can be in the set.
func (f *filter) mayHave(text string) bool {
	if f.lengths>>(uint(len(text))%64)&1 == 0 {
		return false
	}
	h := hash(text) >> f.shift
	return f.bits[h/64]&(1<<(h%64)) != 0
}

// hash mixes the length and the end of a text, where most differ.
func hash(s string) uint64 {
	n := len(s)
	h := uint64(n)
	if n >= 8 {
		e := s[n-8:]
		h ^= uint64(e[0]) | uint64(e[1])<<8 | uint64(e[2])<<16 | uint64(e[3])<<24 |
			uint64(e[4])<<32 | uint64(e[5])<<40 | uint64(e[6])<<48 | uint64(e[7])<<56
	} else {
		for i := range n {
			h = h<<8 ^ uint64(s[i])
		}
	}
	h *= 0x9e3779b97f4a7c15
	return h ^ h>>32*0x9e3779b97f4a7c15
}
