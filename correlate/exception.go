package correlate

// Complete returns an exception with what another record of it knows besides,
// and whether the other is one of the same: the message is the same, and so is
// the type, unless one of them says nothing (see [SaysNothing]). If it is not, the
// exception is returned as it is.
func (e Exception) Complete(other Exception) (Exception, bool) {
	if e.Message != other.Message || e.Type != other.Type && !SaysNothing(e.Type) && !SaysNothing(other.Type) {
		return e, false
	}
	if e.Type == "" || SaysNothing(e.Type) && !SaysNothing(other.Type) {
		e.Type = other.Type
	}
	if e.Stacktrace == "" {
		e.Stacktrace = other.Stacktrace
	}
	return e, true
}
