package journal

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

// MaxRecord is the longest record, in bytes.
const MaxRecord = 2 << 10

const (
	headerSize = 4 << 10
	// slotSize is a multiple of the sectors of disks, so that the head of a slot is
	// in one of them.
	slotSize = 2560
	slotHead = 24
	// slots is how many there are in a file: 1 MiB in all.
	slots    = 408
	fileSize = headerSize + slots*slotSize
)

// The head of a slot, little endian: a mark, the length of the record, its
// sequence number, and the CRC-32C of what comes between the mark and it and of
// the record. A slot that is free begins with zeros.
const (
	atLength = 4
	atSeq    = 8
	atSum    = 16
)

var (
	slotMark   = []byte("spj\x01")
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// appendSlot appends the bytes of a slot that holds a record.
func appendSlot(dst []byte, seq uint64, record []byte) []byte {
	begin := len(dst)
	dst = append(dst, slotMark...)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(record)))
	dst = binary.LittleEndian.AppendUint64(dst, seq)
	dst = append(dst, make([]byte, slotHead-atSum)...)
	dst = append(dst, record...)
	binary.LittleEndian.PutUint32(dst[begin+atSum:], slotSum(dst[begin:]))
	return dst
}

func slotSum(slot []byte) uint32 {
	return crc32.Update(crc32.Checksum(slot[atLength:atSum], castagnoli), castagnoli, slot[slotHead:])
}

// parseSlot returns the record in the bytes of a slot. It returns false if there
// is none, or if it was torn or damaged.
func parseSlot(slot []byte) (seq uint64, record []byte, ok bool) {
	if len(slot) < slotHead || !bytes.HasPrefix(slot, slotMark) {
		return 0, nil, false
	}
	n := binary.LittleEndian.Uint32(slot[atLength:])
	if n == 0 || n > MaxRecord || slotHead+int(n) > len(slot) {
		return 0, nil, false
	}
	slot = slot[:slotHead+int(n)]
	if slotSum(slot) != binary.LittleEndian.Uint32(slot[atSum:]) {
		return 0, nil, false
	}
	return binary.LittleEndian.Uint64(slot[atSeq:]), slot[slotHead:], true
}

// fileMark begins a file of this format. What comes after it says whose it is.
var fileMark = []byte("spanticket journal 1\n")

const ownerSize = 16

func appendHeader(dst []byte, owner [ownerSize]byte) []byte {
	begin := len(dst)
	dst = append(append(dst, fileMark...), owner[:]...)
	return append(dst, make([]byte, headerSize-(len(dst)-begin))...)
}

// parseHeader tells what a file is by its beginning: a journal of somebody, one
// whose header was never written, or none at all.
func parseHeader(b []byte) (owner [ownerSize]byte, fresh, ok bool) {
	if rest, found := bytes.CutPrefix(b, fileMark); found && len(rest) >= ownerSize {
		return [ownerSize]byte(rest), false, true
	}
	if len(bytes.Trim(b, "\x00")) == 0 {
		return owner, true, true
	}
	return owner, false, false
}

// found is a record in a file.
type found struct {
	slot   int
	seq    uint64
	record []byte
}

// slotAt returns where in the file a slot is.
func slotAt(i int) int64 { return headerSize + int64(i)*slotSize }

// parse returns the records in the bytes of a file, and the slots of those that
// are damaged. Whatever the bytes are, it returns those that are whole.
func parse(b []byte) (out []found, damaged []int) {
	for i := range slots {
		at := headerSize + i*slotSize
		if at >= len(b) {
			break
		}
		slot := b[at:min(at+slotSize, len(b))]
		if seq, record, ok := parseSlot(slot); ok {
			out = append(out, found{i, seq, record})
		} else if slot[0] != 0 { // a free one begins with zeros
			damaged = append(damaged, i)
		}
	}
	return out, damaged
}
