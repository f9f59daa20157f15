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
	if testing.Short() {
		t.Skip("it takes some 15 seconds")
	}
	var out bytes.Buffer
	start := time.Now()
	err := run(t.Context(), io.MultiWriter(&out, t.Output()), false)
	require.NoError(t, err)
	require.Less(t, time.Since(start), 30*time.Second)

	text := out.String()
	require.Empty(t, leaks(text), "on the console")
	require.Contains(t, text, "[redacted: ")
	require.NotContains(t, text, "FAILED")
	require.Equal(t, 3, strings.Count(text, "RESOLVED:"))
	require.Contains(t, text, "Fails:     payment pool.Acquire")
}
