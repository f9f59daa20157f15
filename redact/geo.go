package redact

import (
	"strconv"
	"strings"
)

// minGeoDigits is how many digits behind the point make a coordinate one that
// finds a house, or a person.
const minGeoDigits = 3

// geo finds geographic coordinates whose first digit is s[i]: a pair of decimals
// within range, or several of a line or an area, beside a word that says so or with
// the signs of degrees; or one behind the word "latitude" or "longitude".
func geo(s string, i, floor int) (match, bool) {
	from := i
	signed := from > floor && (s[from-1] == '-' || s[from-1] == '+')
	if signed {
		from--
	}
	if from > floor && (isWord(s[from-1]) && !escaped(s, from) || s[from-1] == '.') {
		return match{}, false
	}
	end, a, ok := coordinate(s, from)
	if !ok {
		return match{}, false
	}
	next, told := pairGap(s, end)
	if next == end && signed && end < len(s) && (s[end] == '-' || s[end] == '+') {
		next++ // ISO 6709: +52.5163+013.3777/
	}
	last, b, ok := 0, 0, false
	if next > end {
		last, b, ok = coordinate(s, next)
	}
	if !ok || a > 90 && b > 90 || !told && !tellsPlace(s, from, floor) {
		if !tellsDegrees(s, from, end, floor) {
			return match{}, false
		}
		return match{from, end, mark(kindGeo)}, true
	}
	for { // a line, a box, an area
		end = last
		if next, _ = pairGap(s, end); next == end {
			break
		}
		if last, _, ok = coordinate(s, next); !ok {
			break
		}
	}
	return match{from, end, mark(kindGeo)}, true
}

// pairGap returns the end of what may stand between two coordinates at s[i], or i,
// and whether that is the sign of degrees and a direction.
func pairGap(s string, i int) (next int, told bool) {
	const maxBetween = 24
	next = i
	for _, sign := range degreeSigns {
		if strings.HasPrefix(s[next:], sign) {
			next += len(sign)
			to := skip(s, next, isBlank)
			if to < len(s) && strings.IndexByte("NSEWO", s[to]) >= 0 && (to+1 == len(s) || !isAlnum(s[to+1])) {
				next, told = to+1, true
			}
			break
		}
	}
	for limit := i + maxBetween; next < min(len(s), limit); {
		switch c := s[next]; c {
		case ',', ' ', ';', '/', '\n', '\r', '\t', '[', ']', '(', ')', '|':
			next++
			continue
		case '%':
			if b, n := unescapeAt(s, next); b == ',' || b == ' ' || b == ';' || b == '|' {
				next += n
				continue
			}
		case '+': // a blank, or a sign
			if next > i || next+1 < len(s) && (s[next+1] == '-' || isDigit(s[next+1])) {
				next++
				continue
			}
		case '\\':
			if next+1 < len(s) && s[next+1] == 'n' {
				next += 2
				continue
			}
		}
		break
	}
	return next, told
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

// placeWords tell that coordinates follow, as a word or at the end of one.
var placeWords = map[string]bool{}

func init() {
	for w := range strings.FieldsSeq(`lat lats latitude latitudes lon lng lnglat lonlat latlng latlon latlong longitude longitudes
		coord coords coordinate coordinates geo geom geometry geopoint geohash geojson gps location locations loc position positions pos
		point points multipoint linestring polygon multipolygon bbox viewbox place places near nearby ll sll center centre
		geoadd geosearch georadius makepoint koordinaten koordinate standort position coordenadas ubicación ubicacion
		coordonnées coordinate posizione origin destination waypoint waypoints saddr daddr`) {
		placeWords[w] = true
	}
}

// tellsPlace reports whether what stands before the decimals at s[from:] says that
// they are a place. A sign that belongs to one stands for a URL that does:
// geo:52.5163,13.3777, .../maps/@52.5163,13.3777,17z, maps?q=52.5163,13.3777.
func tellsPlace(s string, from, floor int) bool {
	before := s[max(floor, from-maxTelling):from]
	if strings.HasSuffix(before, "/@") || strings.HasSuffix(before, "?q=") || strings.HasSuffix(before, "&q=") || strings.HasSuffix(before, "<+") || strings.HasSuffix(before, "<") && strings.HasPrefix(s[from:], "+") {
		return true
	}
	for i := 0; i < len(before); {
		if !isLetter(before[i]) {
			i++
			continue
		}
		end := i + 1
		for end < len(before) && isLetter(before[end]) && !(isUpper(before[end]) && isLower(before[end-1])) {
			end++
		}
		if word := before[i:end]; placeWords[strings.ToLower(word)] || i == 0 && cutPlaceWord(word) {
			return true
		}
		// latLng is two words, each of which tells.
		i = end
	}
	return false
}

// cutPlaceWord reports whether word, whose beginning was cut off, ends as one of
// the longest of placeWords.
func cutPlaceWord(word string) bool {
	return foldSuffix(word, "coordinates") || foldSuffix(word, "location") || foldSuffix(word, "position") || foldSuffix(word, "latitude") || foldSuffix(word, "longitude")
}

// endsDegrees holds the last letters of the words for one coordinate, and of fillers.
var endsDegrees = func() (t [256]bool) {
	for _, c := range []byte("etgnsr") {
		t[c], t[c&^0x20] = true, true
	}
	return t
}()

// tellsDegrees reports whether the one decimal s[from:end] is the latitude or the
// longitude of a place: a word before it says so, and if that word means something
// else too, another is near.
func tellsDegrees(s string, from, end, floor int) bool {
	const reach = 48
	if n := gapStart(s, from, floor); n == floor || n == from || !endsDegrees[s[n-1]] {
		return false
	}
	word, _ := tellingWord(s, from, floor)
	switch {
	case foldSuffix(word, "latitude") || foldSuffix(word, "longitude") || foldSuffix(word, "lng"):
		return true
	case foldSuffix(word, "lat"):
		behind := strings.ToLower(s[end:min(len(s), end+reach)])
		return strings.Contains(behind, "lon") || strings.Contains(behind, "lng")
	case foldSuffix(word, "lon") || foldSuffix(word, "long"):
		return strings.Contains(strings.ToLower(s[max(0, from-2*reach):from]), "lat")
	}
	return false
}

// isDegrees reports whether s is one number that may be a coordinate.
func isDegrees(s string) bool {
	if n := strings.TrimPrefix(s, "-"); len(n) >= 8 && len(n) <= 10 && skip(n, 0, isDigit) == len(n) {
		return true // ten millionths
	}
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
