package correlate_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
)

// ring wraps itself.
type ring struct{}

func (ring) Error() string   { return "ring" }
func (r ring) Unwrap() error { return r }

func TestErrorType(t *testing.T) {
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", errors.New("refused"))}
	for _, test := range []struct {
		rule string
		err  error
		want string
	}{
		{"nothing", nil, ""},
		{"a text", errors.New("x"), "*errors.errorString"},
		{"a text that wraps a text", fmt.Errorf("x: %w", errors.New("y")), "*fmt.wrapError"},
		{"a type", refused, "*net.OpError"},
		{"a type inside texts", fmt.Errorf("charge: %w", fmt.Errorf("bank: %w", refused)), "*net.OpError"},
		{"the first of several that were joined", errors.Join(errors.New("x"), refused, &fs.PathError{Op: "open", Err: fs.ErrNotExist}), "*net.OpError"},
		{"one of several in a text", fmt.Errorf("%w and %w", errors.New("x"), &fs.PathError{Op: "open", Err: fs.ErrNotExist}), "*fs.PathError"},
		{"a deadline", fmt.Errorf("x: %w", context.DeadlineExceeded), "context.deadlineExceededError"},
		{"an error that wraps itself", fmt.Errorf("x: %w", ring{}), "correlate_test.ring"},
	} {
		require.Equal(t, test.want, correlate.ErrorType(test.err), test.rule)
	}
	require.Len(t, correlate.ErrorChain(ring{}), 32)
	require.Equal(t, []error{refused, refused.Err, errors.Unwrap(refused.Err)}, correlate.ErrorChain(refused))
}
