package nfvotest

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vnfd"
)

// Config describes the orchestrator.
type Config struct {
	// Connection is the VIM connection that everything is granted at; Zones are its zones.
	Connection string
	Zones      []string
	// Network is the external network that external connection points are connected to; "": none.
	Network string
	// Image returns the VIM's id of a software image; nil: its name.
	Image func(vnfd.Image) string
	// Descriptor returns the descriptor of a package that the orchestrator does not hold; nil: there are none.
	Descriptor func(vnfdID string) *vnfd.Descriptor
	// User and Password, or ClientID and ClientSecret, are asked of callers; "": nothing is.
	User, Password         string
	ClientID, ClientSecret string
	// Client sends notifications; nil: a client with a short timeout.
	Client *http.Client
}

// How a grant request is answered.
const (
	AnswerNow         = "201"         // the grant at once
	AnswerLater       = "202"         // the grant when Polls looks were in vain
	AnswerRefuse      = "403"         // a refusal
	AnswerRefuseLater = "202-403"     // 202, and a refusal when Polls looks were in vain
	AnswerMalformed   = "malformed"   // a grant that decides about one resource too few
	AnswerUnavailable = "503"         // not now, with Retry-After
	AnswerLost        = "lost"        // the grant is given, and its answer lost
	AnswerHang        = "hang"        // no answer at all
	AnswerConnection  = "connections" // the grant at once, with a VIM connection and its credentials
)

// Behaviour is how grant requests are answered from now on.
type Behaviour struct {
	Answer string `json:"answer"`
	Times  int    `json:"times,omitempty"` // then AnswerNow again; 0: for ever
	Polls  int    `json:"polls,omitempty"` // how many looks at a grant are in vain
	Detail string `json:"detail,omitempty"`
	// RetryAfter is the Retry-After of 202 and 503, in seconds.
	RetryAfter int `json:"retryAfter,omitempty"`
}

// Asked is one grant request as it came.
type Asked struct {
	At      time.Time        `json:"at"`
	Answer  string           `json:"answer"` // how it was answered
	Repeat  bool             `json:"repeat"` // the same bytes came before
	Body    json.RawMessage  `json:"body"`
	Request sol.GrantRequest `json:"-"`
}

// Told is one notification as it came.
type Told struct {
	At   time.Time       `json:"at"`
	Path string          `json:"path"`
	Body json.RawMessage `json:"body"`
}

// given is a grant, or the refusal of one.
type given struct {
	grant  *sol.Grant
	refuse string
	polls  int // looks left that are in vain
	body   string
}

// NFVO is a running orchestrator. It is safe for concurrent use.
type NFVO struct {
	cfg Config

	mu       sync.Mutex
	behave   Behaviour
	asked    []Asked
	told     []Told
	looks    int
	grants   map[string]*given // by id
	byOp     map[string]string // grant id by operation occurrence
	named    map[string]string // by VNF instance the vnfdId whose VIM assets were named
	packages map[string]*pkg   // by vnfdId
	subs     map[string]sol.PkgmSubscription
	tokens   map[string]bool
	cuts     int // downloads still to be broken off

	snapshots     map[string]SnapshotPackage // by id
	snapshotReads int
}

// New returns an orchestrator that grants everything at once.
func New(cfg Config) *NFVO {
	if cfg.Client == nil {
		cfg.Client = &http.Client{Timeout: 5 * time.Second}
	}
	if cfg.Image == nil {
		cfg.Image = func(i vnfd.Image) string { return i.Name }
	}
	return &NFVO{
		cfg: cfg, behave: Behaviour{Answer: AnswerNow}, grants: map[string]*given{}, byOp: map[string]string{}, named: map[string]string{},
		packages: map[string]*pkg{}, subs: map[string]sol.PkgmSubscription{}, tokens: map[string]bool{},
		snapshots: map[string]SnapshotPackage{},
	}
}

// Handler serves the orchestrator's interfaces, a receiver of notifications at /notifications/, and /nfvo/v1, where it is
// told how to behave and shows what it got.
func (n *NFVO) Handler() http.Handler {
	mux := http.NewServeMux()
	api := func(pattern string, h http.HandlerFunc) { mux.HandleFunc(pattern, n.authorized(h)) }
	api("POST /grant/v1/grants", n.ask)
	api("GET /grant/v1/grants/{id}", n.look)
	const root = "/vnfpkgm/v2/onboarded_vnf_packages"
	api("GET "+root, n.listPackages)
	api("GET "+root+"/{vnfdId}", n.showPackage)
	api("GET "+root+"/{vnfdId}/package_content", n.content)
	api("GET "+root+"/{vnfdId}/vnfd", n.vnfd)
	api("GET "+root+"/{vnfdId}/artifacts/{path...}", n.artifact)
	api("GET /vnfpkgm/v2/subscriptions", n.listSubscriptions)
	api("POST /vnfpkgm/v2/subscriptions", n.subscribe)
	api("DELETE /vnfpkgm/v2/subscriptions/{id}", n.unsubscribe)
	const snapshots = "/vnfsnapshotpkgm/v1/vnf_snapshot_packages/{id}"
	api("GET "+snapshots, n.showSnapshot)
	api("GET "+snapshots+"/artifacts/{path...}", n.snapshotArtifact)
	mux.HandleFunc("POST /oauth2/token", n.token)
	mux.HandleFunc("GET /notifications/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("POST /notifications/", n.notified)
	mux.HandleFunc("GET /nfvo/v1/behaviour", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, n.Behaviour()) })
	mux.HandleFunc("PUT /nfvo/v1/behaviour", n.setBehaviour)
	mux.HandleFunc("GET /nfvo/v1/grant_requests", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, n.Asked()) })
	mux.HandleFunc("GET /nfvo/v1/notifications", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, n.Told()) })
	mux.HandleFunc("POST /nfvo/v1/packages", n.putPackage)
	mux.HandleFunc("PUT /nfvo/v1/packages/{vnfdId}/state", n.putState)
	mux.HandleFunc("DELETE /nfvo/v1/packages/{vnfdId}", n.deletePackage)
	mux.HandleFunc("PUT /nfvo/v1/snapshot_packages/{id}", n.putSnapshot)
	return mux
}

// SetBehaviour says how grant requests are answered from now on.
func (n *NFVO) SetBehaviour(b Behaviour) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.behave = b
}

// Behaviour returns how grant requests are answered.
func (n *NFVO) Behaviour() Behaviour {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.behave
}

// Asked returns the grant requests that came, the oldest first.
func (n *NFVO) Asked() []Asked {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]Asked{}, n.asked...)
}

// Looks returns how often a grant was looked at.
func (n *NFVO) Looks() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.looks
}

// Told returns the notifications that came, the oldest first.
func (n *NFVO) Told() []Told {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]Told{}, n.told...)
}

// Grants returns how many grants were given, whether their answers arrived or not.
func (n *NFVO) Grants() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.grants)
}

func (n *NFVO) setBehaviour(w http.ResponseWriter, r *http.Request) {
	var b Behaviour
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&b); err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	known := []string{AnswerNow, AnswerLater, AnswerRefuse, AnswerRefuseLater, AnswerMalformed, AnswerUnavailable, AnswerLost, AnswerHang, AnswerConnection}
	if !slices.Contains(known, b.Answer) {
		refuse(w, http.StatusBadRequest, "answer is one of "+strings.Join(known, ", "))
		return
	}
	n.SetBehaviour(b)
	answer(w, http.StatusOK, b)
}

func (n *NFVO) notified(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil || !json.Valid(b) {
		refuse(w, http.StatusBadRequest, "the notification is not JSON")
		return
	}
	n.mu.Lock()
	n.told = append(n.told, Told{At: time.Now().UTC(), Path: r.URL.Path, Body: b})
	n.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}

// token is a token endpoint (RFC 6749 §4.4).
func (n *NFVO) token(w http.ResponseWriter, r *http.Request) {
	id, secret, ok := r.BasicAuth()
	if !ok {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	if r.PostFormValue("grant_type") != "client_credentials" || !same(id, n.cfg.ClientID) || !same(secret, n.cfg.ClientSecret) {
		answer(w, http.StatusUnauthorized, map[string]string{"error": "invalid_client"})
		return
	}
	t := uuid.NewString()
	n.mu.Lock()
	n.tokens[t] = true
	n.mu.Unlock()
	answer(w, http.StatusOK, map[string]any{"access_token": t, "token_type": "Bearer", "expires_in": 3600})
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// authorized lets callers through who show what the configuration asks for.
func (n *NFVO) authorized(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ok := true
		switch {
		case n.cfg.ClientID != "":
			token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
			n.mu.Lock()
			ok = n.tokens[token]
			n.mu.Unlock()
		case n.cfg.User != "":
			user, password, given := r.BasicAuth()
			ok = given && same(user, n.cfg.User) && same(password, n.cfg.Password)
		}
		if !ok {
			w.Header().Set("WWW-Authenticate", `Bearer realm="nfvo"`)
			refuse(w, http.StatusUnauthorized, "show who you are")
			return
		}
		w.Header().Set("Version", r.Header.Get("Version"))
		h(w, r)
	}
}

func answer(w http.ResponseWriter, status int, v any) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		status = http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}

func refuse(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(sol.ProblemDetails{Title: http.StatusText(status), Status: status, Detail: detail})
}

// root is the root of our interfaces as the caller knows it.
func root(r *http.Request) string { return "http://" + r.Host }
