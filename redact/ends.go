package redact

// endSet knows the last letters of words, by which most keys are known not to
// end in one of them: exactly, for up to twelve letters.
type endSet struct {
	all     bool // a word has no letters to know it by
	lengths [maxEnd + 1]bool
	triples [1 << 9]uint64 // of the last three letters
	codes   [1 << 10]uint64
}

// maxEnd is how many letters of a word count: as many as a code has room for.
const maxEnd = 12

// add adds a word: lower-case letters and digits.
func (e *endSet) add(word string) {
	var code uint64
	n := 0
	for i := len(word) - 1; i >= 0 && n < maxEnd; i-- {
		if isAlpha(word[i]) {
			code |= letterCode(word[i], n)
			n++
		}
	}
	if n < 2 {
		e.all = true
		return
	}
	e.lengths[n] = true
	e.addTriple(word)
	i := codeSlot(code)
	for e.codes[i] != 0 && e.codes[i] != code {
		i = (i + 1) % uint64(len(e.codes))
	}
	e.codes[i] = code
}

// has reports whether key may end in one of the words, wherever it has
// separators and digits.
func (e *endSet) has(key string) bool {
	if e.all {
		return true
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
	var code uint64
	for i := len(key) - 1; i >= 0 && n < maxEnd; i-- {
		c := key[i]
		if !isAlpha(c) {
			if !isKey(c) {
				return false
			}
			continue
		}
		code |= letterCode(c, n)
		if n++; e.lengths[n] && e.hasCode(code) {
			return true
		}
	}
	return false
}

func (e *endSet) hasCode(code uint64) bool {
	for i := codeSlot(code); e.codes[i] != 0; i = (i + 1) % uint64(len(e.codes)) {
		if e.codes[i] == code {
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

// letterCode is what a letter adds to a code, the nth from the end.
func letterCode(c byte, n int) uint64 { return uint64(c&31) << (5 * n) }

// codeSlot returns where a code is looked for first.
func codeSlot(code uint64) uint64 { return code * 0x9e3779b97f4a7c15 >> (64 - 10) }
