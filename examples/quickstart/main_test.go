package main

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRun(t *testing.T) {
	var out bytes.Buffer
	err := run(t.Context(), io.MultiWriter(&out, t.Output()), false)
	require.NoError(t, err)

	text := out.String()
	require.Empty(t, leaks(text), "on the console")
	require.Contains(t, text, "[REDACTED:")
	require.NotContains(t, text, "FAILED")
	require.Equal(t, 1, strings.Count(text, "OPEN: "), "one ticket, in brief when it opens")
	require.Equal(t, 1, strings.Count(text, "Count:"), "and as a whole at the end")
	for _, service := range []string{"storefront POST /buy: ", "checkout POST /checkout: "} {
		require.Contains(t, text, service, "its impact")
	}
	require.Contains(t, text, "[critical] RESOLVED: Payments fail")
	require.Contains(t, text, "Failed:    payment pool.Acquire")
}
