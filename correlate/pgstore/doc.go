// Package pgstore is a [correlate.Store] in PostgreSQL 13 or newer, for many
// replicas and many services on one database. It uses database/sql and any
// driver for it; the host opens the pool and closes it.
//
// # Tables
//
// There are two in a schema of their own: records, and deliveries. [Store.Migrate]
// makes them and brings them up to date. Nothing else does: a service that
// starts changes no schema, and one that finds no tables says so. What a newer
// version adds to the tables an older one leaves alone.
//
// # How it works
//
// An update reads the record, runs the function in Go, and writes the record with
// its deliveries in one statement if nobody has written it meanwhile. So no
// transaction is open while Go runs: a process that is stopped holds no lock. A
// claim is one statement with FOR UPDATE SKIP LOCKED; leases and expiry are
// judged by now() of the server. What Update returned for is as safe as
// synchronous_commit makes it: with "on", PostgreSQL's default, it survives a loss
// of power. Records that have expired are deleted a few at a time.
//
// Times are kept to the microsecond. Strings may hold any bytes.
//
// # Load
//
// An update or a settlement is two statements, a claim is one. Each holds a
// connection for its own duration alone: two or three connections are enough for
// a process (SetMaxOpenConns), none of them need stay open
// (SetConnMaxIdleTime), and a pooler in transaction mode may stand between.
//
// A process that has nothing to deliver asks again after a pause that grows to
// [Config.MaxIdle] and is spread by half: with the default of 30 seconds, one
// statement in 30 seconds for each scope and sink, over an index that holds waiting
// deliveries only. 20,000 pods with 3 sinks are about 2,000 a second, and with
// MaxIdle of two minutes 500. What a process queues itself it claims at once; the
// pause delays only the work that a dead process has left behind.
//
// # When PostgreSQL is out of reach
//
// A statement ends with an error after [Config.Timeout] at the latest, and
// with it the call. When the answer to a write is lost the store looks for the mark
// that the write leaves in the record, for as long again: what took effect is not
// done twice. If it still does not know, the error says so; the engine then tries
// again, and counts no batch twice because problems remember who counted last.
package pgstore
