package prometheus

import (
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// FuzzRead: whatever a server answers, it is a count that can be, or an error.
func FuzzRead(f *testing.F) {
	for _, s := range []string{
		`{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"1"]}]}}`,
		`{"status":"success","data":{"resultType":"vector","result":[]}}`,
		`{"status":"success","data":{"resultType":"scalar","result":[1,"NaN"]}}`,
		`{"status":"success","warnings":["PromQL info: x","y\u0000"],"data":{"resultType":"matrix","result":null}}`,
		`{"status":"error","errorType":"bad_data","error":"x"}`, "[", "",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		n, known, reason, err := read(body)
		require.Equal(t, err != nil, reason != "")
		if known {
			require.NoError(t, err)
		} else {
			require.Zero(t, n)
		}
		require.GreaterOrEqual(t, n, int64(0))
		require.LessOrEqual(t, n, int64(maxCount))
		if err != nil {
			require.True(t, utf8.ValidString(err.Error()))
			require.Less(t, len(err.Error()), 2*maxComplaint)
		}
		require.LessOrEqual(t, len(complaint(body)), maxComplaint+len("…"))
	})
}
