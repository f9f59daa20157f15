package deployment

import (
	"bytes"
	"encoding/json"
	"strings"
)

// rest is what a newer program wrote into an object, and this one does not know:
// its members, by their names. An object that is written again keeps it.
type rest map[string]json.RawMessage

// restOf returns the members of an object but for those that are known.
func restOf(object []byte, known ...string) (rest, error) {
	var r rest
	if err := json.Unmarshal(object, &r); err != nil {
		return nil, err
	}
	for name := range r {
		for _, k := range known {
			if strings.EqualFold(name, k) { // as decoding takes it
				delete(r, name)
			}
		}
	}
	if len(r) == 0 {
		return nil, nil
	}
	return r, nil
}

// into adds the members to an object that has others.
func (r rest) into(object []byte) ([]byte, error) {
	if len(r) == 0 {
		return object, nil
	}
	more, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return bytes.Join([][]byte{object[:len(object)-1], more[1:]}, []byte{','}), nil
}

// and returns the members of both; those of r where both have one.
func (r rest) and(other rest) rest {
	if len(r) == 0 {
		return other
	}
	out := rest{}
	for name, value := range other {
		out[name] = value
	}
	for name, value := range r {
		out[name] = value
	}
	return out
}
