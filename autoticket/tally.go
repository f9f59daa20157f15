package autoticket

// tally counts, by kind, what was withheld from one document.
type tally struct {
	counts map[string]int64 // nil while there is nothing
}

// add returns what a redactor is to call. It tells of each kind, too.
func (t *tally) add(tell func(kind string)) func(kind string) {
	return func(kind string) {
		if t.counts == nil {
			t.counts = map[string]int64{}
		}
		t.counts[kind]++
		tell(kind)
	}
}

// in adds what was counted to other counts, which may be nil.
func (t *tally) in(counts map[string]int64) map[string]int64 {
	if counts == nil {
		return t.counts
	}
	for kind, n := range t.counts {
		counts[kind] += n
	}
	return counts
}
