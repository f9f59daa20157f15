package redact

import "strings"

const (
	// minOctets is how many bytes a list must have to be looked into: less are no
	// token.
	minOctets = 16
	// minList is the length of the shortest list that has as many.
	minList = minOctets*3 - 1
	// nearby is how much of one is looked at first.
	nearby = 10
)

// octets returns s without the lists of bytes, printed as numbers, that are a
// secret when read as text: [112 97 115], {0x70, 0x61}, 70:61:73, <<112,97>>,
// and dumps in lines with an offset. All of such a list goes.
//
// Most texts have no such list, which a look at one byte in some thirty shows.
func (r *Redactor) octets(s string, level int, t *trail) string {
	var out []byte
	done := 0
	for probe := minList - 1; probe < len(s); probe += minList - nearby {
		if octetSigns[s[probe]] == 0 || !nearList(s, probe) {
			continue
		}
		from, to := probe, probe
		for from > max(done, probe-minList-nearby) && octetSigns[s[from-1]] != 0 {
			from--
		}
		for to < len(s) && octetSigns[s[to]] != 0 {
			to++
		}
		if to-from < minList-1 || !mayList(s[from:to]) {
			probe = max(probe, to-1)
			continue
		}
		next := to
		a, b, text := dump(s, from, to, done)
		next = max(next, b)
		holds := b > 0 && r.holdsSecret(text, "", level)
		if holds {
			from, to = a, b
		} else if from, to = wholeOctets(s, from, to); countOctets(s[from:to]) >= minOctets {
			holds = r.holdsSecret(octetList(s[from:to], true), "", level) || r.holdsSecret(octetList(s[from:to], false), "", level)
		}
		probe = max(probe, next-1)
		if !holds {
			continue
		}
		for isSpace(s[from]) || s[from] == ',' {
			from++
		}
		for isSpace(s[to-1]) || s[to-1] == ',' {
			to--
		}
		with := r.replacement(kindEncoded, s[from:to])
		t.note(match{from, to, with})
		out = append(append(out, s[done:from]...), with...)
		done = to
	}
	if out == nil {
		return s
	}
	t.step()
	return string(append(out, s[done:]...))
}

// nearList reports whether what stands before s[i] may be of a list of bytes: all
// short numbers.
func nearList(s string, i int) bool {
	const minBetween = 2
	between := 0
	for k := i - 1; k > i-nearby; k-- {
		switch octetSigns[s[k]] {
		case 0:
			return false
		case 2:
			between++
		}
	}
	return between >= minBetween
}

// octetSigns has what lists of bytes are written in: 1 for digits, 2 for what
// stands between them.
var octetSigns = func() (t [256]byte) {
	for c := range t {
		switch {
		case isHex(byte(c)):
			t[c] = 1
		case strings.IndexByte(" ,:-x\n\r\t", byte(c)) >= 0:
			t[c] = 2
		}
	}
	return t
}()

// mayList reports whether s may list bytes: it has as many short numbers, or
// groups of a dump.
func mayList(s string) bool {
	const minShort, minGroups = 8, 6
	short, groups, run := 0, 0, 0
	for i := range len(s) {
		if octetSigns[s[i]] == 1 {
			run++
			continue
		}
		switch run {
		case 0:
		case 1, 2, 3:
			short++
		case 4:
			groups++
		}
		run = 0
	}
	if run > 0 {
		short++
	}
	return short >= minShort || groups >= minGroups
}

// wholeOctets returns s[from:to] without the parts of words at its ends.
func wholeOctets(s string, from, to int) (int, int) {
	if from > 0 && isAlnum(s[from-1]) {
		for from < to && isAlnum(s[from]) {
			from++
		}
	}
	if to < len(s) && isAlnum(s[to]) {
		for to > from && isAlnum(s[to-1]) {
			to--
		}
	}
	return from, to
}

// countOctets returns how many numbers s lists that may be bytes.
func countOctets(s string) int {
	count, run := 0, 0
	for i := 0; i <= len(s); i++ {
		if i < len(s) && octetSigns[s[i]] == 1 {
			run++
			continue
		}
		if run > 0 && run <= 3 && (i == len(s) || s[i] != 'x') {
			count++
		}
		run = 0
	}
	return count
}

// octetList returns the text whose bytes s lists, in hexadecimal or in decimal, or
// "".
func octetList(s string, hex bool) string {
	b := make([]byte, 0, len(s)/2)
	for i := 0; i < len(s); {
		end := i
		for end < len(s) && octetSigns[s[end]] == 1 {
			end++
		}
		if end == i || end < len(s) && s[end] == 'x' { // 0x70
			i = end + 1
			continue
		}
		n := 0
		for _, c := range []byte(s[i:min(end, i+4)]) {
			switch {
			case hex:
				n = n<<4 | int(unhex(c))
			case isDigit(c):
				n = n*10 + int(c-'0')
			default:
				return ""
			}
		}
		if n > 255 {
			n = 1 // no text
		}
		b = append(b, byte(n))
		i = end
	}
	return printed(b)
}

// dump returns the lines around s[from:to] that have an offset, bytes in
// hexadecimal, and perhaps the bytes as text, and what they say together; or
// zeros.
func dump(s string, from, to, floor int) (int, int, string) {
	begin := lineBegin(s, from, floor)
	if begin < floor {
		return 0, 0, ""
	}
	// The list may have begun with the offset of the line, or with what ended the
	// line before.
	for begin < to {
		if end := lineStop(s, begin); end > from && end-begin >= minList {
			break
		}
		begin = lineStop(s, begin) + 1
	}
	var all []byte
	first, last, lines := begin, begin, 0
	for at := begin; at < len(s); {
		end := lineStop(s, at)
		b := dumpLine(s[at:end], &first, at, lines == 0)
		if len(b) == 0 {
			break
		}
		all = append(all, b...)
		lines++
		last, at = end, end+1
	}
	if lines == 0 {
		return 0, 0, ""
	}
	return first, last, printed(all)
}

// lineBegin returns where the line begins that s[i] is on, or -1 if that is too
// far away.
func lineBegin(s string, i, floor int) int {
	const maxLead = 160
	for k := i; k >= floor && k > i-maxLead; k-- {
		if k == 0 || s[k-1] == '\n' {
			return k
		}
	}
	return -1
}

func lineStop(s string, i int) int {
	if n := strings.IndexByte(s[i:], '\n'); n >= 0 {
		return i + n
	}
	return len(s)
}

// dumpLine returns the bytes that a line of a dump lists behind an offset, and
// in first, if it is asked for, where that begins.
func dumpLine(line string, first *int, at int, tell bool) []byte {
	const minOffset, maxRow = 4, 32
	i := 0
	for ; i < len(line); i++ { // the offset is what is before the bytes
		if !isHex(line[i]) || i > 0 && isWord(line[i-1]) {
			continue
		}
		end := skip(line, i, isHex)
		if end-i >= minOffset && end < len(line) && (line[end] == ' ' || line[end] == ':' && end+1 < len(line) && line[end+1] == ' ') {
			if b := dumpRow(line[end+1:]); b != nil {
				if tell {
					*first = at + i
				}
				return b[:min(len(b), maxRow)]
			}
		}
		i = end
	}
	return nil
}

// dumpRow returns the bytes that a row lists: pairs of digits, or groups of up to
// eight, up to two spaces or a '|' and the text.
func dumpRow(row string) []byte {
	var b []byte
	i := skip(row, 0, isBlank)
	for i < len(row) {
		end := skip(row, i, isHex)
		if end == i || (end-i)%2 != 0 || end-i > 8 || end < len(row) && !isBlank(row[end]) {
			break
		}
		for k := i; k < end; k += 2 {
			b = append(b, hexByte(row, k))
		}
		i = skip(row, end, isBlank)
		if i-end > 2 || i-end > 1 && len(b) != 8 {
			break
		}
	}
	return b
}
