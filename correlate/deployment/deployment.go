package deployment

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

// Deployment is a change to a service at a time. As it is told it is one
// message, such as that it has begun; in a [History] it is all that was told of
// one deployment.
type Deployment struct {
	Scope    correlate.Scope `json:"scope"` // of the service that was changed
	Version  string          `json:"version,omitempty"`
	Revision string          `json:"revision,omitempty"` // of the source
	ID       string          `json:"id,omitempty"`       // unique, of whoever gave it
	Name     string          `json:"name,omitempty"`
	Region   string          `json:"region,omitempty"` // empty means everywhere

	Time   time.Time `json:"time"`             // when it began or, if nobody told, when it was done
	Done   time.Time `json:"done,omitzero"`    // when it was done; zero while it goes on
	Undone time.Time `json:"undone,omitzero"`  // when it was rolled back; zero if it was not
	Status Status    `json:"status,omitempty"` // the latest
	Back   bool      `json:"back,omitempty"`   // it brought an older version back
	// Previous is the version that ran before. A history knows it.
	Previous string `json:"previous,omitempty"`

	By        string `json:"by,omitempty"`
	Changelog string `json:"changelog,omitempty"` // an http(s) URL
	Rollback  string `json:"rollback,omitempty"`  // the command that undoes it; shown, never run
	Links     []Link `json:"links,omitempty"`
	Source    string `json:"source,omitempty"` // who told of it, such as "github"
}

// Link leads to more about a deployment.
type Link struct {
	Name string `json:"name"`
	URL  string `json:"url"` // http(s)
}

// Status is how far a deployment is.
type Status string

const (
	Started    Status = "started"
	Succeeded  Status = "succeeded"
	Failed     Status = "failed"      // it was given up; part of it may run
	RolledBack Status = "rolled_back" // it was undone
	Removed    Status = "removed"     // the service was taken away
)

// ParseStatus returns the status that a word means, in the words of the semantic
// conventions and of systems that deploy. It reports false for those, such as
// "queued", that say that nothing has changed yet.
func ParseStatus(word string) (Status, bool) {
	switch strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(word)) {
	case "started", "start", "inprogress", "running", "executing", "progressing", "deploying", "upgrading":
		return Started, true
	case "succeeded", "success", "successful", "completed", "complete", "deployed", "upgraded", "finished", "ok":
		return Succeeded, true
	case "failed", "failure", "error", "canceled", "cancelled", "cancellation", "timeout", "aborted":
		return Failed, true
	case "rolledback", "rollback", "reverted":
		return RolledBack, true
	case "removed", "deleted", "uninstalled":
		return Removed, true
	}
	return "", false
}

// Label returns the version or, without one, the beginning of the revision, the
// ID or the name.
func (d Deployment) Label() string {
	rev := d.Revision
	if len(rev) > 12 && isHex(rev) {
		rev = rev[:12]
	}
	return cmp.Or(d.Version, rev, d.ID, d.Name, "unknown version")
}

// String returns "service version".
func (d Deployment) String() string { return d.Scope.String() + " " + d.Label() }

// ended reports whether a status is the last that is heard of an attempt.
func (s Status) ended() bool { return s == Succeeded || s == Failed || s == Removed }

// compare orders deployments by time, and those of one time by all else, so that a set of
// them has one order.
func compare(a, b Deployment) int {
	return cmp.Or(
		a.Time.Compare(b.Time),
		a.Scope.Compare(b.Scope),
		cmp.Compare(a.Version, b.Version),
		cmp.Compare(a.Revision, b.Revision),
		cmp.Compare(a.ID, b.ID),
		cmp.Compare(a.Status, b.Status),
		cmp.Compare(a.Source, b.Source),
		cmp.Compare(a.Name, b.Name),
		cmp.Compare(a.Region, b.Region),
		a.Done.Compare(b.Done),
		a.Undone.Compare(b.Undone),
		cmp.Compare(a.By, b.By),
		cmp.Compare(a.Changelog, b.Changelog),
		cmp.Compare(a.Rollback, b.Rollback),
		cmp.Compare(a.Previous, b.Previous),
		compareBool(a.Back, b.Back),
		slices.CompareFunc(a.Links, b.Links, func(x, y Link) int {
			return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.URL, y.URL))
		}),
	)
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func isHex(s string) bool {
	return s != "" && strings.Trim(s, "0123456789abcdefABCDEF") == ""
}
