package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestProcessesThatShareAPathHaveFilesOfTheirOwn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	var all []*Journal
	for i := range 5 {
		j := reopen(t, path)
		require.Equal(t, numbered(path, i), j.Path())
		put(t, j, fmt.Sprint("of ", i))
		all = append(all, j)
	}
	// The third one ends, and another starts.
	require.NoError(t, all[2].Close())
	j := reopen(t, path)
	require.Equal(t, path+".2", j.Path())
	require.Equal(t, []string{"of 2"}, texts(j))

	// All end, and one starts.
	for _, j := range append(all, j) {
		require.NoError(t, j.Close())
	}
	j = reopen(t, path)
	require.Equal(t, path, j.Path())
	require.Equal(t, []string{"of 0", "of 1", "of 2", "of 3", "of 4"}, texts(j), "nothing is left behind")
	for i := 1; i < 5; i++ {
		require.Empty(t, records(image(t, numbered(path, i))), "and nothing is there twice")
	}
	require.NoError(t, j.Close())
	require.Len(t, reopen(t, path).Records(), 5)
}

func TestPathsAreBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	for range maxFiles {
		reopen(t, path)
	}
	_, err := Open(path, "shop/checkout")
	require.ErrorContains(t, err, "64 others share it already")
}

func TestWhatCannotBeOpened(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	text := []byte("version: 1\nrules: []\n")
	require.NoError(t, os.WriteFile(at("rules.yaml"), text, 0o600))
	require.NoError(t, os.WriteFile(at("long"), append(filled(1), 0), 0o600))
	for _, row := range []struct {
		rule string
		path string
		err  error
	}{
		{rule: "its folder must exist", path: at("none/journal"), err: fs.ErrNotExist},
		{rule: "a folder is no journal", path: dir, err: errNone},
		{rule: "a device is none", path: os.DevNull, err: errNone},
		{rule: "a file of another kind is left alone", path: at("rules.yaml"), err: errNone},
		{rule: "so is one that is longer than a journal", path: at("long"), err: errNone},
	} {
		t.Run(row.rule, func(t *testing.T) {
			j, err := Open(row.path, "shop/checkout")
			require.ErrorIs(t, err, row.err)
			require.Nil(t, j)
			e, ok := errors.AsType[*OpenError](err)
			require.True(t, ok)
			require.Equal(t, row.path, e.Path)
		})
	}
	require.Equal(t, text, image(t, at("rules.yaml")))
}

func TestTheJournalOfAnotherServiceIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	other, err := Open(path, "shop/basket")
	require.NoError(t, err)
	e := put(t, other, "of the basket")
	require.NoError(t, other.Close())

	j := reopen(t, path)
	require.Equal(t, path+".1", j.Path())
	require.Empty(t, j.Records())
	require.Equal(t, []string{path}, j.Strangers(), "and told of: it may be this one, under an earlier name")
	require.NoError(t, j.Close())

	other, err = Open(path, "shop/basket")
	require.NoError(t, err)
	require.Equal(t, []string{"of the basket"}, texts(other))
	require.Empty(t, other.Strangers(), "there is nothing in the other file")
	other.Release(e)
	require.NoError(t, other.Close())
	require.Empty(t, reopen(t, path).Strangers())
}

func TestADamagedHeaderCostsNoRecord(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	b := filled(2)
	copy(b, "not a journal any more")
	require.NoError(t, os.WriteFile(path, b, 0o600))
	j := reopen(t, path)
	require.Equal(t, []string{"record 0", "record 1"}, texts(j))
	require.NoError(t, j.Close())
	require.Equal(t, []string{"record 0", "record 1"}, texts(reopen(t, path)))
}
