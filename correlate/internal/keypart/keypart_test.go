package keypart

import (
	"bytes"
	"cmp"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
)

// Keys sort as what they stand for does, and none is the start of another.
func TestKeysSort(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.SampledFrom([]rune{0, 1, 'a', 'b', 0xFF}), 0, 4, -1)
		draw := func() correlate.Key {
			return correlate.Key{
				Kind:  "problem",
				Scope: correlate.Scope{Namespace: text.Draw(t, "namespace"), Service: text.Draw(t, "service"), Environment: text.Draw(t, "environment")},
				ID:    text.Draw(t, "id"),
			}
		}
		a, b := draw(), draw()
		x, y := AppendKey(nil, a), AppendKey(nil, b)
		require.Equal(t, cmp.Or(a.Scope.Compare(b.Scope), cmp.Compare(a.ID, b.ID)), bytes.Compare(x, y))
		require.Equal(t, a == b, bytes.HasPrefix(x, y))
		require.Equal(t, a.Scope == b.Scope, bytes.HasPrefix(x, AppendKind(nil, b.Kind, &b.Scope)))
		again, err := ParseKey(x)
		require.NoError(t, err)
		require.Equal(t, a, again)
	})
}

// The bytes are those of files and servers that are in use.
func TestFormat(t *testing.T) {
	k := correlate.Key{Kind: "problem", Scope: correlate.Scope{Namespace: "a\x00", Service: "s"}, ID: "v1"}
	require.Equal(t, "problem\x00\x01a\x00\xff\x00\x01s\x00\x01\x00\x01v1\x00\x01", string(AppendKey(nil, k)))
	for _, bad := range []string{"", "a", "a\x00", "a\x00\x02", "a\x00\x01", string(AppendKey(nil, k)) + "x"} {
		_, err := ParseKey([]byte(bad))
		require.ErrorIs(t, err, ErrForm, "%q", bad)
	}
}

func FuzzParseKey(f *testing.F) {
	f.Add(AppendKey(nil, correlate.Key{Kind: "problem", ID: "a\x00b"}))
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := ParseKey(b)
		if err != nil {
			require.ErrorIs(t, err, ErrForm)
			return
		}
		require.Equal(t, b, AppendKey(nil, k))
	})
}
