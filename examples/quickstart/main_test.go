package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRun(t *testing.T) {
	var out bytes.Buffer
	start := time.Now()
	err := run(t.Context(), io.MultiWriter(&out, t.Output()), false)
	require.NoError(t, err)
	require.Less(t, time.Since(start), 30*time.Second)

	text := out.String()
	require.Empty(t, leaks(text), "on the console")
	require.Contains(t, text, "[redacted: ")
	require.NotContains(t, text, "FAILED")
	require.Equal(t, 2*3, strings.Count(text, "Count:"), "each ticket as a whole when it opens, and at the end")
	require.Contains(t, text, "[critical] RESOLVED: Payments fail")
	require.Contains(t, text, "Fails:     payment pool.Acquire")
}
