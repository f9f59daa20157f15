package correlate

// maxLeanText is how many bytes of a message are left of evidence that is dropped.
const maxLeanText = 160

// WithoutEvidence returns the problem with no more of its evidence than what says
// where it was seen last: counts, history and tickets stay as they are. It is for
// stores that have no room for the evidence of all problems, and reports whether
// there is less now. It is a pure function: p is not changed.
func (p Problem) WithoutEvidence() (Problem, bool) {
	if len(p.Samples) == 0 || len(p.Samples) == 1 && p.Samples[0].bare() {
		return p, false
	}
	at := p.Newest()
	for _, s := range p.Samples {
		if s.Exported { // a link leads there
			at = s
		}
	}
	p.Samples = []Sample{{
		Time: at.Time, Duration: at.Duration, TraceID: at.TraceID, SpanID: at.SpanID, Exported: at.Exported,
		Operation: at.Operation, Kind: at.Kind, Status: at.Status, Message: cutText(at.Message),
		Exception:    Exception{Type: at.Exception.Type, Message: cutText(at.Exception.Message)},
		RemoteParent: at.RemoteParent,
	}}
	p.Bare = true
	return p, true
}

// bare reports whether a sample is what WithoutEvidence leaves.
func (s Sample) bare() bool {
	return s.Exception.Stacktrace == "" && len(s.Attributes)+len(s.Resource)+len(s.Path)+len(s.Links) == 0
}

// cutText returns the beginning of a text that was redacted: what is left of a mark
// in it is as harmless as the mark.
func cutText(s string) string {
	if len(s) <= maxLeanText {
		return s
	}
	end := maxLeanText
	for end > 0 && s[end]&0xc0 == 0x80 { // within a character
		end--
	}
	return s[:end] + "…"
}
