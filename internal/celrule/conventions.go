package celrule

import (
	_ "embed"
	"maps"
	"slices"
	"strings"
	"sync"
)

//go:generate go run conventions_gen.go

//go:embed conventions.txt
var conventionsText string

// attributeType is the type that an attribute has by convention, as far as it
// says how a value is read that was recorded as another.
type attributeType uint8

const (
	asRecorded attributeType = iota // none, or a list
	textType
	intType
	floatType
	boolType
)

// attributeTypes are those of semantic conventions that are not read as recorded.
var attributeTypes = map[string]attributeType{
	"string":  textType,
	"int":     intType,
	"double":  floatType,
	"boolean": boolType,
}

// conventionInfo is what OpenTelemetry's semantic conventions say of an attribute.
type conventionInfo struct {
	Type string // string, int, double, boolean, string[], int[] or any
	// Old says that the newest version does not have it any more. It has moved
	// to conventions of its own, or is deprecated.
	Old         bool
	Replacement string // of an old one; "" if it is not known
}

var conventions = sync.OnceValue(func() map[string]conventionInfo {
	table := make(map[string]conventionInfo, strings.Count(conventionsText, "\n"))
	for line := range strings.Lines(conventionsText) {
		// name type [old [replacement]]
		f := append(strings.Fields(line), "", "")
		if f[0] != "#" {
			table[f[0]] = conventionInfo{Type: f[1], Old: f[2] == "old", Replacement: f[3]}
		}
	}
	return table
})

// convention returns what is known of an attribute.
func convention(key string) (conventionInfo, bool) {
	c, ok := conventions()[key]
	return c, ok
}

// conventionNames returns the names of all attributes that are known, sorted.
func conventionNames() []string { return slices.Sorted(maps.Keys(conventions())) }

// typeByConvention returns the type that values of an attribute are read as.
func typeByConvention(key string) attributeType { return attributeTypes[conventions()[key].Type] }
