package sinks_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/sinks"
	"github.com/spanticket/spanticket/sinks/sinktest"
)

// filer has no optional capability.
type filer struct{ name string }

func (filer) File(context.Context, sinks.Ticket) (sinks.Receipt, error) { return sinks.Receipt{}, nil }

// limited has one of its own.
type limited struct{ filer }

func (limited) Limits() sinks.Limits { return sinks.Limits{Title: 255} }

// wrapper hides the optional methods of what it wraps, as most wrappers do.
type wrapper struct {
	filer
	inner sinks.Sink
}

func (w wrapper) Unwrap() sinks.Sink { return w.inner }

// wrong has an Unwrap method of another kind, such as an error's.
type wrong struct{ filer }

func (wrong) Unwrap() error { return nil }

func TestAs(t *testing.T) {
	for rule, c := range map[string]struct {
		sink sinks.Sink
		want bool
	}{
		"a sink has it itself":                   {limited{}, true},
		"a sink does not have it":                {filer{}, false},
		"a wrapper leads to it":                  {wrapper{inner: limited{}}, true},
		"two wrappers lead to it":                {wrapper{inner: wrapper{inner: limited{}}}, true},
		"a wrapper leads to nothing that has it": {wrapper{inner: filer{}}, false},
		"a wrapper of nil ends the walk":         {wrapper{}, false},
		"no sink has nothing":                    {nil, false},
		"another kind of Unwrap ends the walk":   {wrong{}, false},
	} {
		t.Run(rule, func(t *testing.T) {
			got, ok := sinks.As[sinks.Limited](c.sink)
			require.Equal(t, c.want, ok)
			if ok {
				require.Equal(t, 255, got.Limits().Title)
			} else {
				require.Nil(t, got)
			}
		})
	}
}

func TestAsFindsTheOutermost(t *testing.T) {
	got, ok := sinks.As[interface{ Unwrap() sinks.Sink }](wrapper{filer: filer{"outer"}, inner: wrapper{filer: filer{"inner"}}})
	require.True(t, ok)
	require.Equal(t, "outer", got.(wrapper).name)
}

// The sink of the example keeps the rules.
func TestExample(t *testing.T) {
	sinktest.Run(t, func(t *testing.T) sinks.Sink { return folder(t.TempDir()) })
}
