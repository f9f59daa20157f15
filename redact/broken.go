package redact

import "strings"

const (
	kindWrapped   = "wrapped"
	kindTruncated = "truncated"

	// minLine is the length of the shortest word that a line may have been broken
	// in, on either side, in bytes; maxLines how many lines belong together.
	minLine  = 8
	maxLines = 64
	// maxTail is how long a token may be whose end was cut off, minTail how short,
	// and minRest how much of it there is besides the word that it is known by, in
	// bytes.
	maxTail = 256
	minTail = 10
	minRest = 3
)

// wrapped returns s without the words that were broken over lines, or put
// together of quoted parts, and are a secret when in one piece. A line end may be
// written as \n. Behind it may stand what lines are indented with or quoted by.
//
// An early look is one before the parts were scanned: it counts only what goes on
// as if it were drawn, and reports whether a later one may find more.
func (r *Redactor) wrapped(s string, early bool, t *trail) (_ string, more bool) {
	var out []byte
	done := 0
	slash := strings.IndexByte(s, '\\') >= 0
	line, escaped, other := -1, -1, -1
	for i := 0; i < len(s); {
		if line < i {
			line = orEnd(s, i, strings.IndexByte(s[i:], '\n'))
		}
		if escaped < i {
			escaped = len(s)
			if slash {
				escaped = orEnd(s, i, strings.Index(s[i:], `\n`))
			}
		}
		if other < i {
			other = nextBreak(s, i)
		}
		if i = min(line, escaped, other); i == len(s) {
			break
		}
		begin, to, joined, told := r.unbroken(s, i, done, early)
		more = more || told
		if to == 0 {
			i++
			continue
		}
		if joined != nil && r.secretInOne(joined) {
			with := r.replacement(kindWrapped, s[begin:to])
			out = append(append(out, s[done:begin]...), with...)
			t.note(match{begin, to, with})
			done = to
		}
		i = to
	}
	if out == nil {
		return s, more
	}
	t.step()
	return string(append(out, s[done:]...)), more
}

// orEnd returns the index n within s[i:] as one within s, and where s ends if it
// is less than 0.
func orEnd(s string, i, n int) int {
	if n < 0 {
		return len(s)
	}
	return i + n
}

// secretInOne reports whether there is a secret in a word that was put together,
// with a dash where it was broken or without.
func (r *Redactor) secretInOne(joined []string) bool {
	word := strings.Join(joined, "")
	if r.scan(r.own(word, nil), nil) != word {
		return true
	}
	hyphens := false
	for n, part := range joined[:len(joined)-1] {
		if rest, ok := strings.CutSuffix(part, "-"); ok {
			joined[n], hyphens = rest, true
		}
	}
	if !hyphens {
		return false
	}
	word = strings.Join(joined, "")
	return r.scan(r.own(word, nil), nil) != word
}

// unbroken returns the word that the break at s[i] stands in, and its parts, or 0
// if that is no token; and whether a word by which one is known was there.
func (r *Redactor) unbroken(s string, i, floor int, early bool) (from, to int, parts []string, told bool) {
	end := i
	for k := 0; k < 4 && end > floor && goesOnSigns[s[end-1]]; k++ {
		end-- // of a line that says that it goes on
	}
	if end-1 > floor && s[end-2:end] == `\r` {
		end -= 2
	}
	from = end
	for from > max(floor, end-maxAuthority) && in68[s[from-1]] {
		from--
	}
	if end-from < minLine {
		return 0, 0, nil, false
	}
	first := s[from:end]
	token := r.use().own != nil || r.hasTokenWord(first)
	next := goesOnAt(s, from, end, token)
	if next == end || runOf68(s, next, minLine/2) < minLine/2 {
		return 0, 0, nil, false
	}
	told = token || r.hasTokenWord(seam(first, s[next:next+runOf68(s, next, 10)]))
	if !told || early && !token {
		return 0, 0, nil, told
	}
	all := []string{first}
	digits := strings.ContainsAny(first, "0123456789")
	for to = end; len(all) <= maxLines; {
		next := goesOnAt(s, from, to, true)
		line := next + runOf68(s, next, len(s))
		if next == to || line-next < minLine/2 || early && !isDrawnPart(s[next:line]) {
			break
		}
		all = append(all, s[next:line])
		to = line
		digits = digits || strings.ContainsAny(s[next:line], "0123456789")
	}
	if len(all) == 1 {
		return 0, 0, nil, told
	}
	if !digits {
		return from, to, nil, told // words
	}
	return from, to, all, told
}

// runOf68 returns the length of the run of bytes of tokens at s[i], at most most.
func runOf68(s string, i, most int) int {
	n := 0
	for i+n < len(s) && n < most && in68[s[i+n]] {
		n++
	}
	return n
}

// in68 has the bytes of isToken68, and goesOnSigns what may stand between a word
// that was broken and the end of its line.
var in68, goesOnSigns = func() (t, signs [256]bool) {
	for c := range t {
		t[c] = isToken68(byte(c))
		signs[c] = strings.IndexByte("\r\\+.\"' ", byte(c)) >= 0
	}
	return t, signs
}()

// isDrawnPart reports whether a part of a word that was broken looks drawn: no
// name, and none of a file.
func isDrawnPart(s string) bool {
	var upper, lower, digit bool
	turns := 0 // from one class of letters to another
	last := 0
	for i := range len(s) {
		class := 0
		switch c := s[i]; {
		case isUpper(c):
			class, upper = 1, true
		case isLower(c):
			class, lower = 2, true
		case isDigit(c):
			class, digit = 3, true
		}
		if i > 0 && class != last {
			turns++
		}
		last = class
	}
	return upper && (lower && turns*5 >= len(s)*2 || digit && turns > 2 && !lower) && strings.Count(s, ".") < 2
}

// goesOnAt returns where a word goes on that was broken at s[i], behind the line
// end or between quotes, and began at s[word]; or i. If it need not be known for
// sure, what lines may be quoted by is not looked at.
func goesOnAt(s string, word, i int, sure bool) int {
	next := i
	for k := 0; k < 6 && next < len(s) && goesOnSigns[s[next]]; k++ {
		if c := s[next]; c == '\r' || c == '\\' {
			if end := nextLine(s, next); end > next {
				break
			}
		}
		next++
	}
	quoted := next > i && isQuote(s[next-1])
	if end := nextLine(s, next); end == next {
		if !quoted || next-i < 3 {
			return i
		}
		return next
	} else {
		next = end
	}
	if !sure {
		return skip(s, next, isBlank)
	}
	// What the lines have in common, or are quoted or indented by.
	const maxLead = 160
	begin := max(0, word-maxLead)
	begin += strings.LastIndexByte(s[begin:word], '\n') + 1
	if same := common(s[begin:word], s[next:]); same > 0 && begin+same == word {
		return next + same
	} else if same > 2 && !isToken68(s[next+same-1]) {
		next += same
	}
	for next = skip(s, next, isBlank); strings.HasPrefix(s[next:], `\t`); {
		next += 2
	}
	if next < len(s) && strings.IndexByte(">+|#*/;", s[next]) >= 0 {
		next = skip(s, next, func(c byte) bool { return strings.IndexByte(">+|#*/;", c) >= 0 })
		next = skip(s, next, isBlank)
	}
	if next < len(s) && isQuote(s[next]) && i < len(s) && (s[i] == s[next] || quoted) {
		next++
	}
	return next
}

// nextLine returns where the line end ends that begins at s[i], or i.
func nextLine(s string, i int) int {
	if i == len(s) || s[i] != '\n' && s[i] != '\r' && s[i] != '\\' && s[i] != '<' {
		return i
	}
	for _, end := range [...]string{"\n", "\r\n", `\n`, `\r\n`, "<br>", "<br/>", "<br />"} {
		if strings.HasPrefix(s[i:], end) {
			if i += len(end); end[0] == '<' && i < len(s) && s[i] == '\n' {
				i++
			}
			return i
		}
	}
	return i
}

// seam returns what stands around the line end between a and b.
func seam(a, b string) string {
	const side = 10 // what is no longer than 32 bytes need not be allocated
	return a[max(0, len(a)-side):] + b[:min(len(b), side)]
}

// paddings are what a token that was cut off may go on with: whatever alphabet
// it is written in, one of them is of it.
var paddings = [...]string{
	strings.Repeat("a1b2c3d4e5f60718", 8),
	strings.Repeat("A1B2C3D4E5F60718", 8),
}

// truncated returns s without the beginning of a token that it ends in: what it
// was is known by what it would be if it went on.
func (r *Redactor) truncated(s string, t *trail) string {
	end := len(s)
	cut := false
	for _, sign := range [...]string{"…", "...", cutMark} {
		if strings.HasSuffix(s[:end], sign) {
			end -= len(sign)
			cut = true
		}
	}
	from := end
	for from > max(0, end-maxTail) && isToken68(s[from-1]) {
		from--
	}
	word := s[from:end]
	if strings.HasPrefix(word, "/") && !mixed(word[strings.LastIndexByte(word, '/'):]) {
		return s // a path that ends in a name
	}
	if len(word) < minTail || !cut && !mixed(word) || !r.hasTokenWord(word[:len(word)-minRest]) {
		return s
	}
	for _, pad := range paddings {
		for n := 8; n <= len(pad); n += 4 {
			if text := word + pad[:n]; r.hit(text, len(word)) {
				with := r.replacement(kindTruncated, word)
				t.note(match{from, end, with})
				t.step()
				return s[:from] + with + s[end:]
			}
		}
	}
	return s
}

// hasTokenWord reports whether a word by which a token is known, whatever stands
// around it, is in s.
func (r *Redactor) hasTokenWord(s string) bool {
	p := r.plan()
	for i := 0; i+1 < len(s); i++ {
		w := bigramAt(s, i)
		if !p.words.has(w) || !p.may(s, i, w) {
			continue
		}
		for _, h := range p.at(w) {
			if h.rule != nil && h.rule.token && h.is(s, i-int(h.back)) {
				return true
			}
		}
	}
	return false
}

// hit reports whether a find in text begins before s[n].
func (r *Redactor) hit(text string, n int) bool {
	got := r.scan(text, nil)
	return got != text && common(got, text) < n
}

// mixed reports whether a word has letters and digits, and is no hash and no
// UUID.
func mixed(s string) bool {
	digits, letters := 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case isDigit(c):
			digits++
		case isAlpha(c) && !isHex(c):
			letters++
		}
	}
	return digits > 0 && letters > 0
}
