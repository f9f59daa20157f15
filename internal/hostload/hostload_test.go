package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) {
	if os.Getenv(hostEnv) != "" {
		os.Exit(serveAsHost())
	}
	os.Exit(m.Run())
}

func TestBothServersAnswer(t *testing.T) {
	l := load{Rounds: 2, Turn: 50 * time.Millisecond, Connections: 4}
	rows, err := l.measure(t.Context())
	require.NoError(t, err)
	require.Equal(t, len(kinds), len(rows))
	for _, r := range rows {
		for _, side := range []result{r.Without, r.With} {
			require.Positive(t, side.Served, r.Requests)
			require.NotEmpty(t, side.Latency, r.Requests)
			require.LessOrEqual(t, side.quantile(0.5), side.quantile(0.99))
		}
	}
	var out bytes.Buffer
	require.NoError(t, table(&out, rows))
	require.Equal(t, 1+len(kinds), strings.Count(out.String(), "\n"))
}

func TestOnlyTheServerWithTheLibraryFiles(t *testing.T) {
	for _, test := range []struct {
		rule    string
		with    bool
		tickets int
	}{
		{"one ticket, however many requests fail", true, 1},
		{"none without the library", false, 0},
	} {
		t.Run(test.rule, func(t *testing.T) {
			h, err := startHost(t.Context(), test.with)
			require.NoError(t, err)
			c := client{addr: h.addr, path: "/0s/pay/7", status: 500}
			require.NoError(t, c.turn(context.WithoutCancel(t.Context()), load{Turn: 100 * time.Millisecond, Connections: 2}, 0))
			require.Greater(t, c.result.Served, 1)
			require.NoError(t, h.end())
			lines, err := os.ReadFile(filepath.Join(h.dir, ticketFile))
			if test.with {
				require.NoError(t, err)
			}
			require.Equal(t, test.tickets, bytes.Count(lines, []byte("\n")))
			require.NoError(t, os.RemoveAll(h.dir))
		})
	}
}
