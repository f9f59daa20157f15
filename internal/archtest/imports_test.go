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

// std stands for the standard library.
const std = "std"

// may is what each package may import. A path that begins with a slash is our
// own; one that ends with a slash is a folder with all that is below it.
var may = map[string][]string{
	"":                      {}, // the root has documentation only
	"/correlate":            {std},
	"/correlate/storetest":  {std, "/correlate"},
	"/correlate/pgstore":    {std, "/correlate", "/correlate/internal/fleet"},
	"/correlate/redisstore": {std, "/correlate", "/correlate/internal/fleet", "/correlate/internal/keypart", "github.com/redis/go-redis/v9"},
	"/correlate/boltstore":  {std, "/correlate", "/correlate/internal/keypart", "/internal/filelock", "go.etcd.io/bbolt/"},
	"/correlate/deployment": {std, "/correlate", "/redact", "go.opentelemetry.io/otel/"},
	"/redact":               {std},
	"/redact/gitleaks":      {std, "/redact", "github.com/spf13/viper", "github.com/zricethezav/gitleaks/v8/config"},
	"/sinks":                {std},
	"/sinks/sinktest":       {std, "/sinks"},
	"/sinks/console":        {std, "/sinks", "golang.org/x/term"},
	"/sinks/jsonl":          {std, "/sinks"},
	"/sinks/webhook":        {std, "/internal/outbound", "/sinks"},
	"/enrich":               {std, "/correlate", "/sinks"},
	"/enrich/prometheus":    {std, "/correlate", "/correlate/deployment", "/internal/outbound", "/redact", "/sinks"},
	"/internal/celrule":     {std, "/correlate", "cel.dev/", "go.opentelemetry.io/otel/", "google.golang.org/protobuf/"},
	"/internal/rulefile":    {std, "/correlate", "/internal/celrule", "go.yaml.in/yaml/v3"},
	"/internal/assemble":    {std, "/correlate", "go.opentelemetry.io/otel/"},
	"/internal/observe":     {std, "/correlate", "go.opentelemetry.io/otel/"},
	"/internal/capture":     {std, "/correlate", "/internal/assemble", "/internal/celrule", "/internal/journal", "/internal/observe", "go.opentelemetry.io/otel/"},
	"/internal/decisionlog": {std, "/correlate"},
	"/internal/filewatch":   {std},
	"/internal/filelock":    {std},
	"/internal/outbound":    {std},
	"/internal/journal":     {std, "/internal/filelock"},
	"/internal/coalesce":    {std, "/correlate", "/internal/celrule", "/internal/flood"},
	"/internal/flood":       {std, "/correlate"},
	"/internal/ledger":      {std, "/correlate", "/internal/celrule", "/internal/coalesce", "/internal/observe", "/redact"},
	"/internal/outage":      {std, "/correlate", "/internal/coalesce", "/internal/journal", "/internal/ledger", "/internal/observe", "/internal/outbox", "/sinks"},
	"/internal/simulate":    {},
	"/internal/render":      {std, "/correlate", "/enrich", "/redact", "/sinks"},
	"/internal/limit":       {std, "/correlate", "/sinks"},
	"/internal/outbox":      {std, "/correlate", "/internal/limit", "/internal/observe", "/internal/render", "/redact", "/sinks", "github.com/cenkalti/backoff/v4", "golang.org/x/time/rate"},
	"/internal/sweep":       {std, "/correlate", "/internal/observe"},
	"/internal/archtest":    {std},
	"/internal/baddisk":     {std}, // for tests
	"/internal/canary":      {std}, // for tests
	"/internal/simgithub":   {std, "/sinks"},
	"/internal/fleettest":   {std, "/correlate", "/internal/realserver"},
	"/internal/realserver":  {std},
	"/internal/replicas":    {},
	"/autoticket":           {std, "/correlate", "/correlate/deployment", "/enrich", "/internal/", "/redact", "/sinks", "go.opentelemetry.io/otel/", "golang.org/x/time/rate"},

	"/correlate/internal/fleet":   {std, "/correlate"},
	"/correlate/internal/keypart": {std, "/correlate"},

	"/internal/world":            {std}, // for tests; knows nothing of what they test
	"/internal/replicas/crashes": {},
	"/internal/replicas/tracker": {std, "/sinks"},

	"/autoticket/autotickettest":                   {std, "/autoticket", "/autoticket/autotickettest/", "/correlate", "/internal/celrule", "/internal/rulefile", "go.opentelemetry.io/otel/"},
	"/autoticket/autotickettest/internal/testfile": {std, "/autoticket/autotickettest/rehearsal", "/correlate", "/internal/celrule", "/internal/rulefile", "go.opentelemetry.io/otel/", "go.yaml.in/yaml/v3"},
	"/autoticket/autotickettest/otlpfile":          {std, "go.opentelemetry.io/otel/", "go.opentelemetry.io/collector/pdata/"},
	"/autoticket/autotickettest/rehearsal":         {std, "/autoticket", "/autoticket/autotickettest/otlpfile", "/correlate", "/internal/rulefile", "/sinks", "go.opentelemetry.io/otel/"},
}

func TestImports(t *testing.T) {
	pkgs := list(t)
	for path, p := range pkgs {
		own, ok := strings.CutPrefix(path, module)
		if !ok || within(own, "/examples/") || within(own, "/internal/score/") || own == "/internal/hostload" || own == "/internal/soak" {
			continue
		}
		allowed, ok := may[own]
		require.True(t, ok, "%s is not in the table", path)
		for _, imp := range p.Imports {
			require.True(t, slices.ContainsFunc(allowed, func(room string) bool {
				if room == std {
					return pkgs[imp].Standard
				}
				if strings.HasPrefix(room, "/") {
					room = module + room
				}
				return imp == room || within(imp, room)
			}), "%s imports %s, which the table does not allow", path, imp)
		}
	}
}

// within reports whether a path is a folder, which ends with a slash, or is
// below it.
func within(path, folder string) bool {
	return strings.HasSuffix(folder, "/") && strings.HasPrefix(path+"/", folder)
}

// TestWhatAHostCompiles: a host that imports the engine gets no sink it did not
// choose, no store driver and nothing that is for tests.
func TestWhatAHostCompiles(t *testing.T) {
	unwanted := []string{
		module + "/sinks/", module + "/correlate/", module + "/examples/", module + "/autoticket/autotickettest/", module + "/internal/score/",
		module + "/redact/gitleaks/", "github.com/zricethezav/", "github.com/spf13/",
		"testing/", "github.com/stretchr/testify/", "pgregory.net/rapid/", "go.uber.org/goleak/",
		"go.etcd.io/", "google.golang.org/grpc/", "go.opentelemetry.io/contrib/", "go.opentelemetry.io/collector/",
	}
	contracts := []string{module + "/sinks", module + "/correlate", module + "/correlate/deployment"} // which are not what is below them
	for _, dep := range list(t)[module+"/autoticket"].Deps {
		for _, folder := range unwanted {
			require.False(t, within(dep, folder) && !slices.Contains(contracts, dep), "autoticket compiles %s", dep)
		}
	}
}

// TestWhatAContractCompiles: a team's own sink or store compiles the contract
// and the standard library.
func TestWhatAContractCompiles(t *testing.T) {
	pkgs := list(t)
	for contract, own := range map[string]string{
		"/correlate": "", "/correlate/storetest": "/correlate", "/redact": "", "/sinks": "", "/sinks/sinktest": "/sinks",
	} {
		for _, dep := range pkgs[module+contract].Deps {
			require.True(t, pkgs[dep].Standard || own != "" && dep == module+own, "%s compiles %s", contract, dep)
		}
	}
}
