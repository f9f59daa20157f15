package testfile

import "github.com/spanticket/spanticket/internal/rulefile"

// Error is one thing that is wrong with a test file, or with what a test of it
// found. It is shown as errors of rule files are.
type Error = rulefile.Error

// Place is where something stands in a test file.
type Place struct{ Line, Column int }

// At gives an error its place in the file.
func (f *File) At(p Place, e Error) *Error { return e.At(f.Name, f.lines, p.Line, p.Column) }
