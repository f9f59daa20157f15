package autotickettest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path"
	"strings"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/autoticket/autotickettest/internal/testfile"
	"github.com/spanticket/spanticket/autoticket/autotickettest/otlpfile"
	"github.com/spanticket/spanticket/autoticket/autotickettest/rehearsal"
	"github.com/spanticket/spanticket/correlate"
)

// trial is one test, and what came of its spans.
type trial struct {
	*suite
	test      *testfile.Test
	outcome   rehearsal.Outcome
	decisions []correlate.Decision
	said      bytes.Buffer // by the engine, to its operator
}

// try runs a test and returns what is wrong, or "".
func (s *suite) try(test *testfile.Test) (t *trial, failure string) {
	t = &trial{suite: s, test: test}
	spans, err := t.spans()
	if err == nil {
		err = t.run(spans)
	}
	if err != nil {
		return t, s.At(test.Place, testfile.Error{Test: test.Name, Message: err.Error()}).Error()
	}
	return t, t.judge()
}

func (t *trial) spans() ([]sdktrace.ReadOnlySpan, error) {
	if t.test.Recording == "" {
		return t.test.Recorded(), nil
	}
	name := path.Join(path.Dir(t.Name), t.test.Recording)
	in, err := t.fsys.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no recording %s", name)
	} else if err != nil {
		return nil, err
	}
	defer in.Close()
	var broken strings.Builder
	r := otlpfile.Reader{Report: &broken}
	r.Read(name, in)
	spans := r.Spans()
	switch {
	case r.Broken > 0:
		return nil, errors.New("the recording is broken: " + strings.TrimSpace(broken.String()))
	case r.Invalid() > 0:
		return nil, fmt.Errorf("the recording %s has %d spans without IDs", name, r.Invalid())
	case len(spans) == 0:
		return nil, fmt.Errorf("the recording %s has no spans", name)
	}
	return spans, nil
}

func (t *trial) run(spans []sdktrace.ReadOnlySpan) (err error) {
	c := t.config
	c.OnDecision = func(d correlate.Decision) { t.decisions = append(t.decisions, d) }
	c.Logger = slog.New(slog.NewTextHandler(&t.said, &slog.HandlerOptions{Level: slog.LevelWarn, ReplaceAttr: withoutTime}))
	t.outcome, err = rehearsal.Run(context.Background(), c, t.sinks, spans, t.test.PerService)
	return err
}

// withoutTime leaves out of the log what differs from run to run.
func withoutTime(groups []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey && len(groups) == 0 {
		return slog.Attr{}
	}
	return a
}

// exercised reports whether a span met a rule, or its unless.
func (t *trial) exercised(rule string) bool {
	for _, d := range t.decisions {
		if d.Rule == rule {
			return true
		}
	}
	return t.stats(rule).Matches > 0
}

// stats returns what a rule did.
func (t *trial) stats(rule string) autoticket.RuleStats {
	for _, r := range t.outcome.Stats.Rules {
		if r.Name == rule {
			return r
		}
	}
	return autoticket.RuleStats{}
}
