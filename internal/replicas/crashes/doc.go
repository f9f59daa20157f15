// Package crashes kills a process that files tickets, with SIGKILL and again and
// again, and has it start anew on what it has left: a store of boltstore, redisstore
// or pgstore, with a journal or without. It is killed at points that matter: before
// the call of a tracker that is noted, in it, before its outcome is stored, in the
// midst of a commit, and at any time. The tracker loses answers, answers with an error
// what it has carried out, comes late and refuses. It then asks for one ticket for
// each failure, as the store has it, and for two at no time; and where the search of
// the tracker lags, for doubles that are soon closed.
//
//	go test -v -timeout 1h ./internal/replicas/crashes -args -kills 500 -lagged 500
//
// Without flags it is small enough for each change. A seed says what is tried, but not
// where it hits: that is a matter of microseconds.
//
// Leases are shortened to two seconds, or half a second, so that what a process had in
// flight need not be waited for: the engine's own are longer than any call of a sink,
// and so more than a minute.
package crashes
