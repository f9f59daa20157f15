package autoticket

import (
	"maps"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/decisionlog"
	"github.com/spanticket/spanticket/redact"
)

// decisions remembers decisions and tells the host of them. It is safe for
// concurrent use.
type decisions struct {
	redactor *redact.Redactor
	log      *decisionlog.Log
	tell     func(correlate.Decision) // may be nil
	count    func(kind string)        // of values that were withheld
}

// decide takes in a decision, which is described only if somebody wants to know.
// It is called on the goroutine that took it.
func (ds *decisions) decide(r correlate.Reason, describe func() correlate.Decision) {
	keep := ds.log.Wants(r)
	if !keep && ds.tell == nil {
		return
	}
	d := describe()
	d.Withheld = maps.Clone(d.Withheld) // other decisions about a batch have the same
	found := tally{}
	if err := ds.redactor.Reporting(found.add(ds.count)).Document(&d); err != nil {
		d.Operation, d.Detail, d.Scope = "[REDACTED:failed]", "", correlate.Scope{}
	}
	d.Withheld = found.in(d.Withheld)
	if keep {
		ds.log.Add(d)
	}
	if ds.tell == nil {
		return
	}
	defer func() { _ = recover() }() // the host's own code, on a goroutine that is not its own
	ds.tell(d)
}

// record takes in a decision that is described already.
func (ds *decisions) record(d correlate.Decision) {
	ds.decide(d.Reason, func() correlate.Decision { return d })
}
