// Package archtest holds the table of imports that ARCHITECTURE.md describes.
package archtest

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/spanticket/spanticket"

// pkg is what "go list" says of a package.
type pkg struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Deps       []string
}

// list returns the packages of the module and all that they compile, without
// tests.
func list(t *testing.T) map[string]pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Standard,Imports,Deps", module+"/...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		require.NoError(t, err, string(e.Stderr))
	}
	require.NoError(t, err)
	pkgs := map[string]pkg{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		pkgs[p.ImportPath] = p
	}
	return pkgs
}

// may says what a package may import: whatever begins with one of these. std
// is the standard library, and a path that begins with a slash is our own.
var may = []struct {
	path  string
	rooms []string
}{
	{"/correlate", []string{"std"}},
	{"/correlate/storetest", []string{"std", "/correlate"}},
	{"/redact", []string{"std"}},
	{"/sinks", []string{"std"}},
	{"/sinks/sinktest", []string{"std", "/sinks"}},
	{"/sinks/console", []string{"std", "/sinks", "golang.org/x/term"}},
	{"/sinks/jsonl", []string{"std", "/sinks"}},
	{"/sinks/webhook", []string{"std", "/sinks"}},
	{"/enrich", []string{"std", "/correlate", "/sinks"}},
	{"/internal/celrule", []string{"std", "/correlate", "cel.dev/", "go.opentelemetry.io/otel/", "google.golang.org/protobuf/"}},
	{"/internal/rulefile", []string{"std", "/correlate", "/internal/celrule", "go.yaml.in/yaml/v3"}},
	{"/internal/assemble", []string{"std", "/correlate", "go.opentelemetry.io/otel/"}},
	{"/internal/observe", []string{"std", "go.opentelemetry.io/otel/"}},
	{"/internal/capture", []string{"std", "/correlate", "/internal/assemble", "/internal/celrule", "/internal/observe", "go.opentelemetry.io/otel/"}},
	{"/internal/coalesce", []string{"std", "/correlate", "/internal/celrule"}},
	{"/internal/ledger", []string{"std", "/correlate", "/internal/coalesce", "/internal/observe", "/redact"}},
	{"/internal/render", []string{"std", "/correlate", "/enrich", "/redact", "/sinks"}},
	{"/internal/outbox", []string{"std", "/correlate", "/internal/observe", "/internal/render", "/redact", "/sinks", "github.com/cenkalti/backoff/v4", "golang.org/x/time/rate"}},
	{"/autoticket", []string{"std", "/correlate", "/enrich", "/internal/", "/redact", "/sinks", "go.opentelemetry.io/otel/", "golang.org/x/time/rate"}},
	{"/internal/archtest", []string{"std"}},
	{"", []string{}}, // the root has documentation only
}

func TestImports(t *testing.T) {
	pkgs := list(t)
	for path, p := range pkgs {
		own, ok := strings.CutPrefix(path, module)
		if !ok {
			continue
		}
		i := slices.IndexFunc(may, func(m struct {
			path  string
			rooms []string
		}) bool {
			return m.path == own
		})
		if !strings.HasPrefix(own, "/examples") {
			require.GreaterOrEqual(t, i, 0, "%s is not in the table", path)
		} else {
			continue
		}
		for _, imp := range p.Imports {
			require.True(t, slices.ContainsFunc(may[i].rooms, func(room string) bool {
				switch {
				case room == "std":
					return pkgs[imp].Standard
				case strings.HasSuffix(room, "/") && strings.HasPrefix(room, "/"):
					return strings.HasPrefix(imp, module+room)
				case strings.HasPrefix(room, "/"):
					return imp == module+room
				case strings.HasSuffix(room, "/"):
					return strings.HasPrefix(imp+"/", room)
				}
				return imp == room
			}), "%s imports %s, which the table does not allow", path, imp)
		}
	}
}

// TestWhatAHostCompiles: a host that imports the engine gets no sink it did not
// choose, no store driver and nothing that is for tests; and a team's own sink
// or store compiles nothing but the contract.
func TestWhatAHostCompiles(t *testing.T) {
	pkgs := list(t)
	for _, dep := range pkgs[module+"/autoticket"].Deps {
		for _, not := range []string{
			module + "/sinks/", module + "/correlate/", module + "/examples",
			"testing", "github.com/stretchr/testify", "pgregory.net/rapid", "go.uber.org/goleak", "go.etcd.io/bbolt",
			"google.golang.org/grpc", "go.opentelemetry.io/contrib", "go.opentelemetry.io/collector",
		} {
			require.False(t, dep == strings.TrimSuffix(not, "/") && !strings.HasPrefix(not, module) || strings.HasPrefix(dep, strings.TrimSuffix(not, "/")+"/"),
				"autoticket compiles %s", dep)
		}
	}
	for _, contract := range []string{"/correlate", "/correlate/storetest", "/redact", "/sinks", "/sinks/sinktest"} {
		for _, dep := range pkgs[module+contract].Deps {
			require.True(t, pkgs[dep].Standard || dep == module+strings.TrimSuffix(strings.TrimSuffix(contract, "/storetest"), "/sinktest"),
				"%s compiles %s", contract, dep)
		}
	}
}
