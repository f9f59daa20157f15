package jsonl

import (
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/sinks"
)

// /dev/full takes no byte.
func TestFullDisk(t *testing.T) {
	s, f := withFault(t)
	full, err := os.OpenFile("/dev/full", os.O_RDWR|os.O_APPEND, 0)
	require.NoError(t, err)
	defer full.Close()
	s.file = full
	_, err = s.File(t.Context(), sinks.Ticket{Key: "k"})
	require.ErrorIs(t, err, syscall.ENOSPC)
	reason, _ := sinks.ReasonOf(err)
	require.Equal(t, sinks.Transient, reason)
	s.file = f
	_, err = s.File(t.Context(), sinks.Ticket{Key: "k"})
	require.NoError(t, err)
	require.Len(t, lines(t, s), 2)
}
