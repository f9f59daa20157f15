package redact

// endSet knows the last letters of words, by which most keys are known not to
// end in one of them. It errs on the side of yes.
type endSet struct {
	lengths [maxEnd + 1]bool
	triples [1 << 9]uint64 // of the last three letters
	hashes  [1 << 9]uint64
}

// maxEnd is how many letters of a word count.
const maxEnd = 6

// add adds a word: lower-case letters and digits.
func (e *endSet) add(word string) {
	var h uint16
	n := 0
	for i := len(word) - 1; i >= 0 && n < maxEnd; i-- {
		if isAlpha(word[i]) {
			h = endHash(h, word[i])
			n++
		}
	}
	e.lengths[n] = true
	if n == 1 {
		e.lengths[0] = true // all keys are looked at
	}
	e.addTriple(word)
	e.hashes[h>>6&511] |= 1 << (h & 63)
}

// has reports whether key may end in one of the words, wherever it has
// separators and digits.
func (e *endSet) has(key string) bool {
	if e.lengths[0] {
		return true // a word without letters
	}
	n := len(key)
	if n < 2 {
		return false
	}
	if n > 2 && isAlpha(key[n-1]) && isAlpha(key[n-2]) && isAlpha(key[n-3]) {
		if w := triple(key[n-3], key[n-2], key[n-1]); e.triples[w>>6]>>(w&63)&1 == 0 {
			return false
		}
	}
	n = 0
	var h uint16
	for i := len(key) - 1; i >= 0 && n < maxEnd; i-- {
		c := key[i]
		if !isAlpha(c) {
			if !isKey(c) {
				return false
			}
			continue
		}
		h = endHash(h, c)
		if n++; e.lengths[n] && e.hashes[h>>6&511]>>(h&63)&1 != 0 {
			return true
		}
	}
	return false
}

// addTriple adds the last three letters of a word, whatever stands before where it
// has two.
func (e *endSet) addTriple(word string) {
	letters := make([]byte, 0, len(word))
	for i := range len(word) {
		if isAlpha(word[i]) {
			letters = append(letters, word[i])
		}
	}
	add := func(a, b, c byte) {
		w := triple(a, b, c)
		e.triples[w>>6] |= 1 << (w & 63)
	}
	switch n := len(letters); {
	case n > 2:
		add(letters[n-3], letters[n-2], letters[n-1])
	case n == 2:
		for c := range byte(32) {
			add(c, letters[0], letters[1])
		}
	}
}

func triple(a, b, c byte) uint16 { return uint16(a&31)<<10 | uint16(b&31)<<5 | uint16(c&31) }

func endHash(h uint16, c byte) uint16 { return (h*37 + uint16(c&31)) & (1<<15 - 1) }
