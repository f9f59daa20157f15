package autoticket_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
)

var update = flag.Bool("update", false, "rewrite what is generated")

func TestReasonsAreDocumented(t *testing.T) {
	var b strings.Builder
	b.WriteString("| reason | what it means |\n|---|---|\n")
	for _, r := range append(correlate.Decided(), correlate.Dropped()...) {
		fmt.Fprintf(&b, "| `%s` | %s |\n", r, r.Meaning())
	}
	const name, begin, end = "../docs/operations.md", "<!-- reasons: generated -->\n", "<!-- end -->"
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	before, rest, ok := strings.Cut(string(data), begin)
	require.True(t, ok)
	_, after, ok := strings.Cut(rest, end)
	require.True(t, ok)
	want := before + begin + b.String() + end + after
	if *update {
		require.NoError(t, os.WriteFile(name, []byte(want), 0o644))
		return
	}
	require.Equal(t, want, string(data), "go test ./autoticket -update rewrites it")
}
