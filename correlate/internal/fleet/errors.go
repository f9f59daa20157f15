package fleet

import "regexp"

var (
	// userinfo is what stands between the scheme and the host of a URL; one that
	// is not well formed may hold anything.
	userinfo = regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://)[^\s"']*@`)
	// port is what net/url takes for one when a password holds a slash.
	port = regexp.MustCompile(`invalid port "[^"]*"`)
	// setting is a password as connection strings write it.
	setting = regexp.MustCompile(`(?i)\b(password|passwd|sslpassword|pass)=('(?:[^'\\]|\\.)*'|[^\s&"']+)`)
)

// Safe returns an error whose text has no credential of a URL or of a
// connection string in it; drivers quote what they cannot parse. errors.Is and
// errors.As see through it. Safe(nil) is nil.
func Safe(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	clean := userinfo.ReplaceAllString(text, "${1}")
	clean = port.ReplaceAllString(clean, "invalid port")
	clean = setting.ReplaceAllString(clean, "${1}=[REDACTED]")
	if clean == text {
		return err
	}
	return &safeError{text: clean, err: err}
}

type safeError struct {
	text string
	err  error
}

func (e *safeError) Error() string { return e.text }
func (e *safeError) Unwrap() error { return e.err }
