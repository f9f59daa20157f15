// Package replicas runs many processes with an engine each on one shared store,
// all with the same failures, and does to them what happens to processes: they
// are killed, stopped for longer than a lease, their store is killed and comes
// back, and answers are lost. It then asks for one ticket for each failure, and
// for counts that are never too high, and too low by no more than what a process
// that was killed had since its last flush.
//
//	go test -v ./internal/replicas -args -processes 8 -failures 1000 -faults 60
//
// Without flags it is small enough for each change.
package replicas
