package sinktest

import (
	"runtime"
	"strings"
	"weak"

	"github.com/spanticket/spanticket/sinks"
)

func retained(c *check) {
	u, isUpdater := sinks.As[sinks.Updater](c.sink)
	methods := []string{"File", "Update"}
	if !isUpdater {
		methods = methods[:1]
	}
	key := newKey()
	var r sinks.Receipt
	for _, method := range methods {
		// The ticket lives in this function only, so that nothing but the sink can
		// hold what it pointed to.
		watched := func() []func() string {
			t := fit(full(key), c.sink)
			ok := false
			if method == "File" {
				r, ok = c.accept("a full ticket", t)
			} else {
				t.Event = sinks.EventUpdated
				r, ok = c.update(u, "a full ticket", r, t)
			}
			if !ok {
				return nil
			}
			for i := range t.Evidence {
				for k := range t.Evidence[i].Attributes {
					t.Evidence[i].Attributes[k] = "overwritten" // the race detector sees a sink that reads it now
				}
			}
			return []func() string{
				watch("Labels", t.Labels), watch("Path", t.Path), watch("Facts", t.Facts), watch("Missing", t.Missing),
				watch("Links", t.Links), watch("Evidence", t.Evidence), watch("History", t.History), watch("Why", t.Why),
			}
		}()
		if watched == nil {
			return
		}
		var names []string
		for range 10 { // a pool drops what it holds at the second collection
			runtime.GC()
			names = names[:0]
			for _, h := range watched {
				if name := h(); name != "" {
					names = append(names, "Ticket."+name)
				}
			}
			if len(names) == 0 {
				break
			}
		}
		if len(names) > 0 {
			c.failf("%s keeps %s", method, strings.Join(names, ", "))
		}
	}
}

// watch returns a function that returns name for as long as someone keeps the
// memory of s, without keeping it itself. It overwrites s.
func watch[T any](name string, s []T) func() string {
	if len(s) == 0 {
		return func() string { return "" }
	}
	p := weak.Make(&s[0])
	clear(s)
	return func() string {
		if p.Value() == nil {
			return ""
		}
		return name
	}
}
