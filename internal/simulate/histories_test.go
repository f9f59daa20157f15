// Package simulate lets a fleet live through random histories of failures, in
// one goroutine, and holds it to the promises that nothing is filed never, or
// twice.
package simulate

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func draw(t *rapid.T) step {
	return step{
		Kind:    kind(rapid.SampledFrom(often).Draw(t, "kind")),
		Engine:  rapid.IntRange(0, engines-1).Draw(t, "engine"),
		Problem: rapid.IntRange(0, problems-1).Draw(t, "problem"),
		N:       rapid.IntRange(0, 5).Draw(t, "n"),
		Fault:   rapid.SampledFrom([]fault{works, works, works, lost, unheard}).Draw(t, "fault"),
		Answers: [2]answer{drawAnswer(t), drawAnswer(t)},
		Pause:   max(0, rapid.IntRange(-6, 6).Draw(t, "pause")),
		At:      rapid.IntRange(0, 1).Draw(t, "at"),
	}
}

// often says how often each kind of step happens.
var often = []kind{occur, occur, occur, apply, apply, apply, apply, sweep, claim, claim, claim, claim, deliver, deliver, deliver, deliver, settle, settle, settle, kill, wait, wait, skew, upgrade, away, alone, alone, back, deploy}

func drawAnswer(t *rapid.T) answer {
	return max(succeeds, answer(rapid.IntRange(-6, int(numAnswers)-1).Draw(t, "answer")))
}

// TestHistories is run over 100,000 of them with -rapid.checks=100000.
func TestHistories(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		w.run(rapid.SliceOfN(rapid.Custom(draw), 1, 80).Draw(t, "steps"))
		w.calm()
		w.settled(true)
		w.calm()
		w.settled(false)
		require.Empty(t, strings.Join(w.wrong, "\n"))
	})
}
