package correlate

import "time"

// Suspects says which deployments are probably to blame for a problem. Its zero
// value says that nobody was asked.
type Suspects struct {
	Asked  time.Time `json:"asked"`  // when this was the answer first
	Ranked []Suspect `json:"ranked"` // the surest first
	Reason string    `json:"reason"` // why there is none, in words; empty if there is one
}

// Suspect is a deployment that is probably to blame for a problem, as it was when
// the problem's ticket was last told of it.
type Suspect struct {
	Scope     Scope     `json:"scope"` // of the service that was changed
	Version   string    `json:"version"`
	Revision  string    `json:"revision"`
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Time      time.Time `json:"time"`   // when it began
	Undone    time.Time `json:"undone"` // when it was rolled back; zero if it was not
	By        string    `json:"by"`
	Changelog string    `json:"changelog"` // an http(s) URL
	Rollback  string    `json:"rollback"`  // a command, to be shown and never run

	Class    string        `json:"class"`    // confirmed, strong, likely or possible
	Distance int           `json:"distance"` // calls from the failing service to this one
	Delay    time.Duration `json:"delay"`    // from the change to the first failure
	Before   Share         `json:"before"`   // of the operation, before the change
	After    Share         `json:"after"`    // and as long after it
	Ratio    float64       `json:"ratio"`    // how many times as frequent failures became; 0 if that is not known
	Evidence []string      `json:"evidence"`
}
