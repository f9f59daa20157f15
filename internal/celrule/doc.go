// Package celrule compiles rules, matches spans against them and evaluates
// what a rule says about a problem. It is the only package that knows CEL.
//
// # What expressions see
//
// The variables are span, resource, scope and exception, with the names that
// OpenTelemetry gives to their parts; and, in what is evaluated once for a
// problem, problem. Attributes are read in place, from the span or from the
// occurrence that was made of it.
//
// An attribute that OpenTelemetry's conventions know is read as the type that
// they give it, whatever it was recorded as: conventions.txt has them all.
//
// A missing attribute is never an error. It makes ==, < and in false, and !=
// true; ! turns these round. The same holds for a value of another type than
// it is compared with. has(span.attributes.x) and "x" in span.attributes tell.
// A text that hangs on something missing has its default.
//
// What fails otherwise, such as a division by zero, an evaluation that exceeds
// its cost limit or a call that would make a huge value, makes a rule not
// match, and is counted.
//
// # How a span is matched
//
// A condition is translated, as far as it is made of simple comparisons,
// patterns and the functions of this package, to a tree of them that needs no
// CEL and allocates nothing. For each resource and status, what is known by
// then is taken out of the trees, rules that can never match are dropped, and
// the others are filed under a comparison that they need. A span looks up its
// own values, and meets the rules that are filed there. CEL is asked only for
// what the trees leave open.
package celrule
