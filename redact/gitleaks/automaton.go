package gitleaks

import (
	"encoding/binary"
	"fmt"
	"regexp/syntax"
	"slices"
	"sync"
	"sync/atomic"
	"unicode/utf8"
)

// automaton tells whether an expression matches at a place, by one step for each
// byte. Package regexp tells more, and takes far longer to tell that there is
// nothing. Its states are made as texts lead to them, and forgotten when
// they have become too many. It may be used concurrently.
type automaton struct {
	prog   *syntax.Prog
	class  [utf8.RuneSelf]uint8 // characters that lead everywhere alike
	end    int                  // the class of the end of a text
	mu     sync.Mutex
	states atomic.Pointer[states]
}

// states are those of an automaton that are known.
type states struct {
	known map[string]*state
	size  int // in bytes, about
	first [4]atomic.Pointer[state]
}

// state is what may go on after some text.
type state struct {
	insts []uint32 // to go on with: sorted, those that take a rune or hang on what follows
	prev  rune     // stands for the character before
	next  []atomic.Pointer[state]
}

// accepted and dead are where every expression ends.
var accepted, dead = new(state), new(state)

const (
	// maxStates is how much the states of an automaton may take, in bytes.
	maxStates = 128 << 10
	// maxMisses is how many states may be made in one run, besides one for each 16
	// bytes: beyond, package regexp is as fast.
	maxMisses = 256
)

// newAutomaton returns one for an expression that is right.
func newAutomaton(expr string) *automaton {
	tree, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		panic(err)
	}
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil {
		panic(err)
	}
	a := &automaton{prog: prog}
	a.classify()
	a.states.Store(&states{known: map[string]*state{}})
	return a
}

// classify puts the characters that no instruction tells apart into one class.
func (a *automaton) classify() {
	var class [utf8.RuneSelf]int
	n := 1
	split := func(is func(c rune) bool) {
		to := map[int]int{} // the new class of those of an old one that are
		for c, old := range class {
			if is(rune(c)) {
				if to[old] == 0 {
					to[old] = n
					n++
				}
				class[c] = to[old]
			}
		}
	}
	split(func(c rune) bool { return c == '\n' })
	split(syntax.IsWordChar)
	seen := map[string]bool{}
	for i := range a.prog.Inst {
		in := &a.prog.Inst[i]
		if key := fmt.Sprint(in.Op, in.Arg, in.Rune); takes(in) && !seen[key] {
			seen[key] = true
			split(func(c rune) bool { return matches(in, c) })
		}
	}
	number := map[int]int{} // without those in which nothing is left
	for c, k := range class {
		if _, ok := number[k]; !ok {
			number[k] = len(number)
		}
		a.class[c] = uint8(number[k])
	}
	a.end = len(number)
}

// takes reports whether an instruction takes a character.
func takes(in *syntax.Inst) bool {
	switch in.Op {
	case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
		return true
	}
	return false
}

func matches(in *syntax.Inst, c rune) bool {
	switch in.Op {
	case syntax.InstRuneAny:
		return true
	case syntax.InstRuneAnyNotNL:
		return c != '\n'
	}
	return in.MatchRune(c)
}

// verdict is what an automaton can tell.
type verdict uint8

const (
	no verdict = iota
	yes
	unknown // package regexp must be asked
)

// run tells whether the expression matches text[at:limit], or a part of it that
// begins at text[at], and how far it had to look. The limit is no end for the
// expression, unless it is that of the text.
func (a *automaton) run(text string, at, limit int) (found verdict, end int) {
	s := a.begin(text, at)
	switch s {
	case dead:
		return no, at
	case accepted:
		return yes, at
	}
	misses := 0
	for i := at; i < limit; {
		var next *state
		if c := text[i]; c < utf8.RuneSelf {
			if next = s.next[a.class[c]].Load(); next == nil {
				if misses++; misses > maxMisses+(i-at)/16 {
					return unknown, i
				}
				next = a.step(s, rune(c), int(a.class[c]))
			}
			i++
		} else {
			if misses++; misses > maxMisses+(i-at)/16 {
				return unknown, i
			}
			r, n := utf8.DecodeRuneInString(text[i:])
			next = a.step(s, r, -1)
			i += n
		}
		switch next {
		case dead:
			return no, i
		case accepted:
			return yes, i
		}
		s = next
	}
	if limit == len(text) {
		next := s.next[a.end].Load()
		if next == nil {
			next = a.step(s, -1, a.end)
		}
		if next == accepted {
			return yes, limit
		}
	}
	return no, limit
}

// begin returns the state before text[at].
func (a *automaton) begin(text string, at int) *state {
	prev := rune(-1)
	if at > 0 {
		prev, _ = utf8.DecodeLastRuneInString(text[:at])
	}
	n := 0
	switch prev = like(prev); prev {
	case '\n':
		n = 1
	case 'a':
		n = 2
	case ' ':
		n = 3
	}
	all := a.states.Load()
	if s := all.first[n].Load(); s != nil {
		return s
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	var set set
	set.add(a.prog, uint32(a.prog.Start))
	s := a.intern(set.insts, prev)
	a.states.Load().first[n].Store(s)
	return s
}

// like returns a character that expressions cannot tell from c where it is the
// one before.
func like(c rune) rune {
	switch {
	case c == -1 || c == '\n':
		return c
	case syntax.IsWordChar(c):
		return 'a'
	}
	return ' '
}

// step returns the state behind the character c, of the given class, or -1 for
// the end of the text.
func (a *automaton) step(s *state, c rune, class int) *state {
	a.mu.Lock()
	defer a.mu.Unlock()
	// First what hangs on what follows, then what takes the character.
	context := syntax.EmptyOpContext(s.prev, c)
	var now, then set
	for _, pc := range s.insts {
		now.addIn(a.prog, pc, context)
	}
	next := dead
	for _, pc := range now.insts {
		in := &a.prog.Inst[pc]
		if in.Op == syntax.InstMatch {
			next = accepted
			break
		}
		if c >= 0 && takes(in) && matches(in, c) {
			then.add(a.prog, in.Out)
		}
	}
	if next == dead {
		next = a.intern(then.insts, like(c))
	}
	if class >= 0 {
		s.next[class].Store(next)
	}
	return next
}

// intern returns the state with the given instructions. The lock is held.
func (a *automaton) intern(insts []uint32, prev rune) *state {
	if len(insts) == 0 {
		return dead
	}
	for _, pc := range insts {
		if a.prog.Inst[pc].Op == syntax.InstMatch {
			return accepted
		}
	}
	slices.Sort(insts)
	key := make([]byte, 0, 4*len(insts)+4)
	key = binary.LittleEndian.AppendUint32(key, uint32(prev))
	for _, pc := range insts {
		key = binary.LittleEndian.AppendUint32(key, pc)
	}
	all := a.states.Load()
	if s := all.known[string(key)]; s != nil {
		return s
	}
	size := 2*len(key) + 8*(a.end+1) + 128
	if all.size+size > maxStates {
		all = &states{known: map[string]*state{}}
		a.states.Store(all)
	}
	s := &state{insts: insts, prev: prev, next: make([]atomic.Pointer[state], a.end+1)}
	all.known[string(key)] = s
	all.size += size
	return s
}

// set holds instructions, each once.
type set struct {
	insts []uint32
	has   map[uint32]bool
}

// add adds an instruction and those that it leads to, as far as that does not
// hang on what follows.
func (s *set) add(prog *syntax.Prog, pc uint32) { s.addIn(prog, pc, 0) }

// addIn is add in a context, in which the conditions hold.
func (s *set) addIn(prog *syntax.Prog, pc uint32, context syntax.EmptyOp) {
	if s.has == nil {
		s.has = map[uint32]bool{}
	}
	if s.has[pc] {
		return
	}
	s.has[pc] = true
	in := &prog.Inst[pc]
	switch in.Op {
	case syntax.InstAlt, syntax.InstAltMatch:
		s.addIn(prog, in.Out, context)
		s.addIn(prog, in.Arg, context)
	case syntax.InstCapture, syntax.InstNop:
		s.addIn(prog, in.Out, context)
	case syntax.InstEmptyWidth:
		if context != 0 && syntax.EmptyOp(in.Arg)&^context == 0 {
			s.addIn(prog, in.Out, context)
			return
		}
		s.insts = append(s.insts, pc)
	case syntax.InstFail:
	default:
		s.insts = append(s.insts, pc)
	}
}
