package correlate

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What is taken for known is well formed enough, and has nothing that decoding
// would pass over.
func FuzzKnows(f *testing.F) {
	for _, seed := range []string{
		`{"id":"a","filings":[{"sink":"b","receipt":{"id":""},"parked":null}],"samples":[{"attributes":{"x":"y"}}]}`,
		`{"id":"a","new":1}`, `{"ID":"a"}`, `{"\u0069d":"a"}`, `{"filings":[{"new":{}}]}`, `{"filings":{}}`, `{"id":"\\"}`, `{"id":"\""}`,
		"{ \"id\" :\t1 ,\n\"count\": [ ] }", `{"impact":{"share":{"failed":1,"x":2}}}`, `{}`, `null`, ``, `{`, `{"id"`, `{"id":"`, `[[[`, `{"id":1}x`,
		strings.Repeat("[", 100), strings.Repeat(`{"id":`, 100),
	} {
		f.Add([]byte(seed))
	}
	problem := shapeOf(reflect.TypeFor[Problem]())
	f.Fuzz(func(t *testing.T, data []byte) {
		known := problem.knows(data)
		if json.Unmarshal(data, new(Problem)) != nil {
			return
		}
		strict := json.NewDecoder(bytes.NewReader(data))
		strict.DisallowUnknownFields()
		err := strict.Decode(new(Problem))
		if known {
			require.NoError(t, err)
		}
		if err != nil {
			require.False(t, known)
		}
	})
}

func TestKnows(t *testing.T) {
	problem := shapeOf(reflect.TypeFor[Problem]())
	for _, test := range []struct {
		rule string
		data string
		want bool
	}{
		{"members of all kinds", `{"id":"a\\\"","count":-1.5e3,"parked":null,"scope":{"service":"s"},"samples":[{"attributes":{"x":"y"}},{}]}`, false},
		{"known ones", `{"id":"a\\\"","count":-1.5e3,"scope":{"service":"s"},"samples":[{"attributes":{"x":{"y":[1]}}},{}]}`, true},
		{"white space", " {\n\"id\" : \"a\" , \"filings\" : [ ] }\t", true},
		{"of an element", `{"filings":[{"sink":"a"},{"new":1}]}`, false},
		{"in another case", `{"Count":1}`, false},
		{"with an escape", `{"\u0069d":"a"}`, false},
		{"cut short", `{"id":"a`, false},
		{"followed by something", `{"id":"a"}}`, false},
		{"nothing", ``, false},
		{"too deep to look", `{"id":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, false},
	} {
		t.Run(test.rule, func(t *testing.T) {
			require.Equal(t, test.want, problem.knows([]byte(test.data)))
		})
	}
	data, err := json.Marshal(Problem{ID: "a", Filings: []Filing{{Parked: new(Parked)}}, Samples: []Sample{{}}})
	require.NoError(t, err)
	require.Zero(t, testing.AllocsPerRun(10, func() { problem.knows(data) }))
}
