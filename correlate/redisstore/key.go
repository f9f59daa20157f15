package redisstore

import (
	"hash/fnv"
	"strconv"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/internal/keypart"
)

// partitions is how many slots of a Cluster the scopes are spread over. It is
// part of the format: it must never change.
const partitions = 64

func scopePart(s correlate.Scope) string { return string(keypart.AppendScope(nil, s)) }

// recordPart identifies a record within its partition, in the order of List.
func recordPart(k correlate.Key) string { return string(keypart.AppendKey(nil, k)) }

// linePart identifies a record within its scope: with a sink, a line of
// deliveries.
func linePart(k correlate.Key) string {
	return string(keypart.Append(keypart.Append(nil, string(k.Kind)), k.ID))
}

// parseLinePart undoes linePart.
func parseLinePart(s string, scope correlate.Scope) (correlate.Key, error) {
	kind, rest, err := keypart.Cut([]byte(s))
	if err != nil {
		return correlate.Key{}, err
	}
	id, rest, err := keypart.Cut(rest)
	if err == nil && len(rest) > 0 {
		err = keypart.ErrForm
	}
	return correlate.Key{Scope: scope, Kind: correlate.Kind(kind), ID: id}, err
}

// after returns the first string that is greater than all that begin with p,
// which is made of parts.
func after(p string) string { return p[:len(p)-1] + "\x02" }

// tag begins all keys of a partition.
func (s *Store) tag(partition int) string {
	return "{" + s.prefix + ":" + strconv.Itoa(partition) + "}"
}

func partitionOf(scope correlate.Scope) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(scopePart(scope))) // never fails
	return int(h.Sum32() % partitions)
}

// The keys of Redis, and what they hold.

// recordKey holds a record: a hash of v (version), d (data), x (expiry) and m
// (marks). Without d it says only who deleted it.
func (s *Store) recordKey(k correlate.Key) string {
	return s.tag(partitionOf(k.Scope)) + ":record:" + recordPart(k)
}

// indexKey holds the recordParts of a partition, in order.
func (s *Store) indexKey(partition int) string { return s.tag(partition) + ":index" }

// expiryKey holds those of them that expire, by when, in milliseconds.
func (s *Store) expiryKey(partition int) string { return s.tag(partition) + ":expiry" }

// numberKey counts the deliveries ever queued in a partition.
func (s *Store) numberKey(partition int) string { return s.tag(partition) + ":number" }

// intentsKey holds what does not change of the deliveries of a scope, by ID.
func (s *Store) intentsKey(scope correlate.Scope) string {
	return s.tag(partitionOf(scope)) + ":intents:" + scopePart(scope)
}

// statesKey holds what changes of them: attempts, when they are due, lease.
func (s *Store) statesKey(scope correlate.Scope) string {
	return s.tag(partitionOf(scope)) + ":states:" + scopePart(scope)
}

// sinkKeys are those of a scope and sink: the deliveries in line (linePart,
// number, ID), the lines whose first waits, by when it is due, and the lines
// whose first is leased, by when that ends; both in microseconds.
func (s *Store) sinkKeys(scope correlate.Scope, sink string) []string {
	end := string(keypart.Append(keypart.AppendScope(nil, scope), sink))
	tag := s.tag(partitionOf(scope))
	return []string{tag + ":lines:" + end, tag + ":waiting:" + end, tag + ":leased:" + end}
}
