// Package world simulates a fleet of services over four weeks: what is deployed,
// what fails and why, and what is counted of it. It knows nothing of how
// anybody finds out who is to blame, and says the truth.
//
// What goes wrong is what reports of incidents tell of; each [Kind] says more. Two of
// five faults that nobody deployed come within two hours after a deployment of
// the service or of one that it calls, and some of those are rolled back in vain.
package world

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// World is a fleet and what happens to it.
type World struct {
	Seed     uint64
	Start    time.Time
	Services []Service
	Changes  []Change // in the order of time
	Faults   []Fault

	of  [][]int // changes by service
	hit [][]int // faults by service
}

// Service is one service. Its clock is wrong by Skew.
type Service struct {
	Name       string
	Operations []Operation
	Calls      []int // services, by their index
	Uses       []string
	Replicas   int
	Skew       time.Duration
}

// Operation is something that a service does.
type Operation struct {
	Name       string
	PerMinute  float64 // requests, on the average of a day
	Background float64 // share of them that fails always
	Calls      int     // the service that it calls, or -1
}

// Change is a deployment. Times are true.
type Change struct {
	Service           int
	Setting           string // what is changed if it is no version: "config" or "flag"
	Version, Previous string
	Revision          string // may be that of changes of other services, too
	At                time.Time
	Rollout           time.Duration // until the last process of the old version is gone
	Canary            float64       // share of the traffic that it has at first; 0 means no limit
	Trial             time.Duration // for how long; 0 means until it is rolled back
	Until             time.Time     // when it was rolled back; zero if it never was
	Fault             int           // what it does, or -1
	InVain            int           // what it was rolled back for though it was not at fault, or -1

	hot bool // another one is put on top of it, and a third one repairs both
}

// Fault is something that goes wrong. Times are true.
type Fault struct {
	Kind      Kind
	Change    int       // that is to blame, or -1
	Service   int       // in which it shows
	Operation int       // of it; -1 means all
	Peer      string    // what the operation was calling when it failed, if it was
	Known     bool      // failures of this kind were seen before
	From      time.Time // when it could show first
	Until     time.Time

	share float64       // of the requests that fail where it shows
	limit time.Duration // until a process has run out
	surge float64       // how many times the usual traffic
	ramp  time.Duration // until so many of them do
	burst bool          // comes and goes
	daily bool          // was there on the two days before, too
	also  []int         // other services in which it shows
}

const (
	days    = 28
	bucket  = 30 * time.Second
	changes = 200
)

// services are what a shop is made of.
var services = []struct {
	name  string
	calls []int
	uses  []string
}{
	{"web", []int{1, 2, 3}, nil},
	{"checkout", []int{4, 5, 6}, []string{"orders-db"}},
	{"catalog", []int{7, 8}, []string{"catalog-db"}},
	{"account", []int{9}, []string{"users-db"}},
	{"payment", []int{10, 9}, []string{"orders-db"}},
	{"shipping", []int{11}, []string{"orders-db"}},
	{"cart", []int{7}, []string{"redis"}},
	{"pricing", []int{8}, []string{"redis"}},
	{"search", nil, []string{"search-index"}},
	{"auth", nil, []string{"users-db", "redis"}},
	{"ledger", nil, []string{"ledger-db"}},
	{"notify", nil, []string{"kafka"}},
}

// New returns the world of a seed.
func New(seed uint64) *World {
	r := rand.New(rand.NewPCG(seed, 0x5eed))
	w := &World{Seed: seed, Start: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)}
	for _, s := range services {
		svc := Service{Name: s.name, Calls: s.calls, Uses: s.uses, Replicas: 3 + r.IntN(10), Skew: skew(r)}
		size := math.Exp(between(r, math.Log(60), math.Log(1200))) // requests a minute
		for i := range 3 + r.IntN(5) {
			op := Operation{Name: fmt.Sprintf("%s-%d", s.name, i), PerMinute: size / math.Pow(2, float64(i)), Calls: -1}
			if r.Float64() < 0.8 {
				op.Background = math.Exp(between(r, math.Log(0.0003), math.Log(0.02)))
			}
			if len(s.calls) > 0 && r.Float64() < 0.7 {
				op.Calls = s.calls[r.IntN(len(s.calls))]
			}
			svc.Operations = append(svc.Operations, op)
		}
		w.Services = append(w.Services, svc)
	}
	w.hit = make([][]int, len(w.Services))
	w.deploy(r)
	for _, s := range slices.Concat(Bad, Hard) {
		for range s.N {
			w.spoil(r, s.Kind)
		}
	}
	for _, s := range Others {
		for range s.N {
			w.strike(r, s.Kind)
		}
	}
	w.number() // again, since some were rolled back
	return w
}

func between(r *rand.Rand, a, b float64) float64 { return a + (b-a)*r.Float64() }

func minutes(r *rand.Rand, a, b float64) time.Duration {
	return time.Duration(between(r, a, b) * float64(time.Minute))
}

// skew returns by how much a clock is wrong: mostly seconds, at most a minute and a half.
func skew(r *rand.Rand) time.Duration {
	return time.Duration(max(-90, min(90, r.NormFloat64()*20)) * float64(time.Second))
}

// load returns the traffic of a time of the day, of the average.
func load(t time.Time) float64 {
	h := float64(t.Hour()) + float64(t.Minute())/60
	return 1 + 0.85*math.Sin((h-8)/24*2*math.Pi)
}
