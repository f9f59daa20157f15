package celrule

import (
	"regexp"
	"strings"

	"cel.dev/cel-go/common/types"
)

// text is a field that is plain text or an expression.
type text struct {
	plain string
	expr  *expression // nil for plain text
}

// mention is a variable followed by a field or an index, or what is called with
// a variable as a whole.
var mention = regexp.MustCompile(`\b(span|resource|scope|exception|problem|owner|incident|suspects)\s*(\.[A-Za-z_]|\[)|` +
	`\bsize\s*\(\s*` + suspectsName + `\s*\)|\b` + suspectsName + `\s*[!=]=|` +
	`\b(` + fnIsTimeout + `|` + fnHTTPStatusClass + `)\s*\(`)

// isExpression reports whether a text is an expression: whether it begins with
// a quote or mentions a variable.
func isExpression(s string) bool {
	s = strings.TrimSpace(s)
	return strings.HasPrefix(s, `"`) || strings.HasPrefix(s, `'`) || mention.MatchString(s)
}

// computed is a name at the beginning of a text, alone or with something that
// does not follow a word in a sentence.
var computed = regexp.MustCompile(`^\s*([A-Za-z_][A-Za-z0-9_]*)\s*($|\?|\+|==|!=|&&|\|\||[.\[]\S)`)

// uses reports whether a text begins with a definition, and so is an expression.
// A word alone is one only if the definition is a text: a team may be called as
// a condition is.
func (ds definitions) uses(s string) bool {
	m := computed.FindStringSubmatch(s)
	if m == nil || ds[m[1]] == nil {
		return false
	}
	return m[2] != "" || ds[m[1]].text
}

func compileText(s string, defs definitions) (text, []*Error) {
	if !isExpression(s) && !defs.uses(s) {
		return text{plain: strings.TrimSpace(s)}, nil
	}
	expr, errs := compile(answering, s, types.StringType, defs)
	for _, e := range errs {
		if e.Hint == "" && strings.HasPrefix(e.Message, "cannot read") {
			e.Hint = "if it is plain text, put it in quotes"
		}
	}
	return text{expr: expr}, errs
}

// eval returns the text. It is "" if it hangs on something absent.
func (t text) eval(v *view) (string, error) {
	if t.expr == nil {
		return t.plain, nil
	}
	out, err := t.expr.eval(v)
	if out == nil || err != nil {
		return "", err
	}
	s, ok := out.ConvertToType(types.StringType).(types.String)
	if !ok {
		return "", wrongType(out)
	}
	return strings.TrimSpace(string(s)), nil
}
