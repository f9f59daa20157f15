package journal

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// filled returns the bytes of a file with so many records.
func filled(n int) []byte {
	b := appendHeader(nil, ownerID("me"))
	for i := range n {
		b = append(b, make([]byte, headerSize+i*slotSize-len(b))...)
		b = appendSlot(b, uint64(i+1), fmt.Appendf(nil, "record %d", i))
	}
	return append(b, make([]byte, fileSize-len(b))...)
}

func parsed(b []byte) []found {
	records, _ := parse(b)
	return records
}

func records(b []byte) (out []string) {
	for _, f := range parsed(b) {
		out = append(out, string(f.record))
	}
	return out
}

// A write that is torn, after any of its bytes, leaves the old state or the new
// one, or a slot without a record.
func TestTornWrites(t *testing.T) {
	const slot = headerSize + slotSize
	write := func(record string, seq uint64) []byte { return appendSlot(nil, seq, []byte(record)) }
	for _, row := range []struct {
		rule   string
		before []byte // in the slot
		write  []byte
		old    []string // what may be found in the slot besides nothing, until all is written
		new    []string
	}{
		{rule: "a record in a slot that was never used", write: write("new", 9), new: []string{"new"}},
		{rule: "a record where a longer one was", before: freed(write("an older and longer one", 2)), write: write("new", 9), new: []string{"new"}},
		{rule: "the same record once more", before: freed(write("new", 8)), write: write("new", 9), new: []string{"new"}},
		{rule: "a release", before: write("old", 2), write: noRecord, old: []string{"old"}},
	} {
		t.Run(row.rule, func(t *testing.T) {
			for torn := range len(row.write) + 1 {
				b := filled(3)
				clear(b[slot : slot+slotSize])
				copy(b[slot:], row.before)
				copy(b[slot:], row.write[:torn])
				got := records(b)
				require.Contains(t, got, "record 0")
				require.Contains(t, got, "record 2")
				got = slices.DeleteFunc(got, func(s string) bool { return s == "record 0" || s == "record 2" })
				switch {
				case torn == len(row.write):
					require.ElementsMatch(t, row.new, got)
				case torn == 0:
					require.ElementsMatch(t, row.old, got)
				case len(got) > 0:
					require.True(t, slices.Equal(got, row.old) || slices.Equal(got, row.new), "%d bytes: %q", torn, got)
				}
			}
		})
	}
}

// freed returns the bytes of a slot after its record was released.
func freed(slot []byte) []byte {
	copy(slot, noRecord)
	return slot
}

// Whatever byte of a record is damaged, that record is passed over, and no other.
func TestDamage(t *testing.T) {
	whole := filled(3)
	at := headerSize + slotSize
	for i := range slotHead + len("record 1") {
		if i >= atSum+4 && i < slotHead {
			continue // nothing is there
		}
		for bit := range 8 {
			whole[at+i] ^= 1 << bit
			require.Equal(t, []string{"record 0", "record 2"}, records(whole), "byte %d, bit %d", i, bit)
			whole[at+i] ^= 1 << bit
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		b := bytes.Clone(whole)
		for range rapid.IntRange(1, 20).Draw(t, "damages") {
			from := rapid.IntRange(0, headerSize+4*slotSize).Draw(t, "from")
			for i := range rapid.IntRange(1, 600).Draw(t, "bytes") {
				b[from+i] = byte(rapid.IntRange(0, 255).Draw(t, "byte"))
			}
		}
		for _, r := range records(b) {
			require.Regexp(t, `^record [012]$`, r)
		}
	})
}

// What is damaged is told of once: its slot is free then.
func TestDamageIsCounted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	b := filled(3)
	b[headerSize+slotSize+slotHead]++
	b[headerSize+7*slotSize] = 'x'
	require.NoError(t, os.WriteFile(path, b, 0o600))
	j, err := Open(path, "me")
	require.NoError(t, err)
	require.Len(t, j.Records(), 2)
	require.Equal(t, 2, j.Damaged())
	require.NoError(t, j.Close())
	j, err = Open(path, "me")
	require.NoError(t, err)
	require.Zero(t, j.Damaged())
	require.NoError(t, j.Close())
}

// A power cut leaves of each sector what it was at some time: the records that are
// found are ones that were there.
func TestSectorsOfAnyTime(t *testing.T) {
	const sector, used = 512, 3
	rapid.Check(t, func(t *rapid.T) {
		history := [][]byte{filled(0)[:headerSize+used*slotSize]}
		was := map[string]bool{}
		for i := range rapid.IntRange(1, 12).Draw(t, "writes") {
			next := bytes.Clone(history[len(history)-1])
			slot := next[headerSize+rapid.IntRange(0, used-1).Draw(t, "slot")*slotSize:]
			if slot[0] != 0 {
				copy(slot, noRecord)
			} else {
				text := strings.Repeat(fmt.Sprintf("%04d;", i), rapid.IntRange(1, MaxRecord/5).Draw(t, "length"))
				was[text] = true
				copy(slot, appendSlot(nil, uint64(i+1), []byte(text)))
			}
			history = append(history, next)
		}
		disk := make([]byte, len(history[0]))
		for at := 0; at < len(disk); at += sector {
			copy(disk[at:at+sector], history[rapid.IntRange(0, len(history)-1).Draw(t, "time")][at:])
		}
		for _, r := range records(disk) {
			require.Contains(t, was, r)
		}
	})
}

// A file that ends anywhere is opened, and what is whole in it is found.
func TestTruncation(t *testing.T) {
	whole := filled(3)
	ends := func(i int) int { return headerSize + i*slotSize + slotHead + len("record 0") }
	for n := range headerSize + 3*slotSize {
		want := 0
		for want < 3 && n >= ends(want) {
			want++
		}
		require.Len(t, records(whole[:n]), want, n)
	}
	path := filepath.Join(t.TempDir(), "journal")
	for _, n := range []int{0, headerSize, ends(0) - 1, ends(0), ends(1), fileSize - 1, fileSize} {
		require.NoError(t, os.WriteFile(path, whole[:n], 0o600))
		j, err := Open(path, "me")
		require.NoError(t, err)
		require.Len(t, j.Records(), len(records(whole[:n])))
		put(t, j, "new")
		require.NoError(t, j.Close())
		require.Len(t, image(t, path), fileSize)
	}
}

// FuzzParse: whatever a file holds, reading it neither panics nor yields a
// record that is too long, and what it yields can be written again.
func FuzzParse(f *testing.F) {
	f.Add(filled(2)[:headerSize+2*slotSize])
	f.Add(filled(1)[:headerSize+30])
	f.Add([]byte("spanticket journal 1\n"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		_, fresh, ok := parseHeader(b[:min(len(b), headerSize)])
		require.True(t, ok || !fresh)
		for _, r := range parsed(b) {
			require.NotEmpty(t, r.record)
			require.LessOrEqual(t, len(r.record), MaxRecord)
			seq, record, ok := parseSlot(appendSlot(nil, r.seq, r.record))
			require.True(t, ok)
			require.Equal(t, r.seq, seq)
			require.Equal(t, r.record, record)
		}
		// Bytes of any kind in a slot, with the right sum, are a record.
		slot := appendSlot(nil, 7, append([]byte("x"), b[:min(len(b), MaxRecord-1)]...))
		_, _, ok = parseSlot(slot)
		require.True(t, ok)
	})
}
