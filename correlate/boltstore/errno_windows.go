package boltstore

import "syscall"

// The numbers are those of Windows: handle disk full, disk full, disk quota
// exceeded; write protect, access denied.
var (
	fullErrors     = []syscall.Errno{39, 112, 1295}
	readOnlyErrors = []syscall.Errno{19, 5}
)
