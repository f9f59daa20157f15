package correlate_test

import (
	"fmt"

	"github.com/spanticket/spanticket/correlate"
)

func ExampleSignature_Explain() {
	signature := correlate.Signer{}.Sign(correlate.Occurrence{
		Scope:     correlate.Scope{Namespace: "shop", Service: "checkout", Environment: "production"},
		Operation: "POST /orders/4711",
		Kind:      "SERVER",
		Status:    "ERROR",
		Exception: correlate.Exception{
			Type:    "*fmt.wrapError",
			Message: `reserve "sku-7": dial tcp 10.0.0.7:5432: connect: connection refused`,
		},
	}, correlate.Spec{})
	fmt.Print(signature.Explain())
	// Output:
	// v2mvajmdijgx4mtp2dukkwteda5v (version 2)
	//   + service: shop/checkout [always]
	//   + environment: production [always]
	//   - dependency: [not used: no call of something else]
	//   + operation: POST /orders/<*> (SERVER) [span name and kind, numbers and ids masked]
	//   - exception: fmt.wrapError [not used: any error in Go may have this type]
	//   + message: reserve <*>: dial tcp <*>: connect: connection refused [message of the exception, what varies masked]
	//   - frames: [not recorded]
}

// The same outage, whoever sees it, is one problem.
func ExampleSignature_Explain_dependency() {
	signature := correlate.Signer{}.Sign(correlate.Occurrence{
		Scope:     correlate.Scope{Namespace: "shop", Service: "checkout", Environment: "production"},
		Operation: "SELECT orders",
		Kind:      "CLIENT",
		Status:    "ERROR",
		Exception: correlate.Exception{
			Type:    "*net.OpError",
			Message: `dial tcp 10.0.0.7:5432: connect: connection refused`,
		},
		Attributes: []correlate.Attribute{
			{Key: "db.system.name", Value: "postgresql"},
			{Key: "server.address", Value: "db.internal"},
			{Key: "db.namespace", Value: "orders"},
		},
	}, correlate.Spec{})
	fmt.Print(signature.Explain())
	// Output:
	// v27cdm2x3uo6v6bhd4jbhxxylt6l (version 2)
	//   + service: shop/checkout [always]
	//   + environment: production [always]
	//   + dependency: postgresql db.internal/orders is not available [what was called is not available: one problem, whatever was calling it]
	//   - operation: SELECT orders (CLIENT) [not used: the dependency stands for it]
	//   - exception: net.OpError [not used: the dependency stands for it]
	//   - message: dial tcp <*>: connect: connection refused [not used: the dependency stands for it]
	//   - frames: [not recorded]
}

func ExampleMask() {
	fmt.Println(correlate.Mask("order 7f0c2b1e-93d4-4a58-8f7e-0d1c2b3a4958 refused after 1.5s: status code 503"))
	fmt.Println(correlate.Mask("order 01ARZ3NDEKTSV4RRFFQ69G5FAV refused after 12 ms: status code 404"))
	// Output:
	// order <*> refused after <*>: status code 503
	// order <*> refused after <*>: status code 404
}
