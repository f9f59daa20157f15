package redact_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/redact"
)

type state string

type base struct{ Note string }

type fact struct {
	Name  string
	Value any
}

type document struct {
	base
	Time  time.Time
	State state
	Bytes []byte
	ID    [16]byte
	Ptr   *string
	Nil   *string
	Any   any
	Lists [][]string
	Array [2]string
	Map   map[string]string
	Named map[state]state
	Deep  map[string]any
	Multi map[string][]string
	Facts []fact
	Times map[int]time.Time
	Next  *document
}

func TestDocument(t *testing.T) {
	const dirty, clean = "pass\u200bword=hun\x00ter2 \xff", "password=[REDACTED:password] \ufffd"
	now := time.Now()
	s := dirty
	doc := document{
		base: base{dirty}, Time: now, State: dirty, Bytes: []byte(dirty), ID: [16]byte{1}, Ptr: &s,
		Any:   []any{dirty, map[string]any{"a": dirty}, 7, nil, fact{"x", dirty}, state(dirty)},
		Lists: [][]string{{dirty}}, Array: [2]string{"a", dirty},
		Map:   map[string]string{"cookie": "x", "to\u200bken": "x", "a": dirty, "bob@example.com": "x"},
		Named: map[state]state{"secret": "x"},
		Deep:  map[string]any{"credentials": map[string]any{"a": "x", "n": 1234, "l": []any{"y", ""}}, "pin": 1.5},
		Multi: map[string][]string{"Set-Cookie": {"a", "b"}, "Accept": {"c"}},
		Facts: []fact{{"db.password", "x"}, {"otp", 1234}, {"region", "eu"}, {"token", []string{"x"}}},
		Times: map[int]time.Time{1: now},
		Next:  &document{State: dirty},
	}
	want := document{
		base: base{clean}, Time: now, State: clean, Bytes: []byte(clean), ID: [16]byte{1}, Ptr: &s,
		Any:   []any{clean, map[string]any{"a": clean}, 7, nil, fact{"x", clean}, state(clean)},
		Lists: [][]string{{clean}}, Array: [2]string{"a", clean},
		Map:   map[string]string{"cookie": "[REDACTED:cookie]", "token": "[REDACTED:token]", "a": clean, "[REDACTED:email]": "x"},
		Named: map[state]state{"secret": "[REDACTED:secret]"},
		Deep: map[string]any{"credentials": map[string]any{
			"a": "[REDACTED:credential]", "n": "[REDACTED:credential]", "l": []any{"[REDACTED:credential]", ""}}, "pin": 1.5},
		Multi: map[string][]string{"Set-Cookie": {"[REDACTED:cookie]", "[REDACTED:cookie]"}, "Accept": {"c"}},
		Facts: []fact{{"db.password", "[REDACTED:password]"}, {"otp", "[REDACTED:password]"}, {"region", "eu"}, {"token", []string{"[REDACTED:token]"}}},
		Times: map[int]time.Time{1: now},
		Next:  &document{State: clean},
	}
	var r redact.Redactor
	for range 2 { // redacting again changes nothing
		require.NoError(t, r.Document(&doc))
		require.Equal(t, want, doc)
		require.Equal(t, clean, s)
	}
}

func TestDocumentCleans(t *testing.T) {
	tests := []struct{ rule, in, want string }{
		{"lines and tabs stay", "a\n\tb", "a\n\tb"},
		{"other control characters go", "a\r\n\x1b[1m\x07\x7f\u0085b\x00", "a\n[1mb"},
		{"invalid UTF-8 is replaced", "a\xffb\xc3", "a\ufffdb\ufffd"},
		{"bidi controls go", "a\u202eb\u2066c\u2069\u200f", "abc"},
		{"characters without width go", "a\u200bb\u200d\u2060\ufeff\u00ad\u034f\u3164\U000e0041c", "abc"},
		{"line separators go", "a\u2028b\u2029", "ab"},
		{"towers of marks are cut", "a" + strings.Repeat("\u0301", 2000) + "b\u0301" + strings.Repeat("\u20dd\u0e49", 500), "a" + strings.Repeat("\u0301", 8) + "b\u0301" + strings.Repeat("\u20dd\u0e49", 3) + "\u20dd"},
		{"also around what cannot be seen", "a" + strings.Repeat("\u0301\u200b", 9), "a" + strings.Repeat("\u0301", 8)},
		{"marks of languages stay", "\u05d1\u05bc\u05b0\u0592 \u0e01\u0e33\u0e49 \u0f66\u0f90\u0fb1\u0f72 n\u0303", "\u05d1\u05bc\u05b0\u0592 \u0e01\u0e33\u0e49 \u0f66\u0f90\u0fb1\u0f72 n\u0303"},
		{"letters stay", "naïve 日本 \u0601 🙂 \ufffd", "naïve 日本 \u0601 🙂 \ufffd"},
	}
	var r redact.Redactor
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			s := tt.in
			require.NoError(t, r.Document(&s))
			require.Equal(t, tt.want, s)
		})
	}
}

func TestDocumentFailsClosed(t *testing.T) {
	type cycle struct{ Next *cycle }
	loop := &cycle{}
	loop.Next = loop
	tests := []struct {
		rule string
		doc  any
		want string
	}{
		{"nothing", nil, "no pointer"},
		{"no pointer", "a", "no pointer"},
		{"a nil pointer", (*string)(nil), "no pointer"},
		{"a function", &struct{ F func() }{}, "func()"},
		{"a channel", &struct{ C chan int }{}, "chan int"},
		{"an unexported string", &struct{ s string }{"x"}, "unexported field struct { s string }.s"},
		{"an unexported map", &struct{ m map[string]int }{}, "unexported field"},
		{"an unexported pointer in an interface", new(any(time.Local)), "unexported field time.Location.name"},
		{"keys that hold text", &map[[2]string]int{{"a", "b"}: 1}, "keys of a map"},
		{"a cycle", loop, "too deep"},
	}
	var r redact.Redactor
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			err := r.Document(tt.doc)
			require.ErrorContains(t, err, "redact: ")
			require.ErrorContains(t, err, tt.want)
		})
	}
	require.NoError(t, r.Document(&struct {
		mu sync.Mutex
		n  int
		S  string
	}{}), "unexported fields that hold no text")
}

func TestPanicsFailClosed(t *testing.T) {
	var r *redact.Redactor // panics where it looks for its keys
	require.Equal(t, "[REDACTED:failed]", r.Text("a=b"))
	require.Equal(t, "[REDACTED:failed]", r.Value("a", "b"))
	require.ErrorContains(t, r.Document(&map[string]string{"a": "b"}), "nil pointer")
}

// What a detector panics at, or goes on at for too long, is withheld, and says so;
// the rest of the document is not.
func TestFieldsFailClosed(t *testing.T) {
	type doc struct {
		Title  string
		Body   []byte
		Labels map[string]any
	}
	fresh := func() *doc {
		return &doc{"a ledger", []byte("b"), map[string]any{"ledger": "c", "d": []any{"the ledger of bob@example.com", "e"}}}
	}
	failed := marked("failed")
	want := &doc{failed, []byte("b"), map[string]any{failed: "c", "d": []any{failed, "e"}}}
	bad := func(string, int) (int, int) { panic("secret") }
	beyond := func(text string, at int) (int, int) { return at, len(text[at:][99:]) }
	for rule, k := range map[string]redact.Kind{
		"a function that panics":            {Name: "bad", Keywords: []string{"ledger"}, Find: bad},
		"a function that looks beyond":      {Name: "bad", Keywords: []string{"ledger"}, Find: beyond},
		"a function for all that panics":    {Name: "bad", Keywords: []string{"ledger"}, FindAll: func(string) [][]int { panic("secret") }},
		"an expression that is none at all": {Name: "bad", Keywords: []string{"ledger"}, Pattern: "("},
	} {
		t.Run(rule, func(t *testing.T) {
			r := redact.Redactor{Kinds: []redact.Kind{k}}
			require.Equal(t, failed, r.Text("a ledger"))
			require.Equal(t, failed, r.Value("note", "a ledger"))
			require.Equal(t, []redact.Finding{{Kind: "failed", To: 8}}, r.Find("a ledger"))
			got := fresh()
			require.NoError(t, r.Document(got))
			require.Equal(t, want, got)
		})
	}
	// A find that makes another, for ever.
	n := 0
	r := redact.Redactor{Kinds: []redact.Kind{{Name: "loop", Keywords: []string{"ledger", "[redacted:loop"}, Find: func(text string, at int) (int, int) {
		n++
		return at, at + 1
	}}}}
	got := r.Text(strings.Repeat("ledger ", 1000))
	require.NotContains(t, got, "ledger")
	require.Less(t, n, 100_000, "work is bounded")
	// A text over the bound ends in a sign that says so.
	require.True(t, strings.HasSuffix(r.Text(strings.Repeat("x ", 1<<20)), "[cut]"))
}

func TestDocumentIsDeterministicWhereKeysBecomeEqual(t *testing.T) {
	var r redact.Redactor
	for range 20 {
		doc := map[string]string{"a@example.com": "first", "b@example.com": "second", "c@example.com": "third"}
		require.NoError(t, r.Document(&doc))
		require.Equal(t, map[string]string{"[REDACTED:email]": "first"}, doc)
	}
}

func TestRedactorIsSafeForConcurrentUse(t *testing.T) {
	r := redact.Redactor{Keys: []string{"pin"}}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				if got := r.Text("pin=1 " + fakes["jwt"]); strings.Contains(got, "eyJ") || strings.Contains(got, "1") {
					t.Errorf("not redacted: %q", got)
				}
			}
		})
	}
	wg.Wait()
}
