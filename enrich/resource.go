package enrich

import (
	"context"
	"net/url"
	"strings"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/sinks"
)

// Resource is an [Enricher] that says which process failed: its version and
// deployment, the source it was built from, where it runs. It reads the
// resource of the newest sample, by the names of the OpenTelemetry semantic
// conventions (v1.43), newest names first and older ones after.
//
// Version, revision, environment and deployment are what an incident is solved
// with: where one is not known, Facts.Missing says which attribute to set.
//
// Its zero value is ready to use, it may be called concurrently, and it returns
// no error.
type Resource struct{}

// What resourceFacts reads, in the order of the ticket.
var resourceFacts = []struct {
	name     string
	keys     []string // the first that is set counts
	required bool     // name it when it is missing
}{
	{"version", []string{"service.version"}, true},
	{"environment", []string{"deployment.environment.name", "deployment.environment"}, true},
	{"deployment", []string{"deployment.name", "deployment.id"}, true},
	{"deployment ID", []string{"deployment.id"}, false},
	{"deployment status", []string{"deployment.status"}, false},
	{"criticality", []string{"service.criticality"}, false},

	{"revision", revisionKeys, true},
	{"commit time", []string{attrCommitTime}, false},
	{"uncommitted changes", []string{attrModified}, false},
	{"branch or tag", []string{"vcs.ref.head.name", "vcs.repository.ref.name"}, false},
	{"change", []string{"vcs.change.id", "vcs.repository.change.id"}, false},
	{"change title", []string{"vcs.change.title", "vcs.repository.change.title"}, false},
	{"repository", []string{"vcs.repository.url.full", "vcs.repository.name"}, false},
	{"pipeline", []string{"cicd.pipeline.name"}, false},
	{"pipeline run", []string{"cicd.pipeline.run.id"}, false},

	{"instance", []string{"service.instance.id"}, false},
	{"image", []string{"container.image.name"}, false},
	{"image tag", []string{"container.image.tags", "container.image.tag"}, false},
	{"image digest", []string{"container.image.repo_digests"}, false},
	{"cluster", []string{"k8s.cluster.name"}, false},
	{"namespace", []string{"k8s.namespace.name"}, false},
	{"workload", nil, false}, // see workloadKinds
	{"pod", []string{"k8s.pod.name"}, false},
	{"container", []string{"k8s.container.name", "container.name"}, false},
	{"node", []string{"k8s.node.name"}, false},
	{"cloud", []string{"cloud.provider"}, false},
	{"cloud platform", []string{"cloud.platform", "cloud.infrastructure_service"}, false},
	{"cloud account", []string{"cloud.account.id"}, false},
	{"cloud region", []string{"cloud.region"}, false},
	{"cloud zone", []string{"cloud.availability_zone", "cloud.zone"}, false},
	{"function", []string{"faas.name"}, false},
	{"function version", []string{"faas.version"}, false},
	{"host", []string{"host.name"}, false},
}

var revisionKeys = []string{"vcs.ref.head.revision", "vcs.repository.ref.revision"}

var resourceLinks = []struct{ name, key string }{
	{"repository", "vcs.repository.url.full"},
	{"pipeline run", "cicd.pipeline.run.url.full"},
	{"pipeline task", "cicd.pipeline.task.run.url.full"},
}

// workloadKinds are what may own a pod, the outer one first: the replica set of
// a deployment and the job of a cron job change their names at every run.
var workloadKinds = []string{"deployment", "statefulset", "daemonset", "cronjob", "job", "replicaset"}

// Enrich implements [Enricher].
func (Resource) Enrich(_ context.Context, p correlate.Problem) (Facts, error) {
	if len(p.Samples) == 0 {
		return Facts{Missing: []string{"failing process: no sample of it was kept"}}, nil
	}
	resource := p.Samples[len(p.Samples)-1].Resource
	read := func(keys []string) string {
		for _, key := range keys {
			if value := strings.TrimSpace(resource[key]); value != "" {
				return value
			}
		}
		return ""
	}

	// Whether the revision is the one that the build information speaks about.
	built, revision := resource[attrBuildRevision], read(revisionKeys)
	ofBuild := revision != "" && strings.HasPrefix(built, revision)

	var out Facts
	for _, f := range resourceFacts {
		value := read(f.keys)
		switch f.name {
		case "workload":
			value = workload(resource)
		case "deployment ID":
			if value == read([]string{"deployment.name", "deployment.id"}) {
				continue // it is the deployment's name as well
			}
		case "commit time":
			if !ofBuild {
				continue
			}
		case "uncommitted changes":
			if !ofBuild || value != "true" {
				continue
			}
			value = "yes"
		}
		switch {
		case value != "":
			out.Facts = append(out.Facts, sinks.Fact{Name: f.name, Value: value})
		case f.required:
			out.Missing = append(out.Missing, f.name+": set "+f.keys[0]+" on the resource")
		}
	}
	for _, l := range resourceLinks {
		if target := read([]string{l.key}); isWeb(target) {
			out.Links = append(out.Links, sinks.Link{Name: l.name, URL: target})
		}
	}
	return out, nil
}

// workload returns what owns the pod, as "deployment/checkout", or "".
func workload(resource map[string]string) string {
	for _, kind := range workloadKinds {
		if name := strings.TrimSpace(resource["k8s."+kind+".name"]); name != "" {
			return kind + "/" + name
		}
	}
	return ""
}

// isWeb reports whether a link may lead there: over http or https, without
// credentials.
func isWeb(target string) bool {
	u, err := url.Parse(target)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil
}
