package redact_test

import (
	"strings"
	"testing"

	"github.com/spanticket/spanticket/redact"
)

var (
	prose = strings.Repeat("The order could not be placed because the warehouse did not answer within the time that was allowed.\n", 40)
	stack = strings.Repeat("main.(*Server).handle(0xc000012345, {0x4a1b2c, 0x5})\n\t/app/internal/server/session.go:42 +0x1d3\n"+
		"at com.acme.shop.OrderService.place(OrderService.java:118)\n", 40)
	fields = strings.Repeat(`{"level":"error","order":"o-123","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","ms":12}`+"\n", 40)
)

func BenchmarkText(b *testing.B) {
	for _, bb := range []struct{ name, text string }{
		{"clean/prose", prose},
		{"clean/stack", stack},
		{"clean/json", fields},
		{"clean/short", "connection refused"},
		{"dirty", prose + "password=hunter2 " + fields + fakes["jwt"] + " bob@example.com " + stack},
	} {
		b.Run(bb.name, func(b *testing.B) {
			var r redact.Redactor
			b.ReportAllocs()
			b.SetBytes(int64(len(bb.text)))
			for b.Loop() {
				r.Text(bb.text)
			}
		})
	}
}

func BenchmarkValue(b *testing.B) {
	var r redact.Redactor
	b.ReportAllocs()
	for b.Loop() {
		r.Value("http.request.header.content-type", "application/json")
	}
}

func TestCleanTextAllocatesNothing(t *testing.T) {
	var r redact.Redactor
	for _, text := range []string{prose, stack, fields} {
		if n := testing.AllocsPerRun(10, func() { r.Text(text) }); n != 0 {
			t.Errorf("%v allocations for %.20q", n, text)
		}
	}
}
