package webhook_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/spanticket/spanticket/sinks"
	"github.com/spanticket/spanticket/sinks/webhook"
)

func Example() {
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Type string
			Data sinks.Ticket
		}
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		fmt.Println(body.Type, body.Data.Title)
		fmt.Println("signed:", r.Header.Get("webhook-signature") != "")
	}))
	defer receiver.Close()

	sink, err := webhook.New(webhook.Config{
		URL:     receiver.URL + "/tickets",
		Secrets: func() ([]string, error) { return []string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}, nil },
	})
	if err != nil {
		panic(err)
	}
	receipt, err := sink.File(context.Background(), sinks.Ticket{
		Key: "spt:5f0c2a", Event: sinks.EventOpened, Title: "charge-card fails",
	})
	fmt.Println(receipt.ID, err)
	// Output:
	// spanticket.ticket.opened charge-card fails
	// signed: true
	// spt:5f0c2a <nil>
}
