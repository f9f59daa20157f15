package correlate

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"slices"
)

const (
	// sketchExact is up to how many distinct things are counted exactly.
	sketchExact = 128

	sketchBits      = 9
	sketchRegisters = 1 << sketchBits
)

// Sketch counts distinct things in little room: exactly up to 128, and beyond
// that to within about 5 %. Sketches of several replicas can be merged, and hold
// nothing but hashes. The zero value is empty.
//
// Beyond the exact part it is the algorithm of Flajolet, Fusy, Gandouet and
// Meunier, "HyperLogLog: the analysis of a near-optimal cardinality estimation
// algorithm" (2007), with 512 registers.
type Sketch struct {
	exact     []uint32 // sorted; nil if there are registers
	registers []byte
}

// Add counts a thing by its hash, which must be spread evenly.
func (s *Sketch) Add(hash uint64) {
	h := uint32(hash>>32) ^ uint32(hash)
	if s.registers != nil {
		s.register(h)
		return
	}
	at, found := slices.BinarySearch(s.exact, h)
	if found {
		return
	}
	if len(s.exact) < sketchExact {
		s.exact = slices.Insert(s.exact, at, h)
		return
	}
	s.spread()
	s.register(h)
}

// spread moves what was counted exactly into registers.
func (s *Sketch) spread() {
	s.registers = make([]byte, sketchRegisters)
	for _, h := range s.exact {
		s.register(h)
	}
	s.exact = nil
}

func (s *Sketch) register(h uint32) {
	i := h >> (32 - sketchBits)
	rank := bits.LeadingZeros32(h<<sketchBits|1<<(sketchBits-1)) + 1
	s.registers[i] = max(s.registers[i], byte(rank))
}

// Merge counts what another sketch has counted. The other one stays as it is.
func (s *Sketch) Merge(other Sketch) {
	if other.registers == nil {
		for _, h := range other.exact {
			s.Add(uint64(h))
		}
		return
	}
	if s.registers == nil {
		s.spread()
	}
	for i, rank := range other.registers {
		s.registers[i] = max(s.registers[i], rank)
	}
}

// Count returns how many distinct things were counted.
func (s Sketch) Count() int64 {
	if s.registers == nil {
		return int64(len(s.exact))
	}
	const m = float64(sketchRegisters)
	sum, empty := 0.0, 0
	for _, rank := range s.registers {
		sum += math.Ldexp(1, -int(rank))
		if rank == 0 {
			empty++
		}
	}
	n := 0.7213 / (1 + 1.079/m) * m * m / sum
	if n < 2.5*m && empty > 0 {
		n = m * math.Log(m/float64(empty)) // better where most registers are empty
	}
	return max(int64(math.Round(n)), sketchExact)
}

// clone returns a sketch that can be changed on its own.
func (s Sketch) clone() Sketch {
	return Sketch{exact: slices.Clone(s.exact), registers: slices.Clone(s.registers)}
}

// MarshalText writes the hashes, or the registers, in base64.
func (s Sketch) MarshalText() ([]byte, error) {
	if s.registers != nil {
		return []byte("r" + base64.RawStdEncoding.EncodeToString(s.registers)), nil
	}
	if len(s.exact) == 0 {
		return nil, nil
	}
	raw := make([]byte, 0, 4*len(s.exact))
	for _, h := range s.exact {
		raw = binary.BigEndian.AppendUint32(raw, h)
	}
	return []byte("e" + base64.RawStdEncoding.EncodeToString(raw)), nil
}

// UnmarshalText reads what MarshalText wrote.
func (s *Sketch) UnmarshalText(text []byte) error {
	*s = Sketch{}
	if len(text) == 0 {
		return nil
	}
	raw, err := base64.RawStdEncoding.DecodeString(string(text[1:]))
	switch {
	case err != nil:
		return fmt.Errorf("correlate: a sketch: %w", err)
	case text[0] == 'r' && len(raw) == sketchRegisters:
		s.registers = raw
	case text[0] == 'e' && len(raw)%4 == 0 && len(raw) <= 4*sketchExact:
		for ; len(raw) > 0; raw = raw[4:] {
			s.Add(uint64(binary.BigEndian.Uint32(raw)))
		}
	default:
		return fmt.Errorf("correlate: a sketch of kind %q and %d bytes is not known", text[:1], len(raw))
	}
	return nil
}
