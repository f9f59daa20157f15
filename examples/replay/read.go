package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"go.opentelemetry.io/collector/pdata/ptrace"
)

// maxDocument bounds one document, a line or a file, in bytes.
const maxDocument = 256 << 20

// reader reads recordings and hands on their documents. What is broken it
// reports, counts and passes over.
type reader struct {
	stdin     io.Reader
	stderr    io.Writer
	take      func(ptrace.Traces)
	documents int
	broken    int
}

// file reads a file, or the standard input if its name is "-".
func (r *reader) file(name string) {
	in := r.stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			r.report(name, 0, err)
			return
		}
		defer f.Close()
		in = f
	}
	buf := bufio.NewReaderSize(in, 1<<20)
	if magic, _ := buf.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(buf)
		if err != nil {
			r.report(name, 0, err)
			return
		}
		buf = bufio.NewReaderSize(z, 1<<20)
	}
	r.lines(name, buf)
}

// lines reads a document a line. If the first line is none, it may be the
// beginning of one that takes the whole file.
func (r *reader) lines(name string, in *bufio.Reader) {
	first := true
	for n := 1; ; n++ {
		line, err := readLine(in)
		if err != nil && !errors.Is(err, io.EOF) {
			r.report(name, n, err)
			if !errors.Is(err, errTooLong) {
				return // the rest cannot be read
			}
			continue
		}
		if text := bytes.TrimSpace(line); len(text) > 0 {
			if first && err == nil && !json.Valid(text) {
				in = r.whole(name, line, in)
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

// whole tries a file as one document, of which begin is the first line. If it
// is none, it returns the rest to be read by lines.
func (r *reader) whole(name string, begin []byte, in *bufio.Reader) *bufio.Reader {
	rest, err := io.ReadAll(io.LimitReader(in, maxDocument))
	all := append(bytes.Clone(begin), rest...)
	if err == nil && json.Valid(all) {
		r.document(name, 1, all)
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

func (r *reader) document(name string, line int, text []byte) {
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
	r.documents++
	r.take(traces)
}

func (r *reader) report(name string, line int, err error) {
	r.broken++
	if line > 0 {
		fmt.Fprintf(r.stderr, "%s:%d: %v\n", name, line, err)
	} else {
		fmt.Fprintf(r.stderr, "%s: %v\n", name, err)
	}
}

var errTooLong = fmt.Errorf("the line has more than %d bytes", maxDocument)

// readLine returns a line, with its end. A line that is too long is read to its
// end all the same.
func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	long := false
	for {
		part, err := in.ReadSlice('\n')
		if long = long || len(line)+len(part) > maxDocument; !long {
			line = append(line, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case err != nil:
			return line, err
		case long:
			return nil, errTooLong
		default:
			return line, nil
		}
	}
}
