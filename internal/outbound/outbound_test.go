package outbound

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLoopback(t *testing.T) {
	for host, is := range map[string]bool{
		"localhost": true, "LOCALHOST": true, "127.0.0.1": true, "127.8.9.10": true, "::1": true,
		"": false, "localhost.example.com": false, "10.0.0.1": false, "0.0.0.0": false, "127.0.0.1.example.com": false,
	} {
		require.Equal(t, is, Loopback(host), host)
	}
}

func TestCause(t *testing.T) {
	over, cancel := context.WithCancel(context.Background())
	cancel()
	broken := errors.New("malformed response \"s3cret\"")
	scrub := func(s string) string { return strings.ReplaceAll(s, "s3cret", "[secret]") }
	for _, test := range []struct {
		rule         string
		ctx, limited context.Context
		err          error
		want         string
	}{
		{"who calls has given up", over, over, broken, "context canceled"},
		{"it took too long", context.Background(), over, broken, "not done after 1s: context canceled"},
		{"the URL is left out", context.Background(), context.Background(), &url.Error{Op: "Post", URL: "https://x/s3cret", Err: errors.New("refused")}, "refused"},
		{"and what is secret", context.Background(), context.Background(), broken, "malformed response \"[secret]\""},
	} {
		t.Run(test.rule, func(t *testing.T) {
			require.EqualError(t, Cause(test.ctx, test.limited, time.Second, test.err, scrub), test.want)
		})
	}
	plain := errors.New("refused")
	require.Same(t, plain, Cause(context.Background(), context.Background(), time.Second, plain, scrub), "what has no secret stays what it is")
}

func TestNewTransport(t *testing.T) {
	tr := NewTransport(3)
	require.Equal(t, 3, tr.MaxIdleConnsPerHost)
	require.NotZero(t, tr.TLSHandshakeTimeout)
	require.Nil(t, tr.TLSClientConfig, "certificates are verified")
}
