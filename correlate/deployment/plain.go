package deployment

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

// parsePlain reads plain JSON, or what Argo CD sends by our template.
func parsePlain(_ http.Header, body []byte) (d Deployment, some bool, err error) {
	var app struct {
		ArgoCD *argoCD `json:"argocd"`
	}
	if err := decode(body, &app); err != nil {
		return d, false, err
	}
	if app.ArgoCD != nil {
		return app.ArgoCD.deployment()
	}
	d, err = plain(body)
	if err == nil && d.Status == "" {
		return d, false, nil
	}
	return d, err == nil, err
}

// plainNames are the names of plain JSON, and what they are called as attributes,
// which may be used as well.
var plainNames = map[string]string{
	"service": "deployment.service", "namespace": "deployment.namespace", "environment": "deployment.environment.name",
	"version": "deployment.version", "revision": "vcs.ref.head.revision", "git_sha": "vcs.ref.head.revision", "id": "deployment.id",
	"name": "deployment.name", "region": "deployment.region", "by": "deployment.triggered_by", "deployer": "deployment.triggered_by",
	"changelog": "deployment.changelog_url", "rollback": "deployment.rollback_command", "url": "deployment.url", "time": "deployment.timestamp",
}

// plain reads an object with the names of [Deployment]'s fields, in lower case, or those of
// attributes. Its status is empty if the object has one that says that nothing has changed yet.
func plain(body []byte) (d Deployment, err error) {
	var members map[string]any
	if err := decode(body, &members); err != nil {
		return d, err
	}
	if members == nil {
		return d, fmt.Errorf("an object is expected")
	}
	var attrs []correlate.Attribute
	for key, value := range members {
		if name, ok := plainNames[strings.ToLower(key)]; ok {
			key = name
		}
		switch v := value.(type) {
		case string:
			attrs = append(attrs, correlate.Attribute{Key: key, Value: v})
		case float64:
			if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
				attrs = append(attrs, correlate.Attribute{Key: key, Value: int64(v)})
			} else {
				attrs = append(attrs, correlate.Attribute{Key: key, Value: v})
			}
		}
	}
	slices.SortFunc(attrs, func(a, b correlate.Attribute) int { // maps have no order
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(fmt.Sprint(a.Value), fmt.Sprint(b.Value)))
	})
	d = FromAttributes(attrs)
	d.Status, d.Source = Succeeded, "json"
	for _, key := range []string{"status", "deployment.status"} {
		if word, ok := members[key].(string); ok {
			d.Status, _ = ParseStatus(word)
		}
	}
	if t, ok := timeOf(members["done"]); ok {
		d.Done = t
	}
	d.Back, _ = members["back"].(bool)
	var more struct {
		Links []Link `json:"links"`
	}
	if json.Unmarshal(body, &more) == nil {
		d.Links = append(d.Links, more.Links...)
	}
	return d, nil
}

// argoCD is the body of the template in argocd-notifications.yaml: Argo CD's notifications have
// none of their own.
type argoCD struct {
	App         string   `json:"app"`
	Service     string   `json:"service"`
	Environment string   `json:"environment"`
	Namespace   string   `json:"namespace"` // of Kubernetes, where the application is deployed
	Revision    string   `json:"revision"`
	Phase       string   `json:"phase"`
	Started     string   `json:"started"`
	Finished    string   `json:"finished"`
	By          string   `json:"by"`
	Repository  string   `json:"repository"`
	Images      []string `json:"images"`
	URL         string   `json:"url"`
}

func (a argoCD) deployment() (d Deployment, some bool, err error) {
	if a.App == "" {
		return d, false, fmt.Errorf("argocd.app is missing")
	}
	status, known := ParseStatus(a.Phase)
	if !known {
		return d, false, nil
	}
	d = Deployment{
		Scope:    correlate.Scope{Service: cmp.Or(value(a.Service), a.App), Environment: value(a.Environment)},
		Revision: value(a.Revision),
		Name:     "application " + a.App + " to " + cmp.Or(value(a.Namespace), "its namespace"),
		Status:   status,
		By:       value(a.By),
		Links:    links("Argo CD", value(a.URL), "repository", strings.TrimSuffix(value(a.Repository), ".git")),
		Source:   "argocd",
	}
	if !isHex(d.Revision) { // of a Helm chart
		d.Version, d.Revision = d.Revision, ""
	}
	if v := imageTag(a.Images, d.Scope.Service); v != "" {
		d.Version = v
	}
	started, begun := timeOf(a.Started)
	finished, ended := timeOf(a.Finished)
	if begun {
		d.Time, d.ID = started, "argocd:"+a.App+":"+started.Format(time.RFC3339)
	}
	if ended && status.ended() {
		d.Time = cmpTime(d.Time, finished)
		d.Done = latest(d.Time, finished)
	}
	return d, true, nil
}

// value returns what a template has filled in, or nothing.
func value(s string) string {
	if s == "<no value>" || s == "<nil>" {
		return ""
	}
	return s
}

// imageTag returns the tag of the image of a service, or of the only image.
func imageTag(images []string, service string) string {
	for _, image := range images {
		image, _, _ = strings.Cut(image, "@")
		name, tag, _ := strings.Cut(lastPart(image), ":")
		if (name == service || len(images) == 1) && tag != "latest" {
			return tag
		}
	}
	return ""
}
