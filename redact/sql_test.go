package redact_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/redact"
)

func TestStatements(t *testing.T) {
	tests := []struct{ rule, in, want string }{
		{"texts", "SELECT a FROM t WHERE b = 'bob' AND c LIKE 'x%'", "SELECT a FROM t WHERE b = ? AND c LIKE ?"},
		{"quotes in texts", `SELECT 'it''s', 'a\'b' FROM t`, "SELECT ?, ? FROM t"},
		{"numbers", "select a1 from t2 where b = 5 and c > -1.5e3 and d in (1, 0x1f) limit 10", "select a1 from t2 where b = ? and c > ? and d in (?, ?) limit ?"},
		{"lists of values", "INSERT INTO t (a, b) VALUES ('x', 1), ('y', 2)", "INSERT INTO t (a, b) VALUES (?, ?), (?, ?)"},
		{"an update", "UPDATE s.users AS u SET name = N'bob', n=n+1 WHERE id=7", "UPDATE s.users AS u SET name = N?, n=n+? WHERE id=?"},
		{"a deletion", "delete from t where a='x'", "delete from t where a=?"},
		{"texts of MySQL", "SELECT * FROM t WHERE a = \"bob\" AND b IN (\"x\")", "SELECT * FROM t WHERE a = ? AND b IN (\"x\")"},
		{"names in quotes", `SELECT "t"."a", [b c] FROM "t" JOIN u ON "t"."a" = "u"."b"`, `SELECT "t"."a", [b c] FROM "t" JOIN u ON "t"."a" = "u"."b"`},
		{"dollar quotes", "SELECT $$it's$$, $a$x$a$ FROM t WHERE b = $1", "SELECT ?, ? FROM t WHERE b = $1"},
		{"comments", "SELECT a /* bob's */ FROM t -- for bob\nWHERE b = 1", "SELECT a /*?*/ FROM t --?\nWHERE b = ?"},
		{"a text that was cut off", "INSERT INTO t VALUES ('bob, secr", "INSERT INTO t VALUES (?"},
		{"placeholders", "SELECT a FROM t WHERE b = ? AND c = $1 AND d = :name AND e = @p1", "SELECT a FROM t WHERE b = ? AND c = $1 AND d = :name AND e = @p1"},
		{"a password", "UPDATE users SET password = 'hunter2' WHERE token=''", "UPDATE users SET password = ? WHERE token=?"},
	}
	var r redact.Redactor
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			got := r.Text(tt.in)
			require.Equal(t, tt.want, got)
			require.Equal(t, got, r.Text(got), "redacted again")
			require.Equal(t, tt.want, r.Value("db.query.text", tt.in), "as an attribute")
			require.Equal(t, tt.want, r.Value("db.statement", tt.in), "as an attribute of old")
		})
	}
}

func TestStatementsInText(t *testing.T) {
	tests := []struct{ rule, in, want string }{
		{"in quotes", `exec "SELECT a FROM t WHERE b='x'": took 5 ms (3 of 7)`, `exec "SELECT a FROM t WHERE b=?": took 5 ms (3 of 7)`},
		{"in JSON", `{"sql":"INSERT INTO t VALUES (\"bob\", 5)","n":5}`, `{"sql":"INSERT INTO t VALUES (?, ?)","n":5}`},
		{"before a stack", "SELECT a FROM t WHERE b = 7\n\tat com.x.Foo(Foo.java:12)", "SELECT a FROM t WHERE b = ?\n\tat com.x.Foo(Foo.java:12)"},
		{"before the next log line", "SELECT a FROM t WHERE b = 7\n2026-08-01 (12) x", "SELECT a FROM t WHERE b = ?\n2026-08-01 (12) x"},
		{"over lines", "SELECT a\n  FROM t\n WHERE b = 'x'\n   AND c = 7; done 7", "SELECT a\n  FROM t\n WHERE b = ?\n   AND c = ?; done 7"},
		{"a part of one", "syntax error near WHERE name='bob' AND", "syntax error near WHERE name=? AND"},
		{"a key that is there already", "Key (email, n)=(Bob, 5) already exists.", "Key (email, n)=(?) already exists."},
		{"an entry that is there already", "Error 1062: Duplicate entry 'bob-5' for key 'users.name'", "Error 1062: Duplicate entry '?' for key 'users.name'"},
		{"a row that may not be", "DETAIL: Failing row contains (5, Bob, null).", "DETAIL: Failing row contains (?)."},
	}
	var r redact.Redactor
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			got := r.Text(tt.in)
			require.Equal(t, tt.want, got)
			require.Equal(t, got, r.Text(got), "redacted again")
		})
	}
	for _, text := range []string{
		"the update of 5 rows failed", "where is 'x'?",
		"/select/5 from-5", "it's 5", "select * from t", "selected 7 from 'x'", "UPDATE failed after 5",
	} {
		require.Equal(t, text, r.Text(text))
	}
}

func FuzzStatement(f *testing.F) {
	f.Add("SELECT 'a' FROM t -- x", "b")
	f.Add("INSERT INTO t VALUES (\"", "$$")
	f.Add("UPDATE t SET a=\\\"", "/*")
	var r redact.Redactor
	f.Fuzz(func(t *testing.T, before, after string) {
		for _, key := range []string{"db.query.text", "note"} {
			once := r.Value(key, before+after)
			require.Equal(t, once, r.Value(key, once), "idempotent")
			require.LessOrEqual(t, len(once), 32*(len(before)+len(after))+64)
		}
	})
}
