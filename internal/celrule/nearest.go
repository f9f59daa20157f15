package celrule

import "unicode/utf8"

// Nearest returns the candidate that a misspelt name was probably meant to be,
// or "" if none is close. Of several the first wins.
func Nearest(name string, candidates []string) string {
	best, least := "", utf8.RuneCountInString(name)/3+1
	if len(name) > 64 {
		return "" // not a slip of the finger
	}
	for _, c := range candidates {
		if d := distance([]rune(name), []rune(c)); d < least || d == least && best == "" && d <= 2 && d < len(c) {
			best, least = c, d
		}
	}
	return best
}

// distance is the number of letters to insert, delete, change or swap with
// their neighbour to make b of a.
func distance(a, b []rune) int {
	var before, above []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		before, above, row = above, row, make([]int, len(b)+1)
		row[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(row[j]+1, above[j+1]+1, above[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(b)]
}
