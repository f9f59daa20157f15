package canary

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strings"
)

// MinPart is how many bytes of what is random in a secret are enough to know it
// by: what is shorter may be chance.
const MinPart = 12

// Search finds secrets, and parts of them, in one pass over a text. The zero
// value finds nothing.
type Search struct {
	may   [1 << 15]uint64 // a bit for each sum of the 8 bytes that a needle's block has
	heads map[uint64][]block
}

// block is a part of 8 bytes of a needle, which stands at needle.text[at:].
type block struct {
	needle *needle
	at     int
}

// needle is one way in which a secret may look. A run of min bytes of it is
// enough to know it by.
type needle struct {
	text, label string
	min         int
}

const blockSize = 8

// Add makes the search find a secret, under a label: the whole of it, if that
// has 8 bytes or more, and any [MinPart] bytes of what is random in it; as they are, in
// upper and lower case, escaped for URLs and JSON, in hexadecimal and in base64,
// wherever in what was encoded they stand.
func (s *Search) Add(secret Secret, label string) {
	s.all(secret.String(), len(secret.String()), label)
	for _, p := range secret.Parts {
		if len(p) >= MinPart {
			s.all(p, MinPart, label)
		}
	}
}

// all adds the ways in which n bytes of text may look.
func (s *Search) all(text string, n int, label string) {
	whole := n == len(text)
	scale := func(coded string, num, den int) int {
		if whole {
			return len(coded)
		}
		return n * num / den
	}
	seen := map[string]bool{}
	add := func(coded string, min int) {
		if !seen[coded] && min >= blockSize {
			seen[coded] = true
			s.add(&needle{coded, label, min})
		}
	}
	quoted, _ := json.Marshal(text)
	for _, t := range []string{text, strings.ToUpper(text), strings.ToLower(text), url.QueryEscape(text), url.PathEscape(text), string(quoted[1 : len(quoted)-1])} {
		add(t, scale(t, 1, 1))
	}
	if plain := strings.NewReplacer(" ", "", "\n", "").Replace(text); plain != text {
		add(plain, scale(plain, 1, 1))
	}
	code := hex.EncodeToString([]byte(text))
	add(code, scale(code, 2, 1))
	add(strings.ToUpper(code), scale(code, 2, 1))
	for before := range 3 {
		for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			code := enc.EncodeToString(append(make([]byte, before), text...))
			code = code[(before*8+5)/6 : (before+len(text))*8/6]
			add(code, scale(code, 4, 3))
		}
	}
}

func (s *Search) add(n *needle) {
	if s.heads == nil {
		s.heads = map[uint64][]block{}
	}
	// Wherever a run of n.min bytes begins, one of these blocks is within it.
	for at := 0; at+blockSize <= len(n.text); at += n.min - blockSize + 1 {
		key := binary.LittleEndian.Uint64([]byte(n.text[at : at+blockSize]))
		h := sum(key)
		s.may[h>>6] |= 1 << (h & 63)
		s.heads[key] = append(s.heads[key], block{n, at})
	}
}

func sum(key uint64) uint64 { return key * 0x9e3779b97f4a7c15 >> (64 - 21) }

// In calls found for each find in a text: what of it, text[from:to], is of the secret
// with that label. It may be called for one find more than once.
func (s *Search) In(text []byte, found func(from, to int, label string)) {
	for i := 0; i+blockSize <= len(text); i++ {
		key := binary.LittleEndian.Uint64(text[i:])
		h := sum(key)
		if s.may[h>>6]>>(h&63)&1 == 0 {
			continue
		}
		for _, b := range s.heads[key] {
			from, to := i, i
			for k := b.at; k > 0 && from > 0 && text[from-1] == b.needle.text[k-1]; k-- {
				from--
			}
			for k := b.at; k < len(b.needle.text) && to < len(text) && text[to] == b.needle.text[k]; k++ {
				to++
			}
			if to-from >= b.needle.min {
				found(from, to, b.needle.label)
			}
		}
	}
}
