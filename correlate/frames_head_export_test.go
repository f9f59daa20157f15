package correlate

// StackHead is for tests.
var StackHead = stackHead
