package correlate

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The table holds no words, only their hashes: all must be told apart.
func TestMaskTable(t *testing.T) {
	table, n := maskWords(), 0
	for line := range strings.Lines(maskWordList) {
		word, use, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		info := maskListed
		if len(use) == 3 {
			info |= maskInfo(use[0]-'0')<<4 | maskInfo(use[1]-'0')<<2 | maskInfo(use[2]-'0')
		}
		require.LessOrEqual(t, len(word), maskLongest)
		require.Equal(t, info, maskFind(table, word), word)
		require.Equal(t, info, maskFind(table, strings.ToUpper(word)), word)
		require.Zero(t, maskFind(table, word+"qz"), word)
		n++
	}
	require.Greater(t, n, 6000)
}
