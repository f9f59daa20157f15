package gitleaks

import (
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxWords is by how many words an expression may begin, maxWord how many bytes
	// of each count.
	maxWords = 64
	maxWord  = 64
	// maxClass is how large a class of characters may be that words go on with.
	maxClass = 8
)

// beginning is how the matches of an expression begin.
type beginning struct {
	// words are what rest begins with, in lower case; none if that is anything else.
	words []string
	// rest is the expression without the prefix, a class of characters that may
	// stand before a word, as few as possible and at most about reach of them.
	rest   string
	prefix *syntax.Regexp
	reach  int
}

// beginningOf returns how the matches of an expression begin.
func beginningOf(tree *syntax.Regexp) beginning {
	b := beginning{}
	tree = b.strip(tree)
	b.rest = tree.String()
	words, _ := wordsOf(tree)
	for n, w := range words {
		if len(w) > maxWord {
			w = w[:maxWord]
		}
		if len(w) < 2 || strings.ContainsFunc(w, func(c rune) bool { return c >= utf8.RuneSelf }) {
			return b
		}
		words[n] = w
	}
	slices.Sort(words)
	for _, w := range words { // what begins with another is found by that
		if n := len(b.words); n == 0 || !strings.HasPrefix(w, b.words[n-1]) {
			b.words = append(b.words, w)
		}
	}
	return b
}

// strip returns the expression without the prefix that it begins with, and notes
// that in b.
func (b *beginning) strip(re *syntax.Regexp) *syntax.Regexp {
	rest := *re
	switch re.Op {
	case syntax.OpConcat:
		for n, sub := range re.Sub {
			if b.isPrefix(sub) {
				continue
			}
			rest.Sub = slices.Clone(re.Sub[n:])
			rest.Sub[0] = b.strip(sub)
			return &rest
		}
	case syntax.OpAlternate:
		rest.Sub = slices.Clone(re.Sub)
		for n, sub := range re.Sub {
			rest.Sub[n] = b.strip(sub)
		}
		return &rest
	}
	return re
}

// isPrefix reports whether re is a prefix, and adds it to b.
func (b *beginning) isPrefix(re *syntax.Regexp) bool {
	if re.Op != syntax.OpRepeat || re.Min > 0 || re.Max <= 0 || re.Flags&syntax.NonGreedy == 0 || re.Sub[0].Op != syntax.OpCharClass {
		return false
	}
	if b.prefix == nil {
		b.prefix = re.Sub[0]
	}
	for c := rune(0); c < utf8.RuneSelf; c++ { // which other characters belong to it hangs on flags
		if inClass(b.prefix.Rune, c) != inClass(re.Sub[0].Rune, c) {
			return false
		}
	}
	b.reach = max(b.reach, re.Max)
	return true
}

// wordsOf returns texts, in lower case, of which each match of re begins with
// one, and whether they are all of what it matches.
func wordsOf(re *syntax.Regexp) (words []string, whole bool) {
	none := []string{""}
	switch re.Op {
	case syntax.OpLiteral:
		return []string{strings.ToLower(string(re.Rune))}, true
	case syntax.OpCharClass:
		for i := 0; i+1 < len(re.Rune); i += 2 {
			for c := re.Rune[i]; c <= re.Rune[i+1]; c++ {
				if w := string(unicode.ToLower(c)); !slices.Contains(words, w) {
					words = append(words, w)
				}
				if len(words) > maxClass {
					return none, false
				}
			}
		}
		return words, true
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText,
		syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return none, true
	case syntax.OpCapture:
		return wordsOf(re.Sub[0])
	case syntax.OpQuest:
		words, whole = wordsOf(re.Sub[0])
		return append(words, ""), whole
	case syntax.OpPlus:
		words, _ = wordsOf(re.Sub[0])
		return words, false
	case syntax.OpRepeat:
		if re.Min == 0 {
			return none, false
		}
		words, whole = wordsOf(re.Sub[0])
		return words, whole && re.Min == 1 && re.Max == 1
	case syntax.OpAlternate:
		whole = true
		for _, sub := range re.Sub {
			w, all := wordsOf(sub)
			words = append(words, w...)
			whole = whole && all
		}
		if len(words) > maxWords {
			return none, false
		}
		return words, whole
	case syntax.OpConcat:
		words = none
		for _, sub := range re.Sub {
			next, all := wordsOf(sub)
			if len(words)*len(next) > maxWords {
				return words, false
			}
			var longer []string
			for _, w := range words {
				for _, n := range next {
					longer = append(longer, w+n)
				}
			}
			if words = longer; !all {
				return words, false
			}
		}
		return words, true
	}
	return none, false
}

// inClass reports whether the class of characters, given as pairs of their first
// and last, has c.
func inClass(class []rune, c rune) bool {
	for i := 0; i+1 < len(class); i += 2 {
		if class[i] <= c && c <= class[i+1] {
			return true
		}
	}
	return false
}
