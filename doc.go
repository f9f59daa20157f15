// Package spanticket is the documentation of a library that turns failing and
// slow OpenTelemetry spans into tickets: one failure, one ticket, at its
// origin.
//
// A service imports package autoticket and wires it into the TracerProvider it
// has:
//
//   - autoticket: Config, New, Engine; Replay for recorded traces
//   - sinks: the contract of a sink, and under it the sinks: console, jsonl,
//     webhook; sinktest holds a sink to the contract
//   - enrich: the contract of an enricher, and the built-in ones
//   - correlate: the domain, among it the contract of a store; storetest holds
//     a store to it
//   - redact: what removes secrets and personal data
//
// Programs to run are under examples: quickstart shows the whole path,
// replay runs recorded traces. The rules are described in docs/rules.md, the
// way of a span through the library in ARCHITECTURE.md.
package spanticket
