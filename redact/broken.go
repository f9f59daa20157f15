package redact

import "strings"

const (
	kindWrapped   = "wrapped"
	kindTruncated = "truncated"

	// minLine is the length of the shortest word that a line may have been broken
	// in, on either side, in bytes; maxLines how many lines belong together.
	minLine  = 12
	maxLines = 64
	// maxTail is how long a token may be whose end was cut off, and minTail how
	// short, in bytes.
	maxTail = 256
	minTail = 8
)

// wrapped returns s without the words that were broken over lines and are a
// secret when put together again. A line end may be written as \n.
func (r *Redactor) wrapped(s string) string {
	var out []byte
	done := 0
	plain, escaped := strings.IndexByte(s, '\n'), strings.Index(s, `\n`)
	for i := 0; plain >= 0 || escaped >= 0; {
		if plain >= 0 && plain < i {
			plain = from(i, strings.IndexByte(s[i:], '\n'))
			continue
		}
		if escaped >= 0 && escaped < i {
			escaped = from(i, strings.Index(s[i:], `\n`))
			continue
		}
		if i = plain; plain < 0 || escaped >= 0 && escaped < plain {
			i = escaped
		}
		begin, to, joined := unbroken(s, i, done)
		if to == 0 {
			i++
			continue
		}
		if r.scan(r.own(joined)) != joined {
			out = append(append(out, s[done:begin]...), r.replacement(kindWrapped, s[begin:to])...)
			done = to
		}
		i = to
	}
	if out == nil {
		return s
	}
	return string(append(out, s[done:]...))
}

// from returns the index n within s[i:] as one within s.
func from(i, n int) int {
	if n < 0 {
		return n
	}
	return i + n
}

// unbroken returns the word that the line end at s[i] stands in, and what it
// reads like in one piece, or 0.
func unbroken(s string, i, floor int) (from, to int, joined string) {
	end := i
	if end > floor && s[end-1] == '\r' {
		end--
	} else if end-1 > floor && s[end-2:end] == `\r` {
		end -= 2
	}
	from = end
	for from > max(floor, end-maxAuthority) && isToken68(s[from-1]) {
		from--
	}
	if end-from < minLine {
		return 0, 0, ""
	}
	parts := []string{s[from:end]}
	to = end
	for range maxLines {
		next := to
		if next < len(s) && s[next] == '\r' {
			next++
		} else if strings.HasPrefix(s[next:], `\r`) {
			next += 2
		}
		switch {
		case next < len(s) && s[next] == '\n':
			next++
		case strings.HasPrefix(s[next:], `\n`):
			next += 2
		default:
			next = len(s)
		}
		line := skip(s, next, isToken68)
		if line-next < minLine/2 {
			break
		}
		parts = append(parts, s[next:line])
		to = line
	}
	if len(parts) == 1 {
		return 0, 0, ""
	}
	joined = strings.Join(parts, "")
	if !strings.ContainsAny(joined, "0123456789") {
		return 0, 0, "" // words
	}
	return from, to, joined
}

// paddings are what a token that was cut off may go on with: whatever alphabet
// it is written in, one of them is of it.
var paddings = [...]string{
	strings.Repeat("a1b2c3d4e5f60718", 8),
	strings.Repeat("A1B2C3D4E5F60718", 8),
}

// truncated returns s without the beginning of a token that it ends in: what it
// was is known by what it would be if it went on.
func (r *Redactor) truncated(s string) string {
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
	if len(word) < minTail || !cut && !mixed(word) || !r.beginsToken(word) {
		return s
	}
	for _, pad := range paddings {
		for n := 8; n <= len(pad); n += 4 {
			if text := word + pad[:n]; r.hit(text, len(word)) {
				return s[:from] + r.replacement(kindTruncated, word) + s[end:]
			}
		}
	}
	return s
}

// beginsToken reports whether a token of known shape may begin in a word: only
// then is it worth while to try how it might go on.
func (r *Redactor) beginsToken(word string) bool {
	p := r.plan()
	for i := 0; i+1 < len(word); i++ {
		w := bigramAt(word, i)
		if !p.words.has(w) {
			continue
		}
		for _, h := range p.at(w) {
			if at := i - int(h.back); at >= 0 && h.rule != nil && h.rule.near == nil && h.rule.at == nil && h.is(word, at) {
				return true
			}
		}
	}
	return false
}

// hit reports whether a find in text begins before s[n].
func (r *Redactor) hit(text string, n int) bool {
	got := r.scan(text)
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
