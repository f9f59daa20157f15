package deployment

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

// gitHub is what is read of a webhook of GitHub, event deployment_status
// (https://docs.github.com/webhooks/webhook-events-and-payloads).
type gitHub struct {
	Status *struct {
		State          string    `json:"state"`
		Environment    string    `json:"environment"`
		EnvironmentURL string    `json:"environment_url"`
		TargetURL      string    `json:"target_url"`
		LogURL         string    `json:"log_url"`
		CreatedAt      time.Time `json:"created_at"`
	} `json:"deployment_status"`
	Deployment struct {
		ID          int64           `json:"id"`
		SHA         string          `json:"sha"`
		Ref         string          `json:"ref"`
		Task        string          `json:"task"`
		Environment string          `json:"environment"`
		Description string          `json:"description"`
		Payload     json.RawMessage `json:"payload"`
		Creator     struct {
			Login string `json:"login"`
		} `json:"creator"`
	} `json:"deployment"`
	Repository struct {
		Name     string `json:"name"`
		FullName string `json:"full_name"`
		HTMLURL  string `json:"html_url"`
	} `json:"repository"`
}

// parseGitHub reads a webhook. The service is what the payload of the deployment
// calls so, or else the repository.
func parseGitHub(header http.Header, body []byte) (d Deployment, some bool, err error) {
	if header.Get("X-GitHub-Event") != "deployment_status" {
		return d, false, nil
	}
	var e gitHub
	if err := decode(body, &e); err != nil {
		return d, false, err
	}
	if e.Status == nil {
		return d, false, fmt.Errorf("deployment_status is missing")
	}
	status, known := ParseStatus(e.Status.State) // inactive, pending and queued are none
	if !known {
		return d, false, nil
	}
	var own struct {
		Service   string `json:"service"`
		Version   string `json:"version"`
		Changelog string `json:"changelog_url"`
		Rollback  string `json:"rollback_command"`
	}
	_ = json.Unmarshal(e.Deployment.Payload, &own) // it may be anything
	return Deployment{
		Scope:     correlate.Scope{Service: cmp.Or(own.Service, e.Repository.Name), Environment: cmp.Or(e.Status.Environment, e.Deployment.Environment)},
		Version:   cmp.Or(own.Version, tag(e.Deployment.Ref)),
		Revision:  e.Deployment.SHA,
		ID:        fmt.Sprintf("github:%s:%d", e.Repository.FullName, e.Deployment.ID),
		Name:      e.Deployment.Description,
		Time:      e.Status.CreatedAt,
		Status:    status,
		Back:      strings.Contains(strings.ToLower(e.Deployment.Task), "rollback"),
		By:        e.Deployment.Creator.Login,
		Changelog: cmp.Or(own.Changelog, under(e.Repository.HTMLURL, "/commits/", e.Deployment.SHA)),
		Rollback:  own.Rollback,
		Links:     links("log", cmp.Or(e.Status.LogURL, e.Status.TargetURL), "environment", e.Status.EnvironmentURL),
		Source:    "github",
	}, true, nil
}

// decode reads a JSON object. Its errors quote nothing of it.
func decode(body []byte, v any) error {
	if err := json.Unmarshal(body, v); err != nil {
		switch err := err.(type) {
		case *json.SyntaxError:
			return fmt.Errorf("no JSON, at byte %d", err.Offset)
		case *json.UnmarshalTypeError:
			return fmt.Errorf("a field has another type than it should, at byte %d", err.Offset)
		}
		return fmt.Errorf("a field cannot be read")
	}
	return nil
}

// tag returns a reference if it looks like that of a version, and not like a branch.
func tag(ref string) string {
	ref = strings.TrimPrefix(ref, "refs/tags/")
	digits := strings.TrimPrefix(ref, "v")
	if digits == "" || digits[0] < '0' || digits[0] > '9' || !strings.Contains(digits, ".") || strings.Contains(digits, "/") {
		return ""
	}
	return ref
}

// under returns a URL below another, if both parts are known.
func under(base, path, name string) string {
	if base == "" || name == "" {
		return ""
	}
	return strings.TrimSuffix(base, "/") + path + name
}

// links returns pairs of a name and a URL as links, without those that are empty.
func links(pairs ...string) (out []Link) {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			out = append(out, Link{Name: pairs[i], URL: pairs[i+1]})
		}
	}
	return out
}
