package redisstore

import (
	"hash/fnv"
	"strconv"

	"github.com/spanticket/spanticket/correlate"
)

// partitions is how many slots of a Cluster the scopes are spread over. It is
// part of the format: it must never change.
const partitions = 64

// appendPart adds a string so that parts that follow each other compare, byte
// by byte, as the strings do one after the other, and none stands for another:
// NUL becomes 00 FF, and 00 01 ends the part.
func appendPart(b []byte, s string) []byte {
	for i := range len(s) {
		b = append(b, s[i])
		if s[i] == 0 {
			b = append(b, 0xff)
		}
	}
	return append(b, 0, 1)
}

// part undoes appendPart; ok is false when b does not begin with a part.
func part(b string) (s, rest string, ok bool) {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] != 0 {
			out = append(out, b[i])
			continue
		}
		if i++; i == len(b) {
			break
		}
		switch b[i] {
		case 0xff:
			out = append(out, 0)
		case 1:
			return string(out), b[i+1:], true
		default:
			return "", "", false
		}
	}
	return "", "", false
}

func scopePart(s correlate.Scope) string {
	b := appendPart(nil, s.Namespace)
	b = appendPart(b, s.Service)
	return string(appendPart(b, s.Environment))
}

// recordPart identifies a record within its partition, in the order of List.
func recordPart(k correlate.Key) string {
	b := appendPart(nil, string(k.Kind))
	b = append(b, scopePart(k.Scope)...)
	return string(appendPart(b, k.ID))
}

// parseRecordPart undoes recordPart.
func parseRecordPart(s string) (k correlate.Key, ok bool) {
	var parts [5]string
	for i := range parts {
		if parts[i], s, ok = part(s); !ok {
			return correlate.Key{}, false
		}
	}
	return correlate.Key{
		Kind:  correlate.Kind(parts[0]),
		Scope: correlate.Scope{Namespace: parts[1], Service: parts[2], Environment: parts[3]},
		ID:    parts[4],
	}, s == ""
}

// linePart identifies a record within its scope: with a sink, a line of
// deliveries.
func linePart(k correlate.Key) string {
	return string(appendPart(appendPart(nil, string(k.Kind)), k.ID))
}

// parseLinePart undoes linePart.
func parseLinePart(s string, scope correlate.Scope) (k correlate.Key, ok bool) {
	kind, s, ok := part(s)
	if !ok {
		return correlate.Key{}, false
	}
	id, s, ok := part(s)
	return correlate.Key{Scope: scope, Kind: correlate.Kind(kind), ID: id}, ok && s == ""
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
	end := scopePart(scope) + string(appendPart(nil, sink))
	tag := s.tag(partitionOf(scope))
	return []string{tag + ":lines:" + end, tag + ":waiting:" + end, tag + ":leased:" + end}
}
