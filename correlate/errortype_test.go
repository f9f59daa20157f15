package correlate_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
)

// ring wraps itself.
type ring struct{}

func (ring) Error() string   { return "ring" }
func (r ring) Unwrap() error { return r }

// caused is an error from before errors could be unwrapped.
type caused struct{ cause error }

func (caused) Error() string  { return "caused" }
func (c caused) Cause() error { return c.cause }

// several lists what it holds, in the way of go-multierror.
type several []error

func (several) Error() string            { return "several" }
func (s several) Unwrap() error          { return s[0] }
func (s several) WrappedErrors() []error { return s }
func (several) Is(error) bool            { panic("never asked") }
func (several) As(any) bool              { panic("never asked") }

// listed lists it in the way of Kubernetes.
type listed []error

func (listed) Error() string     { return "listed" }
func (l listed) Errors() []error { return l }

// hostile panics when it is unwrapped.
type hostile struct{}

func (*hostile) Error() string   { return "hostile" }
func (*hostile) Unwrap() []error { panic("no") }

// of has type arguments.
type of[T any] struct{ _ T }

func (of[T]) Error() string { return "of" }

func local() error {
	type local struct{ _ int }
	return of[local]{}
}

func localToo() error {
	type local struct{ _ string }
	return of[map[local]local]{}
}

func TestErrorType(t *testing.T) {
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", errors.New("refused"))}
	_, badNumber := new(big).parse()
	for _, test := range []struct {
		rule string
		err  error
		want string
	}{
		{"nothing", nil, ""},
		{"a text", errors.New("x"), "*errors.errorString"},
		{"a text that wraps a text", fmt.Errorf("x: %w", errors.New("y")), "*fmt.wrapError"},
		{"a sentinel is a text", fmt.Errorf("x: %w", io.EOF), "*fmt.wrapError"},
		{"and so are those of database/sql", sql.ErrNoRows, "*errors.errorString"},
		{"a type", refused, "*net.OpError"},
		{"a type inside texts", fmt.Errorf("charge: %w", fmt.Errorf("bank: %w", refused)), "*net.OpError"},
		{"the outermost of several types", &url.Error{Op: "Get", URL: "http://bank", Err: refused}, "*url.Error"},
		{"the first of several that were joined", errors.Join(errors.New("x"), refused, &fs.PathError{Op: "open", Err: fs.ErrNotExist}), "*net.OpError"},
		{"one of several in a text", fmt.Errorf("%w and %w", errors.New("x"), &fs.PathError{Op: "open", Err: fs.ErrNotExist}), "*fs.PathError"},
		{"one that was joined by a list of another package", several{io.EOF, refused}, "correlate_test.several"},
		{"a deadline", fmt.Errorf("x: %w", context.DeadlineExceeded), "context.deadlineExceededError"},
		{"a number of the system", fmt.Errorf("x: %w", syscall.ECONNREFUSED), "syscall.Errno"},
		{"JSON", fmt.Errorf("x: %w", badNumber), "*json.UnmarshalTypeError"},
		{"an error that wraps itself", fmt.Errorf("x: %w", ring{}), "correlate_test.ring"},
		{"a nil pointer in an interface", fmt.Errorf("x: %w", (*fs.PathError)(nil)), "*fs.PathError"},
		{"a type with arguments", of[int]{}, "correlate_test.of[int]"},
		{"without the number of a local type", local(), "correlate_test.of[github.com/spanticket/spanticket/correlate_test.local]"},
		{"or of several", localToo(), "correlate_test.of[map[github.com/spanticket/spanticket/correlate_test.local]github.com/spanticket/spanticket/correlate_test.local]"},
		{"an error that panics when it is unwrapped", fmt.Errorf("x: %w", new(hostile)), "*correlate_test.hostile"},
	} {
		require.Equal(t, test.want, correlate.ErrorType(test.err), test.rule)
	}
}

// Those of the widely used packages, as %T names them.
func TestWrappersSayNothing(t *testing.T) {
	for name, want := range map[string]bool{
		"*errors.errorString": true, "*errors.joinError": true, "*fmt.wrapError": true, "*fmt.wrapErrors": true, // the standard library
		"*errors.fundamental": true, "*errors.withStack": true, "*errors.withMessage": true, // pkg/errors
		"*xerrors.wrapError": true, "*xerrors.errorString": true, "*xerrors.noWrapError": true, "xerrors.noWrapper": true,
		"*withstack.withStack": true, "*errutil.withPrefix": true, "*errutil.leafError": true, "*markers.withMark": true,
		"*secondary.withSecondaryError": true, "*hintdetail.withHint": true, "*hintdetail.withDetail": true, "*barriers.barrierErr": true,
		"*assert.withAssertionFailure": true, "*domains.withDomain": true, "*telemetrykeys.withTelemetry": true, "*issuelink.withIssueLink": true,
		"*join.joinError": true, "*safedetails.withSafeDetails": true, "*issuelink.unimplementedError": true, "*errbase.opaqueLeaf": true, // cockroachdb/errors
		"*multierr.multiError": true, "*multierror.Error": true, "multierror.chain": true,
		"*errors.Error": true, "*eris.rootError": true, "*eris.wrapError": true, // go-errors, eris
		"*errors.Err": true, "*errors.locationError": true, "errors.ConstError": true, "oops.OopsError": true, // juju, oops

		"": false, "*": false, "string": false, "*payment.DeclinedError": false, "*errors.StatusError": false, "*status.Error": false,
		"*fs.PathError": false, "*json.SyntaxError": false, "runtime.boundsError": false, "*fmt.Error": false, "*join.KeyError": false,
		"java.lang.IllegalStateException": false, "errors.NotFound": false,
	} {
		require.Equal(t, want, correlate.IsWrapper(name), name)
	}
}

// big has a field that a text does not fit.
type big struct{ N int }

func (b *big) parse() (*big, error) { return b, json.Unmarshal([]byte(`{"N":"x"}`), b) }

func TestErrorChain(t *testing.T) {
	x, y, z := errors.New("x"), errors.New("y"), errors.New("z")
	wide := make([]error, 1000)
	for i := range wide {
		wide[i] = x
	}
	deep := x
	for range 100_000 {
		deep = caused{deep}
	}
	for _, test := range []struct {
		rule string
		err  error
		want []error
	}{
		{"nothing", nil, nil},
		{"itself alone", x, []error{x}},
		{"each before what is in it", fmt.Errorf("%w", errors.Join(caused{x}, y)), []error{nil, nil, caused{x}, x, y}},
		{"by Cause", caused{y}, []error{caused{y}, y}},
		{"which may be nothing", caused{}, []error{caused{}}},
		{"by WrappedErrors rather than Unwrap", several{x, nil, y}, []error{several{x, nil, y}, x, y}},
		{"by Errors", listed{x, listed{y, z}}, []error{listed{x, listed{y, z}}, x, listed{y, z}, y, z}},
		{"not beyond what panics", errors.Join(new(hostile), y), []error{nil, new(hostile), y}},
		{"at most 32 in depth", deep, make([]error, 32)},
		{"at most 32 of a ring", ring{}, make([]error, 32)},
		{"at most 32 in width", listed(wide), make([]error, 32)},
		{"at most 32 of nothing", listed(make([]error, 1000)), make([]error, 1)},
	} {
		got := correlate.ErrorChain(test.err)
		require.Len(t, got, len(test.want), test.rule)
		for i, want := range test.want {
			if want != nil {
				require.Equal(t, want, got[i], "%s: %d", test.rule, i)
			}
		}
	}
}

// Whatever errors.As finds among the first that a tree holds is in the chain.
func TestErrorChainFindsWhatAsFinds(t *testing.T) {
	var tree func(r *rapid.T, depth int) error
	tree = func(r *rapid.T, depth int) error {
		kind := rapid.IntRange(0, 4).Draw(r, "kind")
		switch {
		case depth == 0 || kind == 0:
			return errors.New("leaf")
		case kind == 1:
			return &fs.PathError{Op: "open", Path: "a", Err: tree(r, depth-1)}
		case kind == 2:
			return errors.Join(tree(r, depth-1), tree(r, depth-1))
		case kind == 3:
			return fmt.Errorf("%w, %w", tree(r, depth-1), tree(r, depth-1))
		default:
			return fmt.Errorf("x: %w", tree(r, depth-1))
		}
	}
	rapid.Check(t, func(r *rapid.T) {
		err := tree(r, 4)
		path, ok := errors.AsType[*fs.PathError](err)
		if ok {
			require.Contains(t, correlate.ErrorChain(err), error(path))
			require.Equal(t, "*fs.PathError", correlate.ErrorType(err))
		} else {
			require.True(t, strings.HasPrefix(correlate.ErrorType(err), "*errors.") || strings.HasPrefix(correlate.ErrorType(err), "*fmt."))
		}
	})
}

// The same error is recorded with its path or without, by value or by pointer.
func TestATypeIsTheSameWithItsPath(t *testing.T) {
	sign := func(typ string) string {
		return correlate.Signer{}.ID(correlate.Occurrence{Exception: correlate.Exception{Type: typ, Message: "declined"}}, correlate.Spec{})
	}
	for _, same := range [][]string{
		{"pay.DeclinedError", "*pay.DeclinedError", "github.com/acme/pay.DeclinedError", "*github.com/acme/pay.DeclinedError", "github.com/acme/pay/v2.DeclinedError"},
		{"yaml.TypeError", "*yaml.TypeError", "gopkg.in/yaml.v3.TypeError"},
		{"com.acme.pay.DeclinedException"},
		{"com.acme.shop.DeclinedException"},
		{"ValueError"},
		{"bank.DeclinedError"},
	} {
		for _, typ := range same {
			require.Equal(t, sign(same[0]), sign(typ), typ)
		}
		require.NotEqual(t, sign("other.DeclinedError"), sign(same[0]))
	}
	require.NotEqual(t, sign("com.acme.pay.DeclinedException"), sign("com.acme.shop.DeclinedException"))
}
