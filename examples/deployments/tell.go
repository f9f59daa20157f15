package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/spanticket/spanticket/correlate/deployment"
	"github.com/spanticket/spanticket/internal/world"
)

// sources say how it is heard of the deployments of each service.
var sources = map[string][]string{
	"web":      {"github", "resource"},
	"checkout": {"resource"},
	"catalog":  {"span"},
	"account":  {"github"},
	"payment":  {"github", "resource"},
	"shipping": {"resource"},
	"cart":     {"json"},
	"pricing":  {"span", "resource"},
	"search":   {"cdevents"},
	"auth":     {"resource"},
	"ledger":   {"github"},
	"notify":   {"resource"},
}

// release is what there is to tell of a change: that it has begun, if begun is not
// zero, and that it is done.
type release struct {
	number      int
	service     string
	version     string
	revision    string
	begun, done time.Time
	back        bool
}

// deploy has everything told that is deployed, by those who know it.
func (f *fleet) deploy() {
	r := rand.New(rand.NewPCG(f.Seed, 1))
	wrong := func() time.Duration { // the clock of a machine that deploys
		return time.Duration(max(-60, min(60, r.NormFloat64()*15)) * float64(time.Second))
	}
	for i, c := range f.Changes {
		name := f.Services[c.Service].Name
		if c.Setting != "" {
			f.set(i, c, wrong())
			continue
		}
		out := release{number: i, service: name, version: c.Version, revision: c.Revision, begun: c.At.Add(wrong() - time.Duration(r.IntN(90))*time.Second), done: c.At.Add(c.Rollout)}
		f.tell(out)
		if !c.Until.IsZero() {
			begun := c.Until.Add(wrong())
			f.tell(release{number: 1000 + i, service: name, version: c.Previous, begun: begun, done: begun.Add(3 * time.Minute), back: true})
		}
	}
	for s, svc := range f.Services {
		if slices.Contains(sources[svc.Name], "resource") {
			f.beat(s)
		}
	}
}

// set has a change of settings told, which has a name but no version.
func (f *fleet) set(i int, c world.Change, wrong time.Duration) {
	status := "success"
	if c.Setting == "flag" {
		status = "in progress" // for ever more of the requests
	}
	of := map[string]any{"service": f.Services[c.Service].Name, "environment": "production", "id": settingID(i), "name": c.Setting + " " + fmt.Sprint(i)}
	tell := func(at time.Time, status string) {
		f.at(at, func(ctx context.Context) error {
			of["status"], of["time"] = status, at.Format(time.RFC3339)
			return f.post(ctx, of, http.Header{"Authorization": {"Bearer " + token}})
		})
	}
	tell(c.At.Add(wrong), status)
	if !c.Until.IsZero() {
		tell(c.Until.Add(wrong), "rolled back")
	}
}

func settingID(i int) string { return fmt.Sprintf("setting-%d", i) }

// tell has a release told by those who tell of the service.
func (f *fleet) tell(r release) {
	for _, source := range sources[r.service] {
		switch source {
		case "github":
			f.at(r.begun, func(ctx context.Context) error { return f.gitHub(ctx, r, "in_progress", r.begun) })
			f.at(r.done, func(ctx context.Context) error { return f.gitHub(ctx, r, "success", r.done) })
		case "json":
			f.at(r.done, func(ctx context.Context) error {
				return f.post(ctx, map[string]any{
					"service": r.service, "environment": "production", "version": r.version, "revision": r.revision, "time": r.done.Format(time.RFC3339), "status": "deployed",
				}, http.Header{"Authorization": {"Bearer " + token}})
			})
		case "cdevents":
			f.at(r.done, func(ctx context.Context) error { return f.cdEvent(ctx, r) })
		case "span":
			f.at(r.done, func(ctx context.Context) error {
				deployment.Record(ctx, f.tracer, deployment.Deployment{
					Scope: scopeOf(r.service), Version: r.version, Revision: r.revision, ID: fmt.Sprintf("run-%d", r.number), Time: r.begun, Done: r.done, By: "pipeline",
				})
				return nil
			})
		}
	}
}

func (f *fleet) gitHub(ctx context.Context, r release, state string, at time.Time) error {
	task := "deploy"
	if r.back {
		task = "deploy:rollback"
	}
	body := map[string]any{
		"deployment_status": map[string]any{"state": state, "environment": "production", "created_at": at.Format(time.RFC3339)},
		"deployment": map[string]any{
			"id": r.number, "sha": r.revision, "ref": r.version, "task": task,
			"payload": map[string]any{"rollback_command": "kubectl rollout undo deployment/" + r.service},
			"creator": map[string]any{"login": "mara"},
		},
		"repository": map[string]any{"name": r.service, "full_name": "shop/" + r.service, "html_url": "https://git.example/shop/" + r.service},
	}
	return f.post(ctx, body, http.Header{"X-Github-Event": {"deployment_status"}})
}

func (f *fleet) cdEvent(ctx context.Context, r release) error {
	kind := "dev.cdevents.service.deployed.0.2.0"
	if r.back {
		kind = "dev.cdevents.service.rolledback.0.2.0"
	}
	return f.post(ctx, map[string]any{
		"context": map[string]any{"version": "0.4.1", "id": fmt.Sprint(r.number), "source": "/pipelines", "type": kind, "timestamp": r.done.Format(time.RFC3339)},
		"subject": map[string]any{"id": r.service, "content": map[string]any{
			"environment": map[string]any{"id": "production"}, "artifactId": "pkg:oci/" + r.service + "@" + r.version,
		}},
	}, http.Header{
		"Authorization": {"Bearer " + token}, "Ce-Id": {fmt.Sprint(r.number)}, "Ce-Source": {"/pipelines"}, "Ce-Type": {kind}, "Ce-Specversion": {"1.0"},
	})
}

// post sends a webhook, signed as GitHub does.
func (f *fleet) post(ctx context.Context, message any, header http.Header) error {
	f.news = true
	body, err := json.Marshal(message)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, f.address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	header.Set("X-Hub-Signature-256", fmt.Sprintf("sha256=%x", mac.Sum(nil)))
	header.Set("Content-Type", "application/json")
	request.Header = header
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, answer)
	}
	return err
}

// announced takes what spans of pipelines announce.
type announced struct{ fleet *fleet }

func (a announced) OnStart(context.Context, sdktrace.ReadWriteSpan) {}
func (a announced) Shutdown(context.Context) error                  { return nil }
func (a announced) ForceFlush(context.Context) error                { return nil }

// OnEnd notes a deployment.
func (a announced) OnEnd(span sdktrace.ReadOnlySpan) {
	if d, ok := deployment.FromSpan(span); ok {
		a.fleet.news = true
		if err := a.fleet.tracker.Note(context.Background(), d, a.fleet.now); err != nil {
			panic(err) // nothing here is invalid
		}
	}
}

// beat has the processes of a service say which version they have, around the times at
// which that changes. Real ones do so each minute, always; here one is left out that
// says nothing new.
func (f *fleet) beat(service int) {
	const before, after = 3 * time.Minute, 5 * time.Minute
	minutes := map[time.Time]bool{}
	say := func(from, to time.Time) {
		for t := from.Truncate(time.Minute); t.Before(to); t = t.Add(time.Minute) {
			minutes[t] = true
		}
	}
	say(f.Start, f.Start.Add(before))
	for _, c := range f.Changes {
		if c.Service != service || c.Setting != "" {
			continue
		}
		end := c.At.Add(c.Rollout)
		if c.Canary > 0 { // both run for long
			end = end.Add(c.Trial)
			if c.Until.After(end) {
				end = c.Until
			}
		}
		say(c.At.Add(-before), end.Add(after))
		if !c.Until.IsZero() {
			say(c.Until.Add(-before), c.Until.Add(after))
		}
	}
	var last time.Time
	var said []string
	for _, t := range slices.SortedFunc(maps.Keys(minutes), time.Time.Compare) {
		running := f.Running(service, t)
		if slices.Equal(running, said) && t.Sub(last) < 3*time.Minute && minutes[t.Add(time.Minute)] {
			continue
		}
		last, said = t, running
		f.at(t, func(ctx context.Context) error {
			for _, version := range running {
				if err := f.seen(ctx, service, version, t); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

// seen says that a process runs.
func (f *fleet) seen(ctx context.Context, service int, version string, t time.Time) error {
	s := f.Services[service]
	f.news = true
	return f.tracker.Seen(ctx, attributes("service.namespace", "shop", "service.name", s.Name,
		"deployment.environment.name", "production", "service.version", version), t.Add(s.Skew))
}
