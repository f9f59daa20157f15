package rehearsal

import (
	"io/fs"
	"regexp"
	"slices"

	"github.com/spanticket/spanticket/internal/rulefile"
)

var plainName = regexp.MustCompile(`^[\w.-]+$`)

// SinkNames returns the sinks that the rules of files name, or otherwise if they
// name none; the files are as in Config.RuleFiles. The rules are those of a
// service that has these sinks; a rehearsal has none of them, and takes them as
// they come.
func SinkNames(fsys fs.FS, patterns []string, otherwise ...string) []string {
	files, err := rulefile.Read(fsys, patterns...)
	if err != nil {
		return otherwise // whoever compiles the rules says it
	}
	_, _ = rulefile.Compile(files, nil, nil) // gives the rules what files share; likewise
	var names []string
	for _, f := range files {
		for _, r := range f.Rules {
			for _, name := range r.Sinks {
				if plainName.MatchString(name) && !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
		}
	}
	if names == nil {
		return otherwise
	}
	slices.Sort(names)
	return names
}
