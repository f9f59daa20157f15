package correlate

// For tests.
var (
	StackHead = stackHead
	IsWrapper = isWrapper
)
