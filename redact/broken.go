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
// as if it were drawn.
func (r *Redactor) wrapped(s string, early bool, t *trail) string {
	var out []byte
	done := 0
	var next [len(breaks)]int
	for n, sign := range breaks {
		next[n] = strings.Index(s, sign)
	}
	for i := 0; ; {
		at := -1
		for n, sign := range breaks {
			if next[n] >= 0 && next[n] < i {
				next[n] = from(i, strings.Index(s[i:], sign))
			}
			if next[n] >= 0 && (at < 0 || next[n] < at) {
				at = next[n]
			}
		}
		if at < 0 {
			break
		}
		i = at
		begin, to, joined := r.unbroken(s, i, done, early)
		if to == 0 {
			i++
			continue
		}
		if r.secretInOne(joined) {
			with := r.replacement(kindWrapped, s[begin:to])
			out = append(append(out, s[done:begin]...), with...)
			t.note(match{begin, to, with})
			done = to
		}
		i = to
	}
	if out == nil {
		return s
	}
	t.step()
	return string(append(out, s[done:]...))
}

// breaks are what words are broken at.
var breaks = [...]string{"\n", `\n`, "<br", `" + "`, "' + '", `" . "`, "' . '"}

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

// from returns the index n within s[i:] as one within s.
func from(i, n int) int {
	if n < 0 {
		return n
	}
	return i + n
}

// unbroken returns the word that the break at s[i] stands in, and its parts, or 0
// if that is no token.
func (r *Redactor) unbroken(s string, i, floor int, early bool) (from, to int, parts []string) {
	end := i
	for k := 0; k < 4 && end > floor && strings.IndexByte("\r\\+.\"' ", s[end-1]) >= 0; k++ {
		end-- // of a line that says that it goes on
	}
	if end-1 > floor && s[end-2:end] == `\r` {
		end -= 2
	}
	from = end
	for from > max(floor, end-maxAuthority) && isToken68(s[from-1]) {
		from--
	}
	if end-from < minLine {
		return 0, 0, nil
	}
	if next := goesOnAt(s, from, end); next == end || skip(s[:min(len(s), next+minLine/2)], next, isToken68)-next < minLine/2 {
		return 0, 0, nil
	}
	var all [1 + maxLines]string
	all[0] = s[from:end]
	n := 1
	token := r.use().own != nil || r.hasTokenWord(all[0])
	if early && !token {
		return 0, 0, nil
	}
	digits := strings.ContainsAny(all[0], "0123456789")
	for to = end; n < len(all); n++ {
		next := goesOnAt(s, from, to)
		line := skip(s, next, isToken68)
		if next == to || line-next < minLine/2 || early && !isDrawnPart(s[next:line]) {
			break
		}
		all[n] = s[next:line]
		to = line
		digits = digits || strings.ContainsAny(all[n], "0123456789")
		token = token || r.hasTokenWord(all[n]) || r.hasTokenWord(seam(all[n-1], all[n]))
	}
	if n == 1 || !token || !digits {
		return 0, 0, nil // or words
	}
	return from, to, append([]string(nil), all[:n]...)
}

// isDrawnPart reports whether a part of a word that was broken looks drawn: no
// name, and none of a file.
func isDrawnPart(s string) bool {
	digits := 0
	for i := range len(s) {
		if isDigit(s[i]) {
			digits++
		}
	}
	return digits > 1 && isMixed(s) && entropy(s) >= 3 && strings.Count(s, ".") < 2
}

// goesOnAt returns where a word goes on that was broken at s[i], behind the line
// end or between quotes, and began at s[word]; or i.
func goesOnAt(s string, word, i int) int {
	next := i
	for k := 0; k < 6 && next < len(s) && strings.IndexByte("\\+.\"' ", s[next]) >= 0; k++ {
		if end := nextLine(s, next); end > next {
			break
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
	const side = 16 // what is no longer than 32 bytes need not be allocated
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
		if !p.words.has(w) {
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
