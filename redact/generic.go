package redact

import "strings"

// genericKey finds a value that stands behind a name that ends in "key", such as
// STORE_KEY=..., and looks random. The words that say what a key is when it is no
// secret are among the identifiers.
func genericKey(x *scanner, at, end int) (from, to int) {
	const minKey, maxKey, maxName = 20, 512, 48
	s := x.s
	if end < len(s) && (isAlnum(s[end]) || s[end] == '_' || s[end] == '-') {
		return 0, 0 // keyboard, key_id
	}
	i := end
	for n := 0; n < 4 && i < len(s) && (isQuote(s[i]) || s[i] == '\\' || isBlank(s[i])); n++ {
		i++
	}
	if i == len(s) || s[i] != '=' && s[i] != ':' {
		return 0, 0
	}
	for n := 0; n < 6 && i < len(s) && (s[i] == '=' || s[i] == ':' || s[i] == '>' || isQuote(s[i]) || s[i] == '\\' || isBlank(s[i])); n++ {
		i++
	}
	to = skip(s[:min(len(s), i+maxKey)], i, func(c byte) bool { return c != '=' && isToken68(c) })
	to = skip(s, to, func(c byte) bool { return c == '=' })
	value := s[i:to]
	if len(value) < minKey || !isMixed(value) || strings.ContainsRune(value, '.') || strings.Count(value, "/") > 2 || entropy(value) < minEntropy {
		return 0, 0
	}
	name := at
	for name > max(x.floor, at-maxName) && isWord(s[name-1]) {
		name--
	}
	if isPublicName(s[name:at]) {
		return 0, 0
	}
	return i, to
}

// minEntropy is the least entropy of random text of some twenty bytes of base64.
const minEntropy = 3.4

// isPublicName reports whether a word of what stands before "key" says that it
// is no secret.
func isPublicName(name string) bool {
	var b keyBuffer
	w := b.split(name[max(0, len(name)-len(b.letters)):])
	start := 0
	for _, end := range w.ends {
		if identifiers[string(w.letters[start:end])] {
			return true
		}
		start = end
	}
	return false
}

// proseSecret finds what follows a word for a secret within a sentence, and is
// too random to be anything else: "invalid token Zx81...". The keyword is the word.
func proseSecret(x *scanner, _, i int) (from, to int) {
	const reach, minSecret, maxSecret = 24, 24, 512
	s := x.s
	i = skip(s, i, isWord) // tokens
	if j := skip(s, i, isBlank); j == i || s[j-1] == '\t' || j == len(s) || strings.IndexByte("=:", s[j]) >= 0 {
		return 0, 0 // a pair, or part of a name
	}
	for limit := min(len(s), i+reach); i < limit; {
		switch c := s[i]; {
		case c == '\n' || c == '[' || c == '/' || c == '=':
			return 0, 0
		case !is64(c):
			i++
			continue
		}
		to = skip(s[:min(len(s), i+maxSecret)], i, is64)
		value := s[i:to]
		if len(value) >= minSecret && isMixed(value) && looksDrawn(value) {
			if to < len(s) && (strings.IndexByte("=.(:", s[to]) >= 0) && to+1 < len(s) && isAlnum(s[to+1]) {
				return 0, 0 // part of a name
			}
			return i, to
		}
		if skip(s[:to], i, isAlpha) < to {
			break // no word of a sentence
		}
		i = to
	}
	return 0, 0
}

// looksDrawn reports whether a word of a sentence is too random to be a name or a
// path. The more signs it has that join words, the more random it must be.
func looksDrawn(s string) bool {
	const most, joined, alone = 2, 4.4, 4
	if strings.Count(s, "/") > most {
		return false
	}
	if strings.Count(s, "-") > most || strings.Count(s, "_") > most {
		return entropy(s) >= joined
	}
	return entropy(s) >= alone
}

// pairAfter finds the value behind a name, the keyword, and a separator.
func pairAfter(x *scanner, _, i int) (from, to int) {
	s := x.s
	from = skip(s[:min(len(s), i+6)], i, func(c byte) bool { return c == ':' || c == '=' || isBlank(c) || isQuote(c) })
	to = skip(s, from, func(c byte) bool { return c > ' ' && !isQuote(c) && c != ',' && c != ';' && c != '[' })
	if from == i || to == from {
		return 0, 0
	}
	return from, to
}

// quotedValue finds the last quoted text on the rest of a short line: define('NAME',
// 'value').
func quotedValue(x *scanner, _, i int) (from, to int) {
	const reach, minValue = 96, 16
	s := x.s[:min(len(x.s), i+reach+64)]
	i = skip(s, i, isQuote)
	i = skip(s, i, func(c byte) bool { return isBlank(c) || c == ',' || c == '=' || c == '>' || c == ':' })
	if i == len(s) || !isQuote(s[i]) {
		return 0, 0
	}
	i++
	to = skip(s, i, func(c byte) bool { return c != s[i-1] && c != '\n' })
	if to-i < minValue || isFiller(s[i:to]) {
		return 0, 0
	}
	return i, to
}
