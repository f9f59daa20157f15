package webhook

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/spanticket/spanticket/sinks"
)

// An event is one change of a ticket, as a receiver sees it.
type event struct {
	id   string // no dot: it would move the parts of the signed content
	typ  string
	time time.Time
	t    sinks.Ticket
}

// newEvent names the change that made t. Without one of the contract's events
// in t it is otherwise.
func newEvent(t sinks.Ticket, otherwise sinks.Event) event {
	name, at, version := t.Event, t.LastSeen, ""
	switch name {
	case sinks.EventOpened, sinks.EventUpdated, sinks.EventResolved, sinks.EventReopened:
	default:
		name = otherwise
	}
	switch {
	case name == sinks.EventOpened && !t.OpenedAt.IsZero():
		at = t.OpenedAt
		version = instant(at)
	case name == sinks.EventOpened:
		at = t.FirstSeen
		version = instant(at)
	case name == sinks.EventResolved && !t.ResolvedAt.IsZero():
		at = t.ResolvedAt
		version = instant(at)
	default:
		version = fmt.Sprintf("%d %s", t.Count, instant(at))
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %s", t.Key, name, version))
	return event{
		id:   "msg_" + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:20])),
		typ:  "spanticket.ticket." + string(name),
		time: at.UTC(),
		t:    t,
	}
}

func instant(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// plain is the body that Standard Webhooks recommends, section "Payload
// structure".
func (e event) plain() ([]byte, error) {
	return json.Marshal(struct {
		Type      string       `json:"type"`
		Timestamp time.Time    `json:"timestamp,omitzero"`
		Data      sinks.Ticket `json:"data"`
	}{e.typ, e.time, e.t})
}

// cloudEvent is the CloudEvents JSON format 1.0.2, section 3. Its source and id
// stay the same when the change is sent again.
func (e event) cloudEvent() ([]byte, error) {
	return json.Marshal(struct {
		SpecVersion     string       `json:"specversion"`
		ID              string       `json:"id"`
		Source          string       `json:"source"`
		Type            string       `json:"type"`
		Subject         string       `json:"subject,omitempty"`
		Time            time.Time    `json:"time,omitzero"`
		DataContentType string       `json:"datacontenttype"`
		Data            sinks.Ticket `json:"data"`
	}{"1.0", e.id, source(e.t), e.typ, e.t.Key, e.time, "application/json", e.t})
}

// source is a URI reference that names the service that found the problem:
// /spanticket/namespace/environment/service, without what is empty.
func source(t sinks.Ticket) string {
	s := "/spanticket"
	for _, part := range []string{t.Namespace, t.Environment, t.Service} {
		if part != "" {
			s += "/" + url.PathEscape(strings.ToValidUTF8(part, "\uFFFD"))
		}
	}
	return s
}
