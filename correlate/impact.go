package correlate

import (
	"cmp"
	"hash/fnv"
	"slices"
)

// maxAffected bounds the operations that an impact names.
const maxAffected = 32

// Impact is whom and what a problem reaches. Its zero value is none.
type Impact struct {
	// Operations are those through which the requests that failed had come in, in
	// every service that they went through as far as that is known, with the most
	// affected first.
	Operations []Affected `json:"operations"`
	Others     int64      `json:"others"` // requests through operations that there was no room for
	Traces     Sketch     `json:"traces"` // distinct ones
	Users      Sketch     `json:"users"`  // keyed hashes of for whom it was done, where spans say so

	// Share is of the requests of the operation that failed, as the process saw
	// them that counted last.
	Share Share `json:"share"`
}

// Affected is an operation through which requests came in that failed.
type Affected struct {
	Service   string `json:"service"`
	Operation string `json:"operation"`
	Count     int64  `json:"count"` // of the requests that failed
	Share     Share  `json:"share"`
}

// Share is how many of the requests of an operation failed lately, whatever of.
type Share struct {
	Failed   int64 `json:"failed"`
	Requests int64 `json:"requests"`
}

// Add adds the impact of an occurrence, in place.
func (i *Impact) Add(o *Occurrence) {
	for k, step := range o.Path {
		if k == len(o.Path)-1 || o.Path[k+1].Service != step.Service {
			i.reach(Affected{Service: step.Service, Operation: step.Operation, Count: 1})
		}
	}
	if o.TraceID != "" {
		h := fnv.New64a()
		h.Write([]byte(o.TraceID))
		i.Traces.Add(spread(h.Sum64()))
	}
	if o.User != 0 {
		i.Users.Add(o.User)
	}
}

// spread mixes the bits of a hash that are not even enough (the finalizer of
// MurmurHash3).
func spread(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

func (i *Impact) reach(a Affected) {
	for k := range i.Operations {
		if have := &i.Operations[k]; have.Service == a.Service && have.Operation == a.Operation {
			have.Count += a.Count
			if a.Share.Requests > 0 {
				have.Share = a.Share
			}
			return
		}
	}
	if len(i.Operations) >= maxAffected {
		i.Others += a.Count
		return
	}
	i.Operations = append(i.Operations, a)
}

// Merge returns the impact of both. Neither is changed.
func (i Impact) Merge(other Impact) Impact {
	i = i.clone()
	for _, a := range other.Operations {
		i.reach(a)
	}
	slices.SortStableFunc(i.Operations, func(a, b Affected) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Service, b.Service), cmp.Compare(a.Operation, b.Operation))
	})
	i.Others += other.Others
	i.Traces.Merge(other.Traces)
	i.Users.Merge(other.Users)
	if other.Share.Requests > 0 {
		i.Share = other.Share
	}
	return i
}

func (i Impact) clone() Impact {
	i.Operations = slices.Clone(i.Operations)
	i.Traces, i.Users = i.Traces.clone(), i.Users.clone()
	return i
}
