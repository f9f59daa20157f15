package redact

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// clean returns s as valid UTF-8 without what cannot be seen: control
// characters other than \n and \t, and characters that turn the direction of
// text or have no width. They hide secrets from detectors, and links and words
// from readers. Invalid bytes become U+FFFD. Of marks that are drawn on or around
// one character, those beyond maxMarks go: a tower of them covers the lines
// around it, and some programs take long to draw it.
func clean(s string) string {
	i := 0
	for i < len(s) && (' ' <= s[i] && s[i] < 0x7f || s[i] == '\n' || s[i] == '\t') {
		i++
	}
	if i == len(s) {
		return s
	}
	marks := 0
	return s[:i] + strings.Map(func(c rune) rune {
		if c = visible(c); c < 0x300 {
			if c >= 0 {
				marks = 0
			}
			return c
		}
		if !unicode.Is(unicode.M, c) {
			marks = 0
			return c
		}
		if marks++; marks > maxMarks {
			return -1
		}
		return c
	}, s[i:])
}

// maxMarks is how many marks a character may have. No language needs as many.
const maxMarks = 8

func visible(c rune) rune {
	switch {
	case c == '\n' || c == '\t':
		return c
	case c < 0x7f && c >= ' ':
		return c
	case c == utf8.RuneError:
		return c
	case unicode.IsControl(c) || unicode.Is(invisible, c):
		return -1
	case unicode.Is(unicode.Cf, c) && !unicode.Is(unicode.Prepended_Concatenation_Mark, c):
		return -1
	}
	return c
}

// invisible holds what Unicode does not count among the format characters: the
// combining grapheme joiner, Hangul fillers, and line and paragraph separators.
var invisible = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x034f, Hi: 0x034f, Stride: 1},
		{Lo: 0x115f, Hi: 0x1160, Stride: 1},
		{Lo: 0x2028, Hi: 0x2029, Stride: 1},
		{Lo: 0x3164, Hi: 0x3164, Stride: 1},
		{Lo: 0xffa0, Hi: 0xffa0, Stride: 1},
	},
}
