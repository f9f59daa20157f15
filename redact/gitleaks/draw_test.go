package gitleaks

import (
	"math/rand/v2"
	"regexp/syntax"
	"strings"
	"unicode"
)

// drawer draws texts that an expression matches, but for what its assertions say.
type drawer struct {
	rnd *rand.Rand
	out strings.Builder
}

func draw(rnd *rand.Rand, expr string) string {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		panic(err)
	}
	d := drawer{rnd: rnd}
	d.draw(re)
	return d.out.String()
}

func (d *drawer) draw(re *syntax.Regexp) {
	const more = 12 // than the least, where there is no most
	switch re.Op {
	case syntax.OpLiteral:
		for _, c := range re.Rune {
			if re.Flags&syntax.FoldCase != 0 && c < 0x80 && d.rnd.IntN(2) == 0 {
				c = unicode.ToUpper(c)
			}
			d.out.WriteRune(c)
		}
	case syntax.OpCharClass:
		var from []rune
		for i := 0; i < len(re.Rune); i += 2 {
			for c := max(re.Rune[i], '\n'); c <= min(re.Rune[i+1], '~'); c++ {
				if c >= ' ' || c == '\n' || c == '\t' {
					from = append(from, c)
				}
			}
		}
		d.out.WriteRune(from[d.rnd.IntN(len(from))])
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		d.out.WriteByte("abcdefghijklmnopqrstuvwxyz012345 \t: "[d.rnd.IntN(36)])
	case syntax.OpStar:
		d.times(re, d.rnd.IntN(more))
	case syntax.OpPlus:
		d.times(re, 1+d.rnd.IntN(more))
	case syntax.OpQuest:
		d.times(re, d.rnd.IntN(2))
	case syntax.OpRepeat:
		most := re.Max
		if most < 0 {
			most = re.Min + more
		}
		d.times(re, re.Min+d.rnd.IntN(most-re.Min+1))
	case syntax.OpAlternate:
		d.draw(re.Sub[d.rnd.IntN(len(re.Sub))])
	case syntax.OpCapture, syntax.OpConcat:
		for _, sub := range re.Sub {
			d.draw(sub)
		}
	}
}

func (d *drawer) times(re *syntax.Regexp, n int) {
	for range n {
		d.draw(re.Sub[0])
	}
}
