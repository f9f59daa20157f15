package boltstore

import "fmt"

// Loss is what became of a damaged file. It is an error.
type Loss struct {
	Path  string // of the store
	Aside string // where the damaged file is
	Err   error  // what was wrong with it, first of all

	Records    int64 // that could be read, and are in the new file
	Deliveries int64
	// LostRecords and LostDeliveries are missing. They are -1 if the file does
	// not say how many there were.
	LostRecords    int64
	LostDeliveries int64
}

// Error implements error.
func (l *Loss) Error() string {
	lost := fmt.Sprintf("%d records and %d deliveries are lost", l.LostRecords, l.LostDeliveries)
	switch {
	case l.LostRecords < 0 || l.LostDeliveries < 0:
		lost = "how much is lost is not known"
	case l.LostRecords == 0 && l.LostDeliveries == 0:
		lost = "nothing is lost but, perhaps, the last change"
	}
	return fmt.Sprintf("boltstore: %s was damaged and is now %s: %d records and %d deliveries could be read, %s: look after the disk: %v",
		l.Path, l.Aside, l.Records, l.Deliveries, lost, l.Err)
}

// Unwrap returns what was wrong.
func (l *Loss) Unwrap() error { return l.Err }
