package rulefile

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

func TestSchemaIsPublished(t *testing.T) {
	const name = "../../docs/rules.schema.json"
	if *update {
		require.NoError(t, os.WriteFile(name, Schema(), 0o644))
	}
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, string(Schema()), string(data), "go test ./internal/rulefile -update rewrites it")
}

func TestKeysAreDocumented(t *testing.T) {
	var described, read []string
	for _, k := range ruleKeys {
		described = append(described, k.name)
	}
	for _, k := range new(decoder).keys() {
		read = append(read, k.name)
	}
	require.ElementsMatch(t, read, described, "what is read is what is described")

	const name, begin, end = "../../docs/rules.md", "<!-- keys: generated -->\n", "<!-- end -->"
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	before, rest, ok := strings.Cut(string(data), begin)
	require.True(t, ok)
	_, after, ok := strings.Cut(rest, end)
	require.True(t, ok)
	want := before + begin + table() + end + after
	if *update {
		require.NoError(t, os.WriteFile(name, []byte(want), 0o644))
		return
	}
	require.Equal(t, want, string(data), "go test ./internal/rulefile -update rewrites it")
}

func compiled(t *testing.T) *jsonschema.Schema {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource(schemaID, doc))
	s, err := c.Compile(schemaID)
	require.NoError(t, err)
	return s
}

var fenced = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// TestSchemaTakesWhatIsRight holds the schema to every example there is.
func TestSchemaTakesWhatIsRight(t *testing.T) {
	schema := compiled(t)
	texts := map[string]string{}
	for _, pattern := range []string{"testdata/good/*.yaml", "../../examples/*/rules*.yaml", "../../examples/*/rules.d/*.yaml", "../../examples/rules/*.yaml", "../../examples/quickstart/*.yaml"} {
		names, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, name := range names {
			data, err := os.ReadFile(name)
			require.NoError(t, err)
			if !IsTest(name) {
				texts[name] = string(data)
			}
		}
	}
	for _, name := range []string{"../../docs/rules.md", "../../README.md"} {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		for i, m := range fenced.FindAllStringSubmatch(string(data), -1) {
			if strings.Contains(m[1], "version: 1") {
				texts[name+string(rune('0'+i))] = m[1]
			}
		}
	}
	require.Greater(t, len(texts), 4)
	for name, text := range texts {
		var doc any
		require.NoError(t, yaml.Unmarshal([]byte(text), &doc), name)
		require.NoError(t, schema.Validate(doc), name)
	}
}

// TestSchemaRefusesWhatIsWrong holds it to the bad files whose fault can be seen
// without knowing CEL, other rules, or how YAML was written.
func TestSchemaRefusesWhatIsWrong(t *testing.T) {
	schema := compiled(t)
	names, err := filepath.Glob("testdata/bad/*.yaml")
	require.NoError(t, err)
	var taken []string
	refused := 0
	for _, name := range names {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		var doc any
		if yaml.Unmarshal(data, &doc) != nil {
			continue
		}
		if schema.Validate(doc) != nil {
			refused++
		} else {
			taken = append(taken, strings.TrimSuffix(filepath.Base(name), ".yaml"))
		}
	}
	require.Greater(t, refused, 30)
	structural := regexp.MustCompile(`there is no key|it must be|it has no value|it is empty|has no rules|does not say its version|there is no version|needs a name|needs a condition|is the key missing`)
	var looks []string
	for _, name := range taken {
		data, err := os.ReadFile(filepath.Join("testdata/bad", name+".txt"))
		require.NoError(t, err)
		first, _, _ := strings.Cut(string(data), "\n")
		if structural.MatchString(first) {
			looks = append(looks, name)
		}
	}
	require.ElementsMatch(t, unseen, looks)
}

// unseen are the bad files whose fault looks structural and that the schema
// takes all the same.
var unseen = []string{
	"merge",                                                                                // YAML has merged it by then
	"runbook-no-url",                                                                       // it could be an expression
	"signature-expression", "title-type", "unless-is-no-condition", "when-is-no-condition", // CEL knows the types
}

// TestSchemaAgrees holds the schema to what is read, value by value.
func TestSchemaAgrees(t *testing.T) {
	schema := compiled(t)
	for _, field := range []string{
		"mode: live", "mode: draft", "mode: shadow", "mode: off", "mode: lvie", "mode: 'live: 3'", "mode: canary", "mode: 'canary: 10%'", "mode: 'canary: 500%'",
		"mode: 'canary: x%'", "mode: 'canary: 0.5%'", "mode: 'canary: 0%'", "mode: 'draft: 3d'", "mode: 'draft: soon'", "mode: {canary: 0%}", "mode: {canary: 100%}",
		"mode: {canary: 99.9%}", "mode: {canary: 1%}", "mode: {draft: 3d}", "mode: {draft: soon}", "mode: {}", "mode: {canary: 1%, draft: 3d}", "mode: 3",
		"threshold: {within: 0s}", "threshold: {within: hh}", "threshold: {within: 5m}", "threshold: {within: 1d12h}", "threshold: {within: 1.5h}", "threshold: {within: 5}",
		"threshold: {count: 0}", "threshold: {count: 3}", "threshold: {counts: 3}", "resolve: {quiet: 7d}", "resolve: {quiet: 90}", "suppress: {deploy: 5m}", "suppress: {deploy: 0s}", "suppress: {deploy: 5}", "suppress: {until: 5m}", "suppress: 5m", "suppress: {}", "budget: 10", "budget: 0", "budget: x",
		"continue: true", "continue: 1", "labels: [a]", "labels: a", "labels: [1]", "sinks: []", "signature: [operation]", "signature: [oops]", "signature: []", "team: ''", "team: 3",
	} {
		text := "version: 1\nrules:\n  - name: r\n    when: 'true'\n    " + field + "\n"
		var doc any
		require.NoError(t, yaml.Unmarshal([]byte(text), &doc), field)
		_, err := Compile([]*File{Parse("rules.yaml", []byte(text))}, nil, nil)
		require.Equal(t, err == nil, schema.Validate(doc) == nil, "%s: %v, %v", field, err, schema.Validate(doc))
	}
}
