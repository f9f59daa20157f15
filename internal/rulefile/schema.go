package rulefile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spanticket/spanticket/internal/celrule"
)

// schemaID is where the schema is published.
const schemaID = "https://raw.githubusercontent.com/spanticket/spanticket/main/docs/rules.schema.json"

// key describes a key of a rule, to people and to editors.
type key struct {
	name, what, otherwise string
	schema                object
}

type object = map[string]any

const (
	cel       = "A CEL expression that yields true or false."
	textOrCEL = "Text, or a CEL expression if it mentions a variable or begins with a quote."
)

func text(what string) object { return object{"type": "string", "pattern": `\S`, "description": what} }

func texts(what string) object {
	return object{"type": "array", "maxItems": maxList, "items": text(textOrCEL), "description": what}
}

func count(what string) object { return object{"type": "integer", "minimum": 1, "description": what} }

// times is what durations are made of. One that is nothing has no digit but 0.
const times = `\+?([0-9]+d)?(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))*`

// percentage is above 0 and below 100.
const percentage = `\s*(0*[1-9][0-9]?(\.[0-9]*)?|0*\.0*[1-9][0-9]*)\s*%\s*`

func duration(what string) object {
	return object{
		"type": "string", "description": what + " As 90s, 5m, 1h30m or 7d.",
		"pattern": "^" + times + "$", "not": object{"pattern": "^[^1-9]*$"},
	}
}

func mapping(what string, properties object) object {
	return object{"type": "object", "additionalProperties": false, "properties": properties, "description": what}
}

// ruleKeys are the keys of a rule, in the order in which they are best written.
var ruleKeys = []key{
	{"name", "a name, unique over all files", "required", text("A name, unique over all files.")},
	{"when", "CEL, true or false", "required", text("Is the span an occurrence? " + cel)},
	{"unless", "CEL; true excludes the span, and the next rule is asked", "never", text("And is it not one after all? " + cel)},
	{"signature", "names of components, or a CEL list of strings", "all components that apply", object{
		"description": "What makes two occurrences the same problem: names of components, or a CEL expression that yields a list of strings.",
		"oneOf": []any{
			text("A CEL expression that yields a list of strings."),
			object{"type": "array", "uniqueItems": true, "items": object{"enum": celrule.Components()}},
		},
	}},
	{"threshold", "`count` occurrences `within` a time make a ticket", "1 within 5m", mapping("So many occurrences within a time make a ticket.", object{
		"count": count("How many occurrences. Defaults to 1."), "within": duration("Within how long. Defaults to 5m."),
	})},
	{"severity", "text or CEL; tickets know critical, error, warning, info", "error", object{
		"type": "string", "pattern": `\S`, "examples": []string{"critical", "error", "warning", "info"},
		"description": "How bad it is: critical, error, warning or info. " + textOrCEL,
	}},
	{"title", "text or CEL", "the operation and what went wrong", text("The title of the ticket. " + textOrCEL)},
	{"team", "text or CEL", "none", text("Who owns it. " + textOrCEL)},
	{"runbook", "text or CEL: an http or https URL", "none", text("An http or https URL. " + textOrCEL)},
	{"labels", "a list of text or CEL", "none", texts("Labels of the ticket.")},
	{"sinks", "names of sinks: a list of text or CEL", "all sinks", texts("Names of the sinks that get the ticket.")},
	{"budget", "new tickets an hour, for each service, of all its processes on one store together; what exceeds it is listed on one ticket", "20", count("New tickets an hour, for each service, of all its processes on one store together. What exceeds it is listed on one ticket. Defaults to 20.")},
	{"suppress", "`deploy`: for so long after a deployment of its service, at most `1h`, a new problem waits; it has a ticket if it still fails then", "never", mapping("When a new problem waits, because it may vanish by itself.", object{
		"deploy": duration("For so long after a deployment of its service, at most 1h. What still fails then has a ticket, with all that was counted."),
	})},
	{"continue", "`true`: the rules after it are asked too; its problems are its own then", "false", object{"type": "boolean", "description": "Ask the rules after it too. Its problems are its own then."}},
	{"canceled", "`true`: operations that failed because their caller gave up count too, as they do if `when` asks for `span.duration`", "false", object{"type": "boolean", "description": "Operations that failed because their caller gave up count too."}},
	{"mode", "`live`; `draft` (waits for an approval; `{draft: 3d}`: so long); `shadow` (files nothing); `{canary: 10%}` (files a part of the signatures); `off` (checked, but not used)", "live", object{
		"description": "What it does about the problems that it finds. Defaults to live.",
		"oneOf": []any{
			object{"type": "string", "pattern": `^\s*((live|shadow|off|draft)\s*|draft\s*:\s*` + times + `\s*|canary\s*:` + percentage + `)$`, "examples": []string{"live", "draft", "shadow", "off", "canary: 10%"}},
			object{"type": "object", "additionalProperties": false, "minProperties": 1, "maxProperties": 1, "properties": object{
				"canary": object{"type": "string", "pattern": "^" + percentage + "$", "description": "The percentage of signatures that are filed; always the same ones. The others are shadowed."},
				"draft":  duration("How long a draft waits for an approval."),
			}},
		},
	}},
	{"resolve", "`quiet`: without an occurrence for so long, it is resolved", "30m", mapping("When a problem is over.", object{
		"quiet": duration("Without an occurrence for so long, it is resolved. Defaults to 30m."),
	})},
}

// Schema returns the JSON Schema of rule files.
func Schema() []byte {
	rule, defaults := object{}, object{}
	for _, k := range ruleKeys {
		rule[k.name] = k.schema
		if k.name != "name" && k.name != "when" {
			defaults[k.name] = k.schema
		}
	}
	ruleSchema := mapping("A rule: which operations matter, and what to do about them.", rule)
	ruleSchema["required"] = []string{"name", "when"}
	file := mapping("Rules by which spanticket turns spans into tickets.", object{
		"version":  object{"enum": []any{1, "1"}, "description": "Of the format."},
		"let":      object{"type": "object", "additionalProperties": text("A CEL expression that rules can use by this name."), "propertyNames": object{"pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}, "description": "Named expressions. Each can use those before it."},
		"defaults": mapping("For every rule of this file that says nothing else.", defaults),
		"rules":    object{"type": "array", "minItems": 1, "items": ruleSchema, "description": "The first rule that matches a span takes it."},
	})
	file["$schema"], file["$id"], file["title"] = "https://json-schema.org/draft/2020-12/schema", schemaID, "spanticket rules"
	file["required"] = []string{"version"}
	file["anyOf"] = []any{object{"required": []string{"rules"}}, object{"required": []string{"let"}}, object{"required": []string{"defaults"}}}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(file); err != nil {
		panic("rulefile: " + err.Error()) // it does not depend on any input
	}
	return b.Bytes()
}

// table returns the keys of a rule as a table in Markdown.
func table() string {
	var b strings.Builder
	b.WriteString("| key | what | defaults to |\n|---|---|---|\n")
	for _, k := range ruleKeys {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", k.name, strings.ReplaceAll(k.what, "|", `\|`), k.otherwise)
	}
	return b.String()
}
