// Package otlpfile reads recorded traces: OTLP JSON as the Collector's file
// exporter writes it, an ExportTraceServiceRequest a line or one for the whole
// file, which may be compressed by gzip.
package otlpfile

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"go.opentelemetry.io/collector/pdata/ptrace"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// maxDocument bounds one document, a line or a file, in bytes.
const maxDocument = 256 << 20

// bom is the byte order mark that some editors and shells put before UTF-8. It
// is no JSON.
var bom = []byte("\xef\xbb\xbf")

// Reader collects the spans of recordings. What is broken it reports, counts and
// passes over. It is for one goroutine.
type Reader struct {
	// Stdin is the file "-". Defaults to none.
	Stdin io.Reader
	// Report is told of what is broken, a line each, with the name of the file
	// and the number of the line. Defaults to nobody.
	Report io.Writer

	Documents int // that were read
	Broken    int // that were passed over; a file that cannot be opened is one

	take func(ptrace.Traces) // defaults to rec.add
	max  int                 // bytes of a document; defaults to maxDocument
	rec  recording
}

// Spans returns the spans that were read. It is called once, after the last file.
// A parent in another service is remote, unless the recording says otherwise.
func (r *Reader) Spans() []sdktrace.ReadOnlySpan { return r.rec.spans() }

// Invalid returns how many spans were passed over because they have no IDs.
func (r *Reader) Invalid() int { return r.rec.invalid }

// File reads a file of the operating system.
func (r *Reader) File(name string) {
	in := r.Stdin
	if in == nil {
		in = strings.NewReader("")
	}
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			r.report(name, 0, err)
			return
		}
		defer f.Close()
		in = f
	}
	r.Read(name, in)
}

// Read reads what is opened already, under a name for reports.
func (r *Reader) Read(name string, in io.Reader) {
	buf := bufio.NewReaderSize(in, 1<<20)
	if magic, _ := buf.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(buf)
		if err != nil {
			r.report(name, 0, err)
			return
		}
		buf = bufio.NewReaderSize(z, 1<<20)
	}
	if begin, _ := buf.Peek(len(bom)); bytes.Equal(begin, bom) {
		_, _ = buf.Discard(len(bom)) // it is in the buffer
	}
	r.lines(name, buf)
}

// lines reads a document a line. If the first line is none, it may be the
// beginning of one that takes the whole file.
func (r *Reader) lines(name string, in *bufio.Reader) {
	first := true
	for n := 1; ; n++ {
		line, err := readLine(in, r.limit())
		if err != nil && !errors.Is(err, io.EOF) {
			if !errors.Is(err, errTooLong) {
				// The rest cannot be read, but what came may be whole: a gzip
				// that lacks only its checksum, or has garbage after it.
				if text := bytes.TrimSpace(line); json.Valid(text) {
					r.document(name, n, text)
				}
				r.report(name, n, err)
				return
			}
			r.report(name, n, fmt.Errorf("%w: more than %d bytes", err, r.limit()))
			continue
		}
		if text := bytes.TrimSpace(line); len(text) > 0 {
			if first && err == nil && !json.Valid(text) {
				in = r.whole(name, n, line, in)
				if in == nil {
					return
				}
			}
			first = false
			r.document(name, n, text)
		}
		if err != nil {
			return
		}
	}
}

// whole tries a file as one document, of which begin is the first line and n
// its number. If it is none, it returns the rest to be read by lines.
func (r *Reader) whole(name string, n int, begin []byte, in *bufio.Reader) *bufio.Reader {
	rest, err := io.ReadAll(io.LimitReader(in, int64(r.limit())+1))
	all := append(bytes.Clone(begin), rest...)
	if len(rest) <= r.limit() && json.Valid(all) {
		r.document(name, n, all)
		if err != nil {
			r.report(name, n+bytes.Count(all, []byte("\n")), err)
		}
		return nil
	}
	return bufio.NewReaderSize(io.MultiReader(bytes.NewReader(rest), failing{err}, in), 1<<20)
}

// failing is a reader that fails, or ends if there is no error.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return 0, io.EOF
}

func (r *Reader) limit() int { return cmp.Or(r.max, maxDocument) }

func (r *Reader) document(name string, line int, text []byte) {
	if !json.Valid(text) {
		var v any
		r.report(name, line, fmt.Errorf("no JSON: %w", json.Unmarshal(text, &v)))
		return
	}
	traces, err := new(ptrace.JSONUnmarshaler).UnmarshalTraces(text)
	if err != nil {
		r.report(name, line, fmt.Errorf("no OTLP traces: %w", err))
		return
	}
	r.Documents++
	if r.take != nil {
		r.take(traces)
		return
	}
	r.rec.add(traces)
}

// report writes one line, though an error may quote several of the input.
func (r *Reader) report(name string, line int, err error) {
	r.Broken++
	if r.Report == nil {
		return
	}
	what := strings.Join(strings.Fields(err.Error()), " ")
	if line > 0 {
		fmt.Fprintf(r.Report, "%s:%d: %s\n", name, line, what)
	} else {
		fmt.Fprintf(r.Report, "%s: %s\n", name, what)
	}
}

var errTooLong = errors.New("the line is too long")

// readLine returns a line, with its end. A line of more than limit bytes is
// read to its end all the same; an error behind it is left to the next call.
func readLine(in *bufio.Reader, limit int) ([]byte, error) {
	var line []byte
	long := false
	for {
		part, err := in.ReadSlice('\n')
		if long = long || len(line)+len(part) > limit; !long {
			line = append(line, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case long:
			return nil, errTooLong
		default:
			return line, err
		}
	}
}
