// Package grouping says how well messages were put together, in the measures
// of the literature on parsing logs.
package grouping

// Score is how predicted groups compare with true ones. Shares are from 0 to 1.
type Score struct {
	Messages  int
	True      int // groups
	Predicted int // groups

	// GA is the grouping accuracy: the share of messages whose predicted group
	// has the same members as their true one.
	GA float64
	// FGA is the harmonic mean of the share of predicted groups that are true
	// ones and the share of true groups that were predicted.
	FGA float64
	// Precision and Recall are of pairs of messages that were put together, and
	// PF1 is their harmonic mean. Where there are no pairs they are 1.
	PF1, Precision, Recall float64
	// Merged is the share of messages in predicted groups that mix true ones.
	Merged float64
	// Split is the share of messages whose true group is in several predicted
	// ones.
	Split float64
}

// Compare scores predictions. Both slices name the group of each message, in
// the same order; it panics if one is longer.
func Compare(truth, predicted []string) Score {
	c := Cross(truth, predicted)
	s := Score{Messages: len(truth), True: len(c.True), Predicted: len(c.Predicted)}
	var exact, accurate, merged, split int
	var together, truePairs, predictedPairs int
	for _, g := range c.True {
		truePairs += pairs(g.Size)
		if len(g.Parts) > 1 {
			split += g.Size
		}
		for _, n := range g.Parts {
			together += pairs(n)
		}
		if c.Exact(g) {
			exact++
			accurate += g.Size
		}
	}
	for _, g := range c.Predicted {
		predictedPairs += pairs(g.Size)
		if len(g.Parts) > 1 {
			merged += g.Size
		}
	}
	s.GA, s.Merged, s.Split = share(accurate, s.Messages), share(merged, s.Messages), share(split, s.Messages)
	s.FGA = harmonic(share(exact, s.Predicted), share(exact, s.True))
	s.Precision, s.Recall = 1, 1
	if predictedPairs > 0 {
		s.Precision = share(together, predictedPairs)
	}
	if truePairs > 0 {
		s.Recall = share(together, truePairs)
	}
	s.PF1 = harmonic(s.Precision, s.Recall)
	return s
}

func pairs(n int) int { return n * (n - 1) / 2 }

func share(n, of int) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}

func harmonic(a, b float64) float64 {
	if a+b == 0 {
		return 0
	}
	return 2 * a * b / (a + b)
}
