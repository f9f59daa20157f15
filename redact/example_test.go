package redact_test

import (
	"fmt"

	"github.com/spanticket/spanticket/redact"
)

func ExampleRedactor_Text() {
	var r redact.Redactor
	fmt.Println(r.Text("dial postgres://app:hunter2@db.internal:5432/orders?sslmode=disable: refused"))
	fmt.Println(r.Text("no mail sent to bob@example.com, card 4111 1111 1111 1111"))
	fmt.Println(r.Text("github.com/acme/api@v1.2.3 failed in 4bf92f3577b34da6a3ce929d0e0e4736"))
	// Output:
	// dial postgres://REDACTED:REDACTED@db.internal:5432/orders?sslmode=disable: refused
	// no mail sent to [REDACTED:email], card [REDACTED:card]
	// github.com/acme/api@v1.2.3 failed in 4bf92f3577b34da6a3ce929d0e0e4736
}

func ExampleRedactor_Value() {
	r := redact.Redactor{Keys: []string{"tenant.pin"}}
	fmt.Println(r.Value("http.request.header.authorization", "Bearer abc"))
	fmt.Println(r.Value("user.email", "bob"))
	fmt.Println(r.Value("app.tenantPin", "1234"))
	fmt.Println(r.Value("gen_ai.usage.input_tokens", "1234"))
	// Output:
	// [REDACTED:authorization]
	// [REDACTED:email]
	// [REDACTED:secret]
	// 1234
}

func ExampleRedactor_Document() {
	type fact struct{ Name, Value string }
	doc := struct {
		Title      string
		Facts      []fact
		Attributes map[string]string
	}{
		Title:      "login failed:\x1b[31m password=hunter2",
		Facts:      []fact{{"api_key", "12345"}, {"region", "eu-1"}},
		Attributes: map[string]string{"session.id": "s1", "http.route": "/login"},
	}
	var r redact.Redactor
	if err := r.Document(&doc); err != nil {
		return // and send nothing of it
	}
	fmt.Printf("%q\n%v\n%v\n", doc.Title, doc.Facts, doc.Attributes)
	// Output:
	// "login failed:[31m password=[REDACTED:password]"
	// [{api_key [REDACTED:api-key]} {region eu-1}]
	// map[http.route:/login session.id:[REDACTED:session]]
}
