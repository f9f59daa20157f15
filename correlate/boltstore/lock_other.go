//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package boltstore

import "os"

// tryLock leaves the locking to the database, which locks its own file.
func tryLock(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
}
