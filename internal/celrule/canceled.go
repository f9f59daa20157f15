package celrule

import (
	"strings"

	"github.com/spanticket/spanticket/correlate"
)

// TimedOut reports whether a failure is of a timeout or a deadline: by its
// exception, its status description, or the status that was answered.
func TimedOut(o *correlate.Occurrence) bool {
	return timedOut(o.Exception.Type, o.Exception.Message) || isTimeoutMessage(o.Message) ||
		o.HTTPStatus() == 504 || o.RPCStatus() == "DEADLINE_EXCEEDED"
}

// Canceled reports whether an operation failed because its caller did not want
// its result any more: by its exception, its status description, or the status
// that was answered.
func Canceled(o *correlate.Occurrence) bool {
	if o.HTTPStatus() == 499 || o.RPCStatus() == "CANCELLED" {
		return true
	}
	if o.Exception.Type == "" && o.Exception.Message == "" {
		return isCancelMessage(o.Message)
	}
	return isCancelType(o.Exception.Type) && !isTimeoutMessage(o.Exception.Message) || isCancelMessage(o.Exception.Message)
}

// What a cancellation is called, in lower case.
var (
	// cancelTypes are what the name of a type ends with, apart from
	// timeoutEndings: asyncio.CancelledError, TaskCanceledException, AbortError.
	cancelTypes = []string{"canceled", "cancelled", "cancellation", "aborterror", "clientabort", "clientdisconnect", "operationcanceled", "taskcanceled"}

	// cancelPhrases are what a message ends with: what comes before it says what
	// was being done.
	cancelPhrases = []string{
		"context canceled", "request canceled", "operation was canceled", "query was canceled", // Go
		"this operation was aborted", "the user aborted a request.", "a task was canceled.", // JavaScript, C#
		"canceling statement due to user request", "client disconnected", "client connection closed", "call cancelled", "call canceled",
	}
)

func isCancelType(typ string) bool {
	typ = typ[strings.LastIndexAny(typ, `./\:$`)+1:]
	if _, ok := trimAnySuffix(typ, cancelTypes); ok {
		return true
	}
	typ, _ = trimAnySuffix(typ, []string{"error", "exception"})
	_, ok := trimAnySuffix(typ, cancelTypes)
	return ok
}

func isCancelMessage(message string) bool {
	// Some say what happened before the end: "rpc error: code = Canceled desc = ...".
	if at := strings.Index(message, "code = Canceled desc ="); at >= 0 {
		return true
	}
	_, ok := trimAnySuffix(strings.TrimSpace(message), cancelPhrases)
	return ok
}
