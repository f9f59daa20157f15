package main

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// request is what is made up of one trace: a gate that calls a bank.
type request struct {
	at     time.Time
	took   time.Duration // by the bank
	failed string        // what the bank says, "" if it went well
	logged bool          // the bank logged an error
}

// every returns n requests, one a second.
func every(n int, from time.Time, r request) []request {
	out := make([]request, n)
	for i := range out {
		out[i] = r
		out[i].at = from.Add(time.Duration(i) * time.Second)
	}
	return out
}

// record writes requests as OTLP, a trace a line, compressed. Recordings may
// have the same traces.
func record(t *testing.T, dir, name string, requests []request) {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, name+".gz"))
	require.NoError(t, err)
	z := gzip.NewWriter(f)
	enc := json.NewEncoder(z)
	type object = map[string]any
	for i, r := range requests {
		trace := fmt.Sprintf("%032x", i+1)
		span := func(id, parent int, kind int, name string, begin, end time.Duration) object {
			return object{
				"traceId": trace, "spanId": fmt.Sprintf("%016x", id), "parentSpanId": map[bool]string{true: fmt.Sprintf("%016x", parent)}[parent > 0],
				"name": name, "kind": kind,
				"startTimeUnixNano": fmt.Sprint(r.at.Add(begin).UnixNano()), "endTimeUnixNano": fmt.Sprint(r.at.Add(end).UnixNano()),
			}
		}
		of := func(service string, spans ...object) object {
			return object{
				"resource":   object{"attributes": []object{{"key": "service.name", "value": object{"stringValue": service}}}},
				"scopeSpans": []object{{"spans": spans}},
			}
		}
		const hop = time.Millisecond
		pay := span(3, 2, 2, "POST /pay", 2*hop, 2*hop+r.took)
		if r.failed != "" {
			pay["status"] = object{"code": 2, "message": r.failed}
		}
		if r.logged {
			pay["events"] = []object{{"name": "log", "timeUnixNano": fmt.Sprint(r.at.UnixNano()), "attributes": []object{
				{"key": "log.severity", "value": object{"stringValue": "ERROR"}}, {"key": "log.body", "value": object{"stringValue": "ledger is closed"}},
			}}}
		}
		require.NoError(t, enc.Encode(object{"resourceSpans": []object{
			of("gate", span(1, 0, 2, "GET /", 0, r.took+4*hop), span(2, 1, 3, "POST", hop, r.took+3*hop)),
			of("bank", pay),
		}}))
	}
	require.NoError(t, z.Close())
	require.NoError(t, f.Close())
}

// made has a fault-free recording, and one of each kind of fault.
func made(t *testing.T) string {
	dir := t.TempDir()
	usual := request{took: 5 * time.Millisecond}
	slow, broken, logged := usual, usual, usual
	slow.took, broken.failed, logged.logged = 300*time.Millisecond, "no account", true
	busy := request{took: usual.took, failed: "busy"}
	normal := append(every(30, noon, usual), every(2, noon.Add(40*time.Second), busy)...)
	record(t, dir, "normal.jsonl", normal)
	begin := noon.Add(time.Hour)
	injected := begin.Add(30 * time.Second)
	faults := []map[string]any{}
	for _, f := range []struct {
		id string
		r  request
	}{{"errors", broken}, {"delay", slow}, {"logs", logged}, {"known", busy}} {
		record(t, dir, f.id+".jsonl", append(every(30, begin, usual), every(20, injected, f.r)...))
		faults = append(faults, map[string]any{
			"id": f.id, "system": "shop", "fault_type": f.id, "root_service": "bank", "file": f.id + ".jsonl.gz", "normal_file": "normal.jsonl",
			"inject_unix_nano": injected.UnixNano(), "abnormal_window": []int64{injected.UnixNano(), injected.Add(time.Minute).UnixNano()},
		})
	}
	faults[0]["abnormal_window"] = nil
	data, err := json.Marshal(faults)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "truth.json"), data, 0o600))
	return dir
}
