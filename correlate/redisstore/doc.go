// Package redisstore is a [correlate.Store] in Redis, for many replicas and many
// services on one server, pair or Cluster. It works with Redis 5 and newer and
// what speaks its protocol and runs its Lua.
//
// The client is the host's own: [New] takes a redis.UniversalClient and dials
// nothing. The store never closes it.
//
// # What is kept where
//
// Keys begin with {PREFIX:N}, N from 0 to 63: a scope (service namespace, name,
// environment) belongs to one of 64 partitions, and all keys of a partition lie
// in one slot of a Cluster. An update reads the record, runs the function in Go,
// and then one script compares and sets: it writes the record and its deliveries
// if nobody has written the record meanwhile, and otherwise nothing. Leases are
// judged by the TIME of Redis. Records that have an expiry are forgotten by Redis
// itself.
//
// # What Redis can lose
//
// What Update returned for is as safe as Redis is told to keep it:
//
//   - appendfsync always: nothing over SIGKILL or a loss of power, at the price
//     of one fsync a write (Redis writes several clients' commands with one).
//   - appendfsync everysec: up to about two seconds at a loss of power; nothing
//     over SIGKILL of Redis alone, because the kernel has the data.
//   - appendfsync no: what the kernel has not written, often 30 seconds, at a
//     loss of power.
//   - without appendonly: everything since the last snapshot (save), always.
//
// A loss of two seconds can mean a ticket without a trace in the store, which
// is then filed again unless the sink finds it. Replication is asynchronous in
// any mode: a failover by Sentinel or in a Cluster loses what the replica had
// not received; min-replicas-to-write bounds it. For "never two" over the loss
// of a machine use appendfsync always, or package pgstore.
//
// maxmemory-policy must be noeviction, Redis's default: any other lets Redis
// throw away problems and deliveries.
//
// # Load
//
// An update is two round trips, a claim or a settlement one or two. A process
// that has nothing to deliver asks again after a pause that grows to
// [Config.MaxIdle] and is spread by half: with the default of 30 seconds, one
// short script in 30 seconds for each scope and sink. 20,000 pods with 3 sinks are
// about 2,000 a second. What a process queues itself it claims at once; the pause
// delays only the work that a dead process has left behind.
//
// # When Redis is out of reach
//
// A script ends with an error after [Config.Timeout] at the latest, and
// with it the call. When the answer to a write is lost the store looks for the mark
// that the write leaves in the record, for as long again: what took effect is not
// done twice. If it still does not know, the error says so; the engine then tries
// again, and counts no batch twice because problems remember who counted last.
package redisstore
