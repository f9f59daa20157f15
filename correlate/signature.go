package correlate

// Signature is the identity of "the same problem": the same failure, whoever
// saw it, has the same ID.
type Signature struct {
	ID         string      `json:"id"`      // "v1" and 26 digits of base32: [a-z2-7]
	Version    int         `json:"version"` // of the algorithm
	Components []Component `json:"components"`
}

// Component is one thing that was looked at to compute a signature.
type Component struct {
	Name  string `json:"name"`  // service, environment, operation, exception, message, frames, or rule for a rule's own
	Value string `json:"value"` // as it went in, normalised
	Used  bool   `json:"used"`
	Why   string `json:"why"` // why it was used or left out
}

// Signer computes signatures. Its zero value is ready to use.
type Signer struct {
	// Module is the path of the main module of the process, so that its stack
	// frames can be told from others. Empty means unknown.
	Module string
}

// Spec says what makes a signature. Its zero value means the default.
type Spec struct {
	Components []string // names of components, instead of the default ones
	Values     []string // a rule's own values, instead of any component but service and environment
}

// Sign computes the signature of an occurrence.
func (s Signer) Sign(o Occurrence, spec Spec) Signature { return Signature{} }
