package correlate

import "fmt"

// maxChain bounds how many errors of a tree are looked at.
const maxChain = 32

// ErrorType returns the type that says most about an error: that of the first in
// its tree, the error itself before what it wraps, that is not one of those any
// error in Go may have, such as *fmt.wrapError. If there is none it is the type
// of the error itself. The name is that of the fmt verb %T.
func ErrorType(err error) string {
	first := ""
	for _, e := range ErrorChain(err) {
		name := fmt.Sprintf("%T", e)
		if !isMuteType(name) {
			return name
		}
		if first == "" {
			first = name
		}
	}
	return first
}

// ErrorChain returns an error and what it wraps, each before what is in it, as
// errors.Is goes through them; at most 32.
func ErrorChain(err error) []error {
	var chain []error
	var walk func(error)
	walk = func(err error) {
		if err == nil || len(chain) == maxChain {
			return
		}
		chain = append(chain, err)
		switch e := err.(type) {
		case interface{ Unwrap() error }:
			walk(e.Unwrap())
		case interface{ Unwrap() []error }:
			for _, err := range e.Unwrap() {
				walk(err)
			}
		}
	}
	walk(err)
	return chain
}

// SaysNothing reports whether a type of an exception tells no failure from
// another, because any error in Go may have it: *errors.errorString,
// *fmt.wrapError and the like. So does none at all, or a status in its place.
func SaysNothing(typ string) bool { return !isTypeName(typ) || isMuteType(typ) }
