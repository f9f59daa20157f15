package redact_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/redact"
	"github.com/spanticket/spanticket/sinks"
)

// documents are all that is stored or leaves. What they contain is found by
// reflection, so that a field that is added later is among it.
var documents = []any{
	new(sinks.Ticket), new(sinks.Receipt),
	new(correlate.Problem), new(correlate.Occurrence), new(correlate.Decision), new(correlate.Delivery), new(correlate.Parked),
	new(correlate.Signature), new(correlate.Member), new(correlate.TraceOrigin), new(correlate.Record), new(correlate.News),
	new(correlate.Admission),
}

// parts calls do with the parts of v, a document or a part of one, that hold no
// sketch: hashes of what was counted, which are stored with a problem and hold
// no text.
func parts(v reflect.Value, path string, do func(v reflect.Value, path string)) {
	switch {
	case v.Type() == reflect.TypeFor[correlate.Sketch]():
	case !holdsSketch(v.Type(), 0):
		do(v, path)
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				parts(v.Field(i), path+"."+f.Name, do)
			}
		}
	default:
		elem := reflect.New(v.Type().Elem()).Elem()
		parts(elem, path+"[]", do)
	}
}

func holdsSketch(t reflect.Type, depth int) bool {
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			if holdsSketch(t.Field(i).Type, depth+1) {
				return true
			}
		}
		return t == reflect.TypeFor[correlate.Sketch]()
	case reflect.Slice, reflect.Map, reflect.Pointer, reflect.Array:
		return depth < 12 && holdsSketch(t.Elem(), depth+1)
	}
	return false
}

// planter fills a document with canaries, each in a place of its own.
type planter struct {
	canaries map[string]string // and where they are
}

func (p *planter) canary(path string) string {
	c := fmt.Sprintf("canary%dcanary", len(p.canaries))
	p.canaries[c] = path
	return "a password=" + c + " b"
}

// plant puts a canary into every string in v: elements of lists, keys and values
// of maps, and what pointers lead to.
func (p *planter) plant(v reflect.Value, path string, depth int) {
	if depth > 12 || v.Type() == reflect.TypeFor[time.Time]() {
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(p.canary(path))
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				p.plant(v.Field(i), path+"."+f.Name, depth+1)
			}
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte(p.canary(path)))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			p.plant(v.Index(i), fmt.Sprintf("%s[%d]", path, i), depth+1)
		}
	case reflect.Array:
		for i := range v.Len() {
			p.plant(v.Index(i), fmt.Sprintf("%s[%d]", path, i), depth+1)
		}
	case reflect.Map:
		key, elem := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		p.plant(key, path+"(key)", depth+1)
		p.plant(elem, path+"[key]", depth+1)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, elem)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		p.plant(v.Elem(), path, depth+1)
	case reflect.Interface:
		if v.NumMethod() == 0 {
			v.Set(reflect.ValueOf(p.canary(path)))
		}
	}
}

// stringsIn adds every string in v to found, in whatever it is.
func stringsIn(v reflect.Value, found map[string]bool) {
	switch v.Kind() {
	case reflect.String:
		found[v.String()] = true
	case reflect.Struct:
		for i := range v.NumField() {
			stringsIn(v.Field(i), found)
		}
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 && v.Kind() == reflect.Slice {
			found[string(v.Bytes())] = true
			return
		}
		for i := range v.Len() {
			stringsIn(v.Index(i), found)
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			stringsIn(it.Key(), found)
			stringsIn(it.Value(), found)
		}
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			stringsIn(v.Elem(), found)
		}
	}
}

func TestEveryStringOfEveryDocumentIsRedacted(t *testing.T) {
	var r redact.Redactor
	for _, doc := range documents {
		t.Run(fmt.Sprintf("%T", doc), func(t *testing.T) {
			p := planter{canaries: map[string]string{}}
			v := reflect.ValueOf(doc).Elem()
			parts(v, v.Type().String(), func(v reflect.Value, path string) {
				planted := len(p.canaries)
				p.plant(v, path, 0)
				found := map[string]bool{}
				stringsIn(v, found)
				require.Equal(t, planted < len(p.canaries), strings.Contains(strings.Join(keys(found), "\n"), "canary"), path)

				require.NoError(t, r.Document(v.Addr().Interface()), path)
				found = map[string]bool{}
				stringsIn(v, found)
				left := strings.Join(keys(found), "\n")
				for c, at := range p.canaries {
					require.NotContains(t, left, c, at)
				}
			})
			require.NotEmpty(t, p.canaries)
			t.Logf("%d places", len(p.canaries))
		})
	}
}

func keys(m map[string]bool) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	return out
}
