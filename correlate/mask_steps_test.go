package correlate

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// maskWork returns how many bytes masking looks at, those that it sees again
// and those of lookahead counted each time.
func maskWork(message string) int {
	m := &masker{words: maskWords()}
	m.mask(nil, message)
	return m.steps
}

// FuzzMaskWork shows that masking takes time in proportion to the message: no
// message is looked at more than a few times over, not even one that is
// repeated until nothing more of it is read.
func FuzzMaskWork(f *testing.F) {
	for _, unit := range maskUnits {
		f.Add(unit)
	}
	f.Fuzz(func(t *testing.T, unit string) {
		if unit == "" {
			return
		}
		for n := 1; n <= 8*(2*maskLimit/len(unit)+1); n *= 8 {
			message := strings.Repeat(unit, n)
			require.LessOrEqual(t, maskWork(message), maskWorkLimit*len(message)+64, "%q %d times", unit, n)
		}
	})
}

// A pass looks at a byte up to three times. Five passes are the most, for
// messages that are not written as any program writes them.
const maskWorkLimit = 15

// maskUnits are made to be slow when repeated.
var maskUnits = []string{
	"order was refused ", "[", "(", "{", "<", `"`, "'", "`", ":", ".", "a:", "a=", "a.", "'a ", "[a", "a[", "a(b=", "a{", "{\"", "<a", "a ", "1 ", "1.",
	"a::", "é", "//", `\`, "[(", "[a ", "of x ", "a@", "x: y ", "a: .", "http://(", "Jan ", "'a'b", `"[" (`, "k: v k2_: w ", "a: deadbeef: ", "x[a] ", "[[a]",
	"user bob is ", "http://x)", "/a?(", "May 1, ", "a(b(", "x x ", ", ", "- 1 - ", "Sun, ", "a[a[]",
}
