package correlate_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
)

// spelled is a number that nothing masks.
func spelled(n int) string {
	return strings.Map(func(r rune) rune { return 'a' + (r - '0') }, fmt.Sprint(n)) + "ish"
}

func flooding(i int) correlate.Occurrence {
	return correlate.Occurrence{
		Scope: correlate.Scope{Service: "checkout"}, Operation: "GET /orders", Kind: "SERVER", Status: "ERROR",
		Exception: correlate.Exception{Type: "acme.NotFound", Message: "no order " + spelled(i) + " here"},
	}
}

// What is counted as one has a signature that no rule can make.
func TestFoldedSignatures(t *testing.T) {
	o, other := flooding(1), flooding(2)
	elsewhere := flooding(1)
	elsewhere.Operation = "GET /carts"
	fold := func(f correlate.Fold) correlate.Spec { return correlate.Spec{Fold: f, Rule: "errors"} }
	var s correlate.Signer
	for _, f := range []correlate.Fold{correlate.FoldOperation, correlate.FoldRule, correlate.FoldService} {
		require.Equal(t, s.ID(o, fold(f)), s.ID(other, fold(f)), "what varies is no part of it")
		require.Equal(t, s.ID(o, fold(f)), s.Sign(o, fold(f)).ID)
		require.Equal(t, f == correlate.FoldOperation, s.ID(o, fold(f)) != s.ID(elsewhere, fold(f)))
	}
	ids := map[string]bool{}
	specs := []correlate.Spec{
		{}, {Rule: "errors"}, fold(correlate.FoldOperation), fold(correlate.FoldRule), fold(correlate.FoldService), {Fold: correlate.FoldRule, Rule: "other"}, {Fold: correlate.FoldRule},
		{Components: []string{"operation"}, Rule: "errors"}, {Values: []string{"fold", "rule"}, Rule: "errors"}, {Values: []string{"fold"}},
	}
	for _, spec := range specs {
		ids[s.ID(o, spec)] = true
	}
	require.Len(t, ids, len(specs))
	var used []string
	for _, c := range s.Sign(o, fold(correlate.FoldOperation)).Components {
		if c.Used {
			used = append(used, c.Name)
		}
	}
	require.Equal(t, []string{"service", "environment", "operation", "rule"}, used)
}

func TestFloodSaysWhatVaries(t *testing.T) {
	var s correlate.Signer
	var one, two correlate.Flood
	for i := range 5000 {
		o := flooding(i)
		f := &one
		if i%2 == 1 {
			f = &two
		}
		f.Add(s, &o, correlate.Spec{})
		if i < 6 {
			f.Show(s, &o, correlate.Spec{})
		}
	}
	now := time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)
	var p correlate.Problem
	for _, f := range []*correlate.Flood{&one, &two, nil} {
		o := flooding(0)
		p, _ = p.Observe(correlate.Batch{Scope: o.Scope, Signature: s.Sign(o, correlate.Spec{Fold: correlate.FoldRule}), Count: 1, First: now, Last: now, Flood: f}, now)
	}
	require.InEpsilon(t, 5000, p.Flood.Signatures.Count(), 0.15)
	varies := p.Flood.Varies()
	require.Len(t, varies, 1)
	require.Equal(t, "message", varies[0].Component)
	require.Equal(t, "exception.message", varies[0].Field)
	require.InEpsilon(t, 5000, varies[0].Values.Count(), 0.15)
	require.Len(t, varies[0].Examples, 3)
	require.Equal(t, "no order … here", varies[0].Common())
	require.InEpsilon(t, 2500, one.Signatures.Count(), 0.15, "what is merged is not changed")

	data, err := json.Marshal(p)
	require.NoError(t, err)
	var again correlate.Problem
	require.NoError(t, json.Unmarshal(data, &again))
	require.Equal(t, p.Flood, again.Flood)
}

func TestFloodOfAReturn(t *testing.T) {
	now := time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)
	batch := func(i int) correlate.Batch {
		var f correlate.Flood
		o := flooding(i)
		f.Add(correlate.Signer{}, &o, correlate.Spec{})
		return correlate.Batch{Scope: o.Scope, Signature: correlate.Signature{ID: "id"}, Count: 1, First: now, Last: now, Flood: &f}
	}
	var p correlate.Problem
	p, _ = p.Observe(batch(1), now)
	p, _ = p.Observe(batch(2), now)
	require.Equal(t, int64(2), p.Flood.Signatures.Count())
	p, change := p.Quieten(now.Add(time.Hour))
	require.Equal(t, correlate.ChangeResolved, change)
	now = now.Add(2 * time.Hour)
	p, _ = p.Observe(batch(3), now)
	require.Equal(t, int64(1), p.Flood.Signatures.Count(), "the flood before is over")
}

func TestCommon(t *testing.T) {
	for _, tt := range []struct {
		rule     string
		examples []string
		want     string
	}{
		{"nothing of nothing", nil, ""},
		{"all of one", []string{"no order a"}, "no order a"},
		{"words at the same place", []string{"no order a here", "no order b here", "no cart c here"}, "no … here"},
		{"the beginning and the end", []string{"user a b not found", "user c not found"}, "user … not found"},
		{"nothing in common", []string{"a b", "c"}, "…"},
	} {
		require.Equal(t, tt.want, correlate.Varying{Examples: tt.examples}.Common(), tt.rule)
	}
}
