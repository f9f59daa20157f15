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
	require.Contains(t, text, "payment 1.5.0, demo, namespace shop")
	require.Contains(t, text, "to roll it back, by hand:\n        kubectl rollout undo deployment/payment\n")
	require.Contains(t, text, "confirmed: it was rolled back, and the failures went with it")
	require.Contains(t, text, "failures went with it: confirmed")
}
