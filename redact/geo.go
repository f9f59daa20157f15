package redact

import (
	"strconv"
	"strings"
)

// minGeoDigits is how many digits behind the point make a coordinate one that
// finds a house, or a person.
const minGeoDigits = 3

// geo finds a pair of geographic coordinates whose first digit is s[i]: two
// decimals within range, beside a word that says so.
func geo(s string, i, floor int) (match, bool) {
	from := i
	if from > floor && s[from-1] == '-' {
		from--
	}
	if from > floor && (isWord(s[from-1]) || s[from-1] == '.') {
		return match{}, false
	}
	end, a, ok := coordinate(s, from)
	if !ok {
		return match{}, false
	}
	next := end
	for next < len(s) && next < end+3 && (s[next] == ',' || s[next] == ' ' || s[next] == ';' || s[next] == '/') {
		next++
	}
	if next == end && strings.HasPrefix(s[next:], "%2C") {
		next += 3
	}
	if next == end || next == len(s) {
		return match{}, false
	}
	end, b, ok := coordinate(s, next)
	if !ok || a > 90 && b > 90 || !tellsPlace(s[max(floor, from-maxTelling):from]) {
		return match{}, false
	}
	return match{from, end, mark(kindGeo)}, true
}

// coordinate returns the end of the decimal degrees at s[i], and their
// magnitude.
func coordinate(s string, i int) (end int, degrees int, ok bool) {
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		i++
	}
	point := skip(s, i, isDigit)
	if point == i || point > i+3 || point == len(s) || s[point] != '.' {
		return 0, 0, false
	}
	for _, c := range []byte(s[i:point]) {
		degrees = degrees*10 + int(c-'0')
	}
	end = skip(s, point+1, isDigit)
	return end, degrees, end-point > minGeoDigits && degrees <= 180 && isolated(s, end)
}

// placeWords tell that coordinates follow. A sign that belongs to one stands for
// a URL that does: geo:52.5163,13.3777, .../maps/@52.5163,13.3777,17z.
var placeWords = []string{"lat", "lon", "lng", "coord", "geo", "gps", "locat", "position", "point", "place", "maps/", "@", "near", "ll="}

// tellsPlace reports whether what stands before a pair of decimals says that it
// is a place.
func tellsPlace(before string) bool {
	before = strings.ToLower(before)
	for _, w := range placeWords {
		if strings.Contains(before, w) {
			return true
		}
	}
	return false
}

// isDegrees reports whether s is one number that may be a coordinate.
func isDegrees(s string) bool {
	end, _, ok := coordinate(s, 0)
	return ok && end == len(s)
}

// maskGeo rounds coordinates to a tenth of a degree, some ten kilometres. A place
// that is written otherwise, in letters and digits, is hidden whole.
func maskGeo(s string) string {
	if strings.ContainsAny(s, "0123456789") && strings.ContainsFunc(s, func(c rune) bool { return c < 0x80 && isAlpha(byte(c)) }) {
		return mark(kindGeo)
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		end, _, ok := coordinate(s, i)
		if !ok {
			b.WriteByte(s[i])
			i++
			continue
		}
		f, err := strconv.ParseFloat(s[i:end], 64)
		if err != nil {
			return mark(kindGeo)
		}
		b.WriteString(strconv.FormatFloat(f, 'f', 1, 64))
		i = end
	}
	return b.String()
}
