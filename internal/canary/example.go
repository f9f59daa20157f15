// Package canary makes secrets that tests plant, and finds them wherever they
// come out again, whole or in part and in whatever encoding. Nothing but tests
// imports it.
package canary

import (
	"encoding/base64"
	"fmt"
	"math/big"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
)

// Example is a text with a secret of a kind, as a template: it says how such a
// secret looks and holds none, so that nobody's scanner takes it for a leak.
//
// <a36> stands for 36 random letters and digits; see letters for what other
// letters stand for. base64(x) is the code of x, luhn(x) is x with its check
// digit, iban(DE,x) an account number, and \n a line break. The secret is in
// double brackets.
type Example struct {
	Kind     string
	Template string
}

// Read returns the examples in a list: a kind, a tab and a template on each line.
// Empty lines and those that begin with '#' do not count.
func Read(list string) (all []Example) {
	for line := range strings.Lines(list) {
		kind, template, ok := strings.Cut(strings.TrimRight(line, "\r\n"), "\t")
		if ok && !strings.HasPrefix(line, "#") {
			all = append(all, Example{kind, template})
		}
	}
	return all
}

const (
	lower  = "abcdefghijklmnopqrstuvwxyz"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits = "0123456789"
)

// letters are the alphabets of random text.
var letters = map[string]string{
	"h": digits + "abcdef", "d": digits, "l": lower + digits, "u": upper + digits, "L": lower + upper,
	"a": lower + upper + digits, "w": lower + upper + digits + "_-", "x": lower + upper + digits + "_",
	"b": lower + upper + digits + "+/", "B": lower + upper + digits + "+/", "t": lower + upper + digits + "-._~",
	"p": lower + upper + digits + "-_/", "c": upper + "234567", "v": lower + upper + digits + "!#$%*+,-./:;=?@^_~",
}

var (
	runOf  = regexp.MustCompile(`<([a-zA-Z])(\d+)>`)
	callOf = regexp.MustCompile(`(base64|luhn|iban)\((.*?)\)`)
)

// Secret is what was drawn for an example.
type Secret struct {
	Text     string   // all of it
	From, To int      // where in it the secret is
	Parts    []string // of the secret, those that are random
}

// String returns what is secret.
func (s Secret) String() string { return s.Text[s.From:s.To] }

// Signs that stand for what is no part of a text while it is made.
const (
	begin, end         = '⟦', '⟧'           // of the secret
	randBegin, randEnd = '\ue000', '\ue001' // of what is random
)

// Draw makes a text of the example. It panics if the template has no secret.
func (e Example) Draw(rnd *rand.Rand) Secret {
	s := strings.ReplaceAll(runOf.ReplaceAllStringFunc(e.Template, func(run string) string { return draw(rnd, run) }), `\n`, "\n")
	s = callOf.ReplaceAllStringFunc(s, call)
	var out Secret
	var text, part strings.Builder
	secret, random, gap := false, false, 0
	flush := func() {
		if p := part.String(); len(p) > gap {
			out.Parts = append(out.Parts, p[:len(p)-gap])
		}
		part.Reset()
		gap = 0
	}
	for _, c := range s {
		switch c {
		case begin:
			out.From, secret = text.Len(), true
		case end:
			out.To, secret = text.Len(), false
			flush()
		case randBegin:
			random = true
		case randEnd:
			random = false
		default:
			text.WriteRune(c)
			switch {
			case !secret:
			case random:
				part.WriteRune(c)
				gap = 0
			case part.Len() > 0: // what is random goes on behind a separator
				part.WriteRune(c)
				if gap++; gap > 1 {
					flush()
				}
			}
		}
	}
	out.Text = text.String()
	if out.To <= out.From {
		panic(fmt.Sprintf("canary: %s: the template %s has no secret", e.Kind, e.Template))
	}
	return out
}

// Text makes a text of a template, which need not have a secret.
func Text(rnd *rand.Rand, template string) string {
	s := Example{Template: string(begin) + template + string(end)}.Draw(rnd)
	return s.Text
}

// draw returns the random text that a run such as <a36> stands for. If it is
// long, it has all classes of its letters.
func draw(rnd *rand.Rand, run string) string {
	m := runOf.FindStringSubmatch(run)
	n, err := strconv.Atoi(m[2])
	from := letters[m[1]]
	if err != nil || from == "" {
		panic("canary: there is no alphabet for " + run)
	}
	b := make([]byte, n)
	for i := range b {
		b[i] = from[rnd.IntN(len(from))]
	}
	for i, class := range []string{digits, lower, upper} {
		if n := strings.IndexAny(from, class); n >= 0 && len(b) >= 8 && !strings.ContainsAny(string(b), class) {
			b[i+1] = from[n]
		}
	}
	return string(randBegin) + string(b) + string(randEnd)
}

var signs = strings.NewReplacer(string(randBegin), "", string(randEnd), "")

// call returns what a function in a template makes of its argument.
func call(s string) string {
	m := callOf.FindStringSubmatch(s)
	arg := signs.Replace(m[2])
	out := ""
	switch m[1] {
	case "base64":
		out = base64.RawURLEncoding.EncodeToString([]byte(arg))
	case "luhn":
		out = luhn(arg)
	case "iban":
		country, account, _ := strings.Cut(arg, ",")
		out = iban(country, account)
	}
	if arg == m[2] { // nothing in it is random
		return out
	}
	return string(randBegin) + out + string(randEnd)
}

// luhn returns the number of a card with its check digit.
func luhn(s string) string {
	sum := 0
	for i := range s {
		d := int(s[len(s)-1-i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return s + strconv.Itoa((10-sum%10)%10)
}

// iban returns an account number with its check digits.
func iban(country, account string) string {
	n, _ := new(big.Int).SetString(account+strconv.Itoa(int(country[0]-'A')+10)+strconv.Itoa(int(country[1]-'A')+10)+"00", 10)
	check := 98 - new(big.Int).Mod(n, big.NewInt(97)).Int64()
	return fmt.Sprintf("%s%02d%s", country, check, account)
}
