package correlate

import "bytes"

// maxNesting is how deep what is stored may be nested to be looked through.
const maxNesting = 64

// knows reports whether every member of every object in a JSON text is one that
// the shape has, by its exact name. It says no where it is in doubt: what is not
// well formed others will find out.
func (s *shape) knows(data []byte) bool {
	k := knower{data: data}
	return k.value(s, 0) && k.token() == 0 && k.at == len(data)
}

// knower reads a JSON text. It allocates nothing, because it is used for every
// record that is written.
type knower struct {
	data []byte
	at   int
}

// token returns the byte that is not white space from which on there is more to
// read, or 0 at the end.
func (k *knower) token() byte {
	for ; k.at < len(k.data); k.at++ {
		switch c := k.data[k.at]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// is reads a byte, if it is the next one.
func (k *knower) is(c byte) bool {
	if k.token() != c {
		return false
	}
	k.at++
	return true
}

// value reads a value, and reports whether all in it is known. A nil shape knows
// everything.
func (k *knower) value(s *shape, depth int) bool {
	switch k.token() {
	case '{':
		k.at++
		return depth < maxNesting && k.members(s, depth+1)
	case '[':
		k.at++
		return depth < maxNesting && k.elements(s, depth+1)
	case '"':
		_, ok := k.text()
		return ok
	}
	begin := k.at
	for k.at < len(k.data) && bytes.IndexByte([]byte(",]} \t\r\n"), k.data[k.at]) < 0 {
		k.at++
	}
	return k.at > begin
}

func (k *knower) members(s *shape, depth int) bool {
	if k.is('}') {
		return true
	}
	for {
		if k.token() != '"' {
			return false
		}
		name, ok := k.text()
		if !ok || !k.is(':') {
			return false
		}
		var of *shape
		if s != nil && s.of != nil {
			if of, ok = s.of[string(name)]; !ok {
				return false
			}
		}
		if !k.value(of, depth) {
			return false
		}
		if !k.is(',') {
			return k.is('}')
		}
	}
}

func (k *knower) elements(s *shape, depth int) bool {
	var elem *shape
	if s != nil {
		elem = s.elem
	}
	if k.is(']') {
		return true
	}
	for k.value(elem, depth) {
		if !k.is(',') {
			return k.is(']')
		}
	}
	return false
}

// text reads a string, and returns it as it is written.
func (k *knower) text() (raw []byte, ok bool) {
	begin := k.at + 1
	for k.at = begin; ; k.at++ {
		i := bytes.IndexByte(k.data[k.at:], '"')
		if i < 0 {
			return nil, false
		}
		k.at += i
		escapes := 0
		for k.at-escapes > begin && k.data[k.at-escapes-1] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			k.at++
			return k.data[begin : k.at-1], true
		}
	}
}
