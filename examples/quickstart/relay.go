package main

import (
	"bytes"
	"io"
	"net/http"
)

// maxOrder bounds the body of a request.
const maxOrder = 4 << 10

// relay returns what storefront and checkout do: hand the order on to the next
// service, and answer as it went.
func relay(pattern, peer, url string) func(telemetry) http.Handler {
	return func(t telemetry) http.Handler {
		client := t.client(peer)
		mux := http.NewServeMux()
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			order, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxOrder))
			if err != nil {
				http.Error(w, "the order cannot be read", http.StatusBadRequest)
				return
			}
			req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, url, bytes.NewReader(order))
			if err != nil {
				http.Error(w, "the order cannot be handed on", http.StatusInternalServerError)
				return
			}
			req.Header.Set("Content-Type", "application/json")
			resp, err := client.Do(req)
			if err != nil {
				http.Error(w, peer+" does not answer", http.StatusBadGateway)
				return
			}
			defer resp.Body.Close()
			switch {
			case resp.StatusCode >= 500:
				http.Error(w, peer+" failed", http.StatusBadGateway)
			case resp.StatusCode >= 400:
				http.Error(w, "the order is not valid", resp.StatusCode)
			default:
				w.WriteHeader(http.StatusNoContent)
			}
		})
		return mux
	}
}
