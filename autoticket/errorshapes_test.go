package autoticket_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/x509"
	"database/sql"
	"database/sql/driver"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/correlate"
)

// declinedError is a team's own error, with data in it.
type declinedError struct {
	card string
	left int
}

func (e *declinedError) Error() string {
	return fmt.Sprintf("card %s declined, %d attempts left", e.card, e.left)
}

// limitError says the same as declinedError: the type alone tells them apart.
type limitError declinedError

func (e *limitError) Error() string { return (*declinedError)(e).Error() }

// missing is generic; its text has the value.
type missing[K any] struct{ key K }

func (e missing[K]) Error() string { return fmt.Sprintf("no entry for key %v", e.key) }

// grpcError looks like the error of a gRPC call.
type grpcError struct{ code, desc string }

func (e *grpcError) Error() string {
	return fmt.Sprintf("rpc error: code = %s desc = %s", e.code, e.desc)
}

// pgError looks like the error of a database driver.
type pgError struct{ code, message string }

func (e *pgError) Error() string { return "ERROR: " + e.message + " (SQLSTATE " + e.code + ")" }

// fieldErrors is a list of what is wrong with a request.
type fieldErrors []error

func (e fieldErrors) Error() string   { return errors.Join(e...).Error() }
func (e fieldErrors) Unwrap() []error { return e }

// aliased says of itself that it is another error.
type aliased struct{ tenant string }

func (e aliased) Error() string        { return "quota of tenant " + e.tenant + " used up" }
func (e aliased) Is(target error) bool { return target == fs.ErrExist }

var (
	errNoStock = errors.New("no stock")
	errClosed  = errors.New("basket closed")
)

// pick returns one of two things: what varies between two failures of one shape.
func pick[T any](i int, a, b T) T { return []T{a, b}[i] }

// op is an error of a call over the network.
func op(i int, operation, syscallName string, err error) error {
	return &net.OpError{
		Op: operation, Net: "tcp",
		Source: &net.TCPAddr{IP: net.IPv4(10, 4, 0, byte(3+i)), Port: 41782 + 991*i},
		Addr:   &net.TCPAddr{IP: net.IPv4(10, 12, 0, byte(7+i)), Port: 5432}, Err: os.NewSyscallError(syscallName, err),
	}
}

func must(_ any, err error) error { return err }

// errorShapes are failures as services in Go have them. Each is made twice; the
// two differ in what differs between requests, processes and hosts.
var errorShapes = []struct {
	rule   string
	make   func(i int) error
	same   string // the shape that it is the same problem as: the same text of a type that says nothing
	byType string // the shape that its type alone tells it from, which a status does not have
}{
	{rule: "a text", make: func(int) error { return errors.New("no handler configured") }},
	{rule: "a sentinel", make: func(int) error { return errNoStock }},
	{rule: "a sentinel with what it was about", make: func(i int) error { return fmt.Errorf("reserve sku %d: %w", 4711+i*13, errNoStock) }},
	{rule: "another sentinel with the same words before it", make: func(i int) error { return fmt.Errorf("reserve sku %d: %w", 815+i, errClosed) }},
	{rule: "a text that holds no error, and reads as one that does", same: "a sentinel with what it was about",
		make: func(i int) error { return fmt.Errorf("reserve sku %d: %v", 17+i, errNoStock) }},
	{rule: "io.EOF", make: func(int) error { return io.EOF }},
	{rule: "io.EOF in a text", make: func(int) error { return fmt.Errorf("read header: %w", io.EOF) }},
	{rule: "io.ErrUnexpectedEOF in the same text", make: func(int) error { return fmt.Errorf("read header: %w", io.ErrUnexpectedEOF) }},
	{rule: "two errors, joined", make: func(i int) error {
		return errors.Join(fmt.Errorf("flush batch %d: %w", 90+i, errClosed), io.ErrShortWrite)
	}},
	{rule: "two errors in a text", make: func(i int) error { return fmt.Errorf("close after %w: %w", errClosed, io.ErrClosedPipe) }},
	{rule: "an id in hexadecimal", make: func(i int) error {
		return fmt.Errorf("order %s has no lines", pick(i, "7f0c2b1e-93d4-4a58-8f7e-0d1c2b3a4958", "0b9d4c11-1f0e-4c60-b0a5-5a2f7c1e9d20"))
	}},
	{rule: "a type of the team's own", make: func(i int) error { return &declinedError{pick(i, "tok_8812", "tok_9917"), 2 + i} }},
	{rule: "it in texts", make: func(i int) error {
		return fmt.Errorf("pay order %d: %w", 31+i, fmt.Errorf("charge: %w", &declinedError{pick(i, "tok_1", "tok_2"), i}))
	}},
	{rule: "another type that says the same", byType: "a type of the team's own", make: func(i int) error { return &limitError{pick(i, "tok_8812", "tok_9917"), 2 + i} }},
	{rule: "a generic type", make: func(i int) error { return missing[int]{key: 12 + i*5} }},
	{rule: "it with another argument", byType: "a generic type", make: func(i int) error { return missing[netip.Addr]{key: netip.AddrFrom4([4]byte{10, 1, 2, byte(i)})} }},
	{rule: "a type with an Is of its own", make: func(i int) error { return aliased{pick(i, "t-7781", "t-9020")} }},
	{rule: "a list of errors", make: func(i int) error {
		return fieldErrors{fmt.Errorf("line %d: quantity missing", 3+i), fmt.Errorf("line %d: price missing", 8+i)}
	}},

	{rule: "connection refused", make: func(i int) error { return op(i, "dial", "connect", syscall.ECONNREFUSED) }},
	{rule: "connection reset", make: func(i int) error { return op(i, "read", "read", syscall.ECONNRESET) }},
	{rule: "broken pipe", make: func(i int) error { return op(i, "write", "write", syscall.EPIPE) }},
	{rule: "timeout of a dial", make: func(i int) error {
		return &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(10, 0, 0, byte(i+1)), Port: 443}, Err: os.ErrDeadlineExceeded}
	}},
	{rule: "use of a closed connection", make: func(i int) error {
		return &net.OpError{Op: "read", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(10, 0, 0, byte(i+1)), Port: 443}, Err: net.ErrClosed}
	}},
	{rule: "no such host", make: func(i int) error {
		return &net.DNSError{Err: "no such host", Name: "inventory.shop.svc", Server: pick(i, "10.0.0.2:53", "10.9.0.2:53"), IsNotFound: true}
	}},
	{rule: "a request that timed out", make: func(i int) error {
		return &url.Error{Op: "Get", URL: fmt.Sprintf("http://10.0.0.%d:8080/stock/%d", i+4, 77+i), Err: context.DeadlineExceeded}
	}},
	{rule: "a request that was refused", make: func(i int) error {
		return &url.Error{Op: "Post", URL: fmt.Sprintf("http://bank.example/charges/%d", 77+i), Err: op(i, "dial", "connect", syscall.ECONNREFUSED)}
	}},
	{rule: "a certificate of an unknown authority", make: func(i int) error {
		return &url.Error{Op: "Get", URL: fmt.Sprintf("https://bank.example/charges/%d", 77+i), Err: x509.UnknownAuthorityError{}}
	}},
	{rule: "a body that is too large", make: func(i int) error { return &http.MaxBytesError{Limit: 1 << 20} }},
	{rule: "an answer with status 502", make: func(i int) error { return fmt.Errorf("bank answered with status 502 after %d ms", 120+i*31) }},
	{rule: "an answer with status 429", make: func(i int) error { return fmt.Errorf("bank answered with status 429 after %d ms", 20+i*31) }},
	{rule: "a deadline", make: func(int) error { return fmt.Errorf("wait for the lock: %w", context.DeadlineExceeded) }},
	{rule: "gRPC: not found", make: func(i int) error { return &grpcError{"NotFound", fmt.Sprintf("user %d not found", 22+i)} }},
	{rule: "gRPC: unavailable", make: func(i int) error {
		return &grpcError{"Unavailable", fmt.Sprintf(`connection error: desc = "transport: Error while dialing: dial tcp 10.1.2.%d:9000: i/o timeout"`, 3+i)}
	}},

	{rule: "no such file", make: func(i int) error {
		return must(os.Open(pick(i, "/var/lib/shop/a81/settings.json", "/var/lib/shop/b17/settings.json")))
	}},
	{rule: "permission denied", make: func(i int) error {
		return &fs.PathError{Op: "open", Path: pick(i, "/run/secrets/8812/key", "/run/secrets/9917/key"), Err: syscall.EACCES}
	}},
	{rule: "no space left", make: func(i int) error {
		return &fs.PathError{Op: "write", Path: fmt.Sprintf("/tmp/upload-%d", 889123+i*77), Err: syscall.ENOSPC}
	}},
	{rule: "a rename across devices", make: func(i int) error {
		return &os.LinkError{Op: "rename", Old: fmt.Sprintf("/tmp/a%d", 71+i), New: fmt.Sprintf("/data/a%d", 71+i), Err: syscall.EXDEV}
	}},
	{rule: "a program that is not there", make: func(i int) error { return &exec.Error{Name: "pdftotext", Err: exec.ErrNotFound} }},

	{rule: "no rows", make: func(i int) error { return fmt.Errorf("load customer %d: %w", 55+i, sql.ErrNoRows) }},
	{rule: "a bad connection", make: func(int) error { return fmt.Errorf("begin: %w", driver.ErrBadConn) }},
	{rule: "a transaction that is over", make: func(int) error { return sql.ErrTxDone }},
	{rule: "a duplicate key", make: func(i int) error {
		return &pgError{"23505", `duplicate key value violates unique constraint "orders_pkey"`}
	}},
	{rule: "a deadlock", make: func(i int) error {
		return fmt.Errorf("tx %d: %w", 661+i, &pgError{"40P01", "deadlock detected"})
	}},

	{rule: "JSON that ends early", make: func(i int) error { return json.Unmarshal([]byte(pick(i, `{"a":`, `{"id":[1,`)), new(any)) }},
	{rule: "JSON with a wrong letter", make: func(i int) error {
		return json.Unmarshal([]byte(pick(i, `{"id": x}`, `{"id": 1, "n": x}`)), new(any))
	}},
	{rule: "JSON of another type", make: func(i int) error {
		return json.Unmarshal([]byte(pick(i, `{"N":"x"}`, `{"M":1,"N":"y"}`)), &struct{ N int }{})
	}},
	{rule: "XML", make: func(i int) error {
		return xml.Unmarshal([]byte(strings.Repeat("\n", 3+i*9)+"<a></b>"), new(struct{}))
	}},
	{rule: "a number that is none", make: func(i int) error { return must(strconv.Atoi(pick(i, "12x", "7-8"))) }},
	{rule: "a number out of range", make: func(i int) error { return must(strconv.ParseInt(pick(i, "777777", "88888"), 10, 8)) }},
	{rule: "a time that is none", make: func(i int) error {
		return must(time.Parse(time.RFC3339, pick(i, "2026-13-01T00:00:00Z", "2026-14-09T10:00:00Z")))
	}},
	{rule: "base64", make: func(i int) error { return must(base64.StdEncoding.DecodeString(strings.Repeat("YWJj", 2+i*3) + "!")) }},
	{rule: "hexadecimal", make: func(int) error { return must(hex.DecodeString("zz")) }},
	{rule: "an expression", make: func(i int) error { return must(regexp.Compile(pick(i, "a(b", "a(b"))) }},
	{rule: "a line that is too long", make: func(int) error {
		s := bufio.NewScanner(bytes.NewReader(make([]byte, 1<<17)))
		s.Scan()
		return fmt.Errorf("import: %w", s.Err())
	}},

	{rule: "a pointer in the text", make: func(i int) error { return fmt.Errorf("lock %#x is held", 0xc000123450+int64(i)*0x18f0) }},
	{rule: "a process and a time in the text", make: func(i int) error {
		return fmt.Errorf("worker pid=%d stopped at %s", 4012+i*77, time.Unix(1700000000+int64(i)*7777, 0).UTC().Format(time.RFC3339))
	}},
	{rule: "a struct in the text", make: func(i int) error {
		return fmt.Errorf("unexpected message %+v", struct {
			ID   int
			Addr string
		}{12 + i, pick(i, "10.0.0.1", "10.0.0.2")})
	}},
	{rule: "a panic that was recovered", make: func(i int) (err error) {
		defer func() { err = fmt.Errorf("panic: %v", recover()) }()
		return []error{}[3+i]
	}},
	{rule: "a nil pointer that was recovered", make: func(int) (err error) {
		defer func() { err = fmt.Errorf("panic: %v", recover()) }()
		return errors.New((*declinedError)(nil).card)
	}},
	{rule: "an assertion that was recovered", make: func(i int) (err error) {
		defer func() { err = fmt.Errorf("panic: %v", recover()) }()
		return any(i).(error)
	}},
}

// What services do when they fail with an error.
var errorEncodings = []struct {
	rule    string
	record  func(span trace.Span, err error)
	untyped bool // the type of the error is lost
}{
	{rule: "RecordError of the SDK, and a status", record: func(sp trace.Span, err error) {
		sp.RecordError(err)
		sp.SetStatus(codes.Error, err.Error())
	}},
	{rule: "RecordError with a stack, and a status without a description", record: func(sp trace.Span, err error) {
		sp.RecordError(err, trace.WithStackTrace(true))
		sp.SetStatus(codes.Error, "")
	}},
	{rule: "RecordError of this library", record: autoticket.RecordError},
	{rule: "a status alone", untyped: true, record: func(sp trace.Span, err error) { sp.SetStatus(codes.Error, err.Error()) }},
}

// TestErrorShapes: two failures of one shape are one problem, and of two shapes
// are two, however they are recorded.
func TestErrorShapes(t *testing.T) {
	require.GreaterOrEqual(t, len(errorShapes), 40)
	for _, encoding := range errorEncodings {
		t.Run(encoding.rule, func(t *testing.T) {
			ids := signErrors(t, encoding.record)
			of := map[string]string{} // shapes by what they were filed as
			for _, shape := range errorShapes {
				pair := ids[shape.rule]
				require.Equal(t, pair[0].ID, pair[1].ID, "%s: %q and %q\n%s%s", shape.rule, shape.make(0), shape.make(1), pair[0].Explain(), pair[1].Explain())
				same := shape.same
				if encoding.untyped && shape.byType != "" {
					same = shape.byType
				}
				if same != "" {
					require.Equal(t, ids[same][0].ID, pair[0].ID, shape.rule)
					continue
				}
				other, taken := of[pair[0].ID]
				require.False(t, taken, "%q is the same as %q:\n%s", shape.rule, other, pair[0].Explain())
				of[pair[0].ID] = shape.rule
			}
			t.Logf("%d shapes, %d problems", len(errorShapes), len(of))
		})
	}
}

// signErrors fails twice with each shape in the same operation, and returns
// the signatures, after seeing that they were counted.
func signErrors(t *testing.T, record func(trace.Span, error)) map[string][2]correlate.Signature {
	t.Helper()
	var spans []sdktrace.ReadOnlySpan
	tracer := newTracer(nothing{onEnd: func(sp sdktrace.ReadOnlySpan) { spans = append(spans, sp) }})
	for i := range 2 {
		for _, shape := range errorShapes {
			_, sp := tracer.Start(t.Context(), "POST /orders/{id}", trace.WithSpanKind(trace.SpanKindServer))
			record(sp, shape.make(i))
			sp.End()
		}
	}
	signatures := map[string]string{} // by trace
	store := new(correlate.Memory)
	stats, err := autoticket.Replay(t.Context(), autoticket.Config{
		Store: store, Logger: slog.New(slog.DiscardHandler),
		OnDecision: func(d correlate.Decision) { signatures[d.TraceID] = d.Signature },
	}, append([]sdktrace.ReadOnlySpan(nil), spans...))
	require.NoError(t, err)
	require.EqualValues(t, 2*len(errorShapes), stats.Occurrences)

	problems := map[string]correlate.Problem{}
	records, err := store.List(t.Context(), correlate.Page{Kind: correlate.KindProblem, Max: 1000})
	require.NoError(t, err)
	counted := map[string]int64{}
	for _, r := range records {
		p, err := correlate.DecodeProblem(r)
		require.NoError(t, err)
		problems[p.ID] = p
	}
	out := map[string][2]correlate.Signature{}
	for i, shape := range errorShapes {
		first, second := spans[i].SpanContext().TraceID().String(), spans[len(errorShapes)+i].SpanContext().TraceID().String()
		out[shape.rule] = [2]correlate.Signature{problems[signatures[first]].Signature, problems[signatures[second]].Signature}
		counted[signatures[first]]++
		counted[signatures[second]]++
	}
	for id, n := range counted {
		require.NotEmpty(t, id)
		require.Equal(t, n, problems[id].Count, problems[id].Signature.Explain())
	}
	return out
}
