package celrule

import (
	"bytes"
	goflag "flag" // the package has a type of that name
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"cel.dev/cel-go/common/decls"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"github.com/stretchr/testify/require"
)

var update = goflag.Bool("update", false, "write the generated parts of docs/rules.md and conventions.txt")

const rulesDoc = "../../docs/rules.md"

// TestDocs holds that what docs/rules.md says of variables and functions is
// what the environment knows.
func TestDocs(t *testing.T) {
	have, err := os.ReadFile(rulesDoc)
	require.NoError(t, err)
	want := have
	for part, text := range map[string]string{
		"variables":     variablesTable(),
		"own functions": ownFunctionsTable(t),
		"functions":     functionsTable(t),
		"timeouts":      timeoutsList(),
	} {
		want = replacePart(t, want, part, text)
	}
	if *update {
		require.NoError(t, os.WriteFile(rulesDoc, want, 0o666))
		return
	}
	require.Equal(t, string(want), string(have), "run go test ./internal/celrule -run TestDocs -update")
}

// replacePart puts a text between the markers of a part.
func replacePart(t *testing.T, doc []byte, part, text string) []byte {
	begin := fmt.Appendf(nil, "<!-- %s: generated -->\n", part)
	end := []byte("<!-- end -->\n")
	at := bytes.Index(doc, begin)
	require.GreaterOrEqual(t, at, 0, "no part %q", part)
	at += len(begin)
	length := bytes.Index(doc[at:], end)
	require.GreaterOrEqual(t, length, 0, "part %q does not end", part)
	return slices.Concat(doc[:at], []byte("\n"+text+"\n"), doc[at+length:])
}

func variablesTable() string {
	var b strings.Builder
	b.WriteString("| variable | type | what | in |\n|---|---|---|---|\n")
	row := func(owner, name string, f field, where string) {
		fmt.Fprintf(&b, "| `%s.%s` | %s | %s | %s |\n", owner, name, shortTypeName(f.typ), cell(f.doc), where)
	}
	for _, c := range []*class{spanClass, resourceClass, scopeClass, exceptionClass, problemClass} {
		for _, name := range c.FieldNames() {
			row(c.name, name, c.fields[name], stagesOf(c.name, name))
		}
		if c == spanClass {
			for _, name := range eventClass.FieldNames() {
				row("span.events[i]", name, eventClass.fields[name], stagesOf(spanClass.name, "events"))
			}
		}
	}
	fmt.Fprintf(&b, "| `%s` | %s | %s | answers |\n", suspectsName, shortTypeName(suspectsType), "deployments that are probably to blame for the problem, the surest first; empty if there are none, and where nothing is known of any")
	for _, name := range suspectClass.FieldNames() {
		row(suspectsName+"[i]", name, suspectClass.fields[name], "answers")
	}
	return b.String()
}

// stagesOf says in which fields of a rule a variable can be used.
func stagesOf(owner, name string) string {
	var in []stage
	for _, s := range []stage{matching, signing, answering} {
		for _, c := range s.classes() {
			if _, ok := c.fields[name]; ok && c.name == owner {
				in = append(in, s)
			}
		}
	}
	switch {
	case slices.Equal(in, []stage{matching, signing, answering}):
		return "all"
	case slices.Equal(in, []stage{matching}):
		return "`when`, `unless`"
	case slices.Equal(in, []stage{answering}):
		return "answers"
	}
	panic("no words for where it can be used")
}

func ownFunctionsTable(t *testing.T) string {
	var b strings.Builder
	b.WriteString("| function | what | example |\n|---|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(ownFunctions)) {
		f := ownFunctions[name]
		_, errs := compile(matching, f.example, types.BoolType, nil)
		require.Empty(t, errs, f.example)
		fmt.Fprintf(&b, "| `%s` → %s | %s | `%s` |\n", cell(f.usage), shortTypeName(f.result), cell(f.doc), cell(f.example))
	}
	return b.String()
}

// functionsTable has all other functions and macros of the environment.
func functionsTable(t *testing.T) string {
	missing := maps.Clone(libraryDocs)
	var symbols, names, macros []string
	add := func(rows *[]string, name, forms string) {
		doc, ok := libraryDocs[name]
		require.True(t, ok, "libraryDocs does not say what %s does", name)
		delete(missing, name)
		*rows = append(*rows, fmt.Sprintf("| %s | %s |\n", forms, cell(doc)))
	}
	functions := matching.env().Functions()
	for _, name := range slices.Sorted(maps.Keys(functions)) {
		f := functions[name]
		_, own := ownFunctions[name]
		internal := strings.Contains(name, "@") && name != operators.In
		if own || internal || f.IsDeclarationDisabled() {
			continue
		}
		if name == operators.In || strings.Contains(name, "_") {
			add(&symbols, name, "`"+cell(symbol(f))+"`")
		} else {
			add(&names, name, "`"+strings.Join(shortForms(f), "`<br>`")+"`")
		}
	}
	forms := map[string]string{
		"has": "has(a.b)", "greatest": "math.greatest(number, ...)", "least": "math.least(number, ...)",
		"optMap": "optional.optMap(x, e)", "optFlatMap": "optional.optFlatMap(x, e)",
	}
	seen := make(map[string]bool)
	for _, m := range matching.env().Macros() {
		name := m.Function()
		if seen[name] {
			continue
		}
		seen[name] = true
		form := forms[name]
		if form == "" {
			form = "list." + name + "(x, e)"
		}
		if name == "greatest" || name == "least" {
			name = "math." + name
		}
		add(&macros, name, "`"+form+"`")
	}
	slices.Sort(macros)
	require.Empty(t, missing, "libraryDocs knows what the environment does not")
	return "| function | what |\n|---|---|\n" + strings.Join(names, "") +
		"\n| over elements | what |\n|---|---|\n" + strings.Join(macros, "") +
		"\n| operator | what |\n|---|---|\n" + strings.Join(symbols, "")
}

// symbol returns an operator as one writes it.
func symbol(f *decls.FunctionDecl) string {
	switch f.Name() {
	case operators.Conditional:
		return "a ? b : c"
	case operators.Index:
		return "a[b]"
	case operators.OptIndex:
		return "a[?b]"
	case operators.OptSelect:
		return "a.?b"
	}
	name, _ := operators.FindReverse(f.Name())
	if len(f.OverloadDecls()[0].ArgTypes()) == 1 {
		return name + "a"
	}
	return "a " + name + " b"
}

// shortForms returns the overloads of a function. Those that differ only in
// their types are one.
func shortForms(f *decls.FunctionDecl) []string {
	var forms []string
	groups := make(map[string][]*decls.OverloadDecl)
	var order []string
	for _, o := range f.OverloadDecls() {
		key := fmt.Sprint(o.IsMemberFunction(), len(o.ArgTypes()))
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], o)
	}
	for _, key := range order {
		group := groups[key]
		args := make([]string, len(group[0].ArgTypes()))
		for i := range args {
			args[i] = anyOfTypes(group, func(o *decls.OverloadDecl) *types.Type { return o.ArgTypes()[i] })
		}
		call := f.Name()
		if group[0].IsMemberFunction() {
			call = args[0] + "." + call
			args = args[1:]
		}
		result := anyOfTypes(group, (*decls.OverloadDecl).ResultType)
		forms = append(forms, cell(fmt.Sprintf("%s(%s) → %s", call, strings.Join(args, ", "), result)))
	}
	return forms
}

func anyOfTypes(group []*decls.OverloadDecl, of func(*decls.OverloadDecl) *types.Type) string {
	var names []string
	for _, o := range group {
		if name := shortTypeName(of(o)); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) > 4 && strings.HasPrefix(names[0], "list(") {
		return "list(T)"
	}
	return strings.Join(names, "/")
}

// shortTypeName returns the name of a type without its package.
func shortTypeName(t *types.Type) string {
	return strings.NewReplacer("google.protobuf.Duration", "duration", "google.protobuf.Timestamp", "timestamp",
		"optional_type", "optional", "<", "", ">", "").Replace(t.String())
}

func timeoutsList() string {
	quoted := func(words []string) string { return "`" + strings.Join(words, "`, `") + "`" }
	return fmt.Sprintf("A timeout is an exception whose type, or `error.type`, ends with one of %s in its last part (after the last of `.`, `/`, `\\`, `:`, `$`),\n"+
		"not counting %s at its end; or whose message has one of these in its first %d bytes: %s.\n"+
		"Upper and lower case are the same.\n",
		quoted(timeoutTypes), quoted(timeoutEndings), maxMessage, quoted(timeoutPhrases))
}

// cell returns a text as it can stand in a table.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
