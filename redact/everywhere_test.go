package redact_test

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/enrich"
	"github.com/spanticket/spanticket/internal/canary"
	"github.com/spanticket/spanticket/redact"
	"github.com/spanticket/spanticket/sinks"
)

// documents are all that is stored or leaves. What they contain is found by
// reflection, so that a field that is added later is among it.
var documents = []any{
	new(sinks.Ticket), new(sinks.Receipt),
	new(correlate.Problem), new(correlate.Occurrence), new(correlate.Decision), new(correlate.Delivery), new(correlate.Parked),
	new(correlate.Signature), new(correlate.Member), new(correlate.TraceOrigin), new(correlate.Record), new(correlate.News),
	new(correlate.Admission), new(correlate.Alias), new(correlate.Upgrade), new(correlate.Call), new(correlate.Batch), new(correlate.Spec), new(correlate.Shared), new(correlate.Group),
	new(enrich.Facts),
}

// noDocuments are the exported structs that hold nothing that is stored or sent,
// each with the reason.
var noDocuments = map[string]string{
	"sinks.Error":            "an error: it becomes text, which is redacted",
	"sinks.Limits":           "numbers that a sink states",
	"sinks.Quota":            "numbers that a system states, and a name of forty printable characters at most",
	"sinks.Account":          "what a sink states of itself; an ID in which a secret is found is hashed before it is stored",
	"sinks.Rate":             "numbers that a sink states",
	"correlate.Roster":       "names of sinks, which the configuration gives, and times",
	"correlate.FormatError":  "an error: it becomes text, which is redacted",
	"correlate.Capabilities": "what a sink can do",
	"correlate.Memory":       "a store: what it holds was redacted before",
	"correlate.Signer":       "configuration",
	"correlate.Claim":        "a question to a store, of scopes and names of sinks",
	"correlate.Outcome":      "a time",
	"correlate.Page":         "a question to a store, of kinds and keys",
	"correlate.Budget":       "counts",
	"correlate.Budgets":      "counts",
	"correlate.Purchase":     "an ID, the name of a rule, numbers and times",
	"correlate.Spent":        "an ID, the name of a rule, and a time",
	"enrich.Link":            "configuration",
	"enrich.Resource":        "nothing",
}

func TestEveryStringOfEveryDocumentIsRedacted(t *testing.T) {
	var r redact.Redactor
	for _, doc := range documents {
		t.Run(fmt.Sprintf("%T", doc), func(t *testing.T) {
			// A sketch has hashes of what was counted, and no text.
			places, wrong := canary.Check(doc, r.Document, reflect.TypeFor[correlate.Sketch]())
			require.Empty(t, wrong)
			require.Positive(t, places)
			t.Logf("%d places", places)
		})
	}
}

// A type that is added is a document, part of one, or has a reason not to be.
func TestEveryExportedTypeIsADocumentOrNone(t *testing.T) {
	reached := canary.Reached(documents...)
	declared := map[string]bool{}
	for _, dir := range []string{"../sinks", "../correlate", "../enrich"} {
		names, err := canary.Structs(dir)
		require.NoError(t, err)
		require.NotEmpty(t, names)
		for _, name := range names {
			declared[name] = true
			if noDocuments[name] == "" && !reached[name] {
				t.Errorf("%s: add it to the documents, or to noDocuments with a reason", name)
			}
		}
	}
	for name := range noDocuments {
		require.True(t, declared[name], "%s is no more", name)
		require.False(t, reached[name], "%s is part of a document", name)
	}
}
