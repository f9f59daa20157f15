package deployment

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

// Query asks how an operation fared.
type Query struct {
	Scope     correlate.Scope
	Operation string // empty means all of the service
	Version   string // of the processes, as their service.version says; empty means all
	From, To  time.Time
}

// Count is how often an operation ended, and how often it failed.
type Count struct {
	Total  int64 `json:"total"`
	Failed int64 `json:"failed"`
}

// Rates tells how operations fared. Count reports false if it does not know, or
// not yet: it answers from what it has, does not wait, and may be called
// concurrently. Zero calls are an answer, too. The same query has the same answer within one
// call of [Suspects].
type Rates interface {
	Count(Query) (Count, bool)
}

// rate returns the share of failures.
func (c Count) rate() float64 {
	if c.Total <= 0 {
		return 0
	}
	return float64(c.Failed) / float64(c.Total)
}

// sane returns a count that can be: what is answered from samples or by estimates
// need not add up.
func (c Count) sane() Count {
	const limit = 1 << 50
	c.Failed = min(max(c.Failed, 0), limit)
	c.Total = min(max(c.Total, c.Failed), limit)
	return c
}

// minus takes away one failure: the first, which said when to begin to count.
func (c Count) lessOne() Count {
	if c.Failed == 0 {
		return c
	}
	return Count{Total: c.Total - 1, Failed: c.Failed - 1}
}

// String returns "12 of 340 (3.5 %)".
func (c Count) String() string {
	if c.Total == 0 {
		return "no calls"
	}
	return fmt.Sprintf("%s of %s (%s %%)", thousands(c.Failed), thousands(c.Total), percent(c.rate()))
}

func percent(rate float64) string {
	p := 100 * rate
	if p != 0 && p < 0.1 {
		return "less than 0.1"
	}
	if p < 10 {
		return strings.TrimSuffix(strconv.FormatFloat(p, 'f', 1, 64), ".0")
	}
	return strconv.FormatFloat(p, 'f', 0, 64)
}

func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// ratio returns how many times as often a fails as b. Where b never failed it is
// as if it had done so half a time, so that it is finite and no more than can be said.
func ratio(a, b Count) float64 {
	if a.Failed == 0 || a.Total == 0 || b.Total == 0 {
		return 0
	}
	below := max(float64(b.Failed), 0.5) / float64(b.Total)
	return a.rate() / below
}

// chance returns how likely it would be that of all failures at least so many
// fell to a, if a failed no more often than b: Fisher's exact test, one-sided
// (R. A. Fisher, "Statistical Methods for Research Workers", 5th edition, 1934, section 21.02).
// It holds for small numbers, for rates near one, and for unequal traffic. Where
// failures are rare it is what the test of two Poisson rates gives (J. Przyborowski
// and H. Wilenski, "Homogeneity of results in testing samples from Poisson series",
// 1940).
func chance(a, b Count) float64 {
	a, b = a.sane(), b.sane()
	all, failed := float64(a.Total+b.Total), float64(a.Failed+b.Failed)
	n, x := float64(a.Total), float64(a.Failed)
	if x*all <= failed*n {
		return 1 // not more than its share
	}
	choose := func(n, k float64) float64 {
		u, _ := math.Lgamma(n + 1)
		v, _ := math.Lgamma(k + 1)
		w, _ := math.Lgamma(n - k + 1)
		return u - v - w
	}
	term := math.Exp(choose(failed, x) + choose(all-failed, n-x) - choose(all, n))
	sum := term
	for ; x < failed && x < n && term > 1e-12*sum; x++ {
		term *= (failed - x) * (n - x) / ((x + 1) * (all - failed - n + x + 1))
		sum += term
	}
	return min(sum, 1)
}

const (
	strongRatio  = 2.0  // failures that are so many times as frequent are more frequent
	likelyByLuck = 0.01 // what is more likely than this may be chance
)

// moreOften reports whether a fails clearly more often than b.
func moreOften(a, b Count) bool {
	return ratio(a, b) > strongRatio && chance(a, b) <= likelyByLuck
}
