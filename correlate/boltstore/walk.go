package boltstore

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// entry is what a walk finds in a bucket.
type entry struct {
	bucket string
	key    []byte
	value  []byte
	loose  bool // found in a page that nothing leads to; bucket is not known
}

// survey is a walk through all pages of a file, and what is wrong with it.
type survey struct {
	image
	meta   meta
	rooted bool // there is a meta page

	seen   bitmap
	free   bitmap
	listed bool // free is what the file says

	faults int
	first  error // of the faults
	broken bool  // there are pages that could not be reached

	names map[string]bool // of the buckets
}

// newSurvey reads what leads to the pages of a file.
func newSurvey(r io.ReaderAt, size int64) *survey {
	s := &survey{image: image{r: r, size: size}, names: map[string]bool{}}
	var err error
	s.meta, s.rooted, err = readMeta(r, size)
	if err != nil {
		s.fault(err)
	}
	if !s.rooted {
		s.broken = true
		s.pageSize = guessPageSize(r)
		s.pages = uint64(size / s.pageSize)
		s.seen, s.free = newBitmap(s.pages), newBitmap(s.pages)
		return s
	}
	s.pageSize = int64(s.meta.pageSize)
	s.pages = uint64(size / s.pageSize)
	if s.pages < s.meta.pages {
		s.fault(fmt.Errorf("the file has %d bytes, of %d: it was cut short", size, int64(s.meta.pages)*s.pageSize))
	}
	s.pages = min(s.pages, s.meta.pages)
	s.seen, s.free = newBitmap(s.pages), newBitmap(s.pages)
	s.readFree()
	return s
}

// guessPageSize returns the size at whose multiples pages say their number.
func guessPageSize(r io.ReaderAt) int64 {
	best, most := int64(4096), 0
	for size := int64(minPageSize); size <= maxPageSize; size *= 2 {
		n := 0
		for id := uint64(2); id < 66; id++ {
			b := make([]byte, 8)
			if _, err := r.ReadAt(b, int64(id)*size); err == nil && native.Uint64(b) == id {
				n++
			}
		}
		if n > most {
			best, most = size, n
		}
	}
	return best
}

func (s *survey) fault(err error) {
	if s.faults++; s.first == nil {
		s.first = err
	}
}

// readFree reads the list of free pages.
func (s *survey) readFree() {
	ids, p, err := s.freelist(s.meta.freelist)
	if err == nil {
		err = s.see(p)
	}
	for i, id := range ids {
		switch {
		case err != nil:
		case id < 2 || id >= s.meta.pages || i > 0 && id <= ids[i-1]:
			err = fmt.Errorf("the list of free pages names page %d", id)
		case id < s.pages:
			s.free.set(id)
		}
	}
	s.listed = err == nil
	if err != nil {
		s.fault(err)
	}
}

var errShared = errors.New("a page is in use twice")

// see notes that a page is in use.
func (s *survey) see(p page) error {
	for id := p.id; id <= p.id+p.overflow; id++ {
		if s.seen.has(id) {
			return fmt.Errorf("page %d: %w", id, errShared)
		}
		if s.free.has(id) {
			return fmt.Errorf("page %d is in use, and in the list of free pages", id)
		}
		s.seen.set(id)
	}
	return nil
}

// maxDepth bounds how deep a tree may be.
const maxDepth = 64

// walk visits every entry that can be reached, in order, and then those of
// pages that should have been. visit returns what is wrong with an entry.
func (s *survey) walk(visit func(entry) error) {
	if s.rooted {
		s.tree("", s.meta.root, nil, nil, 0, visit)
	}
	for id := uint64(2); id < s.pages && !s.broken; id++ {
		if !s.seen.has(id) && !s.free.has(id) {
			s.broken = true
			s.fault(fmt.Errorf("page %d is neither in use nor free", id))
		}
	}
	if s.broken {
		s.strays(visit)
	}
}

// tree visits the entries of a bucket, the first of whose keys is lo, and all of which
// are before hi; nil is no bound.
func (s *survey) tree(name string, id uint64, lo, hi []byte, depth int, visit func(entry) error) {
	p, err := s.read(id)
	switch {
	case err != nil:
	case depth > maxDepth:
		err = errors.New("the tree is too deep")
	case p.flags != leafPage && p.flags != branchPage:
		err = fmt.Errorf("page %d is of no kind that a tree has", id)
	default:
		err = s.see(p)
	}
	if err != nil {
		s.broken = true
		s.fault(err)
		if errors.Is(err, errShared) || depth > maxDepth || p.flags != leafPage {
			return
		}
	}
	s.elements(name, p, lo, hi, depth, visit)
}

// elements visits the entries of a page.
func (s *survey) elements(name string, p page, lo, hi []byte, depth int, visit func(entry) error) {
	var last []byte
	for i := range p.count {
		e, err := p.element(i)
		if err != nil {
			s.broken = s.broken || p.flags == branchPage
			s.fault(err)
			continue
		}
		// By the first key of a page the database finds it in the branch that leads to it.
		if i == 0 && lo != nil && !bytes.Equal(e.key, lo) || i > 0 && bytes.Compare(e.key, last) <= 0 || hi != nil && bytes.Compare(e.key, hi) >= 0 {
			s.fault(fmt.Errorf("the keys of page %d are not in order", p.id))
		}
		last = e.key
		switch {
		case p.flags == branchPage:
			end := hi
			if next, err := p.element(i + 1); i+1 < p.count && err == nil {
				end = next.key
			}
			s.tree(name, e.child, e.key, end, depth+1, visit)
		case e.bucket || name == "": // in the root there is nothing else
			if !e.bucket {
				s.fault(errors.New("a bucket is marked as none"))
			}
			s.bucket(name, e, depth, visit)
		default:
			if err := visit(entry{bucket: name, key: e.key, value: e.value}); err != nil {
				s.fault(fmt.Errorf("page %d: %w", p.id, err))
			}
		}
	}
}

// bucket visits the entries of a bucket within another. That of a small one
// stands in the value.
func (s *survey) bucket(name string, e element, depth int, visit func(entry) error) {
	if len(e.value) < 16 {
		s.fault(errors.New("a bucket has no root"))
		return
	}
	if name != "" {
		name += "/"
	}
	name += string(e.key)
	s.names[name] = true
	root := native.Uint64(e.value)
	if root != 0 {
		s.tree(name, root, nil, nil, depth+1, visit)
		return
	}
	if len(e.value) < 16+pageHeader || depth > maxDepth {
		s.fault(errors.New("a bucket has no page"))
		return
	}
	p := parsePage(e.value[16:])
	if p.flags != leafPage {
		s.fault(errors.New("the page in a bucket is no leaf"))
		p.flags = leafPage
	}
	s.elements(name, p, nil, nil, depth+1, visit)
}

// strays visits the entries of the pages that were not reached and are not
// free. Where the list of free pages is lost they may be from long ago.
func (s *survey) strays(visit func(entry) error) {
	for id := uint64(2); id < s.pages; id++ {
		if s.seen.has(id) || s.free.has(id) {
			continue
		}
		p, err := s.read(id)
		if err == nil && p.flags == leafPage {
			s.loose(p, true, visit)
			id += p.overflow
		}
	}
}

// loose visits the entries of a page that nothing leads to, and of the pages
// that stand in its values.
func (s *survey) loose(p page, inline bool, visit func(entry) error) {
	for i := range p.count {
		e, err := p.element(i)
		if err != nil {
			continue
		}
		if err := visit(entry{key: e.key, value: e.value, loose: true}); err == nil || !inline || len(e.value) < 16+pageHeader {
			continue
		}
		in := parsePage(e.value[16:])
		in.flags = leafPage
		s.loose(in, false, visit)
	}
}

// bitmap is a set of pages.
type bitmap []uint64

func newBitmap(n uint64) bitmap { return make(bitmap, (n+63)/64) }

func (b bitmap) has(i uint64) bool { return i/64 < uint64(len(b)) && b[i/64]&(1<<(i%64)) != 0 }
func (b bitmap) set(i uint64)      { b[i/64] |= 1 << (i % 64) }
