package autoticket

import (
	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/redact"
)

// decisions tells the host of decisions. It is safe for concurrent use.
type decisions struct {
	redactor *redact.Redactor
	tell     func(correlate.Decision) // may be nil
}

// record takes a decision in. It is called on the goroutine that took it.
func (ds *decisions) record(d correlate.Decision) {
	if ds.tell == nil {
		return
	}
	defer func() { _ = recover() }() // the host's own code, on a goroutine that is not its own
	if err := ds.redactor.Document(&d); err != nil {
		d.Operation, d.Detail = "[redacted: failed]", ""
	}
	ds.tell(d)
}
