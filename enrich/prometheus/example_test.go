package prometheus_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/deployment"
	"github.com/spanticket/spanticket/enrich/prometheus"
)

// A service whose metrics have a label of their own for the operation.
func Example() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println(r.FormValue("query"))
		value := "340"
		if strings.Contains(r.FormValue("query"), "outcome") {
			value = "12"
		}
		_, _ = fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1772456400,%q]}]}}`, value)
	}))
	defer server.Close()

	rates, err := prometheus.New(prometheus.Config{
		URL: server.URL,
		Query: `sum(increase(jobs_total{app={{.Service}}` +
			`{{with .Operation}},job={{.}}{{end}}{{with .Version}},version={{.}}{{end}}` +
			`{{if .Failed}},outcome="failed"{{end}}}[{{.Window}}]))`,
		Header: func(context.Context) (http.Header, error) {
			return http.Header{"Authorization": {"Bearer " + "a token from a file"}}, nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	q := deployment.Query{
		Scope:     correlate.Scope{Service: "checkout"},
		Operation: `send "receipt"`,
		From:      noon, To: noon.Add(time.Hour),
	}
	_, known := rates.Count(q)
	fmt.Println("known:", known)
	if err := rates.Prefetch(context.Background(), []deployment.Query{q}); err != nil {
		log.Fatal(err)
	}
	count, _ := rates.Count(q)
	fmt.Println(count)
	// Output:
	// known: false
	// sum(increase(jobs_total{app="checkout",job="send \"receipt\""}[3600s]))
	// sum(increase(jobs_total{app="checkout",job="send \"receipt\"",outcome="failed"}[3600s]))
	// 12 of 340 (3.5 %)
}
