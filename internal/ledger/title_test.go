package ledger

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/celrule"
)

const byDefault = "POST /pay: net.OpError: refused"

// A title that cannot be made keeps no problem from its ticket: it has the default
// one.
func TestATitleThatFailsIsTheDefault(t *testing.T) {
	for _, test := range []struct {
		rule, title string
		why         string // in the log
		want        string
	}{
		{"none fails", `"it fails: " + exception.message`, "", "it fails: refused"},
		{"an error when it is evaluated", `string(int(span.name))`, "title", byDefault},
		{"something that is missing", `span.attributes.nobody + "!"`, "", byDefault},
		{"nothing to say", `"" + " "`, "", byDefault},
		{"too large a text", `span.attributes.list.join(span.attributes.kilo)`, "would make or take too much", byDefault},
		{"too many steps", `string(span.attributes.list.map(a, a + "x").size())`, "exceeded its limits", byDefault},
	} {
		t.Run(test.rule, func(t *testing.T) {
			store := new(correlate.Memory)
			b := open(t, store, celrule.Rule{Title: test.title}, "jira")
			batch := b.batch(1, func(o *correlate.Occurrence) {
				o.Exception.Message = "refused"
				o.Attributes = []correlate.Attribute{{Key: "kilo", Value: strings.Repeat("a", 1<<11)}, {Key: "list", Value: make([]string, 1<<16)}}
			})
			require.Equal(t, correlate.ChangeOpened, b.apply(batch))
			p := b.problem(batch.Key())
			require.Equal(t, test.want, p.Answers.Title)
			require.Equal(t, []string{"open jira"}, due(t, store, b.now, "jira"))
			if test.why == "" {
				require.Empty(t, b.log.String())
			} else {
				require.Contains(t, b.log.String(), test.why)
			}
		})
	}
}
