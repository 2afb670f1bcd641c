package secret

import (
	"bytes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/vnfm/vnfm"
)

// Sealer seals the secret values within documents that are kept for ever or pass through many hands: events, messages, sagas,
// views. Each becomes a text that says nothing without the sealer's key, and that may be put into other texts, such as boot
// data, as the value itself would be: opened, these have the value there. One value at one place of a document is always
// sealed into the same text, so that what did not change does not look changed.
//
// Whoever owns the documents has a key of its own, in a row that the site's key seals (NewSealer, OpenSealer): that changes
// with the site's key without touching the documents, and with it all that was sealed is gone at once.
type Sealer struct {
	aead cipher.AEAD
	key  []byte // of what a nonce is made of
}

// The form of a sealed value within a text. Nothing in it is changed by JSON, YAML or the rendering of boot data.
const (
	sealedHead = "[vnfm.sealed.v1."
	sealedTail = "]"
)

var sealedForm = regexp.MustCompile(`\[vnfm\.sealed\.v1\.([A-Za-z0-9_-]+)\]`)

// nonceSize is that of AES-GCM.
const nonceSize = 12

// NewSealer makes a sealer with a fresh key, and what to store of it: sealed by the keyring under a name.
func NewSealer(r *Keyring, name string) (*Sealer, json.RawMessage) {
	key := make([]byte, keySize)
	_, _ = rand.Read(key) // never fails: crypto/rand ends the program instead
	return newSealer(key), r.Seal(name, key)
}

// OpenSealer makes the sealer that NewSealer stored under a name. Returns Internal when no key of the ring opens it.
func OpenSealer(r *Keyring, name string, stored json.RawMessage) (*Sealer, error) {
	key, err := r.Open(name, stored)
	if err != nil {
		return nil, err
	}
	if len(key) != keySize {
		return nil, vnfm.Errorf(vnfm.Internal, "the secret %s is damaged", name)
	}
	return newSealer(key), nil
}

func newSealer(key []byte) *Sealer {
	block := derive(key, "values")
	return &Sealer{aead: plainGCM(block), key: derive(key, "nonces")}
}

func derive(key []byte, use string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte("vnfm.sealed.v1 " + use))
	return m.Sum(nil)
}

// Seal returns a JSON document with its secret values sealed: those that the JSON Schema of the document marks ("writeOnly":
// true, "format": "password", "sensitive": true; nil: it marks none), and those with a telling name, with all that is below
// either. null, true and false stay as they are where nothing marks them. A document that is no JSON is returned as it is.
func (s *Sealer) Seal(document, schema json.RawMessage) json.RawMessage {
	v, err := decode(document)
	if err != nil {
		return document
	}
	var root map[string]any
	if len(schema) > 0 {
		_ = json.Unmarshal(schema, &root) // a schema that is none marks nothing
	}
	w := sealing{Sealer: s}
	v = w.value(v, root, "", false)
	if !w.found {
		return document
	}
	b, _ := json.Marshal(v) // decoded from JSON
	return b
}

// sealing is one document being sealed.
type sealing struct {
	*Sealer
	found bool
}

func (w *sealing) value(v any, schema map[string]any, at string, hidden bool) any {
	hidden = hidden || marked(schema)
	switch v := v.(type) {
	case map[string]any:
		properties, _ := schema["properties"].(map[string]any)
		others, _ := schema["additionalProperties"].(map[string]any)
		for name, inner := range v {
			below, ok := properties[name].(map[string]any)
			if !ok {
				below = others
			}
			v[name] = w.value(inner, below, at+vnfm.Step(name), hidden || Telling(name))
		}
	case []any:
		items, _ := schema["items"].(map[string]any)
		for i, inner := range v {
			v[i] = w.value(inner, items, at+"/"+strconv.Itoa(i), hidden)
		}
	case nil:
	case string:
		if hidden || sealedForm.MatchString(v) { // what looks sealed and is not must not be taken for it
			w.found = true
			return w.seal(v, at)
		}
	default:
		if hidden {
			w.found = true
			return w.seal(v, at)
		}
	}
	return v
}

// marked reports whether a schema says that its value is secret.
func marked(schema map[string]any) bool {
	return schema["writeOnly"] == true || schema["format"] == "password" || schema["sensitive"] == true
}

// MarkedAt reports whether a schema marks the value at a path, by the names and indexes that lead to it, or anything around it, or
// one of the names is telling.
func MarkedAt(schema json.RawMessage, path []string) bool {
	var at map[string]any
	if len(schema) > 0 {
		_ = json.Unmarshal(schema, &at) // a schema that is none marks nothing
	}
	for _, step := range path {
		if marked(at) || Telling(step) {
			return true
		}
		properties, _ := at["properties"].(map[string]any)
		next, ok := properties[step].(map[string]any)
		if !ok {
			if next, ok = at["additionalProperties"].(map[string]any); !ok {
				next, _ = at["items"].(map[string]any)
			}
		}
		at = next
	}
	return marked(at)
}

// seal seals one value. Its nonce is made of the value and its place, so that it is never used for anything else.
func (s *Sealer) seal(v any, at string) string {
	plain, _ := json.Marshal(v) // a scalar
	m := hmac.New(sha256.New, s.key)
	m.Write([]byte(strconv.Itoa(len(at)) + " " + at + " "))
	m.Write(plain)
	nonce := m.Sum(nil)[:nonceSize]
	return sealedHead + base64.RawURLEncoding.EncodeToString(s.aead.Seal(nonce, nonce, plain, nil)) + sealedTail
}

// Open returns a document with what is sealed in it opened: a text that is one sealed value becomes that value, and within
// other texts it stands as boot data has it. Returns Internal for what this sealer did not seal.
func (s *Sealer) Open(document json.RawMessage) (json.RawMessage, error) {
	if !HasSealed(document) {
		return document, nil
	}
	v, err := decode(document)
	if err != nil {
		return nil, vnfm.Errorf(vnfm.Internal, "a document with sealed values is damaged")
	}
	if v, err = s.open(v); err != nil {
		return nil, err
	}
	b, _ := json.Marshal(v) // decoded from JSON
	return b, nil
}

func (s *Sealer) open(v any) (_ any, err error) {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			if v[name], err = s.open(inner); err != nil {
				return nil, err
			}
		}
	case []any:
		for i, inner := range v {
			if v[i], err = s.open(inner); err != nil {
				return nil, err
			}
		}
	case string:
		return s.text(v)
	}
	return v, nil
}

// text opens what is sealed in a text.
func (s *Sealer) text(text string) (any, error) {
	places := sealedForm.FindAllStringSubmatchIndex(text, -1)
	if len(places) == 1 && places[0][0] == 0 && places[0][1] == len(text) {
		return s.unseal(text[places[0][2]:places[0][3]])
	}
	var out []byte
	end := 0
	for _, p := range places {
		v, err := s.unseal(text[p[2]:p[3]])
		if err != nil {
			return nil, err
		}
		out = append(out, text[end:p[0]]...)
		if word, ok := v.(string); ok {
			out = append(out, word...)
		} else {
			b, _ := json.Marshal(v) // a scalar
			out = append(out, b...)
		}
		end = p[1]
	}
	return string(append(out, text[end:]...)), nil
}

func (s *Sealer) unseal(coded string) (any, error) {
	b, err := base64.RawURLEncoding.DecodeString(coded)
	if err == nil && len(b) >= nonceSize {
		if b, err = s.aead.Open(nil, b[:nonceSize], b[nonceSize:], nil); err == nil {
			return decode(b)
		}
	}
	return nil, vnfm.Errorf(vnfm.Internal, "a sealed value cannot be opened with the key there is")
}

// Plain returns the texts of what is sealed in a document, to be kept out of what others say of it; what this sealer did not
// seal is left out.
func (s *Sealer) Plain(document []byte) (out []string) {
	for _, m := range sealedForm.FindAllSubmatch(document, -1) {
		v, err := s.unseal(string(m[1]))
		if err != nil {
			continue
		}
		text, ok := v.(string)
		if !ok {
			b, _ := json.Marshal(v) // a scalar
			text = string(b)
		}
		out = append(out, text)
	}
	return out
}

// Scrub takes secrets out of a text that is for people: those of three characters or more, in the text as they are or as JSON
// has them.
func Scrub(text string, secrets []string) string {
	for _, s := range secrets {
		if len(s) < 3 {
			continue
		}
		b, _ := json.Marshal(s) // a text
		text = strings.ReplaceAll(strings.ReplaceAll(text, s, Mask), string(b[1:len(b)-1]), Mask)
	}
	return text
}

// HasSealed reports whether anything in a document is sealed.
func HasSealed(document []byte) bool { return bytes.Contains(document, []byte(sealedHead)) }

// Hide returns a document, or any text, with Mask in the place of each sealed value.
func Hide(document []byte) []byte {
	if !HasSealed(document) {
		return document
	}
	return sealedForm.ReplaceAll(document, []byte(Mask))
}

// Without returns a JSON object without the members in which anything is sealed.
func Without(document json.RawMessage) json.RawMessage {
	var m map[string]json.RawMessage
	if !HasSealed(document) || json.Unmarshal(document, &m) != nil {
		return document
	}
	maps.DeleteFunc(m, func(_ string, v json.RawMessage) bool { return HasSealed(v) })
	b, _ := json.Marshal(m) // it was JSON
	return b
}

// SealMap is Seal for the members of an object, of which each has a schema.
func (s *Sealer) SealMap(values, schemas map[string]json.RawMessage) map[string]json.RawMessage {
	if len(values) == 0 {
		return values
	}
	out := make(map[string]json.RawMessage, len(values))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		one, _ := json.Marshal(map[string]json.RawMessage{name: values[name]}) // it was JSON
		schema := json.RawMessage(nil)
		if given := schemas[name]; len(given) > 0 {
			schema, _ = json.Marshal(map[string]any{"properties": map[string]json.RawMessage{name: given}}) // it was JSON
		}
		var sealed map[string]json.RawMessage
		_ = json.Unmarshal(s.Seal(one, schema), &sealed) // as it was made
		out[name] = sealed[name]
	}
	return out
}

// OpenMap is Open for the members of an object.
func (s *Sealer) OpenMap(values map[string]json.RawMessage) (map[string]json.RawMessage, error) {
	out := maps.Clone(values)
	for name, v := range values {
		var err error
		if out[name], err = s.Open(v); err != nil {
			return nil, err
		}
	}
	return out, nil
}
