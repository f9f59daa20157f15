package redact

import "strings"

const (
	kindWrapped   = "wrapped"
	kindTruncated = "truncated"

	// minLine is the length of the shortest word that a line may have been broken
	// in, on either side, in bytes; maxLines how many lines belong together.
	minLine  = 12
	maxLines = 64
	// maxTail is how long a token may be whose end was cut off, minTail how short,
	// and minRest how much of it there is besides the word that it is known by, in
	// bytes.
	maxTail = 256
	minTail = 10
	minRest = 3
)

// wrapped returns s without the words that were broken over lines and are a
// secret when put together again. A line end may be written as \n.
func (r *Redactor) wrapped(s string, t *trail) string {
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
		begin, to, joined := r.unbroken(s, i, done)
		if to == 0 {
			i++
			continue
		}
		if r.scan(r.own(joined, nil), nil) != joined {
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

// from returns the index n within s[i:] as one within s.
func from(i, n int) int {
	if n < 0 {
		return n
	}
	return i + n
}

// unbroken returns the word that the line end at s[i] stands in, and what it
// reads like in one piece, or 0 if that is no token.
func (r *Redactor) unbroken(s string, i, floor int) (from, to int, joined string) {
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
	if next := nextLine(s, end); skip(s[:min(len(s), next+minLine/2)], next, isToken68)-next < minLine/2 {
		return 0, 0, ""
	}
	var parts [1 + maxLines]string
	parts[0] = s[from:end]
	n := 1
	token := r.use().own != nil || r.hasTokenWord(parts[0])
	for to = end; n < len(parts); n++ {
		next := nextLine(s, to)
		line := skip(s, next, isToken68)
		if next == to || line-next < minLine/2 {
			break
		}
		parts[n] = s[next:line]
		to = line
		token = token || r.hasTokenWord(parts[n]) || r.hasTokenWord(seam(parts[n-1], parts[n]))
	}
	if n == 1 || !token {
		return 0, 0, ""
	}
	joined = strings.Join(parts[:n], "")
	if !strings.ContainsAny(joined, "0123456789") {
		return 0, 0, "" // words
	}
	return from, to, joined
}

// nextLine returns where the line end ends that begins at s[i], or i.
func nextLine(s string, i int) int {
	for _, end := range [...]string{"\n", "\r\n", `\n`, `\r\n`} {
		if strings.HasPrefix(s[i:], end) {
			return i + len(end)
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
