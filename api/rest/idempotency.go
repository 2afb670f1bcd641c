package rest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"net/http"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/request"
)

// idempotency is the Idempotency-Key of one request and what its body adds to the fingerprint.
type idempotency struct {
	eventstore.IdempotencyKey
	r    *http.Request
	body hash.Hash
}

// once runs a mutating handler so that a request with an Idempotency-Key has one effect: a stored answer is replayed,
// and after anything but an effect of its own the key is read again, because an equal request may have won meanwhile: what it did
// may be why there is nothing to do any more.
func (c *Call) once(do Handler) (*Answer, error) {
	values, sent := c.Request.Header["Idempotency-Key"]
	if !sent {
		return do(c)
	}
	if len(values) != 1 || !validKey(values[0]) {
		return nil, vnfm.Errorf(vnfm.Invalid, "Idempotency-Key must be 1 to 255 printable ASCII characters.")
	}
	c.key = &idempotency{
		IdempotencyKey: eventstore.IdempotencyKey{Caller: c.By.Actor, Key: values[0]}, r: c.Request, body: sha256.New(),
	}
	c.key.body.Write(c.Body)
	c.Request.Body = struct {
		io.Reader
		io.Closer
	}{io.TeeReader(c.Request.Body, c.key.body), c.Request.Body}
	if stored, err := c.replay(); stored != nil || err != nil {
		return stored, err
	}
	res, err := do(c)
	if err == nil && res.status < http.StatusMultipleChoices && !res.idle {
		return res, nil
	}
	stored, again := c.replay()
	if stored != nil || again != nil { // what is not known to be refused must not be said to be
		return stored, again
	}
	return res, err
}

func validKey(key string) bool {
	if key == "" || len(key) > 255 {
		return false
	}
	for i := range len(key) {
		if key[i] < ' ' || key[i] > '~' {
			return false
		}
	}
	return true
}

// replay returns the stored answer of the key, nil when there is none; Unprocessable when it is of another request.
func (c *Call) replay() (*Answer, error) {
	l, err := c.Server.Views.Load(c.Ctx, eventstore.Load{Idempotency: &c.key.IdempotencyKey})
	if err != nil {
		return nil, fmt.Errorf("read the idempotency key: %w", err)
	}
	stored := l.Idempotency
	if stored == nil {
		return nil, nil //nolint:nilnil // nothing stored is not an error
	}
	if _, err := io.Copy(io.Discard, c.Request.Body); err != nil { // what the handler did not read belongs to the fingerprint
		return nil, fmt.Errorf("read the body: %w", err)
	}
	if stored.Fingerprint != c.key.fingerprint() {
		return nil, vnfm.Errorf(vnfm.Unprocessable, "This Idempotency-Key was used for another request: each needs a key of its own.")
	}
	header := stored.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set("Idempotency-Replayed", "true")
	return &Answer{status: stored.Status, Header: header, body: stored.Body}, nil
}

// fingerprint is of the method, the URI and the body as far as it has been read.
func (k *idempotency) fingerprint() string {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%s\n%s\n%x", k.r.Method, k.r.URL.RequestURI(), k.body.Sum(nil))
	return hex.EncodeToString(h.Sum(nil))
}

// Effect calls a use case and answers with what build makes of its result. With an Idempotency-Key the same answer is
// built inside the commit and stored there.
func Effect[T any](c *Call, do func(by request.Info) (T, error), build func(T) *Answer) (*Answer, error) {
	by := c.By
	if c.key != nil {
		by.Answer = func(result any) *eventstore.IdempotencyResult {
			t, ok := result.(T)
			if !ok && result != nil {
				c.Server.Log.ErrorContext(c.Ctx, "use case gave its answer the wrong type", "type", fmt.Sprintf("%T", result))
				return nil
			}
			a := c.outward(build(t))
			if version, err := negotiate(c.Request); err == nil && version != "" {
				a.Header.Set("Version", version)
			}
			return &eventstore.IdempotencyResult{
				IdempotencyKey: c.key.IdempotencyKey, Fingerprint: c.key.fingerprint(),
				Status: a.status, Header: a.Header, Body: a.body,
			}
		}
	}
	t, err := do(by)
	if err != nil {
		return nil, err
	}
	return build(t), nil
}
