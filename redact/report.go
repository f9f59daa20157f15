package redact

// Reporting returns a Redactor that does what r does, and tells of it: it calls
// found with the kind of each value that it withholds, never with the value, and as
// [Finding] names kinds. What was redacted before is not told of again. It shares
// with r what that was given to look for, and r's own calls tell nobody.
//
// found is called on the goroutine that redacts, and must not call the Redactor.
// Text without a secret costs no more than with r; one with secrets is looked at
// once more.
func (r *Redactor) Reporting(found func(kind string)) *Redactor {
	if r == nil {
		return nil // which withholds everything
	}
	of := r
	if r.of != nil {
		of = r.of
	}
	return &Redactor{
		Keys: r.Keys, Kinds: r.Kinds, Personal: r.Personal, Secrets: r.Secrets, Harmless: r.Harmless, TokenKey: r.TokenKey,
		of: of, found: found,
	}
}

// tell tells of a value that is withheld.
func (r *Redactor) tell(kind string) {
	if r != nil && r.found != nil {
		r.found(kind)
	}
}

// text redacts s, and tells of it.
func (r *Redactor) text(s string) string {
	out := r.redacted(s)
	if out != s && r.found != nil {
		for _, f := range r.Find(s) {
			r.found(f.Kind)
		}
	}
	return out
}
