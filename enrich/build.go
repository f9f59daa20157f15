package enrich

import (
	"runtime/debug"

	"github.com/spanticket/spanticket/correlate"
)

// What [Build] says about the revision it gives, for which the semantic
// conventions have no names. They stand beside the revision that they are about,
// since the resource may name another.
const (
	attrBuildRevision = "spanticket.build.revision"
	attrCommitTime    = "spanticket.build.commit_time" // RFC 3339
	attrModified      = "spanticket.build.modified"    // true when uncommitted changes were built in
)

// Build returns what the Go toolchain recorded in this binary: the path of its
// main module, and resource attributes for where the process's own resource is
// silent.
//
//   - service.version is the version of the main module, unless it was built
//     without one ("(devel)")
//   - vcs.ref.head.revision is the commit it was built from
//   - the names under spanticket.build say when that was committed and whether
//     changes were built in that were not; [Resource] shows them
//
// Both are empty for a binary without build information. A test binary, and
// what "go run" builds, has no revision.
func Build() (module string, attrs []correlate.Attribute) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "", nil
	}
	return info.Main.Path, buildAttributes(info)
}

func buildAttributes(info *debug.BuildInfo) []correlate.Attribute {
	var attrs []correlate.Attribute
	if v := info.Main.Version; v != "" && v != "(devel)" {
		attrs = append(attrs, correlate.Attribute{Key: "service.version", Value: v})
	}
	settings := make(map[string]string)
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	revision := settings["vcs.revision"]
	if revision == "" {
		return attrs
	}
	attrs = append(attrs,
		correlate.Attribute{Key: "vcs.ref.head.revision", Value: revision},
		correlate.Attribute{Key: attrBuildRevision, Value: revision},
	)
	if t := settings["vcs.time"]; t != "" {
		attrs = append(attrs, correlate.Attribute{Key: attrCommitTime, Value: t})
	}
	if settings["vcs.modified"] == "true" {
		attrs = append(attrs, correlate.Attribute{Key: attrModified, Value: true})
	}
	return attrs
}
