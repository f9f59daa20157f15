// Package rulefile reads rules from YAML files, and says exactly what is wrong
// with those that it refuses.
package rulefile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/spanticket/spanticket/internal/celrule"
)

// maxSize is the size of the largest file that is read.
const maxSize = 1 << 20

// File is one rule file.
type File struct {
	Name  string
	Rules []celrule.Rule // as far as they could be read

	lines   []string
	root    *yaml.Node // nil if it cannot be read
	places  []place    // of Rules
	own     shared     // its own defaults and definitions
	sharing bool       // it has no rules, and shares those with the files after it
	linked  bool       // it was read under what other files share
	unread  []*Error   // why it cannot be read
	errs    []*Error   // what is wrong with it
}

// Parse reads one file. What is wrong with it is said by [Compile].
func Parse(name string, data []byte) *File {
	f := &File{Name: name}
	if len(data) > maxSize {
		f.unread = []*Error{{File: name, Message: fmt.Sprintf("the file has more than %d bytes", maxSize)}}
		f.decode(nil)
		return f
	}
	f.parse(data)
	return f
}

// parse reads the text of a file.
func (f *File) parse(data []byte) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	data = bytes.ReplaceAll(data, []byte("\r"), []byte("\n"))
	f.lines = strings.Split(string(data), "\n")
	f.root = f.document(data)
	f.unread, f.errs = f.errs, nil
	f.decode(nil)
}

// Read reads the files that the patterns name, in the order of the patterns
// and, within one, of their names; a file that several patterns name is read
// once, and one that holds tests of rules (*_test.yaml) only if it is named
// itself. If fsys is nil they are paths of the operating system. A pattern that
// names no file is an error.
func Read(fsys fs.FS, patterns ...string) ([]*File, error) {
	glob, open := filepath.Glob, func(name string) (fs.File, error) { return os.Open(name) }
	if fsys != nil {
		glob, open = func(pattern string) ([]string, error) { return fs.Glob(fsys, pattern) }, fsys.Open
	}
	var files []*File
	var errs []error
	var seen []string
	for _, pattern := range patterns {
		names, err := glob(pattern)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", pattern, err))
			continue
		}
		if strings.ContainsAny(pattern, `*?[`) {
			names = slices.DeleteFunc(names, IsTest)
		}
		if len(names) == 0 {
			errs = append(errs, fmt.Errorf("%s: %w", pattern, fs.ErrNotExist))
		}
		for _, name := range names { // sorted by Glob
			if slices.Contains(seen, name) {
				continue
			}
			seen = append(seen, name)
			data, err := read(open, name)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			files = append(files, Parse(name, data))
		}
	}
	link(files)
	return files, errors.Join(errs...)
}

// IsTest reports whether a file holds tests of rules, by its name.
func IsTest(name string) bool {
	return strings.HasSuffix(name, "_test.yaml") || strings.HasSuffix(name, "_test.yml")
}

// read reads a file, but not much more of it than Parse accepts.
func read(open func(string) (fs.File, error), name string) ([]byte, error) {
	f, err := open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxSize+1))
}
