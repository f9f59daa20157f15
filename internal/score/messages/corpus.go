package main

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
	"path/filepath"
	"strings"
)

// message is one line of a log.
type message struct {
	text    string
	service string
}

// corpus is the messages of one file, and the true group of each.
type corpus struct {
	name     string
	messages []message
	truth    []string
	bytes    int // of all texts
}

// readFile reads a file of JSON lines, which may be compressed by gzip.
func readFile(name string) (corpus, error) {
	f, err := os.Open(name)
	if err != nil {
		return corpus{}, err
	}
	defer f.Close()
	c, err := read(f)
	c.name, _, _ = strings.Cut(filepath.Base(name), ".")
	if err != nil {
		return c, fmt.Errorf("%s: %w", name, err)
	}
	return c, nil
}

// read reads a message a line: its text as "line" or "text", its group as
// "group" or "event_id".
func read(in io.Reader) (corpus, error) {
	var c corpus
	buf := bufio.NewReader(in)
	if magic, _ := buf.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(buf)
		if err != nil {
			return c, err
		}
		buf = bufio.NewReader(z)
	}
	for dec := json.NewDecoder(buf); ; {
		var row struct {
			Line, Text, Service string
			Group               any
			EventID             any `json:"event_id"`
		}
		err := dec.Decode(&row)
		if errors.Is(err, io.EOF) {
			return c, nil
		}
		if err != nil {
			return c, fmt.Errorf("message %d: %w", len(c.messages)+1, err)
		}
		group := row.EventID
		if group == nil {
			group = row.Group
		}
		if group == nil {
			return c, fmt.Errorf("message %d has neither a group nor an event_id", len(c.messages)+1)
		}
		m := message{text: cmp.Or(row.Line, row.Text), service: row.Service}
		c.messages = append(c.messages, m)
		c.truth = append(c.truth, fmt.Sprint(group))
		c.bytes += len(m.text)
	}
}
