package deployment

import (
	"cmp"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

// cloudEvent is the envelope of an event in the body (CloudEvents 1.0, HTTP binding, structured mode).
type cloudEvent struct {
	ID     string          `json:"id"`
	Source string          `json:"source"`
	Type   string          `json:"type"`
	Data   json.RawMessage `json:"data"`
}

// cdEvent is what is read of an event about a service (https://cdevents.dev).
type cdEvent struct {
	Context struct {
		ID        string    `json:"id"`
		Source    string    `json:"source"`
		Type      string    `json:"type"`
		Timestamp time.Time `json:"timestamp"`
	} `json:"context"`
	Subject struct {
		ID      string `json:"id"`
		Content struct {
			Environment struct {
				ID   string `json:"id"`
				Name string `json:"name"`
			} `json:"environment"`
			ArtifactID string `json:"artifactId"`
		} `json:"content"`
	} `json:"subject"`
	Custom json.RawMessage `json:"customData"`
}

// envelope returns the envelope of an event in either mode, and its data.
func envelope(header http.Header, body []byte) (e cloudEvent, err error) {
	if media, _, _ := mime.ParseMediaType(header.Get("Content-Type")); media == structured {
		err = decode(body, &e)
		return e, err
	}
	return cloudEvent{ID: header.Get("Ce-Id"), Source: header.Get("Ce-Source"), Type: header.Get("Ce-Type"), Data: body}, nil
}

// eventOf returns by what an event is known.
func eventOf(header http.Header, body []byte) (source, id string) {
	e, err := envelope(header, body)
	if err != nil {
		return "", ""
	}
	return e.Source, e.ID
}

// parseCDEvents reads dev.cdevents.service.deployed, upgraded, rolledback and removed, of
// any version. What customData says in the names of plain JSON is above what is
// read from the subject.
func parseCDEvents(header http.Header, body []byte) (d Deployment, some bool, err error) {
	envelope, err := envelope(header, body)
	if err != nil {
		return d, false, err
	}
	rest, ok := strings.CutPrefix(envelope.Type, "dev.cdevents.service.")
	predicate, _, _ := strings.Cut(rest, ".")
	status := map[string]Status{"deployed": Succeeded, "upgraded": Succeeded, "rolledback": Succeeded, "removed": Removed}[predicate]
	if !ok || status == "" {
		return d, false, nil
	}
	var e cdEvent
	if err := decode(envelope.Data, &e); err != nil {
		return d, false, err
	}
	if e.Subject.ID == "" {
		return d, false, fmt.Errorf("subject.id is missing")
	}
	environment := e.Subject.Content.Environment
	d = Deployment{
		Scope:  correlate.Scope{Service: lastPart(e.Subject.ID), Environment: cmp.Or(environment.Name, lastPart(environment.ID))},
		Name:   e.Subject.Content.ArtifactID,
		Time:   e.Context.Timestamp,
		Status: status,
		Back:   predicate == "rolledback",
		Source: "cdevents",
	}
	d.Version, d.Revision = artifact(e.Subject.Content.ArtifactID)
	if custom, err := plain(e.Custom); err == nil {
		d.Scope.Namespace = custom.Scope.Namespace
		d.Scope.Service = cmp.Or(custom.Scope.Service, d.Scope.Service)
		d.Scope.Environment = cmp.Or(custom.Scope.Environment, d.Scope.Environment)
		d.Version, d.Revision = cmp.Or(custom.Version, d.Version), cmp.Or(custom.Revision, d.Revision)
		d.By, d.Changelog, d.Rollback, d.Links, d.Region = custom.By, custom.Changelog, custom.Rollback, custom.Links, custom.Region
	}
	return d, true, nil
}

// artifact returns what a package URL (pkg:type/name@version?qualifiers) says of
// version and revision. A digest is neither.
func artifact(purl string) (version, revision string) {
	rest, qualifiers, _ := strings.Cut(strings.TrimPrefix(purl, "pkg:"), "?")
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		version, _ = url.PathUnescape(rest[i+1:])
	}
	if strings.Contains(version, ":") { // a digest
		version = ""
	}
	values, _ := url.ParseQuery(qualifiers)
	if i := strings.LastIndexByte(values.Get("vcs_url"), '@'); i >= 0 {
		if rev := values.Get("vcs_url")[i+1:]; isHex(rev) {
			revision = rev
		}
	}
	return cmp.Or(version, values.Get("tag")), revision
}
