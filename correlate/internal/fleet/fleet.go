// Package fleet is what stores that many processes share have in common: updates
// that compare and set, marks by which a writer knows its own commits again, turns
// at a record within one process, pauses between claims that find nothing, and
// errors without credentials.
//
// The stores are modules of their own and may be older than this package: what
// is exported here is added to, and not changed.
package fleet
