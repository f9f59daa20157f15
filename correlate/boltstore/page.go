package boltstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// The file is read here without the database, which trusts what it reads: a
// damaged page sends it astray, or ends the process. The layout is that of
// bbolt, in the byte order of the machine.

const (
	pageHeader    = 16
	pageElement   = 16
	branchPage    = 0x01
	leafPage      = 0x02
	metaPage      = 0x04
	freelistPage  = 0x10
	bucketElement = 0x01

	metaSize  = 64
	metaMagic = 0xED0CDAED

	minPageSize = 512
	maxPageSize = 64 << 10
)

var native = binary.NativeEndian

// image is the pages of a file.
type image struct {
	r        io.ReaderAt
	size     int64
	pageSize int64
	pages    uint64 // so many are whole
}

// meta is the root of a file. There are two, and the newer one counts.
type meta struct {
	pageSize uint32
	root     uint64
	freelist uint64
	pages    uint64 // those in use have lower numbers
	txid     uint64
}

// parseMeta reads a meta page from the start of it.
func parseMeta(b []byte) (meta, error) {
	if len(b) < pageHeader+metaSize {
		return meta{}, errors.New("a meta page is cut short")
	}
	flags := native.Uint16(b[8:])
	m := b[pageHeader : pageHeader+metaSize]
	sum := fnv.New64a()
	sum.Write(m[:56])
	switch {
	case native.Uint32(m) != metaMagic || native.Uint32(m[4:]) != 2:
		return meta{}, errors.New("a meta page is none")
	case native.Uint64(m[56:]) != sum.Sum64() || flags != metaPage:
		return meta{}, errors.New("a meta page does not match its checksum")
	}
	return meta{
		pageSize: native.Uint32(m[8:]),
		root:     native.Uint64(m[16:]),
		freelist: native.Uint64(m[32:]),
		pages:    native.Uint64(m[40:]),
		txid:     native.Uint64(m[48:]),
	}, nil
}

// readMeta finds the meta pages of a file, and with them the size of its pages.
// found is false when there is none; err says what is wrong with one or both.
func readMeta(r io.ReaderAt, size int64) (m meta, found bool, err error) {
	read := func(at int64) (meta, error) {
		b := make([]byte, pageHeader+metaSize)
		if n, err := r.ReadAt(b, at); n < len(b) {
			return meta{}, fmt.Errorf("a meta page cannot be read: %w", err)
		}
		m, err := parseMeta(b)
		if err == nil && (m.pageSize < minPageSize || m.pageSize > maxPageSize || m.pageSize&(m.pageSize-1) != 0) {
			err = fmt.Errorf("pages of %d bytes", m.pageSize)
		}
		return m, err
	}
	first, firstErr := read(0)
	if firstErr == nil {
		second, err := read(int64(first.pageSize))
		if err == nil && second.txid > first.txid {
			first = second
		}
		return first, true, err
	}
	for at := int64(minPageSize); at <= maxPageSize; at *= 2 {
		if second, err := read(at); err == nil && int64(second.pageSize) == at {
			return second, true, firstErr
		}
	}
	return meta{}, false, firstErr
}

// page is one page and those that belong to it.
type page struct {
	id       uint64
	flags    uint16
	count    int
	overflow uint64
	data     []byte // with the header
}

func parsePage(b []byte) page {
	return page{
		id: native.Uint64(b), flags: native.Uint16(b[8:]), count: int(native.Uint16(b[10:])),
		overflow: uint64(native.Uint32(b[12:])), data: b,
	}
}

// read returns a page. A page in use says which one it is.
func (m *image) read(id uint64) (page, error) {
	if id < 2 || id >= m.pages {
		return page{}, fmt.Errorf("page %d is not in the file", id)
	}
	b := make([]byte, m.pageSize)
	if _, err := m.r.ReadAt(b, int64(id)*m.pageSize); err != nil {
		return page{}, fmt.Errorf("page %d cannot be read: %w", id, err)
	}
	p := parsePage(b)
	if p.id != id {
		return page{}, fmt.Errorf("page %d says that it is page %d", id, p.id)
	}
	if p.overflow > 0 {
		if p.overflow >= m.pages-id {
			return page{}, fmt.Errorf("page %d goes on beyond the end of the file", id)
		}
		b = make([]byte, int64(p.overflow+1)*m.pageSize)
		if _, err := m.r.ReadAt(b, int64(id)*m.pageSize); err != nil {
			return page{}, fmt.Errorf("page %d cannot be read: %w", id, err)
		}
		p.data = b
	}
	return p, nil
}

// element is an entry of a page: of a branch, the page that begins with a key.
type element struct {
	bucket bool // the value is the header of a bucket
	key    []byte
	value  []byte
	child  uint64
}

// element returns the i-th entry of a leaf or branch.
func (p page) element(i int) (element, error) {
	at := pageHeader + i*pageElement
	if at+pageElement > len(p.data) {
		return element{}, fmt.Errorf("page %d has no room for %d entries", p.id, p.count)
	}
	b := p.data[at:]
	cut := func(pos, size uint32) ([]byte, error) {
		if uint64(pos)+uint64(size) > uint64(len(b)) || pos < pageElement {
			return nil, fmt.Errorf("entry %d of page %d lies outside of it", i, p.id)
		}
		return b[pos : uint64(pos)+uint64(size)], nil
	}
	if p.flags&branchPage != 0 {
		key, err := cut(native.Uint32(b), native.Uint32(b[4:]))
		return element{key: key, child: native.Uint64(b[8:])}, err
	}
	pos, keySize, valueSize := native.Uint32(b[4:]), native.Uint32(b[8:]), native.Uint32(b[12:])
	key, err := cut(pos, keySize)
	if err != nil {
		return element{}, err
	}
	if uint64(pos)+uint64(keySize) > uint64(len(b)) {
		return element{}, fmt.Errorf("entry %d of page %d lies outside of it", i, p.id)
	}
	value, err := cut(pos+keySize, valueSize)
	return element{bucket: native.Uint32(b)&bucketElement != 0, key: key, value: value}, err
}

// freelist returns the numbers of the pages that are not in use.
func (m *image) freelist(id uint64) (free []uint64, p page, err error) {
	p, err = m.read(id)
	if err != nil {
		return nil, p, err
	}
	if p.flags != freelistPage {
		return nil, p, fmt.Errorf("page %d is not the list of free pages", id)
	}
	b, n := p.data[pageHeader:], uint64(p.count)
	if n == 0xFFFF {
		n, b = native.Uint64(b), b[8:]
	}
	if n > uint64(len(b))/8 {
		return nil, p, fmt.Errorf("the list of free pages is longer than its page %d", id)
	}
	for i := range n {
		free = append(free, native.Uint64(b[8*i:]))
	}
	return free, p, nil
}
