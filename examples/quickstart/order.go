package main

import (
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// order is what a customer sends.
type order struct {
	Email string `json:"email"`
	Card  string `json:"card"`
}

// orders returns an order of each customer. The cards are the well-known
// numbers for tests.
func orders() []order {
	return []order{
		{Email: "ada.lovelace@example.com", Card: "4242 4242 4242 4242"},
		{Email: "grace.hopper@example.org", Card: "5555555555554444"},
		{Email: "alan+shop@mail.example.net", Card: "3782-822463-10005"},
	}
}

// token returns the key of the shop at the card network. It is put together
// here, and made up, so that no scanner takes it for one that leaked.
func token() string { return "sk_" + "live_" + "51Quickstart0NotAReal0Key4242" }

// String says more than it should, as such methods do.
func (o order) String() string {
	return fmt.Sprintf("charge{card: %s, customer: %s, key: %s}", o.Card, o.Email, token())
}

// attributes say as much on a span.
func (o order) attributes() []attribute.KeyValue {
	return []attribute.KeyValue{
		semconv.UserEmail(o.Email),
		attribute.String("payment.card", o.Card),
		attribute.String("payment.gateway.key", token()),
		attribute.String("payment.request", o.String()),
	}
}
