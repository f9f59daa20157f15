package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSoak(t *testing.T) {
	r := run{For: 2 * time.Second, Every: time.Second, Seed: 1, Log: slog.New(slog.DiscardHandler), Dir: t.TempDir()}
	samples, err := r.run(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, samples)
	require.Positive(t, samples[len(samples)-1].spans)
	var out bytes.Buffer
	require.NoError(t, table(&out, samples))
	require.Equal(t, 1+len(samples), strings.Count(out.String(), "\n"))
}

// series are samples of one measure.
func series(measure int, values ...int64) (samples []sample) {
	for _, v := range values {
		var s sample
		s.values[measure] = v
		samples = append(samples, s)
	}
	return samples
}

func TestTrends(t *testing.T) {
	for _, test := range []struct {
		rule    string
		measure int
		values  []int64
		grew    string
	}{
		{"what stays is no trend", goroutines, []int64{9, 9, 9, 9, 9, 9, 9, 9}, ""},
		{"what grows at first may be filling up", heap, []int64{1 << 10, 9 << 10, 30 << 10, 30 << 10, 30 << 10, 30 << 10, 30 << 10, 30 << 10}, ""},
		{"one more goroutine is one too many", goroutines, []int64{9, 9, 9, 9, 9, 9, 10, 10}, "goroutines grew: 9 in the second quarter, 10 in the last"},
		{"so is a file", filesOpen, []int64{3, 3, 3, 3, 4, 4, 4, 4}, "files open grew"},
		{"one that was there once is gone", goroutines, []int64{9, 9, 9, 9, 9, 9, 9, 9, 9, 10, 9, 9}, ""},
		{"a tenth more heap is noise", heap, []int64{0, 0, 200 << 10, 200 << 10, 0, 0, 220 << 10, 220 << 10}, ""},
		{"so is what engines have in them", heap, []int64{0, 0, 10 << 10, 10 << 10, 0, 0, 30 << 10, 30 << 10}, ""},
		{"more is not", heap, []int64{0, 0, 200 << 10, 200 << 10, 0, 0, 250 << 10, 250 << 10}, "heap KiB grew"},
		{"a file may fill up", storeSize, []int64{0, 0, 100, 100, 0, 0, 6000, 6000}, ""},
		{"but not beyond what it was given", storeSize, []int64{100, 8200}, "store KiB grew: 8200"},
		{"of few samples nothing can be told", goroutines, []int64{1, 2, 3, 4, 5, 6, 7}, ""},
	} {
		t.Run(test.rule, func(t *testing.T) {
			err := trends(series(test.measure, test.values...))
			if test.grew == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.grew)
		})
	}
}

func TestAnythingThatIsKeptIsSeen(t *testing.T) {
	dir := t.TempDir()
	before := take(dir, 0, nil)
	keep := make([]byte, 8<<20)
	stop := make(chan struct{})
	started := make(chan struct{})
	go func() { close(started); <-stop }()
	<-started
	after := take(dir, 0, &before)
	close(stop)
	require.Greater(t, after.values[heap], before.values[heap]+7<<10)
	require.Equal(t, before.values[goroutines]+1, after.values[goroutines])
	require.Len(t, keep, 8<<20)
}

func TestHolders(t *testing.T) {
	var out bytes.Buffer
	holders(&out, 0)
	require.Empty(t, out.String())
	holders(&out, 1)
	require.Regexp(t, `^\d+ KiB\n\t\S+ \S+:\d+\n`, out.String())
}
