package deployment

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/redact"
)

// fuzz holds a parser to what all must: it does not panic, its errors are short, and what it
// reads can be stored, bounded and clean, or is refused with a reason.
func fuzz(f *testing.F, parse func(http.Header, []byte) (Deployment, bool, error), header http.Header, samples string) {
	names, err := filepath.Glob("testdata/" + samples + "*.json")
	require.NoError(f, err)
	require.NotEmpty(f, names)
	for _, name := range names {
		body, err := os.ReadFile(name)
		require.NoError(f, err)
		f.Add(body)
	}
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"argocd":{"app":"a","phase":"Succeeded","images":["a:1"]}}`))
	redactor := &redact.Redactor{}
	now := minutesAfter(10)
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) > 64<<10 {
			return
		}
		d, some, err := parse(header, body)
		if err != nil {
			require.Less(t, len(err.Error()), 100)
			require.False(t, some)
			return
		}
		if !some {
			return
		}
		d, err = check(d, redactor, defaultKeep, now)
		if err != nil {
			require.True(t, errors.As(err, new(*InvalidError)), "%v", err)
			return
		}
		again, err := check(d, redactor, defaultKeep, now)
		require.NoError(t, err)
		require.Equal(t, d, again, "what was checked stays as it is")
		data, err := json.Marshal(d)
		require.NoError(t, err)
		require.True(t, utf8.Valid(data))
		require.Less(t, len(data), 64<<10)
		require.NotEmpty(t, NewHistory(d).Of(d.Scope))
	})
}

func FuzzGitHub(f *testing.F) {
	fuzz(f, parseGitHub, http.Header{"X-Github-Event": {"deployment_status"}}, "github")
}

func FuzzGitLab(f *testing.F) {
	fuzz(f, parseGitLab, http.Header{"X-Gitlab-Event": {"Deployment Hook"}}, "gitlab")
}

func FuzzFlux(f *testing.F) { fuzz(f, parseFlux, nil, "flux") }

func FuzzCDEvents(f *testing.F) {
	fuzz(f, parseCDEvents, http.Header{"Content-Type": {structured}}, "cdevents")
}

// FuzzPlain has the template of Argo CD in it, too.
func FuzzPlain(f *testing.F) { fuzz(f, parsePlain, nil, "plain") }

func FuzzRecord(f *testing.F) {
	f.Add([]byte(`{"told":[{"scope":{"service":"payment"},"version":"2","time":"2026-03-02T12:00:00Z"}],"presences":[{"version":"1","from":"2026-03-02T12:00:00Z","to":"2026-03-02T13:00:00Z"}]}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := decodePast(correlate.Record{Version: pastVersion, Data: data})
		if err != nil {
			require.ErrorAs(t, err, new(*correlate.FormatError))
			return
		}
		p.deployments(payment, noon)
		r, err := encodePast(p, defaultKeep)
		if err != nil {
			return // years that cannot be written
		}
		again, err := decodePast(r)
		require.NoError(t, err)
		require.Equal(t, p.deployments(payment, noon), again.deployments(payment, noon))
	})
}
