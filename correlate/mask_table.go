package correlate

import (
	_ "embed"
	"strings"
	"sync"
)

// mask_words.txt holds words of technical English, without most inflections.
// The three digits behind a word say how programs write it in the messages of
// their errors and logs, over many programs of all kinds: how often a value
// comes next (0 to 3), how often one came just before (0 to 2), and how many
// of the programs have it (0 to 3).
//
//go:embed mask_words.txt
var maskWordList string

// maskInfo is what is known of a word.
type maskInfo uint8

const (
	maskListed maskInfo = 1 << 7
	maskStrong          = 3 // the highest lead and use
)

func (w maskInfo) known() bool  { return w&maskListed != 0 }
func (w maskInfo) leads() int   { return int(w>>4) & 3 }
func (w maskInfo) follows() int { return int(w>>2) & 3 }
func (w maskInfo) used() int    { return int(w) & 3 }

// maskTable is a hash table with open addressing. A slot holds the rest of a
// word's hash, by which words are told apart, and what is known of it.
type maskTable [1 << 14]maskSlot

type maskSlot struct {
	rest uint32
	info maskInfo // 0 if the slot is empty
}

var maskWords = sync.OnceValue(func() *maskTable {
	table := new(maskTable)
	for line := range strings.Lines(maskWordList) {
		word, use, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		info := maskListed
		if len(use) == 3 {
			info |= maskInfo(use[0]-'0')<<4 | maskInfo(use[1]-'0')<<2 | maskInfo(use[2]-'0')
		}
		k, rest := maskHash(word)
		for table[k].info != 0 {
			k = (k + 1) % uint32(len(table))
		}
		table[k] = maskSlot{rest, info}
	}
	return table
})

// maskLongest is the length of the longest words that are looked up.
const maskLongest = 24

// maskHash hashes a word, whatever its case: where it belongs in the table, and
// the rest of the hash.
func maskHash[T string | []byte](w T) (slot, rest uint32) {
	const lower = 0x2020202020202020
	var a, b uint64
	if n := len(w); n >= 8 {
		a, b = maskLoad(w[:8]), maskLoad(w[n-8:])
	} else {
		for i := range n {
			a = a<<8 | uint64(w[i])
		}
	}
	if n := len(w); n > 16 {
		a ^= (maskLoad(w[8:16]) | lower) * 0xFF51AFD7ED558CCD
	}
	h := (a|lower)*0x9E3779B97F4A7C15 ^ (b|lower)*0xC2B2AE3D27D4EB4F ^ uint64(len(w))*0x165667B19E3779F9
	h = (h ^ h>>32) * 0x9FB21C651E98DF25 // the last letter counts in all of it
	return uint32(h >> 50), uint32(h >> 18)
}

func maskLoad[T string | []byte](w T) uint64 {
	_ = w[7]
	return uint64(w[0]) | uint64(w[1])<<8 | uint64(w[2])<<16 | uint64(w[3])<<24 | uint64(w[4])<<32 | uint64(w[5])<<40 | uint64(w[6])<<48 | uint64(w[7])<<56
}

func maskFind[T string | []byte](t *maskTable, w T) maskInfo {
	if len(w) > maskLongest {
		return 0
	}
	k, rest := maskHash(w)
	for t[k].info != 0 {
		if t[k].rest == rest {
			return t[k].info
		}
		k = (k + 1) % uint32(len(t))
	}
	return 0
}

// lookUp returns what is known of a word, in whatever case. Of an
// inflection that is not listed it is known that it is a word.
func (t *maskTable) lookUp(w string) maskInfo {
	var buf [24]byte
	if len(w) > len(buf)-1 {
		return 0
	}
	if info := maskFind(t, w); info != 0 {
		return info
	}
	if n := len(w); n < 4 || maskBits[w[n-1]]&(maskLower|maskUpper) == 0 {
		return 0
	}
	switch w[len(w)-1] | 0x20 {
	case 's', 'd', 'g', 'r', 'y': // the ends of maskEndings
	default:
		return 0
	}
	b := maskAppendLower(buf[:0], w)
	for i := range b {
		if maskBits[b[i]] == 0 && b[i] != '\'' {
			return 0
		}
	}
	for _, e := range maskEndings {
		n := len(b) - len(e.cut)
		if n < 3 || string(b[n:]) != e.cut {
			continue
		}
		if info := maskFind(t, append(b[:n], e.add...)); info != 0 {
			return maskListed | info&3
		}
		b = maskAppendLower(buf[:0], w)
	}
	return 0
}

var maskEndings = []struct{ cut, add string }{
	{"ies", "y"}, {"ied", "y"}, {"ing", ""}, {"ing", "e"}, {"ed", ""}, {"ed", "e"},
	{"es", ""}, {"es", "e"}, {"s", ""}, {"er", ""}, {"er", "e"}, {"ly", ""},
}

// isText reports whether w is written in words: English ones, or names put
// together from them, as code has them. Constants and the names of errors
// count as such.
func (t *maskTable) isText(w string) bool {
	if maskIsError(w) || maskIsArticle(w) {
		return true
	}
	upper, letters := 0, 0
	for i := 0; i < len(w); {
		if maskBits[w[i]]&(maskLower|maskUpper) == 0 {
			i++
			continue
		}
		n := maskHump(w[i:])
		letters += n
		if maskBits[w[i+n-1]]&maskUpper != 0 {
			upper += n
		}
		if (n > 1 || n == len(w)) && t.lookUp(w[i:i+n]) == 0 && upper < letters {
			return false
		}
		i += n
	}
	return letters > 1
}

// maskIsError reports whether a name is that of an exception or error.
func maskIsError(w string) bool {
	return strings.HasSuffix(w, "Exception") || strings.HasSuffix(w, "Error")
}
