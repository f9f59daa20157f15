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

// maskTable is a hash table with open addressing. A slot holds the offset of a
// word in the list, its length and what is known of it.
type maskTable [1 << 14]maskSlot

type maskSlot struct {
	from uint32
	size uint8
	info maskInfo
}

var maskWords = sync.OnceValue(func() *maskTable {
	table := new(maskTable)
	from := 0
	for line := range strings.Lines(maskWordList) {
		word, use, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		info := maskListed
		if len(use) == 3 {
			info |= maskInfo(use[0]-'0')<<4 | maskInfo(use[1]-'0')<<2 | maskInfo(use[2]-'0')
		}
		k := maskHash(word)
		for table[k].size > 0 {
			k = (k + 1) % uint32(len(table))
		}
		table[k] = maskSlot{uint32(from), uint8(len(word)), info}
		from += len(line)
	}
	return table
})

// maskHash hashes a word in lower case.
func maskHash[T string | []byte](word T) uint32 {
	h := uint32(2166136261)
	for i := range len(word) {
		h = (h ^ uint32(word[i])) * 16777619
	}
	return (h ^ h>>15) % (1 << 14)
}

func (t *maskTable) find(word []byte) maskInfo {
	for k := maskHash(word); t[k].size > 0; k = (k + 1) % uint32(len(t)) {
		if s := t[k]; int(s.size) == len(word) && maskWordList[s.from:s.from+uint32(s.size)] == string(word) {
			return s.info
		}
	}
	return 0
}

// maskLookUp returns what is known of a word, in whatever case. Of an
// inflection that is not listed it is known that it is a word.
func maskLookUp(w string) maskInfo {
	var buf [24]byte
	if len(w) > len(buf)-1 {
		return 0
	}
	table := maskWords()
	b := maskAppendLower(buf[:0], w)
	if info := table.find(b); info != 0 {
		return info
	}
	for _, e := range maskEndings {
		n := len(b) - len(e.cut)
		if n < 3 || string(b[n:]) != e.cut {
			continue
		}
		if info := table.find(append(b[:n], e.add...)); info != 0 {
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

// maskIsText reports whether w is written in words: English ones, or names put
// together from them, as code has them. Constants and the names of errors
// count as such.
func maskIsText(w string) bool {
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
		if (n > 1 || n == len(w)) && maskLookUp(w[i:i+n]) == 0 && upper < letters {
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
