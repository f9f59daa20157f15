package render

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// marks are what stands for a value that was withheld: the redactor's marks,
// those of earlier versions, and the holes of links.
var marks = regexp.MustCompile(`\[REDACTED:([a-z0-9-]{1,40})(?::[0-9a-f]+)?\]|\[redacted: ([a-z0-9 -]{1,40})\]|[/=?&#]` + hole + `\b`)

// redactions counts the values that were withheld from a document, by kind. It
// counts what stands there, because most of them went when the problem was stored.
func redactions(v reflect.Value, counts map[string]int) {
	switch v.Kind() {
	case reflect.String:
		if s := v.String(); strings.Contains(s, hole) || strings.Contains(s, "[redacted: ") {
			for _, m := range marks.FindAllStringSubmatch(s, -1) {
				counts[cmp.Or(m[1], strings.ReplaceAll(m[2], " ", "-"), "url")]++
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			redactions(v.Field(i), counts)
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			redactions(v.Index(i), counts)
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			redactions(it.Key(), counts)
			redactions(it.Value(), counts)
		}
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			redactions(v.Elem(), counts)
		}
	}
}

// withheldValues is what a ticket says of values that are not on it, wherever one
// would stand: the most frequent kinds first. It is "" if there are none.
func withheldValues(counts map[string]int) string {
	const most = 5
	kinds := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	n, parts := 0, make([]string, 0, most+1)
	for i, k := range kinds {
		n += counts[k]
		if i < most {
			parts = append(parts, fmt.Sprintf("%d %s", counts[k], k))
		}
	}
	if more := len(kinds) - most; more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more kinds", more))
	}
	switch n {
	case 0:
		return ""
	case 1:
		return "1 value: withheld, because it is secret or personal (" + kinds[0] + ")"
	}
	return fmt.Sprintf("%d values: withheld, because they are secret or personal (%s)", n, strings.Join(parts, ", "))
}
