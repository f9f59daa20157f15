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
	// v1akxi6f66xv7gvidhazzxivu2pw
	//   + service: shop/checkout [always]
	//   + environment: production [always]
	//   + operation: POST /orders/<*> (SERVER) [span name and kind, numbers and ids masked]
	//   - exception: *fmt.wrapError [not used: any error in Go may have this type]
	//   + message: reserve <*>: dial tcp <*>: connect: connection refused [message of the exception, what varies masked]
	//   - frames: [not recorded]
}

func ExampleMask() {
	fmt.Println(correlate.Mask("order 7f0c2b1e-93d4-4a58-8f7e-0d1c2b3a4958 refused after 1.5s: status code 503"))
	fmt.Println(correlate.Mask("order 01ARZ3NDEKTSV4RRFFQ69G5FAV refused after 12 ms: status code 404"))
	// Output:
	// order <*> refused after <*>: status code 503
	// order <*> refused after <*>: status code 404
}
