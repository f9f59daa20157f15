package prometheus

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
)

// envelope is what the API answers
// (https://prometheus.io/docs/prometheus/latest/querying/api/#format-overview).
type envelope struct {
	Status    string   `json:"status"`
	ErrorType string   `json:"errorType"`
	Error     string   `json:"error"`
	Warnings  []string `json:"warnings"`
	Data      struct {
		ResultType string          `json:"resultType"`
		Result     json.RawMessage `json:"result"`
	} `json:"data"`
}

// series is an element of a vector. One with a histogram has no value.
type series struct {
	Value     json.RawMessage `json:"value"`
	Histogram json.RawMessage `json:"histogram"`
}

const (
	// maxCount is more than anybody counts.
	maxCount = 1 << 50
	// maxComplaint is how much is shown of what the server says, in bytes.
	maxComplaint = 300
	// Older servers tell as a warning what is only a hint.
	hint = "PromQL info:"
)

var errNotPrometheus = errors.New("the answer is not that of Prometheus: is this its address?")

// read returns the number that an answer is. There may be no series, and then it
// is not known.
func read(body []byte) (n int64, known bool, _ Reason, _ error) {
	var e envelope
	if json.Unmarshal(body, &e) != nil || e.Status != "success" {
		return 0, false, Malformed, errNotPrometheus
	}
	for _, w := range e.Warnings {
		if !strings.HasPrefix(w, hint) {
			return 0, false, Incomplete, fmt.Errorf("the answer came with a warning, so that it may not count all: %s", plain(w))
		}
	}
	sample := e.Data.Result
	switch e.Data.ResultType {
	case "scalar":
	case "vector":
		var all []series
		switch err := json.Unmarshal(sample, &all); {
		case err != nil:
			return 0, false, Malformed, errNotPrometheus
		case len(all) == 0:
			return 0, false, "", nil
		case len(all) > 1:
			return 0, false, NoCount, fmt.Errorf("the answer has %d series: the query has to sum them up", len(all))
		case all[0].Value == nil && all[0].Histogram != nil:
			return 0, false, NoCount, errors.New("the answer is a histogram, and not a number")
		}
		sample = all[0].Value
	default:
		return 0, false, NoCount, fmt.Errorf("the answer is a %s: the query has to make a vector of one series, or a scalar", plain(e.Data.ResultType))
	}
	return number(sample)
}

// number reads a pair of a time and a number that is written as a string.
func number(sample json.RawMessage) (n int64, known bool, _ Reason, _ error) {
	var (
		pair []json.RawMessage
		text string
	)
	if json.Unmarshal(sample, &pair) != nil || len(pair) != 2 || json.Unmarshal(pair[1], &text) != nil {
		return 0, false, Malformed, errNotPrometheus
	}
	f, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil && !math.IsInf(f, 0):
		return 0, false, Malformed, errNotPrometheus
	case !(f >= 0 && f <= maxCount): // nor is NaN
		return 0, false, NoCount, fmt.Errorf("the answer is %v, which is no count", f)
	}
	return int64(math.Round(f)), true, "", nil
}

// complaint returns what the server says is wrong with a query.
func complaint(body []byte) string {
	var e envelope
	if json.Unmarshal(body, &e) != nil || e.Error == "" {
		return ""
	}
	return plain(e.ErrorType + ": " + e.Error)
}

// plain returns the beginning of a text, in one line.
func plain(s string) string {
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\uFFFD"), func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r)
	}), " ")
	if len(s) > maxComplaint {
		s = strings.ToValidUTF8(s[:maxComplaint], "") + "…"
	}
	return s
}
