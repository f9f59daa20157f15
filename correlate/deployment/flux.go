package deployment

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

// flux is what is read of an event of Flux's notification controller
// (https://fluxcd.io/flux/components/notification/events/), as providers of the types
// generic and generic-hmac send it.
type flux struct {
	Object *struct {
		Kind      string `json:"kind"`
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
	} `json:"involvedObject"`
	Timestamp  time.Time         `json:"timestamp"`
	Message    string            `json:"message"`
	Reason     string            `json:"reason"`
	Metadata   map[string]string `json:"metadata"`
	Controller string            `json:"reportingController"`
}

// fluxReasons are those that tell of a deployment.
var fluxReasons = map[string]Status{
	"ReconciliationSucceeded": Succeeded, "ReconciliationFailed": Failed, "HealthCheckFailed": Failed, "Progressing": Started,
	"InstallSucceeded": Succeeded, "UpgradeSucceeded": Succeeded, "RollbackSucceeded": Succeeded,
	"InstallFailed": Failed, "UpgradeFailed": Failed, "UninstallSucceeded": Removed,
}

// parseFlux reads an event. The service is the name of the Kustomization or HelmRelease; the
// alert's eventMetadata may say "service", "environment" and "version".
func parseFlux(_ http.Header, body []byte) (d Deployment, some bool, err error) {
	var e flux
	if err := decode(body, &e); err != nil {
		return d, false, err
	}
	if e.Object == nil {
		return d, false, fmt.Errorf("involvedObject is missing")
	}
	status, known := fluxReasons[e.Reason]
	if !known || e.Object.Kind != "Kustomization" && e.Object.Kind != "HelmRelease" {
		return d, false, nil
	}
	// The names of controllers may stand before those of their values.
	value := func(names ...string) string {
		for _, name := range names {
			for _, key := range slices.Sorted(maps.Keys(e.Metadata)) {
				if lastPart(key) == name && e.Metadata[key] != "" {
					return e.Metadata[key]
				}
			}
		}
		return ""
	}
	d = Deployment{
		Scope:  correlate.Scope{Service: value("service"), Environment: value("environment", "env")},
		Region: value("region"),
		Name:   e.Object.Kind + " " + e.Object.Namespace + "/" + e.Object.Name,
		Time:   e.Timestamp,
		Status: status,
		Back:   e.Reason == "RollbackSucceeded",
		Source: "flux",
	}
	if d.Scope.Service == "" {
		d.Scope.Service = e.Object.Name
	}
	d.Version, d.Revision = fluxRevision(value("revision"))
	if v := value("version", "app-version"); v != "" {
		d.Version = v
	}
	return d, true, nil
}

// fluxRevision splits "main@sha1:..." or "v1.2.3@sha256:...", and what Flux wrote
// before, "main/...". Of an OCI artifact the digest is none of the source's.
func fluxRevision(s string) (version, revision string) {
	name, digest, found := strings.Cut(s, "@")
	if !found {
		if last := lastPart(s); last != s && isHex(last) {
			return "", last
		}
		if rest, ok := strings.CutPrefix(s, "sha1:"); ok {
			return "", rest
		}
		return s, ""
	}
	if rest, ok := strings.CutPrefix(digest, "sha1:"); ok {
		return tag(name), rest
	}
	return name, ""
}
