package enrich

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
)

func TestBuildAttributes(t *testing.T) {
	setting := func(kv ...string) (out []debug.BuildSetting) {
		for i := 0; i < len(kv); i += 2 {
			out = append(out, debug.BuildSetting{Key: kv[i], Value: kv[i+1]})
		}
		return out
	}
	for _, test := range []struct {
		rule string
		info debug.BuildInfo
		want []correlate.Attribute
	}{
		{"nothing is known", debug.BuildInfo{}, nil},
		{"a binary built without a version has none", debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, nil},
		{
			"a released module",
			debug.BuildInfo{Main: debug.Module{Version: "v1.4.0"}},
			[]correlate.Attribute{{Key: "service.version", Value: "v1.4.0"}},
		},
		{
			"a clean checkout",
			debug.BuildInfo{
				Main:     debug.Module{Version: "v1.4.0"},
				Settings: setting("GOOS", "linux", "vcs", "git", "vcs.revision", "4f2a9c1", "vcs.time", "2026-08-01T09:30:00Z", "vcs.modified", "false"),
			},
			[]correlate.Attribute{
				{Key: "service.version", Value: "v1.4.0"},
				{Key: "vcs.ref.head.revision", Value: "4f2a9c1"},
				{Key: "spanticket.build.revision", Value: "4f2a9c1"},
				{Key: "spanticket.build.commit_time", Value: "2026-08-01T09:30:00Z"},
			},
		},
		{
			"uncommitted changes are told",
			debug.BuildInfo{Settings: setting("vcs.revision", "4f2a9c1", "vcs.modified", "true")},
			[]correlate.Attribute{
				{Key: "vcs.ref.head.revision", Value: "4f2a9c1"},
				{Key: "spanticket.build.revision", Value: "4f2a9c1"},
				{Key: "spanticket.build.modified", Value: true},
			},
		},
		{
			"time and changes mean nothing without a revision",
			debug.BuildInfo{Settings: setting("vcs.time", "2026-08-01T09:30:00Z", "vcs.modified", "true")},
			nil,
		},
	} {
		t.Run(test.rule, func(t *testing.T) {
			require.Equal(t, test.want, buildAttributes(&test.info))
		})
	}
}

func TestBuildOfThisBinary(t *testing.T) {
	module, _ := Build()
	require.Equal(t, "github.com/spanticket/spanticket", module)
}
