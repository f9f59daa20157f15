package deployment

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/redact"
)

var (
	noon    = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	payment = correlate.Scope{Namespace: "shop", Service: "payment", Environment: "production"}
)

func attrs(pairs ...any) (out []correlate.Attribute) {
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, correlate.Attribute{Key: pairs[i].(string), Value: pairs[i+1]})
	}
	return out
}

func TestFromAttributes(t *testing.T) {
	for _, c := range []struct {
		rule  string
		attrs []correlate.Attribute
		want  Deployment
	}{
		{"nothing says nothing", nil, Deployment{}},
		{
			"the names of today's conventions",
			attrs("service.name", "payment", "service.namespace", "shop", "deployment.environment.name", "production", "service.version", "2.4.1",
				"vcs.ref.head.revision", "9d59409acf479dfa0df1aa568182e43e43df8bbe", "deployment.id", "1208", "deployment.name", "deploy-frontend",
				"deployment.status", "succeeded", "cloud.region", "eu-central-1", "cicd.pipeline.run.url.full", "https://ci.example/runs/7"),
			Deployment{Scope: payment, Version: "2.4.1", Revision: "9d59409acf479dfa0df1aa568182e43e43df8bbe", ID: "1208", Name: "deploy-frontend", Status: Succeeded, Region: "eu-central-1",
				Links: []Link{{"pipeline run", "https://ci.example/runs/7"}}},
		},
		{
			"names of older conventions",
			attrs("service.name", "payment", "service.namespace", "shop", "deployment.environment", "production", "vcs.repository.ref.revision", "abc1234"),
			Deployment{Scope: payment, Revision: "abc1234"},
		},
		{
			"the newest name is above older ones, wherever it stands",
			attrs("deployment.environment", "staging", "deployment.environment.name", "production", "deployment.git_sha", "old", "vcs.ref.head.revision", "new"),
			Deployment{Scope: correlate.Scope{Environment: "production"}, Revision: "new"},
		},
		{
			"names that people set by hand",
			attrs("deployment.git_sha", "abc1234", "deployment.triggered_by", "mara", "deployment.timestamp", "2026-03-02T12:00:00Z"),
			Deployment{Revision: "abc1234", By: "mara", Time: noon},
		},
		{"a time may be a number of seconds", attrs("deployment.timestamp", noon.Unix()), Deployment{Time: noon}},
		{"of milliseconds, as a text", attrs("deployment.timestamp", "1772452800000"), Deployment{Time: noon}},
		{"of nanoseconds", attrs("deployment.timestamp", noon.UnixNano()), Deployment{Time: noon}},
		{"or with a fraction", attrs("deployment.timestamp", 1772452800.5), Deployment{Time: noon.Add(500 * time.Millisecond)}},
		{"a time that is none is none", attrs("deployment.timestamp", "yesterday"), Deployment{}},
		{"a value of the wrong type is none", attrs("service.version", int64(7), "service.name", []string{"payment"}), Deployment{}},
		{"a version that says it is not known is none", attrs("service.version", "(devel)", "deployment.git_sha", "unknown"), Deployment{}},
		{"a span that announces one names the service apart from its own", attrs("service.name", "ci", "deployment.service", "payment", "deployment.version", "3"), Deployment{Scope: correlate.Scope{Service: "payment"}, Version: "3"}},
	} {
		t.Run(c.rule, func(t *testing.T) { require.Equal(t, c.want, FromAttributes(c.attrs)) })
	}
}

func TestCheck(t *testing.T) {
	good := Deployment{Scope: payment, Version: "2", Time: noon}
	for _, c := range []struct {
		rule   string
		change func(*Deployment)
		field  string // that is refused; empty if none is
		want   func(*Deployment)
	}{
		{"what is good stays", func(d *Deployment) {}, "", func(d *Deployment) {}},
		{"without a time it is now", func(d *Deployment) { d.Time = time.Time{} }, "", func(d *Deployment) {}},
		{"a clock may be a little ahead", func(d *Deployment) { d.Time = noon.Add(4 * time.Minute) }, "", func(d *Deployment) { d.Time = noon.Add(4 * time.Minute) }},
		{"but not far", func(d *Deployment) { d.Time = noon.Add(time.Hour) }, "time", nil},
		{"a late one is taken", func(d *Deployment) { d.Time = noon.AddDate(0, 0, -7) }, "", func(d *Deployment) { d.Time = noon.AddDate(0, 0, -7) }},
		{"one of a year ago is not", func(d *Deployment) { d.Time = noon.AddDate(-1, 0, 0) }, "time", nil},
		{"it cannot end before it began", func(d *Deployment) { d.Done = noon.Add(-time.Hour) }, "done", nil},
		{"a version of 10 KB would have to be cut, and then two could be one", func(d *Deployment) { d.Version = strings.Repeat("9", 10<<10) }, "version", nil},
		{"the same holds for a service", func(d *Deployment) { d.Scope.Service = strings.Repeat("a", 300) }, "service", nil},
		{"an environment", func(d *Deployment) { d.Scope.Environment = strings.Repeat("a", 300) }, "environment", nil},
		{"a revision", func(d *Deployment) { d.Revision = strings.Repeat("a", 300) }, "revision", nil},
		{"and an ID", func(d *Deployment) { d.ID = strings.Repeat("a", 300) }, "id", nil},
		{"somebody must say what was deployed", func(d *Deployment) { d.Version = "" }, "version", nil},
		{"and of what", func(d *Deployment) { d.Scope.Service = "" }, "service", nil},
		{"visibly", func(d *Deployment) { d.Scope.Service = "\u200b\u202e" }, "service", nil},
		{"what describes is cut", func(d *Deployment) { d.By = strings.Repeat("ä", 400) }, "", func(d *Deployment) { d.By = strings.Repeat("ä", 256) }},
		{"half a command is none", func(d *Deployment) { d.Rollback = "rm -rf " + strings.Repeat("/x", 1000) }, "", func(d *Deployment) {}},
		{"nor is one that is not what it looks like", func(d *Deployment) { d.Rollback = "echo \u202etxt" }, "", func(d *Deployment) {}},
		{"a command has several lines at most", func(d *Deployment) { d.Rollback = "cd deploy\nmake rollback\n" }, "", func(d *Deployment) { d.Rollback = "cd deploy\nmake rollback" }},
		{"a link is http", func(d *Deployment) { d.Changelog = "javascript:alert(1)" }, "", func(d *Deployment) {}},
		{"without a user", func(d *Deployment) { d.Changelog = "https://mara:hunter22@git.example/log" }, "", func(d *Deployment) { d.Changelog = "https://git.example/log" }},
		{"and there are few of them", func(d *Deployment) {
			d.Links = []Link{{"", "https://a.example/"}, {"b", "file:///etc/passwd"}}
			for range 20 {
				d.Links = append(d.Links, Link{"c", "https://c.example/"})
			}
		}, "", func(d *Deployment) {
			d.Links = []Link{{"link", "https://a.example/"}}
			for range 7 {
				d.Links = append(d.Links, Link{"c", "https://c.example/"})
			}
		}},
		{"control characters and new lines go", func(d *Deployment) { d.Name = "a\x00b\x1b[31m\nc\u202e" }, "", func(d *Deployment) { d.Name = "ab[31m c" }},
		{"secrets go", func(d *Deployment) { d.Name = "token ghp_" + strings.Repeat("a1B2", 9) }, "", func(d *Deployment) { d.Name = "token [REDACTED:token]" }},
		{"also where they are split by what cannot be seen", func(d *Deployment) { d.By = "ghp_\u200b" + strings.Repeat("a1B2", 9) }, "", func(d *Deployment) { d.By = "[REDACTED:github-token]" }},
		{"and out of commands", func(d *Deployment) { d.Rollback = "deploy --password=hunter2hunter2 undo" }, "", func(d *Deployment) { d.Rollback = "deploy --password=[REDACTED:password] undo" }},
		{"a status is one that is known", func(d *Deployment) { d.Status = "perhaps" }, "status", nil},
	} {
		t.Run(c.rule, func(t *testing.T) {
			d := good
			c.change(&d)
			got, err := check(d, &redact.Redactor{}, defaultKeep, noon)
			if c.field != "" {
				var invalid *InvalidError
				require.ErrorAs(t, err, &invalid)
				require.Equal(t, c.field, invalid.Field)
				return
			}
			require.NoError(t, err)
			want := good
			want.Status = Succeeded
			c.want(&want)
			require.Equal(t, want, got)
		})
	}
}

func TestFoldIsOneDeployment(t *testing.T) {
	at := func(minutes int, status Status) Deployment {
		return Deployment{Scope: payment, Version: "2", Time: noon.Add(time.Duration(minutes) * time.Minute), Status: status}
	}
	with := func(d Deployment, change func(*Deployment)) Deployment {
		change(&d)
		return d
	}
	for _, c := range []struct {
		rule string
		told []Deployment
		want []string
	}{
		{"twice is once", []Deployment{at(0, Succeeded), at(0, Succeeded)}, []string{"2 12:00-12:00 succeeded"}},
		{"it begins and ends", []Deployment{at(4, Succeeded), at(0, Started)}, []string{"2 12:00-12:04 succeeded"}},
		{"it fails, and is rolled back", []Deployment{at(9, RolledBack), at(0, Started), at(4, Failed)}, []string{"2 12:00-12:04 rolled_back undone 12:09"}},
		{"the same version a day later is another", []Deployment{at(0, Succeeded), at(24*60, Succeeded)}, []string{"2 12:00-12:00 succeeded", "2 12:00-12:00 succeeded"}},
		{"one ID is one deployment, however long it takes", []Deployment{
			with(at(0, Started), func(d *Deployment) { d.ID = "7" }), with(at(90, Succeeded), func(d *Deployment) { d.ID = "7"; d.Version = "" }),
		}, []string{"2 12:00-13:30 succeeded"}},
		{"two IDs are two", []Deployment{
			with(at(0, Succeeded), func(d *Deployment) { d.ID = "7" }), with(at(2, Succeeded), func(d *Deployment) { d.ID = "8" }),
		}, []string{"2 12:00-12:00 succeeded", "2 12:02-12:02 succeeded"}},
		{"a version and a revision so close are of one", []Deployment{
			at(2, Started), with(at(0, Started), func(d *Deployment) { d.Version, d.Revision = "", "abc1234" }),
		}, []string{"2 12:00- started"}},
		{"a short revision is the beginning of the long one", []Deployment{
			with(at(0, Started), func(d *Deployment) { d.Version, d.Revision = "", "abc1234" }),
			with(at(20, Succeeded), func(d *Deployment) { d.Version, d.Revision = "", "abc1234567890abcdef1234567890abcdef12345" }),
		}, []string{"abc123456789 12:00-12:20 succeeded"}},
		{"an older version that comes again is a rollback", []Deployment{
			at(0, Succeeded), with(at(60, Succeeded), func(d *Deployment) { d.Version = "3" }), at(70, Succeeded),
		}, []string{"2 12:00-12:00 succeeded", "3 13:00-13:00 succeeded after 2", "2 13:10-13:10 succeeded after 3 back"}},
		{"also soon after", []Deployment{
			at(0, Succeeded), with(at(10, Succeeded), func(d *Deployment) { d.Version = "3" }), at(20, Started), at(21, Succeeded),
		}, []string{"2 12:00-12:00 succeeded", "3 12:10-12:10 succeeded after 2", "2 12:20-12:21 succeeded after 3 back"}},
		{"one that is undone and comes again is none", []Deployment{
			at(0, Succeeded), with(at(60, Succeeded), func(d *Deployment) { d.Version = "3" }), at(120, Succeeded), with(at(180, Succeeded), func(d *Deployment) { d.Version = "3" }),
		}, []string{"2 12:00-12:00 succeeded", "3 13:00-13:00 succeeded after 2", "2 14:00-14:00 succeeded after 3 back", "3 15:00-15:00 succeeded after 2"}},
		{"two may go on at once", []Deployment{
			at(0, Started), with(at(1, Started), func(d *Deployment) { d.Version = "3" }), at(4, Succeeded), with(at(6, Succeeded), func(d *Deployment) { d.Version = "3" }),
		}, []string{"2 12:00-12:04 succeeded", "3 12:01-12:06 succeeded after 2"}},
		{"what failed does not come before what follows", []Deployment{
			at(0, Succeeded), with(at(60, Failed), func(d *Deployment) { d.Version = "3" }), with(at(120, Succeeded), func(d *Deployment) { d.Version = "4" }),
		}, []string{"2 12:00-12:00 succeeded", "3 13:00-13:00 failed after 2", "4 14:00-14:00 succeeded after 2"}},
		{"regions are deployed to apart", []Deployment{
			with(at(0, Succeeded), func(d *Deployment) { d.Region = "eu" }), with(at(5, Succeeded), func(d *Deployment) { d.Region = "us" }),
		}, []string{"2 12:00-12:00 succeeded", "2 12:05-12:05 succeeded"}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			var got []string
			for _, d := range fold(c.told) {
				got = append(got, describe(d))
			}
			require.Equal(t, c.want, got)
		})
	}
}

func describe(d Deployment) string {
	s := d.Label() + " " + d.Time.Format("15:04") + "-"
	if !d.Done.IsZero() {
		s += d.Done.Format("15:04")
	}
	s += " " + string(d.Status)
	if d.Previous != "" {
		s += " after " + d.Previous
	}
	if d.Back {
		s += " back"
	}
	if !d.Undone.IsZero() {
		s += " undone " + d.Undone.Format("15:04")
	}
	return s
}

func messages() *rapid.Generator[[]Deployment] {
	one := rapid.Custom(func(t *rapid.T) Deployment {
		pick := func(name string, of ...string) string { return rapid.SampledFrom(of).Draw(t, name) }
		return Deployment{
			Scope: payment, Version: pick("version", "", "1", "2", "3"), Revision: pick("revision", "", "", "aaaaaaa1", "aaaaaaa1b", "b"),
			ID: pick("id", "", "", "7", "8"), Name: pick("name", "n", "m"), Region: pick("region", "", "eu"), By: pick("by", "", "mara"),
			Status: Status(pick("status", "started", "succeeded", "failed", "rolled_back", "removed")),
			Time:   noon.Add(time.Duration(rapid.IntRange(0, 200).Draw(t, "minute")) * time.Minute),
		}
	})
	return rapid.SliceOfN(one, 1, 12)
}

func TestFoldDoesNotDependOnOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		told := messages().Draw(t, "told")
		want := fold(told)
		require.LessOrEqual(t, len(want), len(told))
		again := append(rapid.Permutation(told).Draw(t, "order"), rapid.SampledFrom(told).Draw(t, "again"))
		require.Equal(t, want, fold(again))

		p, q := past{}, past{}
		for _, d := range told {
			p, _ = p.add(d, time.Time{})
		}
		for _, d := range again {
			q, _ = q.add(d, time.Time{})
		}
		require.Equal(t, p, q, "nor does what is stored")
	})
}
