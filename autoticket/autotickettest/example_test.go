package autotickettest_test

import (
	"fmt"
	"testing/fstest"

	"github.com/spanticket/spanticket/autoticket/autotickettest"
)

func Example() {
	rules := fstest.MapFS{
		"checkout.yaml": {Data: []byte(`
version: 1
rules:
  - name: refused-cards
    when: span.status == "ERROR" && exception.type == "CardError"
    threshold: {count: 3, within: 1m}
  - name: slow
    when: span.duration > duration("2s")
`)},
		"checkout_test.yaml": {Data: []byte(`
version: 1
tests:
  - name: three refused cards are one ticket
    spans: [{service: payment, name: charge, status: ERROR, exception: {type: CardError, message: card refused}}]
    repeat: {count: 3, every: 10s}
    expect: {tickets: [{rule: refused-cards, count: 3}]}
  - name: two are none
    spans: [{service: payment, name: charge, status: ERROR, exception: {type: CardError, message: card refused}}]
    repeat: {count: 2, every: 10s}
    expect: {no_ticket: below_threshold}
`)},
	}
	report, err := autotickettest.Run(rules)
	if err != nil {
		fmt.Println(err)
	}
	for _, test := range report.Tests {
		fmt.Printf("%s: %s: failure %q\n", test.File, test.Name, test.Failure)
	}
	for _, rule := range report.Rules {
		fmt.Printf("%s: rule %s: %d tests\n", rule.File, rule.Rule, rule.Tests)
	}
	// Output:
	// checkout_test.yaml: three refused cards are one ticket: failure ""
	// checkout_test.yaml: two are none: failure ""
	// checkout.yaml: rule refused-cards: 2 tests
	// checkout.yaml: rule slow: 0 tests
}
