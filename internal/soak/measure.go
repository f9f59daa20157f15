package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"
)

// measures are what must not grow. What is not more than the slack is noise.
var measures = [...]struct {
	name  string
	slack int64
}{
	{"goroutines", 0},
	{"files open", 0},
	{"heap KiB", 2 << 10},
	{"store KiB", 64},
	{"journal KiB", 64},
	{"tickets KiB", 64},
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
// goroutines and files are the least that were seen.
func take(dir string, patience time.Duration, baseline *sample) (s sample) {
	if baseline == nil {
		patience = time.Second
	}
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		s.values[goroutines], s.values[filesOpen] = int64(runtime.NumGoroutine()), int64(openFiles())
		if time.Now().After(end) || baseline != nil &&
			s.values[goroutines] <= baseline.values[goroutines] && s.values[filesOpen] <= baseline.values[filesOpen] {
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

// leastSamples is how many it takes to see a trend.
const leastSamples = 8

// trends returns what grew over the second half: the median of the last quarter is
// more than a tenth, or of what is counted at all, above that of the second.
func trends(samples []sample) error {
	n := len(samples)
	if n < leastSamples {
		return nil
	}
	var errs []error
	for i, m := range measures {
		before, after := median(samples[n/4:n/2], i), median(samples[n-n/4:], i)
		allowed := before
		if m.slack > 0 {
			allowed = before + before/10 + m.slack
		}
		if after > allowed {
			errs = append(errs, fmt.Errorf("%s grew: %d in the second quarter, %d in the last; at most %d are allowed", m.name, before, after, allowed))
		}
	}
	return errors.Join(errs...)
}

func median(samples []sample, measure int) int64 {
	values := make([]int64, 0, len(samples))
	for _, s := range samples {
		values = append(values, s.values[measure])
	}
	slices.Sort(values)
	return values[len(values)/2]
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
	records = records[:n]
	slices.SortFunc(records, func(a, b runtime.MemProfileRecord) int { return cmp.Compare(b.InUseBytes(), a.InUseBytes()) })
	for _, r := range records[:min(top, n)] {
		fmt.Fprintf(out, "%d KiB in %d objects\n", r.InUseBytes()>>10, r.InUseObjects())
		frames := runtime.CallersFrames(r.Stack())
		for range 8 {
			f, more := frames.Next()
			fmt.Fprintf(out, "\t%s %s:%d\n", f.Function, filepath.Base(f.File), f.Line)
			if !more {
				break
			}
		}
	}
}
