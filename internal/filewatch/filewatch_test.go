package filewatch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDigest(t *testing.T) {
	files := func(m fstest.MapFS) string {
		t.Helper()
		sum, err := Files{FS: m, Patterns: []string{"*.yaml"}, Max: 8}.Digest()
		require.NoError(t, err)
		return sum
	}
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	seen := map[string]string{}
	for rule, m := range map[string]fstest.MapFS{
		"one file":                     {"a.yaml": file("1")},
		"another content":              {"a.yaml": file("2")},
		"another name":                 {"b.yaml": file("1")},
		"two files":                    {"a.yaml": file("1"), "b.yaml": file("1")},
		"the same text, divided":       {"a.yaml": file(""), "b.yaml": file("11")},
		"one that is too long":         {"a.yaml": file("12345678")},
		"one that is longer":           {"a.yaml": file("123456789")},
		"a file that is none of these": {"a.yaml": file("1"), "c.yaml": file("")},
	} {
		sum := files(m)
		require.Empty(t, seen[sum], rule)
		seen[sum] = rule
		require.Equal(t, sum, files(m))
	}
	require.Equal(t, files(fstest.MapFS{"a.yaml": file("1")}), files(fstest.MapFS{"a.yaml": file("1"), "a.txt": file("2")}), "other files do not matter")
	_, err := Files{FS: fstest.MapFS{}, Patterns: []string{"*.yaml"}}.Digest()
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = Files{Patterns: []string{"["}}.Digest()
	require.ErrorIs(t, err, filepath.ErrBadPattern)
	_, err = Files{Patterns: []string{t.TempDir()}}.Digest()
	require.Error(t, err, "a directory")
}

// A ConfigMap is swapped by renaming the link ..data.
func TestConfigMap(t *testing.T) {
	dir := t.TempDir()
	write := func(version, text string) {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, version), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, version, "rules.yaml"), []byte(text), 0o644))
	}
	swap := func(version string) {
		require.NoError(t, os.Symlink(version, filepath.Join(dir, "..tmp")))
		require.NoError(t, os.Rename(filepath.Join(dir, "..tmp"), filepath.Join(dir, "..data")))
	}
	write("..1", "one")
	if err := os.Symlink("..1", filepath.Join(dir, "..data")); err != nil {
		t.Log("no symbolic links here:", err)
		return
	}
	require.NoError(t, os.Symlink(filepath.Join("..data", "rules.yaml"), filepath.Join(dir, "rules.yaml")))
	digest := Files{Patterns: []string{filepath.Join(dir, "*.yaml")}}.Digest
	first, err := digest()
	require.NoError(t, err)
	write("..2", "two")
	swap("..2")
	second, err := digest()
	require.NoError(t, err)
	require.NotEqual(t, first, second)
	write("..3", "one")
	swap("..3")
	third, err := digest()
	require.NoError(t, err)
	require.Equal(t, first, third, "what counts is the content")
}

func TestWatch(t *testing.T) {
	for _, tt := range []struct {
		rule  string
		polls []string // what each sees, after "a"; "!" is an error
		want  string   // the polls at which it is told, as marks
	}{
		{"nothing changes", []string{"a", "a", "a"}, "..."},
		{"a change is told when it has lasted for a poll", []string{"a", "b", "b", "b"}, "..x."},
		{"one that is taken back is not", []string{"b", "a", "a"}, "..."},
		{"a file that is being written is left alone for a while", []string{"b", "c", "c", "c"}, "..x."},
		{"but not for ever", []string{"b", "c", "d", "e", "f", "g"}, "..x..x"},
		{"an error is told once", []string{"!1", "!1", "!1", "!1"}, ".x.."},
		{"another one again", []string{"!1", "!1", "!2", "!2"}, ".x.x"},
		{"and its end", []string{"!1", "!1", "a", "a"}, ".x.x"},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				got := []byte{}
				poll := 0
				go Watch(ctx, time.Minute, func() (string, error) {
					now := tt.polls[min(poll, len(tt.polls)-1)]
					poll++
					got = append(got, '.')
					if now[0] == '!' {
						return "", errors.New(now)
					}
					return now, nil
				}, "a", func() { got[len(got)-1] = 'x' })
				time.Sleep(time.Duration(len(tt.polls))*time.Minute + time.Second)
				cancel()
				synctest.Wait()
				require.Equal(t, tt.want, string(got))
			})
		})
	}
}

func ExampleFiles() {
	before, _ := Files{FS: fstest.MapFS{"a.yaml": {Data: []byte("1")}}, Patterns: []string{"*.yaml"}}.Digest()
	after, _ := Files{FS: fstest.MapFS{"a.yaml": {Data: []byte("2")}}, Patterns: []string{"*.yaml"}}.Digest()
	fmt.Println(before == after)
	// Output: false
}
