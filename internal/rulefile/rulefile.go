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

	lines    []string
	places   []place               // of Rules
	defaults map[string]*yaml.Node // fields, as in a place
	errs     []*Error
}

// Parse reads one file. What is wrong with it is said by [Compile].
func Parse(name string, data []byte) *File {
	f := &File{Name: name}
	if len(data) > maxSize {
		f.errs = append(f.errs, &Error{File: name, Message: fmt.Sprintf("the file has more than %d bytes", maxSize)})
		return f
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	data = bytes.ReplaceAll(data, []byte("\r"), []byte("\n"))
	f.lines = strings.Split(string(data), "\n")
	if root := f.parse(data); root != nil {
		f.decode(root)
	}
	return f
}

// Read reads the files that the patterns name, in the order of the patterns
// and, within one, of their names; a file that several patterns name is read
// once. If fsys is nil they are paths of the operating system. A pattern that
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
	return files, errors.Join(errs...)
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
