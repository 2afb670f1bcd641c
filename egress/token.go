package egress

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// maxTokens bounds the cache; reaching it drops all, which costs a fetch each.
const maxTokens = 4096

// tokens keeps the access tokens of peers until they expire.
type tokens struct {
	http    *http.Client
	timeout time.Duration

	mu    sync.Mutex
	known map[[sha256.Size]byte]*tokenSource
}

// tokenSource is one client at one endpoint. turn is held while fetching, so that a burst of requests fetches once.
type tokenSource struct {
	config clientcredentials.Config
	turn   chan struct{}
	token  *oauth2.Token // guarded by turn
}

func (t *tokens) source(o *OAuth2) *tokenSource {
	b, _ := json.Marshal(o) // strings
	key := sha256.Sum256(b)
	t.mu.Lock()
	defer t.mu.Unlock()
	if s, ok := t.known[key]; ok {
		return s
	}
	if t.known == nil || len(t.known) >= maxTokens {
		t.known = map[[sha256.Size]byte]*tokenSource{}
	}
	s := &tokenSource{turn: make(chan struct{}, 1), config: clientcredentials.Config{
		ClientID: o.ClientID, ClientSecret: o.ClientPassword, TokenURL: o.TokenEndpoint, Scopes: o.Scopes,
	}}
	t.known[key] = s
	return s
}

// get returns an access token, from the cache unless it has expired or is the rejected one.
func (t *tokens) get(ctx context.Context, o *OAuth2, rejected string) (string, error) {
	u, err := url.Parse(o.TokenEndpoint)
	if err != nil {
		return "", &Error{Class: Refused, Token: true, reason: "refused: the address is not an http or https URL"}
	}
	if e := checkRequest(&http.Request{URL: u}); e != nil {
		e.Token = true
		return "", e
	}
	s := t.source(o)
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return "", ended(ctx, u.Host)
	}
	if s.token.Valid() && s.token.AccessToken != rejected {
		return s.token.AccessToken, nil
	}
	ctx, cancel := context.WithTimeout(ctx, t.timeout) // the library tries two styles of authentication
	defer cancel()
	fresh, err := s.config.Token(context.WithValue(ctx, oauth2.HTTPClient, t.http))
	if err == nil {
		s.token = fresh
		return fresh.AccessToken, nil
	}
	s.token = nil
	var answered *oauth2.RetrieveError
	if errors.As(err, &answered) && answered.Response != nil {
		e := Unexpected(answered.Response)
		e.Peer, e.Token = u.Host, true
		return "", e
	}
	err = classify(u.Host, err)
	var e *Error
	if errors.As(err, &e) {
		e.Token = true
	}
	return "", err
}

// ended is the error of a context that ended before the peer was asked.
func ended(ctx context.Context, peer string) error {
	err := classify(peer, ctx.Err())
	var e *Error
	if errors.As(err, &e) {
		e.Token = true
	}
	return err
}
