package deployment

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// sender is a system that deploys, and how it sends.
type sender struct {
	name   string
	events bool // CloudEvents
	signs  bool // what it sends is unique, so that the same again is a replay
	parse  func(http.Header, []byte) (d Deployment, some bool, err error)
}

// structured is the media type of a CloudEvent that stands in the body.
const structured = "application/cloudevents+json"

// senderOf tells senders apart by their headers.
func senderOf(header http.Header) sender {
	media, _, _ := mime.ParseMediaType(header.Get("Content-Type"))
	switch {
	case header.Get("X-GitHub-Event") != "":
		return sender{name: "GitHub", signs: true, parse: parseGitHub}
	case header.Get("X-Gitlab-Event") != "":
		return sender{name: "GitLab", signs: true, parse: parseGitLab}
	case header.Get("Gotk-Component") != "" || header.Get("X-Signature") != "":
		return sender{name: "Flux", signs: true, parse: parseFlux}
	case header.Get("Ce-Type") != "" || media == structured:
		return sender{name: "CDEvents", events: true, parse: parseCDEvents}
	}
	return sender{name: "plain JSON", parse: parsePlain}
}

// mayKnow reports whether a request may turn out to know a secret, so that its body is
// worth reading.
func (h *Handler) mayKnow(from sender, header http.Header) bool {
	switch c := h.config; from.name {
	case "GitHub":
		return len(c.GitHub) > 0 && header.Get("X-Hub-Signature-256") != ""
	case "GitLab":
		return len(c.GitLab) > 0 && (header.Get("X-Gitlab-Token") != "" || header.Get("Webhook-Signature") != "")
	case "Flux":
		if len(c.Flux) > 0 {
			return header.Get("X-Signature") != ""
		}
	}
	return len(h.config.Shared) > 0 && header.Get("Authorization") != ""
}

// verify checks who sent a body.
func (h *Handler) verify(from sender, header http.Header, body []byte, now time.Time) error {
	c, ok := h.config, false
	switch from.name {
	case "GitHub":
		ok = signed(header.Get("X-Hub-Signature-256"), c.GitHub, body, "sha256")
	case "GitLab":
		if header.Get("Webhook-Signature") != "" {
			ok = standard(header, c.GitLab, body, now)
		} else {
			ok = same(header.Get("X-Gitlab-Token"), c.GitLab)
		}
	case "Flux":
		if len(c.Flux) > 0 {
			ok = signed(header.Get("X-Signature"), c.Flux, body, "sha256", "sha512", "sha1")
		} else {
			ok = shared(header, c.Shared)
		}
	default:
		ok = shared(header, c.Shared)
	}
	if !ok {
		return refusal{http.StatusUnauthorized, "the signature or secret is wrong, or the timestamp is older than five minutes"}
	}
	return nil
}

var hashes = map[string]func() hash.Hash{"sha256": sha256.New, "sha512": sha512.New, "sha1": sha1.New}

// signed checks a signature as "sha256=" and hexadecimal digits.
func signed(value string, secrets []string, body []byte, algorithms ...string) (ok bool) {
	name, digits, _ := strings.Cut(value, "=")
	sum, err := hex.DecodeString(digits)
	if err != nil {
		return false
	}
	for _, a := range algorithms {
		if a != name {
			continue
		}
		for _, secret := range secrets {
			mac := hmac.New(hashes[a], []byte(secret))
			mac.Write(body)
			ok = hmac.Equal(mac.Sum(nil), sum) || ok
		}
	}
	return ok
}

const (
	signingPrefix = "whsec_"
	// maxAge is how old a signed timestamp may be, and how far ahead.
	maxAge = 5 * time.Minute
)

func signingKey(secret string) ([]byte, error) {
	return base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, signingPrefix))
}

// standard checks a signature of Standard Webhooks 1.0.
func standard(header http.Header, secrets []string, body []byte, now time.Time) (ok bool) {
	id, at := header.Get("Webhook-Id"), header.Get("Webhook-Timestamp")
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil || id == "" || now.Sub(time.Unix(seconds, 0)).Abs() > maxAge {
		return false
	}
	for _, secret := range secrets {
		key, err := signingKey(secret)
		if err != nil || !strings.HasPrefix(secret, signingPrefix) {
			continue
		}
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + at + "."))
		mac.Write(body)
		want := mac.Sum(nil)
		for i, s := range strings.Fields(header.Get("Webhook-Signature")) {
			if encoded, v1 := strings.CutPrefix(s, "v1,"); v1 && i < 8 {
				sum, err := base64.StdEncoding.DecodeString(encoded)
				ok = err == nil && hmac.Equal(sum, want) || ok
			}
		}
	}
	return ok
}

// shared checks a secret that is sent itself.
func shared(header http.Header, secrets []string) bool {
	r := http.Request{Header: header}
	if _, password, ok := r.BasicAuth(); ok {
		return same(password, secrets)
	}
	scheme, token, _ := strings.Cut(header.Get("Authorization"), " ")
	return strings.EqualFold(scheme, "Bearer") && same(strings.TrimSpace(token), secrets)
}

// same compares a secret with those that hold, in a time that tells nothing of them.
func same(sent string, secrets []string) (ok bool) {
	a := sha256.Sum256([]byte(sent))
	for _, secret := range secrets {
		b := sha256.Sum256([]byte(secret))
		ok = subtle.ConstantTimeCompare(a[:], b[:]) == 1 && secret != "" || ok
	}
	return ok
}

// maxReplays bounds the deliveries that are remembered, the latest ones.
const maxReplays = 4096

// replays remembers what was delivered. The zero value is ready to use.
type replays struct {
	mu    sync.Mutex
	known map[[32]byte]bool
	order [][32]byte // a ring
	next  int
}

// replayKey returns by what a delivery is known. The headers that name it are
// not signed, so that of what is signed the body counts. It reports false for
// what may be said twice.
func replayKey(from sender, header http.Header, body []byte) ([32]byte, bool) {
	switch {
	case from.signs:
		return sha256.Sum256(append([]byte(from.name+"\x00"), body...)), true
	case from.events:
		if source, id := eventOf(header, body); id != "" {
			return sha256.Sum256([]byte(from.name + "\x00" + source + "\x00" + id)), true
		}
	}
	return [32]byte{}, false
}

func (r *replays) has(key [32]byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.known[key]
}

func (r *replays) add(key [32]byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known[key] {
		return
	}
	if r.known == nil {
		r.known = map[[32]byte]bool{}
	}
	if len(r.order) < maxReplays {
		r.order = append(r.order, key)
	} else {
		delete(r.known, r.order[r.next])
		r.order[r.next] = key
		r.next = (r.next + 1) % maxReplays
	}
	r.known[key] = true
}
