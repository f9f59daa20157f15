package celrule

import (
	"strings"
	"sync"

	"cel.dev/cel-go/common/functions"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// Limits of one call. CEL counts what a call costs when it is over, which is
// too late for those that can take a small value to a huge one.
const (
	maxWork  = 1 << 22 // steps, such as comparisons
	maxMatch = 1 << 20 // steps of patterns, each of which can take some ten of the others
	maxMade  = 1 << 20 // bytes of the value that it returns, or elements
	maxRange = 1 << 12 // elements of lists.range

	tooMuch = maxMade + 1
)

// effort is what a call will take: its steps, and the size of what it makes.
type effort struct{ steps, size int64 }

// efforts has the functions of CEL's extensions that work on texts and lists.
// An argument of another type than a function takes is of no size.
var efforts = map[string]func(args []ref.Val) effort{
	"charAt":      linear,
	"lowerAscii":  linear,
	"upperAscii":  linear,
	"trim":        linear,
	"substring":   linear,
	"slice":       linear,
	"reverse":     linear,
	"indexOf":     product,
	"lastIndexOf": product,
	"hasOnly":     product,
	"hasAny":      product,
	"hasAll":      product,
	"hasExactly":  product,
	"distinct":    func(args []ref.Val) effort { return product([]ref.Val{args[0], args[0]}) },
	"sort":        sorting,
	"flatten":     func(args []ref.Val) effort { return both(content(args[0], tooMuch)) },

	"@sortByAssociatedKeys": sorting,

	"strings.quote": func(args []ref.Val) effort { return both(4 * length(args[0])) },
	"format": func(args []ref.Val) effort {
		// Of a number a clause makes 100 digits and more, of a byte 8.
		return both(length(args[0]) + 8*content(args[1], tooMuch) + 512*length(args[1]))
	},
	"replace": func(args []ref.Val) effort {
		text, old, with := textOf(args[0]), textOf(args[1]), textOf(args[2])
		n := int64(strings.Count(text, old))
		if len(args) == 4 {
			if most, ok := args[3].(types.Int); ok && most >= 0 {
				n = min(n, int64(most))
			}
		}
		return effort{int64(len(text)), int64(len(text)) + n*int64(max(0, len(with)-len(old)))}
	},
	"split": func(args []ref.Val) effort {
		const header = 16 // bytes that a part takes beside its text
		text := textOf(args[0])
		return effort{int64(len(text)), header * (int64(strings.Count(text, textOf(args[1]))) + 1)}
	},
	"join": func(args []ref.Val) effort {
		size := content(args[0], tooMuch)
		if len(args) == 2 {
			size += length(args[0]) * length(args[1])
		}
		return both(size)
	},
}

func linear(args []ref.Val) effort { return both(length(args[0])) }

func product(args []ref.Val) effort {
	return effort{steps: length(args[0]) * max(1, length(args[1]))}
}

func sorting(args []ref.Val) effort { return effort{16 * length(args[0]), length(args[0])} }

func both(n int64) effort { return effort{n, n} }

// length returns the bytes of a text or the elements of a list, at most a
// little over maxWork, so that lengths can be multiplied.
func length(v ref.Val) int64 {
	n := int64(0)
	switch v := v.(type) {
	case types.String:
		n = int64(len(v))
	case traits.Sizer:
		if size, ok := v.Size().(types.Int); ok {
			n = int64(size)
		}
	}
	return min(n, maxWork+1)
}

func textOf(v ref.Val) string {
	s, _ := v.(types.String)
	return string(s)
}

// content returns the size of all that is in a value, or most if it is more.
func content(v ref.Val, most int64) int64 {
	size := int64(1)
	switch v := v.(type) {
	case types.String, types.Bytes:
		size += length(v)
	case traits.Lister:
		for it := v.Iterator(); it.HasNext() == types.True && size < most; {
			size += content(it.Next(), most-size)
		}
	case traits.Mapper:
		for it := v.Iterator(); it.HasNext() == types.True && size < most; {
			key := it.Next()
			size += content(key, most-size)
			size += content(v.Get(key), most-size)
		}
	}
	return min(size, most)
}

// boundedFunctions returns the functions of efforts as they are to be called.
var boundedFunctions = sync.OnceValue(func() map[string]functions.FunctionOp {
	bounded := make(map[string]functions.FunctionOp)
	all := matching.env().Functions()
	for name, effortOf := range efforts {
		bindings, err := all[name].Bindings()
		if err != nil {
			panic("celrule: " + err.Error()) // it does not depend on any input
		}
		for _, b := range bindings {
			if b.Operator == name { // it finds the overload
				bounded[name] = limited(name, b, effortOf)
			}
		}
	}
	return bounded
})

func limited(name string, b *functions.Overload, effortOf func([]ref.Val) effort) functions.FunctionOp {
	return func(args ...ref.Val) ref.Val {
		if b.OperandTrait != 0 && !args[0].Type().HasTrait(b.OperandTrait) {
			return types.NoSuchOverloadErr()
		}
		if e := effortOf(args); e.steps > maxWork || e.size > maxMade {
			return types.NewErr("%s would make or take too much", name)
		}
		return asAbsent(apply(b, args))
	}
}

func apply(b *functions.Overload, args []ref.Val) ref.Val {
	switch {
	case b.Unary != nil && len(args) == 1:
		return b.Unary(args[0])
	case b.Binary != nil && len(args) == 2:
		return b.Binary(args[0], args[1])
	case b.Function != nil:
		return b.Function(args...)
	}
	return types.NoSuchOverloadErr()
}

// notThere begin the errors of what is not there, or of another type, which
// the extensions say in words of their own.
var notThere = []string{
	"index out of range", "invalid substring range", "cannot slice(", // positions
	"join: invalid input", "list elements must", "error during formatting", // types
}

// asAbsent turns these errors into those that CEL itself has for the same.
func asAbsent(v ref.Val) ref.Val {
	if err, ok := v.(*types.Err); ok {
		for _, beginning := range notThere {
			if strings.HasPrefix(err.Error(), beginning) {
				return types.NewErr("index out of bounds: %v", err)
			}
		}
	}
	return v
}
