package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/spanticket/spanticket/autoticket/autotickettest/otlpfile"
)

// fault is what is known of a recording into which a fault was injected.
type fault struct {
	ID       string `json:"id"`
	System   string `json:"system"`
	Kind     string `json:"fault_type"`
	Service  string `json:"root_service"` // into which it was injected
	File     string `json:"file"`
	Normal   string `json:"normal_file"` // of the same system without a fault
	Injected int64  `json:"inject_unix_nano"`
	Window   []int64
}

// readTruth reads the faults of a directory, in the order of its truth.json.
func readTruth(dir string) ([]fault, error) {
	name := filepath.Join(dir, "truth.json")
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var rows []struct {
		fault
		Window []int64 `json:"abnormal_window"`
	}
	if err := json.Unmarshal(data, &rows); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var faults []fault
	for _, row := range rows {
		f := row.fault
		if f.Window = row.Window; len(f.Window) != 0 && len(f.Window) != 2 {
			return nil, fmt.Errorf("%s: %s: abnormal_window has %d times, want 2 or none", name, f.ID, len(f.Window))
		}
		faults = append(faults, f)
	}
	return faults, nil
}

// injected returns when the fault was injected.
func (f fault) injected() time.Time { return time.Unix(0, f.Injected) }

// window returns when the fault shows: as the truth has it, else from the
// injection to the end of the recording.
func (f fault) window(spans []sdktrace.ReadOnlySpan) span {
	if len(f.Window) == 2 {
		return span{time.Unix(0, f.Window[0]), time.Unix(0, f.Window[1])}
	}
	return span{f.injected(), extent(spans).to}
}

// normals returns the names of the fault-free files of each system, in order.
func normals(faults []fault) map[string][]string {
	out := map[string][]string{}
	for _, f := range faults {
		if !slices.Contains(out[f.System], f.Normal) {
			out[f.System] = append(out[f.System], f.Normal)
		}
	}
	for _, names := range out {
		slices.Sort(names)
	}
	return out
}

// span is a time from and to, both included.
type span struct{ from, to time.Time }

func (s span) has(t time.Time) bool { return !t.Before(s.from) && !t.After(s.to) }

// seconds returns how long it is, at least one second, so that it may divide.
func (s span) seconds() float64 { return max(1, s.to.Sub(s.from).Seconds()) }

// extent returns when the first of the spans began and the last ended.
func extent(spans []sdktrace.ReadOnlySpan) span {
	var all span
	for i, sp := range spans {
		if i == 0 || sp.StartTime().Before(all.from) {
			all.from = sp.StartTime()
		}
		if sp.EndTime().After(all.to) {
			all.to = sp.EndTime()
		}
	}
	return all
}

// library reads recordings, and keeps the fault-free ones, which many faults are
// compared with.
type library struct {
	dir    string
	report io.Writer
	kept   map[string][]sdktrace.ReadOnlySpan
}

// read returns the spans of a file, in an order of their own: a replay sorts
// them. Its name may lack ".gz".
func (l *library) read(name string) ([]sdktrace.ReadOnlySpan, error) {
	path := filepath.Join(l.dir, name)
	if _, err := os.Stat(path); err != nil && !strings.HasSuffix(path, ".gz") {
		path += ".gz"
	}
	in := otlpfile.Reader{Report: l.report}
	in.File(path)
	spans := in.Spans()
	if len(spans) == 0 {
		return nil, fmt.Errorf("%s: no spans could be read", path)
	}
	return spans, nil
}

// normal returns the spans of a fault-free file.
func (l *library) normal(name string) ([]sdktrace.ReadOnlySpan, error) {
	if spans, ok := l.kept[name]; ok {
		return slices.Clone(spans), nil
	}
	spans, err := l.read(name)
	if err != nil {
		return nil, err
	}
	if l.kept == nil {
		l.kept = map[string][]sdktrace.ReadOnlySpan{}
	}
	l.kept[name] = spans
	return slices.Clone(spans), nil
}
