package access

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"

	"github.com/vnfm/vnfm"
)

const (
	keysFresh   = 5 * time.Minute  // keys younger than this are used as they are
	keysStale   = 24 * time.Hour   // keys older than this are not used any more when no newer ones can be had
	fetchPause  = 10 * time.Second // from one fetch to the next, whoever causes it: a forged key id must not become traffic
	failedPause = time.Second      // the same after a fetch that failed
	fetchLimit  = 5 * time.Second  // longest time of one fetch
	keysMaxSize = 1 << 20          // bytes of a key set
)

// keySet holds the issuer's public keys: fetched when first needed, again when a token names an unknown key or they have
// become old, and never without a pause after the fetch before.
type keySet struct {
	load func(ctx context.Context) (*jose.JSONWebKeySet, error)
	now  func() time.Time
	log  *slog.Logger

	fetching sync.Mutex // held during a fetch
	mu       sync.RWMutex
	keys     *jose.JSONWebKeySet
	fetched  time.Time // of keys
	next     time.Time // no fetch before
}

// find returns the keys with an id, all keys when id is empty. Unavailable: there are no keys and they cannot be had now.
func (s *keySet) find(ctx context.Context, id string) ([]jose.JSONWebKey, error) {
	found, age := s.known(id)
	switch {
	case len(found) > 0 && age < keysFresh:
		return found, nil
	case len(found) > 0 && age < keysStale: // renewed beside the request
		if s.fetching.TryLock() {
			go func() {
				defer s.fetching.Unlock()
				s.fetch(context.WithoutCancel(ctx))
			}()
		}
		return found, nil
	}
	s.fetching.Lock()
	s.fetch(ctx)
	s.fetching.Unlock()
	found, age = s.known(id)
	if age >= keysStale {
		return nil, vnfm.Errorf(vnfm.Unavailable, "The issuer of access tokens cannot be asked for its keys now; send the request again later.")
	}
	return found, nil
}

// known returns the cached keys with an id and their age; without any keys that is for ever.
func (s *keySet) known(id string) ([]jose.JSONWebKey, time.Duration) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.keys == nil {
		return nil, keysStale
	}
	age := s.now().Sub(s.fetched)
	if id == "" {
		return s.keys.Keys, age
	}
	return s.keys.Key(id), age
}

// fetch renews the keys, unless somebody has just tried. The caller holds fetching.
func (s *keySet) fetch(ctx context.Context) {
	s.mu.RLock()
	early := s.now().Before(s.next)
	s.mu.RUnlock()
	if early {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchLimit) // one caller who leaves must not spoil it for others
	defer cancel()
	keys, err := s.load(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now() // whoever waited for this fetch must not begin another
	if err != nil {
		s.next = now.Add(failedPause)
		s.log.WarnContext(ctx, "the keys of the token issuer cannot be had", "error", err)
		return
	}
	s.keys, s.fetched, s.next = keys, now, now.Add(fetchPause)
}

// fileKeys reads a key set from a file.
func fileKeys(name string) func(context.Context) (*jose.JSONWebKeySet, error) {
	return func(context.Context) (*jose.JSONWebKeySet, error) {
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read the keys: %w", err)
		}
		return parseKeys(b)
	}
}

// urlKeys fetches a key set from the URL that where returns.
func urlKeys(client *http.Client, where func(ctx context.Context) (string, error)) func(context.Context) (*jose.JSONWebKeySet, error) {
	return func(ctx context.Context) (*jose.JSONWebKeySet, error) {
		u, err := where(ctx)
		if err != nil {
			return nil, err
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
		if err != nil {
			return nil, fmt.Errorf("ask for the keys: %w", err)
		}
		res, err := client.Do(r)
		if err != nil {
			return nil, fmt.Errorf("ask for the keys: %w", err)
		}
		defer func() { _ = res.Body.Close() }()
		b, err := io.ReadAll(io.LimitReader(res.Body, keysMaxSize))
		if err != nil || res.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("%s answers %s (%w)", u, res.Status, err)
		}
		return parseKeys(b)
	}
}

// discovered returns where the issuer says its keys are (OpenID Connect Discovery 1.0 §4), and asks only once.
func discovered(client *http.Client, issuer string) func(ctx context.Context) (string, error) {
	var known string // fetches do not run at once
	return func(ctx context.Context) (string, error) {
		if known != "" {
			return known, nil
		}
		p, err := oidc.NewProvider(oidc.ClientContext(ctx, client), issuer)
		if err != nil {
			return "", fmt.Errorf("discover the issuer: %w", err)
		}
		var claims struct {
			Keys string `json:"jwks_uri"`
		}
		if err := p.Claims(&claims); err != nil || claims.Keys == "" {
			return "", fmt.Errorf("the issuer %s names no jwks_uri (%w)", issuer, err)
		}
		known = claims.Keys
		return known, nil
	}
}

func parseKeys(b []byte) (*jose.JSONWebKeySet, error) {
	var all jose.JSONWebKeySet
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, fmt.Errorf("read the keys: %w", err)
	}
	var usable jose.JSONWebKeySet
	for _, k := range all.Keys { // a symmetric or private key has no place in a public set
		if k.Valid() && k.IsPublic() && k.Use != "enc" {
			usable.Keys = append(usable.Keys, k)
		}
	}
	if len(usable.Keys) == 0 {
		return nil, fmt.Errorf("there is no public signing key among the %d keys", len(all.Keys))
	}
	return &usable, nil
}

// isURL tells a key set's URL from its file.
func isURL(s string) bool { return strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://") }
