package enrich_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/enrich"
	"github.com/spanticket/spanticket/sinks"
)

// failing is a problem whose newest sample comes from a process with this
// resource.
func failing(resource map[string]string) correlate.Problem {
	return correlate.Problem{Samples: []correlate.Sample{
		{Resource: map[string]string{"service.version": "before", "host.name": "before"}},
		{Resource: resource},
	}}
}

func TestResourceFacts(t *testing.T) {
	for _, test := range []struct {
		rule     string
		resource map[string]string
		want     []sinks.Fact // besides what others have
	}{
		{"the newest sample counts", map[string]string{"service.version": "2.4.1"}, []sinks.Fact{{Name: "version", Value: "2.4.1"}}},
		{"an instance is named", map[string]string{"service.instance.id": "6f1c"}, []sinks.Fact{{Name: "instance", Value: "6f1c"}}},
		{"the environment by its new name first",
			map[string]string{"deployment.environment": "old", "deployment.environment.name": "production"},
			[]sinks.Fact{{Name: "environment", Value: "production"}}},
		{"the environment by its old name", map[string]string{"deployment.environment": "production"}, []sinks.Fact{{Name: "environment", Value: "production"}}},
		{"a value of spaces is none", map[string]string{"deployment.environment.name": " ", "deployment.environment": " production "}, []sinks.Fact{{Name: "environment", Value: "production"}}},
		{"a deployment by name and ID",
			map[string]string{"deployment.name": "checkout-7", "deployment.id": "42"},
			[]sinks.Fact{{Name: "deployment", Value: "checkout-7"}, {Name: "deployment ID", Value: "42"}}},
		{"a deployment that has only an ID is not named twice", map[string]string{"deployment.id": "42"}, []sinks.Fact{{Name: "deployment", Value: "42"}}},
		{"the revision by its new name first",
			map[string]string{"vcs.repository.ref.revision": "old", "vcs.ref.head.revision": "4f2a9c1"},
			[]sinks.Fact{{Name: "revision", Value: "4f2a9c1"}}},
		{"the revision by its old name", map[string]string{"vcs.repository.ref.revision": "4f2a9c1"}, []sinks.Fact{{Name: "revision", Value: "4f2a9c1"}}},
		{"what was built from the revision goes with it",
			map[string]string{
				"vcs.ref.head.revision": "4f2a9c1", "spanticket.build.revision": "4f2a9c1",
				"spanticket.build.commit_time": "2026-08-01T09:30:00Z", "spanticket.build.modified": "true",
			},
			[]sinks.Fact{{Name: "revision", Value: "4f2a9c1"}, {Name: "commit time", Value: "2026-08-01T09:30:00Z"}, {Name: "uncommitted changes", Value: "yes"}}},
		{"a short revision is the same",
			map[string]string{"vcs.ref.head.revision": "4f2a", "spanticket.build.revision": "4f2a9c1", "spanticket.build.commit_time": "2026-08-01T09:30:00Z", "spanticket.build.modified": "false"},
			[]sinks.Fact{{Name: "revision", Value: "4f2a"}, {Name: "commit time", Value: "2026-08-01T09:30:00Z"}}},
		{"what was built from another revision is left out",
			map[string]string{"vcs.ref.head.revision": "77aa", "spanticket.build.revision": "4f2a9c1", "spanticket.build.commit_time": "2026-08-01T09:30:00Z", "spanticket.build.modified": "true"},
			[]sinks.Fact{{Name: "revision", Value: "77aa"}}},
		{"the change and its pipeline",
			map[string]string{"vcs.change.id": "123", "vcs.repository.change.title": "Smaller pool", "cicd.pipeline.name": "deploy", "cicd.pipeline.run.id": "9"},
			[]sinks.Fact{{Name: "change", Value: "123"}, {Name: "change title", Value: "Smaller pool"}, {Name: "pipeline", Value: "deploy"}, {Name: "pipeline run", Value: "9"}}},
		{"a repository without a URL by its name", map[string]string{"vcs.repository.name": "checkout"}, []sinks.Fact{{Name: "repository", Value: "checkout"}}},
		{"the image",
			map[string]string{"container.image.name": "registry.example.com/checkout", "container.image.tag": "2.4.1", "container.image.repo_digests": "sha256:ab"},
			[]sinks.Fact{{Name: "image", Value: "registry.example.com/checkout"}, {Name: "image tag", Value: "2.4.1"}, {Name: "image digest", Value: "sha256:ab"}}},
		{"a pod and what it belongs to; the deployment and not its replica set",
			map[string]string{
				"k8s.cluster.name": "eu1", "k8s.namespace.name": "shop", "k8s.replicaset.name": "checkout-6d4b", "k8s.deployment.name": "checkout",
				"k8s.pod.name": "checkout-6d4b-x7", "k8s.container.name": "app", "k8s.node.name": "node-3",
			},
			[]sinks.Fact{
				{Name: "cluster", Value: "eu1"}, {Name: "namespace", Value: "shop"}, {Name: "workload", Value: "deployment/checkout"},
				{Name: "pod", Value: "checkout-6d4b-x7"}, {Name: "container", Value: "app"}, {Name: "node", Value: "node-3"},
			}},
		{"a stateful set", map[string]string{"k8s.statefulset.name": "queue"}, []sinks.Fact{{Name: "workload", Value: "statefulset/queue"}}},
		{"a cron job and not its job", map[string]string{"k8s.job.name": "bill-29", "k8s.cronjob.name": "bill"}, []sinks.Fact{{Name: "workload", Value: "cronjob/bill"}}},
		{"the cloud, the function and the host",
			map[string]string{
				"cloud.provider": "aws", "cloud.platform": "aws_lambda", "cloud.account.id": "1234", "cloud.region": "eu-central-1", "cloud.zone": "eu-central-1a",
				"faas.name": "resize", "faas.version": "7", "host.name": "ip-10",
			},
			[]sinks.Fact{
				{Name: "cloud", Value: "aws"}, {Name: "cloud platform", Value: "aws_lambda"}, {Name: "cloud account", Value: "1234"},
				{Name: "cloud region", Value: "eu-central-1"}, {Name: "cloud zone", Value: "eu-central-1a"},
				{Name: "function", Value: "resize"}, {Name: "function version", Value: "7"}, {Name: "host", Value: "ip-10"},
			}},
		{"what is not known stays unsaid", map[string]string{"telemetry.sdk.name": "opentelemetry", "process.pid": "7"}, nil},
	} {
		t.Run(test.rule, func(t *testing.T) {
			got, err := enrich.Resource{}.Enrich(t.Context(), failing(test.resource))
			require.NoError(t, err)
			require.Equal(t, test.want, got.Facts)
			require.Empty(t, got.Links)
		})
	}
}

func TestResourceMissing(t *testing.T) {
	all := []string{
		"version: set service.version on the resource",
		"environment: set deployment.environment.name on the resource",
		"deployment: set deployment.name on the resource",
		"revision: set vcs.ref.head.revision on the resource",
	}
	for _, test := range []struct {
		rule    string
		problem correlate.Problem
		want    []string
	}{
		{"what an incident is solved with is named", failing(nil), all},
		{"an older name is enough", failing(map[string]string{
			"service.version": "1", "deployment.environment": "x", "deployment.id": "1", "vcs.repository.ref.revision": "a",
		}), nil},
		{"spaces are not enough", failing(map[string]string{"service.version": "  "}), all},
		{"without a sample nothing is known", correlate.Problem{}, []string{"failing process: no sample of it was kept"}},
	} {
		t.Run(test.rule, func(t *testing.T) {
			got, err := enrich.Resource{}.Enrich(t.Context(), test.problem)
			require.NoError(t, err)
			require.Equal(t, test.want, got.Missing)
		})
	}
}

func TestResourceLinks(t *testing.T) {
	for _, test := range []struct {
		rule   string
		target string
		linked bool
	}{
		{"https", "https://git.example.com/shop/checkout", true},
		{"http", "http://git.example.com/shop/checkout", true},
		{"no script", "javascript:alert(1)", false},
		{"no SSH address", "git@git.example.com:shop/checkout.git", false},
		{"no file", "file:///srv/git/checkout", false},
		{"no path", "/shop/checkout", false},
		{"no host", "https:///checkout", false},
		{"no credentials", "https://user:token@git.example.com/checkout", false},
		{"no broken URL", "https://git.example.com/%zz", false},
	} {
		t.Run(test.rule, func(t *testing.T) {
			got, err := enrich.Resource{}.Enrich(t.Context(), failing(map[string]string{
				"vcs.repository.url.full": test.target, "cicd.pipeline.run.url.full": test.target,
			}))
			require.NoError(t, err)
			require.Equal(t, []sinks.Fact{{Name: "repository", Value: test.target}}, got.Facts, "as a fact it always stands")
			if test.linked {
				require.Equal(t, []sinks.Link{{Name: "repository", URL: test.target}, {Name: "pipeline run", URL: test.target}}, got.Links)
			} else {
				require.Empty(t, got.Links)
			}
		})
	}
}

// The same problem gives the same facts, in the same order, whatever its
// attributes are, and is not changed.
func TestEnrichersAreDeterministic(t *testing.T) {
	link, err := enrich.NewLink("trace", enrich.Tempo("https://grafana.example.com", "tempo", 1))
	require.NoError(t, err)
	keys := rapid.SampledFrom([]string{
		"service.version", "deployment.environment", "deployment.environment.name", "deployment.id", "deployment.name",
		"vcs.ref.head.revision", "vcs.repository.url.full", "k8s.pod.name", "k8s.job.name", "k8s.deployment.name", "host.name", "else",
	})
	rapid.Check(t, func(t *rapid.T) {
		resources := rapid.SliceOfN(rapid.MapOf(keys, rapid.String()), 0, 3).Draw(t, "resources")
		problem := func() (p correlate.Problem) {
			for i, r := range resources {
				copied := make(map[string]string)
				for k, v := range r {
					copied[k] = v
				}
				p.Samples = append(p.Samples, correlate.Sample{TraceID: "4bf9", SpanID: "00f0", Exported: i%2 == 0, Resource: copied})
			}
			return p
		}
		for _, e := range []enrich.Enricher{enrich.Resource{}, link} {
			p := problem()
			first, err := e.Enrich(t.Context(), p)
			require.NoError(t, err)
			require.Equal(t, problem(), p, "the problem was changed")
			for range 3 {
				again, err := e.Enrich(t.Context(), problem())
				require.NoError(t, err)
				require.Equal(t, first, again)
			}
		}
	})
}
