package main

import (
	"regexp"
	"slices"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

// predictor puts messages together: those with the same answer are one group.
type predictor struct {
	name    string
	predict func(message) string
}

var predictors = []predictor{
	{"line", func(m message) string { return m.text }},
	{"regex", func(m message) string { return baseline(m.text) }},
	{"regex+service", func(m message) string { return m.service + "\x00" + baseline(m.text) }},
	{"mask", func(m message) string { return correlate.Mask(m.text) }},
	{"signature", func(m message) string { return signer.Sign(occurrence(m), correlate.Spec{}).ID }},
}

func predictorOf(name string) (predictor, bool) {
	i := slices.IndexFunc(predictors, func(p predictor) bool { return p.name == name })
	if i < 0 {
		return predictor{}, false
	}
	return predictors[i], true
}

var signer correlate.Signer

// occurrence is what a log record that says no more than this would be.
func occurrence(m message) correlate.Occurrence {
	return correlate.Occurrence{Scope: correlate.Scope{Service: m.service}, Exception: correlate.Exception{Message: m.text}}
}

// usual are the expressions that tools come with to mask what varies: UUIDs,
// addresses, times, hexadecimal and decimal numbers.
var usual = []*regexp.Regexp{
	regexp.MustCompile(`\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b`),
	regexp.MustCompile(`\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?`),
	regexp.MustCompile(`\b(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?\b`),
	regexp.MustCompile(`\b0[xX][0-9a-fA-F]+\b`),
	regexp.MustCompile(`\b[0-9a-fA-F]*\d[0-9a-fA-F]{7,}\b`),
	regexp.MustCompile(`\d+(?:[.,]\d+)*`),
}

// baseline masks what the usual expressions find.
func baseline(text string) string {
	for _, r := range usual {
		text = r.ReplaceAllLiteralString(text, "<*>")
	}
	return text
}

// minTime is how long a predictor is measured, at least.
const minTime = 300 * time.Millisecond

// run returns the answer for each message, and how long a message took.
func (p predictor) run(messages []message) ([]string, time.Duration) {
	out := make([]string, len(messages))
	passes := 0
	began := time.Now()
	for {
		for i, m := range messages {
			out[i] = p.predict(m)
		}
		passes++
		if took := time.Since(began); took >= minTime || len(messages) == 0 {
			return out, took / time.Duration(max(1, passes*len(messages)))
		}
	}
}
