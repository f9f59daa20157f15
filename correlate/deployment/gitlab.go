package deployment

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/spanticket/spanticket/correlate"
)

// gitLab is what is read of a deployment event of GitLab
// (https://docs.gitlab.com/user/project/integrations/webhook_events/#deployment-events).
type gitLab struct {
	Kind            string `json:"object_kind"`
	Status          string `json:"status"`
	StatusChangedAt string `json:"status_changed_at"`
	DeploymentID    int64  `json:"deployment_id"`
	DeployableURL   string `json:"deployable_url"`
	Environment     string `json:"environment"`
	ExternalURL     string `json:"environment_external_url"`
	Project         struct {
		Path   string `json:"path_with_namespace"`
		WebURL string `json:"web_url"`
	} `json:"project"`
	ShortSHA string `json:"short_sha"`
	User     struct {
		Username string `json:"username"`
	} `json:"user"`
	CommitURL   string `json:"commit_url"`
	CommitTitle string `json:"commit_title"`
	Ref         string `json:"ref"`
}

// parseGitLab reads a webhook. The service is the last part of the project's path.
func parseGitLab(header http.Header, body []byte) (d Deployment, some bool, err error) {
	if header.Get("X-Gitlab-Event") != "Deployment Hook" {
		return d, false, nil
	}
	var e gitLab
	if err := decode(body, &e); err != nil {
		return d, false, err
	}
	status, known := ParseStatus(e.Status) // created and blocked are none
	if e.Kind != "deployment" || !known {
		return d, false, nil
	}
	at, _ := timeOf(e.StatusChangedAt)
	revision := e.ShortSHA
	if full := lastPart(e.CommitURL); isHex(full) && strings.HasPrefix(full, revision) {
		revision = full
	}
	return Deployment{
		Scope:     correlate.Scope{Service: lastPart(e.Project.Path), Environment: e.Environment},
		Version:   tag(e.Ref),
		Revision:  revision,
		ID:        fmt.Sprintf("gitlab:%s:%d", e.Project.Path, e.DeploymentID),
		Name:      e.CommitTitle,
		Time:      at,
		Status:    status,
		By:        e.User.Username,
		Changelog: under(e.Project.WebURL, "/-/commits/", revision),
		Links:     links("job", e.DeployableURL, "commit", e.CommitURL, "environment", e.ExternalURL),
		Source:    "gitlab",
	}, true, nil
}

// lastPart returns what follows the last slash.
func lastPart(path string) string {
	path = strings.TrimRight(path, "/")
	return path[strings.LastIndexByte(path, '/')+1:]
}
