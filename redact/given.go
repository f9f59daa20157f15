package redact

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// given is what the host gave, made ready. It stands behind a pointer, so that
// printing a Redactor prints none of it.
type given struct {
	own      *ownSecrets
	harmless map[[sha256.Size]byte]bool
	tokenKey []byte
}

var nothingGiven given

// Ready reads what the fields of r lead to: it calls Secrets and TokenKey, once,
// unless that was done before. Until it succeeds, every text is withheld. A host
// need not call it, but learns by it early what is missing: the error names it,
// and quotes no secret.
func (r *Redactor) Ready() error {
	if r.of != nil {
		return r.of.Ready()
	}
	r.once.Do(func() {
		r.givenErr = errors.New("redact: a function that the Redactor was given panicked")
		g := new(given)
		if r.givenErr = g.read(r); r.givenErr == nil {
			r.given.Store(g)
		}
	})
	return r.givenErr
}

// use returns what the host gave. It panics if that could not be read: what is
// not known cannot be found.
func (r *Redactor) use() *given {
	if r.of != nil {
		return r.of.use()
	}
	if r.Secrets == nil && r.TokenKey == nil && len(r.Harmless) == 0 {
		return &nothingGiven
	}
	if g := r.given.Load(); g != nil {
		return g
	}
	if err := r.Ready(); err != nil {
		panic(err)
	}
	return r.given.Load()
}

func (g *given) read(r *Redactor) error {
	if r.Secrets != nil {
		values, err := r.Secrets()
		if err != nil {
			return fmt.Errorf("redact: the secrets to look for: %w", err)
		}
		g.own = newOwnSecrets(values)
	}
	if r.TokenKey != nil {
		if g.tokenKey = r.TokenKey(); len(g.tokenKey) < minTokenKey {
			return fmt.Errorf("redact: TokenKey has %d bytes: give %d random ones or more", len(g.tokenKey), minTokenKey)
		}
	}
	g.harmless = make(map[[sha256.Size]byte]bool, len(r.Harmless))
	for n, h := range r.Harmless {
		sum, err := hex.DecodeString(h)
		if err != nil || len(sum) != sha256.Size {
			return fmt.Errorf("redact: Harmless[%d] is no SHA-256 sum: write 64 hexadecimal digits", n)
		}
		g.harmless[[sha256.Size]byte(sum)] = true
	}
	return nil
}

// isHarmless reports whether the host knows s for no secret.
func (g *given) isHarmless(s string) bool {
	return len(g.harmless) > 0 && g.harmless[sha256.Sum256([]byte(s))]
}

// minTokenKey is the length of the shortest key for tokens, in bytes: with a
// shorter one the numbers of cards could be tried.
const minTokenKey = 16

// token returns what stands behind the kind in the mark of s, or "".
func (g *given) token(kind, s string) string {
	if g.tokenKey == nil {
		return ""
	}
	switch kind { // one thing, however it is written
	case kindCard, kindIBAN, kindSSN, kindPhone:
		s = strings.Map(func(c rune) rune {
			if c < 0x80 && isAlnum(byte(c)) {
				return c
			}
			return -1
		}, s)
	case kindEmail:
		s = strings.ToLower(s)
	}
	h := hmac.New(sha256.New, g.tokenKey)
	_, _ = io.WriteString(h, kind+"\x00"+s) // a hash takes everything
	return ":" + hex.EncodeToString(h.Sum(nil)[:2])
}

// maxSecretFile bounds a file of secrets, in bytes.
const maxSecretFile = 64 << 10

// SecretsFrom returns a function for [Redactor.Secrets] that reads the values of
// environment variables and the contents of files. A name with a '/' or a '\' is
// that of a file. Of a file with one line that counts; of one with more, each
// that has at least 12 bytes, and in a line such as NAME=value the value. A
// variable that is not set, or a file that cannot be read, is an error.
func SecretsFrom(names ...string) func() ([]string, error) {
	return func() ([]string, error) {
		var values []string
		var errs []error
		for _, name := range names {
			if !strings.ContainsAny(name, `/\`) {
				v, ok := os.LookupEnv(name)
				if !ok {
					errs = append(errs, fmt.Errorf("the environment variable %s is not set", name))
				}
				values = append(values, v)
				continue
			}
			text, err := readSecretFile(name)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			values = append(values, fileSecrets(text)...)
		}
		return values, errors.Join(errs...)
	}
}

func readSecretFile(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	if err != nil {
		return "", err
	}
	if len(b) > maxSecretFile {
		return "", fmt.Errorf("the file %s has more than %d bytes: name one that holds secrets only", name, maxSecretFile)
	}
	return string(b), nil
}

// fileSecrets returns the secrets in the text of a file.
func fileSecrets(text string) []string {
	const minLine = 12
	text = strings.TrimSpace(text)
	if !strings.Contains(text, "\n") {
		return []string{text}
	}
	var values []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		name, value, found := strings.Cut(line, "=")
		if found && name != "" && skip(name, 0, isKey) == len(name) {
			values = append(values, strings.Trim(value, `"'`))
		}
		if len(line) >= minLine && !strings.HasPrefix(line, "-----") && !strings.HasPrefix(line, "#") {
			values = append(values, line)
		}
	}
	return values
}
