package capture

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"slices"

	"go.opentelemetry.io/otel/attribute"
)

// users are the attributes that say for whom something was done.
var users = []attribute.Key{"user.id", "enduser.id", "enduser.pseudo.id", "user.hash", "user.name", "user.email"}

// user hashes for whom a span did something, so that they can be counted and
// nobody can be named.
func (c *Converter) user(attrs []attribute.KeyValue) uint64 {
	for _, key := range users {
		if at := slices.IndexFunc(attrs, func(kv attribute.KeyValue) bool { return kv.Key == key }); at >= 0 {
			mac := hmac.New(sha256.New, c.UserKey)
			io.WriteString(mac, attrs[at].Value.String())
			return binary.BigEndian.Uint64(mac.Sum(nil)) | 1
		}
	}
	return 0
}
