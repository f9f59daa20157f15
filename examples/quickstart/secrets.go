package main

import (
	"slices"
	"strings"
)

// secrets returns what must not be found on any ticket, in each way that it
// might be written.
func secrets() []string {
	found := []string{token()}
	for _, o := range orders() {
		digits := strings.NewReplacer(" ", "", "-", "").Replace(o.Card)
		found = append(found, o.Email, o.Card, digits)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// leaks returns the secrets that are in a text.
func leaks(text string) []string {
	var found []string
	for _, s := range secrets() {
		if strings.Contains(strings.ToLower(text), strings.ToLower(s)) {
			found = append(found, s)
		}
	}
	return found
}
