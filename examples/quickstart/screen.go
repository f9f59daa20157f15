package main

import (
	"fmt"
	"io"
	"sync"
)

// screen is where the program writes to. It keeps what goroutines write at the
// same time apart.
type screen struct {
	mu sync.Mutex
	w  io.Writer
}

// Write implements [io.Writer].
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(p)
}

// Fd returns the descriptor of what is written to, by which the console sink
// knows a terminal. One that has none gives an impossible one.
func (s *screen) Fd() uintptr {
	if f, ok := s.w.(interface{ Fd() uintptr }); ok {
		return f.Fd()
	}
	return ^uintptr(0)
}

// say writes a line. That it cannot be written is no reason to stop.
func (s *screen) say(format string, args ...any) { fmt.Fprintf(s, format+"\n", args...) }
