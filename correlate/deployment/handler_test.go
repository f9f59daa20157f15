package deployment

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"text/template"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/spanticket/spanticket/correlate"
)

const (
	testSecret = "correct horse battery staple"
	testKey    = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
	fullSHA    = "f95f852bd8fca8fcc58a9a2d6c842781e32a215e"
)

// inMarch runs a test when the sample payloads were sent, by the clock of a bubble.
func inMarch(t *testing.T, test func(t *testing.T)) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon.Add(10 * time.Minute)))
		test(t)
	})
}

func newHandler(t testing.TB, change func(*HandlerConfig)) (*Handler, *Tracker) {
	t.Helper()
	tracker := NewTracker(Config{Store: newDurable()})
	c := HandlerConfig{Tracker: tracker, GitHub: []string{"old", testSecret}, GitLab: []string{testSecret, testKey}, Flux: []string{testSecret}, Shared: []string{testSecret}}
	if change != nil {
		change(&c)
	}
	h, err := NewHandler(c)
	require.NoError(t, err)
	return h, tracker
}

func mac(body []byte) string {
	m := hmac.New(sha256.New, []byte(testSecret))
	m.Write(body)
	return "sha256=" + hex.EncodeToString(m.Sum(nil))
}

// request returns a request as its sender makes it.
func request(from string, body []byte) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/deployments", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	switch from {
	case "github":
		r.Header.Set("X-GitHub-Event", "deployment_status")
		r.Header.Set("X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958")
		r.Header.Set("X-Hub-Signature-256", mac(body))
	case "gitlab":
		r.Header.Set("X-Gitlab-Event", "Deployment Hook")
		r.Header.Set("X-Gitlab-Token", testSecret)
	case "flux":
		r.Header.Set("Gotk-Component", "kustomize-controller")
		r.Header.Set("X-Signature", mac(body))
	case "cdevents":
		r.Header.Set("Content-Type", "application/cloudevents+json; charset=UTF-8")
		r.Header.Set("Authorization", "Bearer "+testSecret)
	case "argocd":
		r.SetBasicAuth("argocd", testSecret)
	default:
		r.Header.Set("Authorization", "Bearer "+testSecret)
	}
	return r
}

func sample(t testing.TB, name string) []byte {
	t.Helper()
	body, err := os.ReadFile("testdata/" + name + ".json")
	require.NoError(t, err)
	return body
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestSamples(t *testing.T) {
	minute4 := minutesAfter(4)
	for _, c := range []struct {
		rule, from, sample string
		want               Deployment
	}{
		{"GitHub", "github", "github", Deployment{
			Scope: correlate.Scope{Service: "payment", Environment: "production"}, Version: "v2.4.1", Revision: fullSHA, ID: "github:shop/payment:145988746",
			Name: "Release of Monday", Time: minute4, Done: minute4, Status: Succeeded, By: "mara", Changelog: "https://github.com/shop/payment/commits/" + fullSHA,
			Rollback: "kubectl rollout undo deployment/payment", Source: "github",
			Links: []Link{{"log", "https://github.com/shop/payment/actions/runs/8123456789/job/22201"}, {"environment", "https://payment.shop.example"}},
		}},
		{"GitLab", "gitlab", "gitlab", Deployment{
			Scope: correlate.Scope{Service: "payment", Environment: "production"}, Version: "v2.4.1", Revision: fullSHA, ID: "gitlab:shop/payment:15",
			Name: "Charge in the customer's currency", Time: minute4, Done: minute4, Status: Succeeded, By: "mara", Changelog: "https://gitlab.example/shop/payment/-/commits/" + fullSHA, Source: "gitlab",
			Links: []Link{{"job", "https://gitlab.example/shop/payment/-/jobs/796"}, {"commit", "https://gitlab.example/shop/payment/-/commit/" + fullSHA}, {"environment", "https://payment.shop.example"}},
		}},
		{"Flux, of a Kustomization", "flux", "flux-kustomization", Deployment{
			Scope: correlate.Scope{Service: "payment", Environment: "production"}, Revision: fullSHA, Name: "Kustomization shop/payment",
			Time: minute4, Done: minute4, Status: Succeeded, Source: "flux",
		}},
		{"Flux, of a Helm release that it rolled back", "flux", "flux-helmrelease", Deployment{
			Scope: correlate.Scope{Service: "payment", Environment: "production"}, Version: "2.4.0", Name: "HelmRelease shop/payment",
			Time: minute4, Done: minute4, Status: Succeeded, Back: true, Source: "flux",
		}},
		{"CDEvents", "cdevents", "cdevents", Deployment{
			Scope: payment, Version: "2.4.1", Revision: fullSHA, Time: minute4, Done: minute4, Status: Succeeded, By: "mara",
			Rollback: "tkn pipeline start undo -p service=payment", Source: "cdevents",
			Name: "pkg:oci/payment@sha256%3A0b31b1c02ff458ad9b7b81cbdf8f028bd54699fa151f221d1e8de6817db93427?repository_url=registry.example/shop&tag=2.4.1&vcs_url=git%2Bhttps%3A%2F%2Fgit.example%2Fshop%2Fpayment%40" + fullSHA,
		}},
		{"plain JSON", "json", "plain", Deployment{
			Scope: payment, Version: "2.4.1", Revision: fullSHA, ID: "1208", Name: "Release of Monday", Time: noon, Done: minute4, Status: Succeeded, By: "mara",
			Changelog: "https://git.example/shop/payment/compare/v2.4.0...v2.4.1", Rollback: "make rollback TO=2.4.0", Source: "json", Links: []Link{{"pipeline", "https://ci.example/runs/7"}},
		}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			inMarch(t, func(t *testing.T) {
				h, tracker := newHandler(t, nil)
				w := serve(h, request(c.from, sample(t, c.sample)))
				require.Equal(t, http.StatusOK, w.Code, w.Body.String())
				require.Equal(t, "taken\n", w.Body.String())
				require.NoError(t, tracker.Refresh(t.Context(), time.Now()))
				require.Equal(t, []Deployment{c.want}, tracker.History().Of(c.want.Scope))
				require.Equal(t, HandlerStats{Taken: 1}, h.Stats())
			})
		})
	}
}

// What Argo CD sends is made by the template that this package has for it.
func TestArgoCD(t *testing.T) {
	file, err := os.ReadFile("argocd-notifications.yaml")
	require.NoError(t, err)
	var configMap struct {
		Data map[string]string `yaml:"data"`
	}
	require.NoError(t, yaml.Unmarshal(file, &configMap))
	var config struct {
		Webhook map[string]struct{ Method, Body string } `yaml:"webhook"`
	}
	require.NoError(t, yaml.Unmarshal([]byte(configMap.Data["template.spanticket-deployed"]), &config))
	require.Equal(t, "POST", config.Webhook["spanticket"].Method)
	body := template.Must(template.New("").Funcs(template.FuncMap{ // as sprig has them
		"toJson": func(v any) string { b, _ := json.Marshal(v); return string(b) },
		"dict":   func() map[string]any { return map[string]any{} },
		"default": func(d, v any) any {
			if v == nil {
				return d
			}
			return v
		},
	}).Parse(config.Webhook["spanticket"].Body))

	render := func(labels any, phase, revision string) []byte {
		var out bytes.Buffer
		require.NoError(t, body.Execute(&out, map[string]any{
			"context": map[string]any{"argocdUrl": "https://argocd.example"},
			"app": map[string]any{
				"metadata": map[string]any{"name": "payment-prod", "labels": labels},
				"spec":     map[string]any{"destination": map[string]any{"namespace": "shop"}, "source": map[string]any{"repoURL": "https://git.example/shop/deploy.git"}},
				"status": map[string]any{
					"sync":    map[string]any{"revision": revision},
					"summary": map[string]any{"images": []any{"registry.example/shop/payment:2.4.1", "envoyproxy/envoy:v1.37.0"}},
					"operationState": map[string]any{
						"phase": phase, "startedAt": "2026-03-02T12:00:00Z", "finishedAt": "2026-03-02T12:04:00Z",
						"operation": map[string]any{"initiatedBy": map[string]any{"username": "mara"}},
					},
				},
			},
		}))
		return out.Bytes()
	}
	inMarch(t, func(t *testing.T) {
		h, tracker := newHandler(t, func(c *HandlerConfig) { c.Environment = "staging" })
		labels := map[string]any{"service": "payment", "environment": "production"}
		for _, phase := range []string{"Running", "Succeeded", "Terminating"} {
			w := serve(h, request("argocd", render(labels, phase, fullSHA)))
			require.Equal(t, http.StatusOK, w.Code, w.Body.String())
		}
		require.Equal(t, http.StatusOK, serve(h, request("argocd", render(nil, "Failed", "1.2.3"))).Code)
		require.NoError(t, tracker.Refresh(t.Context(), time.Now()))
		require.Equal(t, []Deployment{{
			Scope: correlate.Scope{Service: "payment", Environment: "production"}, Version: "2.4.1", Revision: fullSHA, ID: "argocd:payment-prod:2026-03-02T12:00:00Z",
			Name: "application payment-prod to shop", Time: noon, Done: minutesAfter(4), Status: Succeeded, By: "mara", Source: "argocd",
			Links: []Link{{"Argo CD", "https://argocd.example/applications/payment-prod"}, {"repository", "https://git.example/shop/deploy"}},
		}}, tracker.History().Of(correlate.Scope{Service: "payment", Environment: "production"}))
		other := tracker.History().Of(correlate.Scope{Service: "payment-prod", Environment: "staging"})
		require.Len(t, other, 1, "without labels it is the application, in the environment that is configured")
		require.Equal(t, Failed, other[0].Status)
		require.Equal(t, "1.2.3", other[0].Version)
		require.Equal(t, HandlerStats{Taken: 3, Ignored: 1}, h.Stats())
	})
}

func TestWhatIsNoDeploymentIsIgnored(t *testing.T) {
	for _, c := range []struct {
		rule, from, old, new string
		header               [2]string
	}{
		{rule: "GitHub: a ping", from: "github", header: [2]string{"X-GitHub-Event", "ping"}},
		{rule: "GitHub: one that waits", from: "github", old: `"state": "success"`, new: `"state": "queued"`},
		{rule: "GitHub: one that another has taken the place of", from: "github", old: `"state": "success"`, new: `"state": "inactive"`},
		{rule: "GitLab: a push", from: "gitlab", header: [2]string{"X-Gitlab-Event", "Push Hook"}},
		{rule: "GitLab: one that is blocked", from: "gitlab", old: `"status": "success"`, new: `"status": "blocked"`},
		{rule: "Flux: an artifact was fetched", from: "flux", old: `"kind": "Kustomization"`, new: `"kind": "GitRepository"`},
		{rule: "Flux: a dependency is not ready", from: "flux", old: `ReconciliationSucceeded`, new: `DependencyNotReady`},
		{rule: "CDEvents: a build", from: "cdevents", old: `"type": "dev.cdevents.service.deployed.0.3.0",` + "\n  \"datacontenttype\"", new: `"type": "dev.cdevents.build.finished.0.3.0", "datacontenttype"`},
		{rule: "plain JSON: one that waits", from: "plain", old: `"status": "completed"`, new: `"status": "queued"`},
	} {
		t.Run(c.rule, func(t *testing.T) {
			inMarch(t, func(t *testing.T) {
				h, tracker := newHandler(t, nil)
				name := c.from
				if name == "flux" {
					name = "flux-kustomization"
				}
				body := sample(t, name)
				if c.old != "" {
					require.Contains(t, string(body), c.old)
					body = bytes.Replace(body, []byte(c.old), []byte(c.new), 1)
				}
				r := request(c.from, body)
				if c.header[0] != "" {
					r.Header.Set(c.header[0], c.header[1])
				}
				w := serve(h, r)
				require.Equal(t, http.StatusOK, w.Code, w.Body.String())
				require.Equal(t, HandlerStats{Ignored: 1}, h.Stats())
				require.Zero(t, tracker.Stats())
			})
		})
	}
}

func TestBinaryCloudEvents(t *testing.T) {
	inMarch(t, func(t *testing.T) {
		h, tracker := newHandler(t, nil)
		for i, predicate := range []string{"deployed.0.1.1", "upgraded.0.2.0", "rolledback.0.4.0-draft", "removed.0.3.0"} {
			body := fmt.Sprintf(`{"context":{"timestamp":"2026-03-02T12:0%d:00Z"},"subject":{"id":"payment","content":{"environment":{"id":"production","name":"production"},"artifactId":"pkg:generic/payment@1.%d"}}}`, i, i)
			r := request("json", []byte(body))
			r.Header.Set("Ce-Specversion", "1.0")
			r.Header.Set("Ce-Type", "dev.cdevents.service."+predicate)
			r.Header.Set("Ce-Source", "/tekton")
			r.Header.Set("Ce-Id", predicate)
			require.Equal(t, "taken\n", serve(h, r).Body.String())
			r.Body = io.NopCloser(strings.NewReader(body))
			require.Equal(t, "known: this was delivered before\n", serve(h, r).Body.String())
		}
		require.NoError(t, tracker.Refresh(t.Context(), time.Now()))
		var got []string
		for _, d := range tracker.History().Of(correlate.Scope{Service: "payment", Environment: "production"}) {
			got = append(got, describe(d))
		}
		require.Equal(t, []string{"1.0 12:00-12:00 succeeded", "1.1 12:01-12:01 succeeded after 1.0", "1.2 12:02-12:02 succeeded after 1.1 back", "1.3 12:03-12:03 removed"}, got)
	})
}
