package webhook

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

const secretPrefix = "whsec_"

// keys decodes the signing secrets. Its errors say which secret is wrong, by
// its place in the list, and nothing that is in it.
func keys(secrets []string) ([][]byte, error) {
	if len(secrets) == 0 {
		return nil, errors.New("Config.Secrets returned none: return at least one")
	}
	var keys [][]byte
	for i, s := range secrets {
		encoded, ok := strings.CutPrefix(s, secretPrefix)
		if !ok {
			return nil, fmt.Errorf("secret %d does not start with %s", i+1, secretPrefix)
		}
		key, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			return nil, fmt.Errorf("secret %d is not base64 after %s", i+1, secretPrefix)
		}
		if len(key) < 24 || len(key) > 64 {
			return nil, fmt.Errorf("secret %d has %d bytes: Standard Webhooks asks for 24 to 64", i+1, len(key))
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// sign returns the value of webhook-signature: Standard Webhooks 1.0, section
// "Signature scheme", with a v1 signature per key.
func sign(keys [][]byte, id, timestamp string, body []byte) string {
	content := bytes.Join([][]byte{[]byte(id), []byte(timestamp), body}, []byte("."))
	var signatures []string
	for _, key := range keys {
		mac := hmac.New(sha256.New, key)
		mac.Write(content)
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(signatures, " ")
}

// scrub takes the secrets out of a text that may quote the receiver, who knows
// them too.
func scrub(s string, secrets []string) string {
	for _, secret := range secrets {
		if encoded := strings.TrimPrefix(secret, secretPrefix); encoded != "" {
			s = strings.ReplaceAll(s, encoded, "[secret]")
		}
	}
	return s
}
