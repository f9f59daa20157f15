package sinks_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/sinks"
)

func TestReportQuota(t *testing.T) {
	var told []sinks.Quota
	ctx := sinks.OnQuota(t.Context(), func(q sinks.Quota) { told = append(told, q) })
	q := sinks.Quota{Limit: 10, Remaining: 3, Reset: time.Minute}
	sinks.ReportQuota(context.WithoutCancel(ctx), q)
	sinks.ReportQuota(ctx, sinks.Quota{}) // says nothing
	sinks.ReportQuota(t.Context(), q)     // nobody listens
	require.Equal(t, []sinks.Quota{q}, told)
}

func TestAccountID(t *testing.T) {
	const token = "ghp_0123456789abcdef"
	id := sinks.AccountID("https://user:pass@api.github.example/repos/a/b?token=x", token)
	require.Regexp(t, `^api\.github\.example-[0-9a-f]{12}$`, id)
	require.Equal(t, id, sinks.AccountID("https://api.github.example/repos/c/d", token), "the host and the credential tell")
	require.NotEqual(t, id, sinks.AccountID("https://api.github.example", "another"))
	require.NotEqual(t, id, sinks.AccountID("https://api.gitlab.example", token))
	require.NotContains(t, id, token)
	long := sinks.AccountID(strings.Repeat("é x", 100), token)
	require.LessOrEqual(t, len(long), 128)
	require.Regexp(t, `^[!-~]+$`, long)
}
