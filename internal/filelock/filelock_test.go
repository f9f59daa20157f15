package filelock

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOneAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	f, err := Open(path)
	require.NoError(t, err)
	_, err = Open(path)
	require.ErrorIs(t, err, ErrBusy)
	require.NoError(t, f.Close())
	f, err = Open(path)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}
