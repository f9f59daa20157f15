package correlate_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
)

func TestMask(t *testing.T) {
	for _, tt := range []struct{ rule, message, want string }{
		{"words stay", "card declined by issuer", "card declined by issuer"},
		{"nothing is nothing", "", ""},
		{"space is one space", "  too\tmany \n spaces ", "too many spaces"},

		{"numbers", "batch 17 has 3 errors", "batch <*> has <*> errors"},
		{"signs and fractions", "balance -12.50 below +1,000", "balance <*> below <*>"},
		{"units go with their number", "took 350ms of 2 seconds, 93% of 3.5 GiB", "took <*> of <*> of <*>"},
		{"hex", "bad block 0xDEADBEEF in deadbeefcafe", "bad block <*> in <*>"},
		{"pointers", "nil map at 0xc000123456", "nil map at <*>"},
		{"goroutines", "goroutine 42 leaked", "goroutine <*> leaked"},
		{"mixed letters and digits", "order c8f3k9 of shop-77 is void", "order <*> of <*> is void"},
		{"UUID", "order 7f0c2b1e-93d4-4a58-8f7e-0d1c2b3a4958 not found", "order <*> not found"},
		{"ULID", "order 01ARZ3NDEKTSV4RRFFQ69G5FAV not found", "order <*> not found"},
		{"KSUID", "order 0ujtsYcgvSTl8PAuAdqWYSMnLOv not found", "order <*> not found"},
		{"base64", "token c3VwZXIgc2VjcmV0IQ== rejected", "token <*> rejected"},
		{"IPv4 with port", "dial tcp 10.1.2.3:5432: connect: connection refused", "dial tcp <*>: connect: connection refused"},
		{"IPv6 with port", "dial tcp [fe80::1]:5432: connect: connection refused", "dial tcp <*>: connect: connection refused"},
		{"IPv6 of letters", "no route to abcd:ef::dead", "no route to <*>"},
		{"MAC", "duplicate address ab:cd:ef:ab:cd:ef", "duplicate address <*>"},
		{"host with port", "connection to db-primary.internal:5432 lost", "connection to <*> lost"},
		{"host by its domain", "certificate is not valid for shop.example.com", "certificate is not valid for <*>"},
		{"URL", `Get "https://api.example.com/v1/c/42?x=1": EOF`, "Get <*>: EOF"},
		{"URL without quotes", "fetch https://api.example.com/v1/c/42?x=(1), giving up", "fetch <*>, giving up"},
		{"e-mail", "mailbox of ann.lee@example.com is full", "mailbox of <*> is full"},
		{"path", "open /var/lib/shop/orders.json: permission denied", "open <*>: permission denied"},
		{"relative and home paths", "cannot read ../a/b or ~/c", "cannot read <*> or <*>"},
		{"Windows path", `cannot read C:\Users\ann\x.txt`, "cannot read <*>"},
		{"file", "cannot parse settings.yaml", "cannot parse <*>"},
		{"slashes between words stay", "read/write of application/json failed: i/o timeout", "read/write of application/json failed: i/o timeout"},

		{"RFC 3339", "lease expired at 2026-01-02T15:04:05.123Z", "lease expired at <*>"},
		{"date and time", "lease expired at 2026-01-02 15:04:05,123", "lease expired at <*>"},
		{"RFC 1123", "lease expired at Mon, 02 Jan 2006 15:04:05 MST", "lease expired at <*>"},
		{"ANSI C", "lease expired at Mon Jan  2 15:04:05 2006", "lease expired at <*>"},
		{"month that is a word", "you may not March here", "you may not March here"},
		{"duration", "gave up after 1m30.5s", "gave up after <*>"},

		{"double quotes", `column "total" does not exist`, "column <*> does not exist"},
		{"single quotes", "unknown column 'total' in 'field list'", "unknown column <*> in <*>"},
		{"back quotes", "unknown table `shop`.`orders`", "unknown table <*>"},
		{"apostrophes are not quotes", "can't read the users' carts, don't retry", "can't read the users' carts, don't retry"},
		{"a quote that is not closed", `unexpected " in argument 3`, `unexpected " in argument <*>`},
		{"a message in quotes is a message", "'user_id'", "'user_id'"},

		{"JSON body", `upstream: {"order": 7, "lines": [{"sku": "a"}]} was refused`, "upstream: <*> was refused"},
		{"JSON body that was cut", `upstream said {"order": 7, "lines": [{"sk`, "upstream said <*>"},
		{"a message that is JSON keeps its error", `{"error": "card declined", "order": 7}`, `{"error": "card declined", "order": <*>}`},
		{"Go struct", "invalid order &{ID:7 Lines:[a b]}", "invalid order &<*>"},
		{"Go map", "unexpected map[a:1 b:2]", "unexpected map<*>"},
		{"printed object", "cannot save Order(id=7, lines=[Line(sku=a)])", "cannot save Order<*>"},
		{"list of printed objects", "lines: [Line(sku=a), Line(sku=b)]", "lines: <*>"},
		{"SQL literals", "SELECT * FROM orders WHERE id = 7 AND sku IN ('a', 'b')", "SELECT * FROM orders WHERE id = <*> AND sku IN (<*>)"},

		{"key=value", "refused user=ann attempt=3 region=north", "refused user=<*> attempt=<*> region=<*>"},
		{"key=value keeps what tells the error", "refused user=ann reason=expired", "refused user=<*> reason=expired"},
		{"quoted text of an error is read as text", `level=error msg="cannot reserve" err="stock 3 is empty"`, `level=error msg="cannot reserve" err="stock <*> is empty"`},
		{"comparisons are not keys", "want a == b, got a != b", "want a == b, got a != b"},
		{"key: value", "[order refused][CustomerName: xibalba]", "[order refused][CustomerName: <*>]"},
		{"key: value before a comma", "customer: xibalba, region: zq", "customer: <*>, region: <*>"},
		{"what follows a colon stays when it is text", "payment: card declined", "payment: card declined"},
		{"single word after a colon stays when it is one", "read tcp: timeout", "read tcp: timeout"},
		{"full-width colon", "订单号：xibalba", "订单号：xibalba"},
		{"numbers between other scripts", "订单123不存在", "订单<*>不存在"},
		{"lists of any length", "stations: [a1, b2, c3]", "stations: <*>"},
		{"empty list as a value", "stations: []", "stations: <*>"},
		{"bracketed name in a sentence", "failed to parse field [total] of order", "failed to parse field <*> of order"},
		{"bracketed tags stay", "[main][order service] started", "[main][order service] started"},
		{"names after a preposition", "no instances available for xq-order-zzyzx", "no instances available for <*>"},
		{"words after a preposition", "waiting for connection from server", "waiting for connection from server"},

		{"names put together from words", "stopping worker borealis-main after idle timeout", "stopping worker <*> after idle timeout"},
		{"names of classes", "cannot load class com.acme.orders.OrderController", "cannot load class <*>"},
		{"names after a noun that has one", "node xanadu is not reachable", "node <*> is not reachable"},
		{"names before a verb", "xanadu exited with signal 9", "<*> exited with signal 9"},
		{"names alone in brackets", "lost worker (borealis) again", "lost worker (<*>) again"},
		{"words after a noun that has a name", "user data is missing", "user data is missing"},
		{"hyphenated words", "the read-only replica is full", "the read-only replica is full"},
		{"articles", "configured as a new member", "configured as a new member"},
		{"constants", "transition from RUNNING to STOPPED refused", "transition from RUNNING to STOPPED refused"},
		{"where a message is from", "parse_header: bad value", "parse_header: bad value"},
		{"function in front", "[getOrderById] no such order", "[getOrderById] no such order"},
		{"keys without punctuation between", "queueName: cache.sessions timeout: 30 mode: fast", "queueName: <*> timeout: <*> mode: fast"},
		{"path with a query", "fetch /api/orders?id=7&x=[1] failed", "fetch <*> failed"},
		{"date right after its key", "CheckDate:Sun Jan 29 16:42:54 CST 2023 , Account:7", "CheckDate:<*> , Account:<*>"},
		{"list without commas", "keys [alpha-one beta-two] are unknown", "keys <*> are unknown"},

		{"status codes", "unexpected status code 503", "unexpected status code 503"},
		{"HTTP status", "HTTP 404 Not Found", "HTTP 404 Not Found"},
		{"status with punctuation", "status: 502, retrying", "status: 502, retrying"},
		{"exit status", "exit status 137", "exit status 137"},
		{"a count is not a status", "received 512 bytes", "received <*>"},
		{"Oracle", "ORA-00942: table or view does not exist", "ORA-00942: table or view does not exist"},
		{"SQLSTATE", "syntax error (SQLSTATE 42601)", "syntax error (SQLSTATE 42601)"},
		{"SQLSTATE with letters", "no such table (SQLSTATE 42P01)", "no such table (SQLSTATE 42P01)"},
		{"MySQL", "Error 1062: Duplicate entry 'a' for key 'b'", "Error 1062: Duplicate entry <*> for key <*>"},
		{"MongoDB", "E11000 duplicate key", "E11000 duplicate key"},
		{"codes of letters and digits", "rejected with error code AB12", "rejected with error code AB12"},
		{"order numbers are not codes", "order ORD-12345 failed, INV-20931: refused", "order <*> failed, <*>: refused"},
		{"counts of errors are not codes", "error 17 of 300 orders", "error <*> of <*> orders"},
		{"exceptions", "java.lang.IllegalStateException: queue full", "java.lang.IllegalStateException: queue full"},
		{"techniques with digits", "sha256 over http2 needs TLSv1.2 and utf-8", "sha256 over http2 needs TLSv1.2 and utf-8"},
		{"types with digits", "Http2Exception in Base64Decoder", "Http2Exception in Base64Decoder"},
		{"errno", "connect: ECONNREFUSED", "connect: ECONNREFUSED"},
		{"Go runtime", "runtime error: index out of range [5] with length 3", "runtime error: index out of range <*> with length <*>"},

		{"invalid UTF-8 is kept", "bad \xff byte 7", "bad \xff byte <*>"},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			got := correlate.Mask(tt.message)
			require.Equal(t, tt.want, got)
			require.Equal(t, got, correlate.Mask(got), "masking a masked message changes nothing")
		})
	}
}

// What is inserted into a message does not show in its mask, whatever its
// digits are.
func TestMaskIDs(t *testing.T) {
	templates := []string{
		"order % not found",
		"dial tcp %: connect: connection refused",
		"[req %] refused: out of stock",
		"customer=% attempt failed",
		"cannot lock %, retrying",
		"job (%) was canceled",
		"id: %",
		"%: no such order",
	}
	kinds := map[string]*rapid.Generator[string]{
		"number":    rapid.StringMatching(`[0-9]{1,19}`),
		"float":     rapid.StringMatching(`-?[0-9]{1,6}\.[0-9]{1,6}`),
		"hex":       rapid.StringMatching(`0x[0-9a-f]{1,16}`),
		"hash":      rapid.StringMatching(`[0-9a-f]{8}|[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}`),
		"uuid":      rapid.StringMatching(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`),
		"ulid":      rapid.StringMatching(`0[0-9A-HJKMNP-TV-Z]{25}`),
		"ksuid":     rapid.StringMatching(`[0-2][0-9A-Za-z]{26}`),
		"prefixed":  rapid.StringMatching(`(ord|cus|ch)_[0-9][0-9A-Za-z]{13}`),
		"ipv4":      rapid.StringMatching(`(1[0-9]{0,2}\.){3}[0-9]{1,2}`),
		"host:port": rapid.StringMatching(`[a-z]{3,8}-[0-9]{1,3}\.[a-z]{3,8}\.internal:[0-9]{2,5}`),
		"ipv6":      rapid.StringMatching(`([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}`),
		"mac":       rapid.StringMatching(`([0-9a-f]{2}:){5}[0-9a-f]{2}`),
		"time":      rapid.StringMatching(`20[0-9]{2}-0[1-9]-[12][0-9]T1[0-9]:[0-5][0-9]:[0-5][0-9](\.[0-9]{3})?Z`),
		"duration":  rapid.StringMatching(`[0-9]{1,3}(\.[0-9]{1,3})?(ns|ms|s|m|h)`),
		"size":      rapid.StringMatching(`[0-9]{1,4}(B|KB|MiB| GB)`),
		"email":     rapid.StringMatching(`[a-z]{1,8}(\.[a-z]{1,8})?@[a-z]{2,8}\.(com|org)`),
		"path":      rapid.StringMatching(`(/[a-z][a-z0-9_]{0,7}){1,5}(\.json)?`),
		"url":       rapid.StringMatching(`https?://[a-z]{2,8}\.(com|io)(:[0-9]{2,4})?(/[a-z0-9]{1,6}){0,3}(\?[a-z]=[a-z0-9]{1,5})?`),
		"quoted":    rapid.StringMatching(`"[a-zA-Z0-9 ]{0,20}"`),
	}
	for kind, ids := range kinds {
		t.Run(kind, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				template := rapid.SampledFrom(templates).Draw(t, "template")
				got := correlate.Mask(strings.ReplaceAll(template, "%", ids.Draw(t, "id")))
				require.Equal(t, strings.ReplaceAll(template, "%", "<*>"), got)
			})
		})
	}
}

func TestMaskIdempotent(t *testing.T) {
	piece := rapid.OneOf(
		rapid.SampledFrom([]string{" ", " ", ", ", ": ", "=", "[", "]", "(", ")", "{", "}", `"`, "'", "<", ">", "<*>", ".", "/", ":", "|"}),
		rapid.SampledFrom([]string{"order", "for", "user", "error", "status", "503", "Jan", "ms", "xyzzy", "StationName", "null", "E1234", "deadbeef"}),
		rapid.StringMatching(`[a-z0-9]{1,6}`),
	)
	rapid.Check(t, func(t *rapid.T) {
		masked := correlate.Mask(strings.Join(rapid.SliceOfN(piece, 0, 30).Draw(t, "message"), ""))
		require.Equal(t, masked, correlate.Mask(masked))
	})
}

func TestMaskLong(t *testing.T) {
	long := func(id, tail string) string {
		return "order " + id + " refused" + strings.Repeat(" because stock is short", 60) + tail
	}
	require.Equal(t, correlate.Mask(long("7", "")), correlate.Mask(long(strings.Repeat("7", 300), " at all")),
		"a long message ends at the same place however long its values are")
	require.LessOrEqual(t, len(correlate.Mask(long("7", ""))), 1024)

	lists := func(n int) string { return "[orders: [" + strings.Repeat("Order(id=7), ", n) + "]]" }
	require.Equal(t, correlate.Mask(lists(3)), correlate.Mask(lists(3000)), "a value may be longer than what is read")

	require.True(t, utf8.ValidString(correlate.Mask(strings.Repeat("é", 5000))))
}

func FuzzMask(f *testing.F) {
	for _, s := range []string{
		"", "order 7 not found", `Get "http://10.0.0.1:80/x": EOF`, "a=b, c: 'd' [e] {f:1} (g)", "<*> <*>, <*>", "'it's'", "{\"a\":[1,2", "é：7", "of A{0",
		"Mon, 02 Jan 2006 15:04:05 MST", "E1234: status 503", "map[a:1 b:[2 3]]", "x<1>", "''0", "fe80::1", strings.Repeat("[a 1", 400),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		masked := correlate.Mask(s)
		require.LessOrEqual(t, len(masked), 1024)
		if utf8.ValidString(s) {
			require.True(t, utf8.ValidString(masked), "%q", masked)
		}
		require.Equal(t, masked, correlate.Mask(masked))
	})
}
