// Package deployment knows what was deployed, and asks of a problem whether a
// deployment is to blame for it.
//
// A [Tracker] keeps the deployments of each service in a [correlate.Store], where
// replicas share them. It learns of them from the resources of processes
// ([Tracker.Seen]), from spans that announce one ([Record], [FromSpan]), and from
// what systems that deploy send to a [Handler]. What is told twice, late or in any
// order makes the same history.
//
// [Suspects] takes a problem, the [History], the [Graph] of who depends on whom,
// and [Rates], and returns a ranked list of deployments, each with its [Class] and
// its evidence; or the reason why there is none. It is a pure function: asked again,
// it says the same.
//
// # Innocent until shown
//
// That a deployment came before a problem is no evidence by itself. A suspect
// needs failures that became more frequent with it, or that its version has and the one before
// has not. Where counts are not known nothing is better than [Possible], unless
// the failure is of a new kind, in the new version, right after the change.
//
// # Texts
//
// What is stored was redacted before, and bounded: what identifies a deployment is refused if it is
// too long, because two that are cut could be one; what describes it is cut. A
// command is text to be shown, and nothing here runs it.
package deployment
