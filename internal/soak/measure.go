package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// measures are what must not grow. Files may fill up to what they are given.
var measures = [...]struct {
	name  string
	slack int64 // of many samples: what is not more is noise
	most  int64 // 0 where that is not known beforehand
}{
	{"goroutines", 0, 0},
	{"files open", 0, 0},
	{"heap KiB", 4 << 10, 0},              // engines come and go, with more and less in them
	{"store KiB", 0, 4 * mostBytes >> 10}, // three times as large; a small file grows by doubling
	{"journal KiB", 0, 1 << 10},
	{"tickets KiB", 0, 3*mostTickets>>10 + 64}, // the file, two before it, and a line
}

const (
	goroutines = iota
	filesOpen
	heap
	storeSize
	journalSize
	ticketsSize
)

// sample is what was in use at one time.
type sample struct {
	after   time.Duration
	values  [len(measures)]int64
	spans   int64 // that the engines were given
	tickets int   // that the trackers have
}

// take measures, with files in a folder. What is on its way out has some time for it:
// goroutines and files are the least that were seen, once they are no more than ever
// before, or the time is over.
func take(dir string, patience time.Duration, least *sample) (s sample) {
	if least == nil {
		patience = time.Second
	}
	s.values[goroutines], s.values[filesOpen] = math.MaxInt64, math.MaxInt64
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		s.values[goroutines] = min(s.values[goroutines], int64(runtime.NumGoroutine()))
		s.values[filesOpen] = min(s.values[filesOpen], int64(openFiles()))
		if time.Now().After(end) || least != nil &&
			s.values[goroutines] <= least.values[goroutines] && s.values[filesOpen] <= least.values[filesOpen] {
			break
		}
	}
	runtime.GC()
	runtime.GC() // what the first has finalized
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	s.values[heap] = int64(m.HeapAlloc >> 10)
	s.values[storeSize] = sizeOf(dir, storeFile)
	s.values[journalSize] = sizeOf(dir, storeFile+".journal*")
	s.values[ticketsSize] = sizeOf(dir, ticketFile+"*")
	return s
}

// openFiles returns how many file descriptors are open, or 0 where that is not told.
func openFiles() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}

// sizeOf returns the KiB of the files whose names match.
func sizeOf(dir, pattern string) (kib int64) {
	names, _ := filepath.Glob(filepath.Join(dir, pattern))
	for _, name := range names {
		if info, err := os.Stat(name); err == nil {
			kib += info.Size() >> 10
		}
	}
	return kib
}

const (
	// leastSamples is how many it takes to see a trend, and manySamples to see one well.
	leastSamples = 8
	manySamples  = 40
)

// trends returns what grew over the second half: the lower quartile of the last quarter
// is more than a tenth, or of what is counted at all, above that of the second. What is
// at hand comes and goes, and what grows never goes. Files have a size that they must
// never exceed.
func trends(samples []sample) error {
	n := len(samples)
	var errs []error
	for i, m := range measures {
		if m.most > 0 {
			for _, s := range samples {
				if s.values[i] > m.most {
					errs = append(errs, fmt.Errorf("%s grew: %d after %v; at most %d are allowed", m.name, s.values[i], s.after.Round(time.Second), m.most))
					break
				}
			}
			continue
		}
		if n < leastSamples {
			continue
		}
		before, after := lowerQuartile(samples[n/4:n/2], i), lowerQuartile(samples[n-n/4:], i)
		allowed := before
		if m.slack > 0 {
			allowed = before + before/10 + m.slack*int64(max(manySamples, n))/int64(n)
		}
		if after > allowed {
			errs = append(errs, fmt.Errorf("%s grew: %d in the second quarter, %d in the last; at most %d are allowed", m.name, before, after, allowed))
		}
	}
	return errors.Join(errs...)
}

func lowerQuartile(samples []sample, measure int) int64 {
	values := make([]int64, 0, len(samples))
	for _, s := range samples {
		values = append(values, s.values[measure])
	}
	slices.Sort(values)
	return values[len(values)/4]
}

// holders prints the places that hold most memory, as far as it is sampled.
func holders(out io.Writer, top int) {
	if top <= 0 {
		return
	}
	records := make([]runtime.MemProfileRecord, 1<<16)
	n, ok := runtime.MemProfile(records, false)
	if !ok {
		fmt.Fprintln(out, "there are too many places to tell which hold most memory")
		return
	}
	held := map[string]int64{}
	for _, r := range records[:n] {
		held[place(r.Stack())] += estimate(r)
	}
	places := slices.SortedFunc(maps.Keys(held), func(a, b string) int { return cmp.Compare(held[b], held[a]) })
	for _, p := range places[:min(top, len(places))] {
		fmt.Fprintf(out, "%d KiB\n%s", held[p]>>10, p)
	}
}

// estimate returns how many bytes the samples of a place stand for.
func estimate(r runtime.MemProfileRecord) int64 {
	if r.InUseObjects() == 0 {
		return 0
	}
	size := float64(r.InUseBytes()) / float64(r.InUseObjects())
	return int64(float64(r.InUseBytes()) / (1 - math.Exp(-size/float64(runtime.MemProfileRate))))
}

// place returns the innermost calls of a stack, without the runtime's.
func place(stack []uintptr) string {
	var b strings.Builder
	frames := runtime.CallersFrames(stack)
	for n, more := 0, true; n < 5 && more; {
		var f runtime.Frame
		f, more = frames.Next()
		if strings.HasPrefix(f.Function, "runtime.") || strings.HasPrefix(f.Function, "internal/runtime/") {
			continue
		}
		fmt.Fprintf(&b, "\t%s %s:%d\n", f.Function, filepath.Base(f.File), f.Line)
		n++
	}
	return b.String()
}
