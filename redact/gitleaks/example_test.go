package gitleaks_test

import (
	"fmt"

	"github.com/spanticket/spanticket/redact"
	"github.com/spanticket/spanticket/redact/gitleaks"
)

func ExampleDefault() {
	cfg, err := gitleaks.Default()
	if err != nil {
		panic(err)
	}
	for _, l := range cfg.LeftOut {
		fmt.Println(l.RuleID, "is left out:", l.Reason)
	}
	r := redact.Redactor{Kinds: cfg.Kinds}
	fmt.Println(r.Text("uploading with SONAR_LOGIN=k3j9x0q7w2m5k3j9x0q7w2m5k3j9x0q7w2m5zz01 failed"))
	// Output:
	// pkcs12-file is left out: it tells by the path of a file alone
	// uploading with SONAR_LOGIN=[REDACTED:sonar-api-token] failed
}

func ExampleParse() {
	cfg, err := gitleaks.Parse([]byte(`
[extend]
useDefault = true

[[rules]]
id = "acme-badge"
regex = '''badge (N-[0-9]{6})'''
keywords = ["badge"]
`))
	if err != nil {
		panic(err)
	}
	r := redact.Redactor{Kinds: cfg.Kinds}
	fmt.Println(r.Text("badge N-102938 was refused"))
	// Output:
	// badge [REDACTED:acme-badge] was refused
}
