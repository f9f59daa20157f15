package autoticket_test

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/internal/canary"
	"github.com/spanticket/spanticket/redact"
)

// canaryKinds returns the examples of secrets that there are, by kind.
func canaryKinds(t *testing.T) map[string][]canary.Example {
	t.Helper()
	kinds := map[string][]canary.Example{}
	for _, list := range []string{"../redact/testdata/kinds.txt", "testdata/canaries.txt"} {
		data, err := os.ReadFile(list)
		require.NoError(t, err)
		for _, e := range canary.Read(string(data)) {
			kinds[e.Kind] = append(kinds[e.Kind], e)
		}
	}
	return kinds
}

// planted is what was planted where: secrets of one kind.
type planted struct {
	kind     string
	examples []canary.Example
	mu       sync.Mutex
	secrets  map[string]canary.Secret // by place
	again    int                      // times that one was drawn that looks like none
}

// harmless is a kind that is no secret.
const harmless = "harmless"

func newPlanted(kind string, examples ...canary.Example) *planted {
	return &planted{kind: kind, examples: examples, secrets: map[string]canary.Secret{}}
}

// in returns a text for a place, in which there is a canary. A place has the
// same one each time, and no other place has it. Of a kind that has several
// shapes, each is in some places. One in many thousands that are drawn looks like
// no secret, by chance, wherever it stands: another is drawn, and counted.
func (p *planted) in(place string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, ok := p.secrets[place]
	if !ok {
		h := fnv.New64a()
		fmt.Fprintf(h, "%s in %s", p.kind, place)
		e := p.examples[len(p.secrets)%len(p.examples)]
		var r redact.Redactor
		for try := range uint64(10) {
			s = e.Draw(rand.New(rand.NewPCG(h.Sum64(), try)))
			if p.kind == harmless || !strings.Contains(r.Text(s.Text), s.String()) {
				break
			}
			p.again++
		}
		p.secrets[place] = s
	}
	return s.Text
}

// flock is what is planted in one engine: secrets of several kinds, each in all
// places.
type flock []*planted

var turns sync.Map // how often it was whose turn

// count returns how often it was called for a place before.
func (f flock) count(place string) int {
	n, _ := turns.LoadOrStore(f[0].kind+" "+place, new(atomic.Int64))
	return int(n.(*atomic.Int64).Add(1)) - 1
}

// turn returns each of the flock in turn.
func (f flock) turn(place string) *planted { return f[f.count(place)%len(f)] }

// next returns a text for a place, of each kind in turn.
func (f flock) next(place string) string { return f.turn(place).in(place) }

// leaks returns what has left of what was planted.
func (f flock) leaks(l *leaving) (found []string) {
	var s canary.Search
	texts := map[string]string{}
	for _, p := range f {
		for place, secret := range p.secrets {
			label := p.kind + " in the " + place
			s.Add(secret, label)
			texts[label] = secret.Text
		}
	}
	seen := map[string]bool{}
	for way, out := range l.out {
		text := out.Bytes()
		s.In(text, func(from, to int, label string) {
			what := label + " came out at the " + way
			if !seen[what] {
				seen[what] = true
				found = append(found, fmt.Sprintf("%s: %q of %q in %q", what, text[from:to], texts[label], text[max(0, from-120):min(len(text), to+60)]))
			}
		})
	}
	slices.Sort(found)
	return found
}
