package correlate

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"
)

// memoryPacker compresses the data of records, as DEFLATE with a dictionary (RFC
// 1951): a problem's record is mostly the names of its fields and what all
// problems say. It belongs to one store, and is used under its lock.
type memoryPacker struct {
	out    bytes.Buffer
	writer *flate.Writer
	in     bytes.Reader
	reader io.ReadCloser
}

// pack returns data in less room: its length, and then what it is compressed to.
func (p *memoryPacker) pack(data []byte) []byte {
	p.out.Reset()
	var length [binary.MaxVarintLen64]byte
	p.out.Write(length[:binary.PutUvarint(length[:], uint64(len(data)))])
	if p.writer == nil {
		p.writer, _ = flate.NewWriterDict(nil, packLevel, memoryDictionary()) // it fails for a level that there is not
	}
	p.writer.Reset(&p.out)
	p.writer.Write(data) // to a buffer
	p.writer.Close()
	return bytes.Clone(p.out.Bytes())
}

// packLevel is the fastest that makes use of a dictionary.
const packLevel = 2

// unpack returns what pack was given.
func (p *memoryPacker) unpack(packed []byte) []byte {
	length, n := binary.Uvarint(packed)
	p.in.Reset(packed[n:])
	if p.reader == nil {
		p.reader = flate.NewReaderDict(&p.in, memoryDictionary())
	} else {
		p.reader.(flate.Resetter).Reset(&p.in, memoryDictionary()) // it never fails
	}
	data := make([]byte, length)
	if _, err := io.ReadFull(p.reader, data); err != nil {
		panic(fmt.Sprintf("correlate: a record in memory cannot be read: %v", err)) // it was written by pack
	}
	return data
}

// memoryDictionary is the record of a problem that says what most say.
var memoryDictionary = sync.OnceValue(func() []byte {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.UTC)
	o := Occurrence{
		Scope: Scope{Service: "service", Environment: "production"}, Operation: "GET /", Kind: "SERVER", Status: "ERROR",
		Message: "failed: ", Exception: Exception{Type: "*errors.errorString", Message: "failed: connection refused", Stacktrace: "goroutine 1 [running]:\nmain.main()\n\t/src/main.go:1 +0x1\n"},
		Start: at, End: at, TraceID: "0123456789abcdef0123456789abcdef", SpanID: "0123456789abcdef", Exported: true,
		Attributes: []Attribute{
			{Key: "http.request.method", Value: "GET"}, {Key: "http.response.status_code", Value: "500"}, {Key: "http.route", Value: "/"},
			{Key: "server.address", Value: ""}, {Key: "server.port", Value: "443"}, {Key: "url.path", Value: "/"}, {Key: "url.scheme", Value: "https"},
		},
		Resource: []Attribute{
			{Key: "deployment.environment.name", Value: "production"}, {Key: "service.instance.id", Value: ""},
			{Key: "service.name", Value: "service"}, {Key: "service.version", Value: "1.0.0"},
		},
		Path: []Step{{Service: "service", Operation: "GET /", Kind: "SERVER", Failed: true}},
	}
	b := Batch{Scope: o.Scope, Signature: Signer{}.Sign(o, Spec{}), Rule: "errors", Threshold: Threshold{Count: 1, Within: 5 * time.Minute}, Quiet: 30 * time.Minute, Count: 1, First: at, Last: at, Sample: o.Sample(), Writer: "WRITER", Number: 1}
	b.Impact.Add(&o)
	p, _ := Problem{}.Observe(b, at)
	p.Answers.Severity, p.Answers.Title, p.Answers.Sinks = "error", o.Operation, []string{"console"}
	p, _ = p.Queue(OpOpen, p.Answers.Sinks, at)
	p = p.Counting(b, ChangeCounted)
	p.note(at, "held: "+string(Over))
	p.Hold, p.HeldAt = Over, at
	data, _ := json.Marshal(p) // of plain fields
	return data
})
