package deployment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	maxBody    = 1 << 20
	bodyTime   = 10 * time.Second
	storeTime  = 10 * time.Second
	maxRunning = 32
)

// HandlerConfig is what a [Handler] works with. A sender whose secrets are empty
// is refused. Several secrets hold at once, so that one can be replaced.
type HandlerConfig struct {
	// Tracker notes what is told.
	Tracker *Tracker
	// GitHub are the secrets of webhooks of GitHub, for the event deployment_status.
	GitHub []string
	// GitLab are the secret tokens of webhooks of GitLab, for deployment events, or
	// signing tokens, which begin with "whsec_".
	GitLab []string
	// Flux are the secrets of providers of the type generic-hmac. Without them
	// those of the type generic are taken, with a Shared secret.
	Flux []string
	// Shared are secrets of all who do not sign: Argo CD, Flux, CDEvents and plain
	// JSON. They are sent as "Authorization: Bearer SECRET", or as the password of
	// basic authentication. They have at least 16 bytes.
	Shared []string

	// Environment is that of deployments of which the sender says none. Defaults
	// to none, which makes them less sure suspects.
	Environment string
	// Resolve may change what was told, where a sender calls services or environments by
	// other names than their spans do; false drops it. Defaults to no change.
	Resolve func(Deployment) (Deployment, bool)
}

// Handler takes what systems that deploy send: GitHub's deployment_status, GitLab's
// deployment events, Argo CD (with the template of argocd-notifications.yaml in this folder), Flux, CDEvents about services
// in CloudEvents, and plain JSON. It tells them apart by their headers.
//
// A body of more than 1 MiB, one that takes longer than ten seconds, and requests
// beyond 32 at once are refused. What is signed is verified before anything is read from
// it. What was delivered before is answered with 200 and not taken again;
// what comes late or out of order is taken. When the store cannot be reached, or more is told than is taken
// in a minute, the answer is 503, so that the sender comes again.
type Handler struct {
	config  HandlerConfig
	slots   chan struct{}
	replays replays

	mu    sync.Mutex
	stats HandlerStats
}

// HandlerStats counts requests by what became of them.
type HandlerStats struct {
	Taken        int64 // noted by the tracker, or known to it
	Ignored      int64 // of events that say of no deployment that anything has changed
	Replayed     int64
	Unauthorized int64
	Refused      int64 // malformed, too large, of the wrong type, invalid
	Unavailable  int64 // too many, too slow, or the store failed
}

// leastSecret is how long a secret that is sent must be.
const leastSecret = 16

// NewHandler returns a handler. It fails when a secret is unusable, and tells of all
// that are.
func NewHandler(c HandlerConfig) (*Handler, error) {
	var errs []error
	if c.Tracker == nil {
		errs = append(errs, errors.New("deployment: HandlerConfig.Tracker is missing"))
	}
	for _, of := range []struct {
		name    string
		secrets []string
		least   int
	}{{"GitHub", c.GitHub, 1}, {"GitLab", c.GitLab, 1}, {"Flux", c.Flux, 1}, {"Shared", c.Shared, leastSecret}} {
		for i, s := range of.secrets {
			if len(s) < of.least {
				errs = append(errs, fmt.Errorf("deployment: HandlerConfig.%s: secret %d has %d bytes: use at least %d", of.name, i+1, len(s), of.least))
			}
			if _, err := signingKey(s); strings.HasPrefix(s, signingPrefix) && err != nil {
				errs = append(errs, fmt.Errorf("deployment: HandlerConfig.%s: secret %d is not base64 after %s", of.name, i+1, signingPrefix))
			}
		}
	}
	if len(c.GitHub)+len(c.GitLab)+len(c.Flux)+len(c.Shared) == 0 {
		errs = append(errs, errors.New("deployment: HandlerConfig has no secret: nobody could send anything"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Handler{config: c, slots: make(chan struct{}, maxRunning)}, nil
}

// Stats returns what became of requests so far.
func (h *Handler) Stats() HandlerStats {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.stats
}

// refusal is an answer that is no success. Its text quotes nothing that was sent.
type refusal struct {
	code int
	text string
}

func (r refusal) Error() string { return r.text }

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, err := h.serve(w, r)
	var no refusal
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if errors.As(err, &no) {
		switch no.code {
		case http.StatusMethodNotAllowed:
			w.Header().Set("Allow", http.MethodPost)
		case http.StatusUnauthorized:
			w.Header().Set("WWW-Authenticate", "Bearer")
		case http.StatusServiceUnavailable:
			w.Header().Set("Retry-After", "30")
		}
		if no.code == http.StatusRequestEntityTooLarge || no.code == http.StatusRequestTimeout {
			w.Header().Set("Connection", "close") // rather than read the rest
		}
		w.WriteHeader(no.code)
		text = no.text
	}
	h.count(text, no.code)
	fmt.Fprintln(w, text)
}

const (
	answerTaken   = "taken"
	answerKnown   = "known: this was delivered before"
	answerIgnored = "ignored: it does not say that anything was deployed"
)

func (h *Handler) count(text string, code int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := &h.stats
	switch {
	case code == http.StatusUnauthorized:
		s.Unauthorized++
	case code == http.StatusServiceUnavailable, code == http.StatusRequestTimeout:
		s.Unavailable++
	case code != 0:
		s.Refused++
	case text == answerTaken:
		s.Taken++
	case text == answerKnown:
		s.Replayed++
	default:
		s.Ignored++
	}
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request) (string, error) {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	default:
		return "", refusal{http.StatusServiceUnavailable, "too many requests at once: come again"}
	}
	if r.Method != http.MethodPost {
		return "", refusal{http.StatusMethodNotAllowed, "use POST"}
	}
	from := senderOf(r.Header)
	if !h.mayKnow(from, r.Header) {
		return "", refusal{http.StatusUnauthorized, "no secret is configured for " + from.name + ", or none was sent"}
	}
	if err := rightType(r.Header, from); err != nil {
		return "", err
	}
	body, err := read(w, r)
	if err != nil {
		return "", err
	}
	now := time.Now()
	if err := h.verify(from, r.Header, body, now); err != nil {
		return "", err
	}
	key, ok := replayKey(from, r.Header, body)
	if ok && h.replays.has(key) {
		return answerKnown, nil
	}
	d, some, err := from.parse(r.Header, body)
	if err != nil {
		return "", refusal{http.StatusBadRequest, "malformed: " + err.Error()}
	}
	if some {
		if some, err = h.note(r.Context(), d, now); err != nil {
			return "", err
		}
	}
	if ok {
		h.replays.add(key) // only now: what failed may be sent again
	}
	if !some {
		return answerIgnored, nil
	}
	return answerTaken, nil
}

// note hands a deployment to the tracker.
func (h *Handler) note(ctx context.Context, d Deployment, now time.Time) (some bool, err error) {
	d.Scope.Environment = cmp.Or(d.Scope.Environment, h.config.Environment)
	if h.config.Resolve != nil {
		if d, some = h.config.Resolve(d); !some {
			return false, nil
		}
	}
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	err = h.config.Tracker.Note(ctx, d, now)
	var invalid *InvalidError
	switch {
	case err == nil:
		return true, nil
	case errors.As(err, &invalid):
		return false, refusal{http.StatusUnprocessableEntity, err.Error()}
	case errors.Is(err, ErrTooMany):
		return false, refusal{http.StatusServiceUnavailable, err.Error()}
	}
	return false, refusal{http.StatusServiceUnavailable, "it could not be stored: come again"}
}

// rightType checks what the sender says of the body.
func rightType(header http.Header, from sender) error {
	if e := header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return refusal{http.StatusUnsupportedMediaType, "send the body as it is, without Content-Encoding"}
	}
	media, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil || media != "application/json" && !(from.events && media == structured) {
		return refusal{http.StatusUnsupportedMediaType, "send application/json, or application/cloudevents+json for CDEvents"}
	}
	return nil
}

// read reads the body, in bounds of size and time.
func read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.ContentLength > maxBody {
		return nil, refusal{http.StatusRequestEntityTooLarge, "the body has more than 1 MiB"}
	}
	// Where the server cannot do so its own ReadTimeout has to.
	control := http.NewResponseController(w)
	if control.SetReadDeadline(time.Now().Add(bodyTime)) == nil {
		defer control.SetReadDeadline(time.Time{})
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	switch {
	case err == nil:
		return body, nil
	case errors.As(err, new(*http.MaxBytesError)):
		return nil, refusal{http.StatusRequestEntityTooLarge, "the body has more than 1 MiB"}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, refusal{http.StatusRequestTimeout, "the body took longer than ten seconds"}
	}
	return nil, refusal{http.StatusBadRequest, "the body could not be read"}
}
