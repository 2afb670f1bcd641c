// Package secret seals credentials and other secret values before they are stored, and opens them where they are used.
//
// Each secret is encrypted (AES-256-GCM) under a data key of its own, and that under the newest key of the site's key
// file, so that a change of the site's key touches few bytes. The name of a secret is authenticated with it: a sealed secret
// moved to another row does not open. Sealed secrets live in ledger rows (eventstore.TableSecrets), never in events, messages,
// sagas, answers or logs; those carry the name. What is secret within a document that a client gave (parameters, properties) stays
// where it is, each value sealed by the key of the document's owner (Sealer), which is a row like the others.
package secret

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/vnfm/vnfm"
)

const keySize = 32

// Keyring seals with the first of a site's keys and opens with any of them.
type Keyring struct{ keys []siteKey }

type siteKey struct {
	id   string
	aead cipher.AEAD
}

// sealed is the stored form of a secret.
type sealed struct {
	Key  string `json:"key"`  // id of the site's key
	Wrap []byte `json:"wrap"` // the data key, encrypted under it
	Data []byte `json:"data"` // the secret, encrypted under the data key
}

// NewKey returns a fresh key as a line of a key file.
func NewKey() string {
	k := make([]byte, keySize)
	_, _ = rand.Read(k) // never fails: crypto/rand ends the program instead
	return base64.StdEncoding.EncodeToString(k)
}

// Parse reads a key file: a key in base64 per line, the one to seal with first, older ones after it. Empty lines and
// lines that begin with # say nothing. Returns Invalid, without quoting the file, when a line is no key or there is none.
func Parse(file string) (*Keyring, error) {
	r := &Keyring{}
	lines := bufio.NewScanner(strings.NewReader(file))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		raw, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(raw) != keySize {
			return nil, vnfm.Errorf(vnfm.Invalid, "line %d of the key file is not a key: want %d bytes in base64", n, keySize)
		}
		sum := sha256.Sum256(raw)
		r.keys = append(r.keys, siteKey{id: hex.EncodeToString(sum[:8]), aead: gcm(raw)})
	}
	if len(r.keys) == 0 {
		return nil, vnfm.Errorf(vnfm.Invalid, "the key file holds no key")
	}
	return r, nil
}

// Seal encrypts a secret under its name; the result is JSON. Sealing twice gives two different results.
func (r *Keyring) Seal(name string, secret []byte) json.RawMessage {
	dek := make([]byte, keySize)
	_, _ = rand.Read(dek)
	k := r.keys[0]
	b, _ := json.Marshal(sealed{ // strings and bytes
		Key: k.id, Wrap: k.aead.Seal(nil, nil, dek, []byte(name)), Data: gcm(dek).Seal(nil, nil, secret, []byte(name)),
	})
	return b
}

// Open decrypts what Seal made under the same name. Returns Internal when no key of the ring opens it, or it is damaged.
func (r *Keyring) Open(name string, stored json.RawMessage) ([]byte, error) {
	var s sealed
	if json.Unmarshal(stored, &s) != nil {
		return nil, vnfm.Errorf(vnfm.Internal, "the secret %s is damaged", name)
	}
	for _, k := range r.keys {
		if k.id != s.Key {
			continue
		}
		dek, err := k.aead.Open(nil, nil, s.Wrap, []byte(name))
		if err != nil || len(dek) != keySize {
			return nil, vnfm.Errorf(vnfm.Internal, "the secret %s is damaged", name)
		}
		secret, err := gcm(dek).Open(nil, nil, s.Data, []byte(name))
		if err != nil {
			return nil, vnfm.Errorf(vnfm.Internal, "the secret %s is damaged", name)
		}
		return secret, nil
	}
	return nil, vnfm.Errorf(vnfm.Internal, "the secret %s was sealed with key %s, which the key file does not hold", name, s.Key)
}

// Stale reports whether a sealed secret should be sealed again: a newer key than its own is there.
func (r *Keyring) Stale(stored json.RawMessage) bool {
	var s sealed
	return json.Unmarshal(stored, &s) != nil || s.Key != r.keys[0].id
}

// plainGCM makes the cipher of a key whose user brings the nonces.
func plainGCM(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // the key's size is known
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // AES has the block size that GCM wants
	}
	return aead
}

// gcm makes the cipher of a key of keySize bytes; the nonce goes before what it encrypts.
func gcm(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // the key's size is checked before
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // AES has the block size that GCM wants
	}
	return aead
}
