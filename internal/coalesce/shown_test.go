package coalesce

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/celrule"
	"github.com/spanticket/spanticket/redact"
)

// Masking takes a part of a token away, and what is left is known for none.
func TestComponentsAreMadeOfRedactedText(t *testing.T) {
	set, err := new(celrule.Set).Compile([]celrule.Rule{{Name: "errors", When: `span.status == "ERROR"`}}, nil)
	require.NoError(t, err)
	token := "duffel_live_" + "zw8XtRwDM68Qu3qngrvWyHr9Gof_O9tGGXPQZQeKSWD"
	o := &correlate.Occurrence{
		Scope: correlate.Scope{Service: "shop"}, Operation: "charge " + token, Kind: "CLIENT", Status: "ERROR",
		Attributes: []correlate.Attribute{{Key: "list", Value: []string{token}}},
	}
	batch := func() Batch {
		c := Counts{Max: 10}
		_, ok := c.Add(o, set, 0, false, at)
		require.True(t, ok)
		return c.Take()[0]
	}
	said := func(b Batch) string {
		var all []string
		for _, c := range b.Signature.Components {
			all = append(all, c.Value)
		}
		return strings.Join(all, "\n")
	}
	b := batch()
	require.Contains(t, said(b), "GGXPQZQeKSWD")
	before := b.Signature
	var r redact.Redactor
	require.NoError(t, b.Redact(func(o *correlate.Occurrence) (bool, error) { return true, r.Document(o) }))
	require.NotContains(t, said(b), "GGXPQZQeKSWD")
	require.Equal(t, before.ID, b.Signature.ID, "it is stored")
	require.Len(t, b.Signature.Components, len(before.Components))
	require.Contains(t, o.Operation, token, "others use the occurrence")
	require.Equal(t, []string{token}, o.Attributes[0].Value)

	b = batch()
	require.NoError(t, b.Redact(func(*correlate.Occurrence) (bool, error) { return false, nil }))
	require.Equal(t, before, b.Signature, "there was nothing")
	require.ErrorContains(t, b.Redact(func(*correlate.Occurrence) (bool, error) { return true, errors.New("no") }), "no")
	require.Empty(t, b.Signature.Components, "what cannot be redacted goes")
	require.NoError(t, new(Batch).Redact(nil), "a batch of nothing")
}
