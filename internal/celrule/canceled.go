package celrule

import (
	"strconv"
	"strings"

	"github.com/spanticket/spanticket/correlate"
)

// TimedOut reports whether a failure is of a timeout or a deadline: by its
// exception, its status description, or the status that was answered.
func TimedOut(o *correlate.Occurrence) bool {
	return timedOut(o.Exception.Type, o.Exception.Message) || isTimeoutMessage(o.Message) || hasStatus(o, "504", "4", "DEADLINE_EXCEEDED")
}

// Canceled reports whether an operation failed because its caller did not want
// its result any more: by its exception, its status description, or the status
// that was answered.
func Canceled(o *correlate.Occurrence) bool {
	if hasStatus(o, "499", "1", "CANCELLED") {
		return true
	}
	if o.Exception.Type == "" && o.Exception.Message == "" {
		return isCancelMessage(o.Message)
	}
	return isCancelType(o.Exception.Type) && !isTimeoutMessage(o.Exception.Message) || isCancelMessage(o.Exception.Message)
}

// hasStatus reports whether what was answered is an HTTP status, or a gRPC
// status by its number or its name.
func hasStatus(o *correlate.Occurrence, http, number, name string) bool {
	if status := statusText(o, "http.response.status_code", "http.status_code"); status != "" {
		return status == http
	}
	status := statusText(o, "rpc.response.status_code", "rpc.status_code", "rpc.grpc.status_code")
	return status != "" && (status == number || strings.EqualFold(status, name))
}

// statusText returns the first of some attributes that is a number or a text.
func statusText(o *correlate.Occurrence, keys ...string) string {
	for _, key := range keys {
		switch v := correlate.Attr(o.Attributes, key).(type) {
		case int64:
			return strconv.FormatInt(v, 10)
		case string:
			return v
		}
	}
	return ""
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
