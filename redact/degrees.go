package redact

import "strings"

// degreeSigns are how the sign of degrees is written, percent-encoded and escaped
// as in JSON included; the second is the ordinal indicator that stands for it.
var degreeSigns = []string{"°", "º", "%C2%B0", "%c2%b0", `\u00b0`, `\u00B0`, "&deg;"}

// minuteSigns and secondSigns are the same for the other two.
var (
	secondSigns = []string{"''", `\"`, `"`, "″", "”", "’’", "%22", "%27%27", "&quot;", `\u2033`}
	minuteSigns = []string{"'", "′", "’", "%27", "&#39;", "&apos;", `\u2032`, `\'`, `\u0027`}
)

// degrees finds geographic coordinates in degrees, minutes and seconds around the
// sign of degrees at s[at]: 52°31'12.0"N 13°24'18"E, N 52° 31.200' E 13° 24.3'.
// There are minutes, or three digits behind the point, and a direction.
func degrees(x *scanner, at int) (match, bool) {
	s := x.s
	from := at
	for from > max(x.floor, at-12) && (isDigit(s[from-1]) || s[from-1] == '.') {
		from--
	}
	if from == at && at > x.floor && s[at-1] == ' ' {
		for from = at - 1; from > max(x.floor, at-12) && (isDigit(s[from-1]) || s[from-1] == '.'); {
			from--
		}
	}
	from, end, ok := angle(s, from, x.floor)
	if !ok {
		return match{}, false
	}
	for range 3 {
		next := skip(s[:min(len(s), end+4)], end, func(c byte) bool {
			return c == ' ' || c == ',' || c == ';' || c == '/' || c == '+' || c == '|'
		})
		if b, n := unescapeAt(s, next); b == ',' || b == ' ' {
			next += n
		}
		if next < len(s) && isDirection(s[next]) {
			next = skip(s, next+1, isBlank)
		}
		if next == len(s) || !isDigit(s[next]) {
			break
		}
		_, to, ok := angle(s, next, end)
		if !ok {
			break
		}
		end = to
	}
	return match{from, end, mark(kindGeo)}, true
}

// angle returns where the angle begins and ends whose first digit is s[i], its
// direction included, before or behind it.
func angle(s string, i, floor int) (from, end int, ok bool) {
	from = i
	end, n := decimal(s, i)
	fine := n >= minGeoDigits
	end, found := sign(s, skip(s, end, isBlank), degreeSigns)
	if i == end || !found {
		return 0, 0, false
	}
	if j := skip(s, end, isBlank); j < len(s) && isDigit(s[j]) {
		to, _ := decimal(s, j)
		if to, found = sign(s, skip(s, to, isBlank), minuteSigns); found {
			end, fine = to, true
			if j = skip(s, end, isBlank); j < len(s) && isDigit(s[j]) {
				to, _ = decimal(s, j)
				if to, found = sign(s, skip(s, to, isBlank), secondSigns); found {
					end = to
				}
			}
		}
	}
	if !fine {
		return 0, 0, false
	}
	before := i
	for before > floor && isBlank(s[before-1]) && before > i-2 {
		before--
	}
	if before > floor && isDirection(s[before-1]) && (before-1 == floor || before-2 < 0 || !isAlnum(s[before-2])) {
		return before - 1, end, true
	}
	j := skip(s[:min(len(s), end+2)], end, func(c byte) bool { return c == ' ' || c == '+' })
	if j < len(s) && isDirection(s[j]) && (j+1 == len(s) || !isLetter(s[j+1])) {
		return from, j + 1, true
	}
	return 0, 0, false
}

// decimal returns the end of the number at s[i], and how many digits it has behind
// the point.
func decimal(s string, i int) (end, digits int) {
	s = s[:min(len(s), i+maxTelling)]
	end = skip(s, i, isDigit)
	if end+1 < len(s) && s[end] == '.' && isDigit(s[end+1]) {
		to := skip(s, end+1, isDigit)
		return to, to - end - 1
	}
	return end, 0
}

// sign returns the end of the one of signs that stands at s[i], and whether there
// is one.
func sign(s string, i int, signs []string) (int, bool) {
	for _, sign := range signs {
		if strings.HasPrefix(s[i:], sign) {
			return i + len(sign), true
		}
	}
	return i, false
}

// isDirection reports whether c is the letter of a direction, in English or, for
// the west, in the Romance languages.
func isDirection(c byte) bool { return c == 'N' || c == 'S' || c == 'E' || c == 'W' || c == 'O' }
