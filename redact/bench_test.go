package redact_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/redact"
)

// logLines are made up, in the styles of several languages and frameworks.
var logLines = []string{
	"[getRouteById][Query route by id][RouteId: f3d4d4ef-693b-4456-8eed-59c0d717dd08]",
	"[queryForTravel][all done][result: TravelResult(status=true, percent=1.0, trainType=TrainType(id=a14b45f8-64d9-4e40-9d78-5152f726ba8d, name=DongCheOne, averageSpeed=180)]",
	"2026-08-01T10:00:00.123Z  INFO 1 --- [nio-8080-exec-7] c.a.shop.orders.OrderController : order 81723 placed in 123 ms, 3 items",
	`level=info ts=2026-08-01T10:00:00.123Z caller=server.go:214 msg="request completed" method=GET path=/api/v1/orders/81723 status=200 bytes=5120 duration=12.3ms`,
	`10.1.2.3 - - [01/Aug/2026:10:00:00 +0000] "GET /health HTTP/1.1" 200 2 "-" "kube-probe/1.33"`,
	`{"level":"warn","time":"2026-08-01T10:00:00.123Z","service":"checkout","msg":"retrying after timeout","attempt":2,"backoff_ms":250,"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"}`,
	"E0801 10:00:00.123456       1 reconciler.go:118] failed to list *v1.Pod: context deadline exceeded, requeueing default/checkout-7d9f8b6c5d-x2k4j",
	"[Inside Payment Service.pay][Order status Not allowed to Pay]",
	"The order could not be placed because the warehouse did not answer within the time that was allowed.",
}

// serviceLines are made up too, as Java services of a ticket shop write them: dumps of
// objects, identifiers, times, and short texts in brackets.
var serviceLines = []string{
	"[getSeats][Seat request][request:Seat(travelDate=2026-08-01 17:38:46, trainNumber=K2207, startStation=lyon, destStation=torino, seatType=2, totalNum=2147483647, stations=[lyon, chambery, modane, torino])]",
	"[queryRoute][Query route by id][RouteId: 7c1e9d52-3b0a-4c55-9a71-0d1f6c2be844]",
	"[checkStations][Check stations exist][stationNames: [lyon, torino, milano]]",
	"[getTrips][before get basic][trips: [Trip(id=5b0c7a11-9e6f-4d28-8f3d-2a7be1c60954, tripId=K2207, trainTypeName=Regional, routeId=7c1e9d52-3b0a-4c55-9a71-0d1f6c2be844, startStationName=lyon, stationsName=chambery, terminalStationName=torino)]]",
	"[getRatio][Config is : Config(name=DirectAllocation, value=0.5, description=Share of the seats that are sold for the whole way)]",
	"[getLeftSeats][Get left seats of interval][TravelDate: 2026-08-01 15:38:06,TrainNumber: K2207,SeatType: 2]",
	"[cancelOrder][Cancel order][info: 53e5639c-fa0f-4404-a040-aff609943f2e]",
	"[getSold][Seat][Left seats are empty][seat from date: 2026-08-01 17:38:46, train number: K2207]",
	"[createOrder][Create order][from lyon to torino at 2026-08-01]",
}

// lines returns n bytes or more of the given lines, over and over.
func lines(of []string, n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		b.WriteString(of[i%len(of)])
		b.WriteByte('\n')
	}
	return b.String()
}

var (
	prose = strings.Repeat("The order could not be placed because the warehouse did not answer within the time that was allowed.\n", 40)
	stack = strings.Repeat("main.(*Server).handle(0xc000012345, {0x4a1b2c, 0x5})\n\t/app/internal/server/session.go:42 +0x1d3\n"+
		"\tat com.acme.shop.OrderService.place(OrderService.java:118)\n\tat java.base/java.lang.Thread.run(Thread.java:1583)\n", 5)
	fields = strings.Repeat(`{"level":"error","order":"o-123","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","ms":12}`+"\n", 12)
	urls   = strings.Repeat("GET https://shop.example.com/api/v1/orders/81723/items?page=2&sort=name&expand=customer HTTP/1.1\n", 10)
)

// hostile are units of texts that are made to be slow: each looks like the
// beginning of many finds.
var hostile = []string{
	"=", ":", "@", "%40", "://", "://a:b", "a=", "a@", "token:{", "token:[", "password=", "-----BEGIN ", "-----BEGIN PRIVATE", "1", "1 ", "4111 ",
	"%25", "\\", "eyJ", "eyJaaaaa.", "a.", "AA", ":AA", "--a ", "Basic a", "Bearer ", "[REDACTED:", "password=\"\\", "@a(", "a@b.c", "ghp_", "sk-", "SG.a",
	"pwd=a,", "%253D", "token:\\", "datadog key ", "vault token s.", "akiaAKIA", "key", "key=a", "secret token ", `"d":"`, "select ", "where a=", "values (1,",
	"update a set ", "<password>", "hvs.", "xoxb-", "$2a$", "AccountKey=", "-us1", "token token", "github token ", "://sk-", "AQEa", "QWxhZGRpbjpvcGVu/",
	"login(", "copy ", "params=[", "near '", ".ex:5: f(", "ghp_aaaaaaaa\n", "00000000  70 61 73 73 70 61 73 73 70 61\n", "70 61 ", "&#112;", `\x41`, "=41=42",
	"SET a ", "AUTH ", "QUJD\n", "\" + \"", "\"token\", \\\"",
}

func adversarial() string {
	const size = 100 << 10
	var b strings.Builder
	for _, unit := range hostile {
		b.WriteString(strings.Repeat(unit, size/len(hostile)/len(unit)))
		b.WriteByte('\n')
	}
	return b.String()
}

func dirtyLines() string {
	var b strings.Builder
	secrets := []string{fakes["github-token"], fakes["jwt"], "password=hunter2", "Authorization: Bearer abc.def.ghi", "https://bob:hunter2@db.internal/x", fakes["stripe-key"]}
	for i, line := range logLines {
		b.WriteString(line + " " + secrets[i%len(secrets)] + "\n")
	}
	return b.String()
}

func BenchmarkRedact(b *testing.B) {
	for _, bb := range []struct{ name, text string }{
		{"clean", lines(serviceLines, 1<<10)},
		{"mixed", lines(logLines, 1<<10)},
		{"dirty", dirtyLines()},
		{"url", urls},
		{"json", fields},
		{"stack", stack},
		{"prose", prose},
		{"short", "connection refused"},
		{"adversarial", adversarial()},
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

// BenchmarkHostile says which of the hostile texts is the slowest.
func BenchmarkHostile(b *testing.B) {
	for _, unit := range hostile {
		b.Run(unit, func(b *testing.B) {
			text := strings.Repeat(unit, (100<<10)/len(unit))
			var r redact.Redactor
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				r.Text(text)
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
	for _, text := range []string{prose, stack, fields, urls, lines(serviceLines, 1<<10), lines(logLines, 1<<10)} {
		require.Equal(t, text, r.Text(text))
		require.Zero(t, testing.AllocsPerRun(10, func() { r.Text(text) }), "allocations for %.20q", text)
	}
}
