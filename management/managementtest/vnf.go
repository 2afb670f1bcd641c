package managementtest

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/google/uuid"

	"github.com/vnfm/vnfm/mergepatch"
	"github.com/vnfm/vnfm/sol"
)

// Config describes the VNF.
type Config struct {
	// User and Password, or ClientID and ClientSecret, are asked of callers; "": nothing is.
	User, Password         string
	ClientID, ClientSecret string
}

// What a rule is about.
const (
	OnRead       = "read"       // GET of the configuration
	OnModify     = "modify"     // PATCH of it
	OnCoordinate = "coordinate" // POST of a coordination
	OnLook       = "look"       // GET of one
	OnCancel     = "cancel"     // POST of its cancellation
	OnAny        = "*"
)

// Outcomes of a rule beside HTTP statuses ("503").
const (
	Lost      = "lost"      // the effect happens, and its answer is lost
	Hang      = "hang"      // no answer, until the caller gives up, and no effect
	Malformed = "malformed" // 200 and no JSON
	Large     = "large"     // 200 and 8 MiB
	Raced     = "raced"     // somebody else changes the configuration right before, so that the ETag is another
)

// Rule makes requests fail.
type Rule struct {
	On      string `json:"on"`
	Outcome string `json:"outcome"`
	Times   int    `json:"times,omitempty"` // 0: for ever
	// RetryAfter is the Retry-After of an HTTP status, in seconds; 0: none.
	RetryAfter int    `json:"retryAfter,omitempty"`
	Detail     string `json:"detail,omitempty"`
}

// Behaviour is how requests are answered from now on.
type Behaviour struct {
	Rules []Rule `json:"rules,omitempty"` // the first that fits is taken
	// Result is how coordinations end ("": CONTINUE), after Polls looks in vain; 0: with the answer to their request.
	Result   string `json:"result,omitempty"`
	Polls    int    `json:"polls,omitempty"`
	Warnings string `json:"warnings,omitempty"`
	Problem  string `json:"problem,omitempty"`
	// RetryAfter is that of 202, in seconds; 0: none.
	RetryAfter int `json:"retryAfter,omitempty"`
}

// Request is what the VNF was asked.
type Request struct {
	Method string          `json:"method"`
	Path   string          `json:"path"`
	Key    string          `json:"idempotencyKey,omitempty"`
	Body   json.RawMessage `json:"body,omitempty"`
}

// VNF is the fake. It is safe for concurrent use.
type VNF struct {
	cfg Config

	mu            sync.Mutex
	behaviour     Behaviour
	configuration json.RawMessage
	version       int
	coordinations map[string]*coordination
	asked         []Request
	tokens        map[string]bool
}

// coordination is one that was begun.
type coordination struct {
	request sol.LcmCoordRequest
	polls   int
	result  string
	called  bool // off
}

// New makes one with an empty configuration.
func New(cfg Config) *VNF {
	return &VNF{
		cfg: cfg, configuration: json.RawMessage(`{"vnfConfigurationData":{}}`), version: 1,
		coordinations: map[string]*coordination{}, tokens: map[string]bool{},
	}
}

// Handler serves the interfaces, a token endpoint at /token, and for whoever tries things out /vnf/v1/behaviour (GET, PUT) and
// /vnf/v1/requests (GET).
func (v *VNF) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /vnfconfig/v1/configuration", v.as(OnRead, v.read))
	mux.HandleFunc("PATCH /vnfconfig/v1/configuration", v.as(OnModify, v.modify))
	mux.HandleFunc("POST /lcmcoord/v1/coordinations", v.as(OnCoordinate, v.coordinate))
	mux.HandleFunc("GET /lcmcoord/v1/coordinations/{id}", v.as(OnLook, v.look))
	mux.HandleFunc("POST /lcmcoord/v1/coordinations/{id}/cancel", v.as(OnCancel, v.cancel))
	mux.HandleFunc("GET /lcmcoord/api_versions", v.as(OnLook, func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		answer(w, http.StatusOK, sol.ApiVersionInformation{UriPrefix: "/lcmcoord", ApiVersions: []sol.ApiVersion{{Version: "1.1.0"}}})
	}))
	mux.HandleFunc("POST /token", v.token)
	mux.HandleFunc("GET /vnf/v1/behaviour", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, v.Behaviour()) })
	mux.HandleFunc("PUT /vnf/v1/behaviour", v.putBehaviour)
	mux.HandleFunc("GET /vnf/v1/requests", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, v.Asked("")) })
	return mux
}

// Behaviour returns how requests are answered.
func (v *VNF) Behaviour() Behaviour {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.behaviour
}

// SetBehaviour changes how requests are answered.
func (v *VNF) SetBehaviour(b Behaviour) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.behaviour = b
}

// Configuration returns what the VNF is configured with.
func (v *VNF) Configuration() (out sol.VnfConfiguration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	_ = json.Unmarshal(v.configuration, &out) // it is what was taken
	return out
}

// Asked returns the requests of a method, those that failed too; "": of all.
func (v *VNF) Asked(method string) []Request {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(v.asked), func(r Request) bool { return method != "" && r.Method != method })
}

// Coordinations returns the actions that were begun, in no order, and how many of them were called off.
func (v *VNF) Coordinations() (actions []string, called int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, c := range v.coordinations {
		actions = append(actions, c.request.CoordinationActionName)
		if c.called {
			called++
		}
	}
	slices.Sort(actions)
	return actions, called
}

// Finish lets the coordinations under way end at the next look.
func (v *VNF) Finish() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, c := range v.coordinations {
		c.polls = 0
	}
}

// Expire makes every token that was given worth nothing.
func (v *VNF) Expire() {
	v.mu.Lock()
	defer v.mu.Unlock()
	clear(v.tokens)
}

func (v *VNF) putBehaviour(w http.ResponseWriter, r *http.Request) {
	var b Behaviour
	d := json.NewDecoder(io.LimitReader(r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(&b); err != nil {
		refuse(w, http.StatusBadRequest, err.Error(), 0)
		return
	}
	for _, rule := range b.Rules {
		status, err := strconv.Atoi(rule.Outcome)
		if named := slices.Contains([]string{Lost, Hang, Malformed, Large, Raced}, rule.Outcome); !named && (err != nil || status < 300 || status > 599) {
			refuse(w, http.StatusBadRequest, "an outcome is an HTTP status, lost, hang, malformed, large or raced", 0)
			return
		}
		if !slices.Contains([]string{OnRead, OnModify, OnCoordinate, OnLook, OnCancel, OnAny}, rule.On) {
			refuse(w, http.StatusBadRequest, "on is read, modify, coordinate, look, cancel or *", 0)
			return
		}
	}
	v.SetBehaviour(b)
	answer(w, http.StatusOK, b)
}

const maxBody = 16 << 20

// as lets callers through who show what the configuration asks for, keeps what they ask, and does what a rule says.
func (v *VNF) as(what string, h func(w http.ResponseWriter, r *http.Request, body []byte)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
		if err != nil || len(body) > 0 && !json.Valid(body) {
			refuse(w, http.StatusBadRequest, "the body is no JSON", 0)
			return
		}
		v.mu.Lock()
		v.asked = append(v.asked, Request{Method: r.Method, Path: r.URL.Path, Key: r.Header.Get("Idempotency-Key"), Body: body})
		rule := v.rule(what)
		if rule != nil && rule.Outcome == Raced {
			v.version++
		}
		v.mu.Unlock()
		if !v.authorized(r) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="vnf"`)
			refuse(w, http.StatusUnauthorized, "show who you are", 0)
			return
		}
		w.Header().Set("Version", r.Header.Get("Version"))
		if rule == nil || rule.Outcome == Raced {
			h(w, r, body)
			return
		}
		switch rule.Outcome {
		case Lost:
			h(discard{http.Header{}}, r, body)
			panic(http.ErrAbortHandler)
		case Hang:
			<-r.Context().Done()
			panic(http.ErrAbortHandler)
		case Malformed:
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, "<html>")
		case Large:
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(append([]byte(`{"vnfConfigurationData":{"vnfSpecificData":{"x":"`), append(bytes.Repeat([]byte("x"), 8<<20), `"}}}`...)...))
		default:
			status, _ := strconv.Atoi(rule.Outcome) // checked where it came in
			refuse(w, max(status, http.StatusMultipleChoices), rule.Detail, rule.RetryAfter)
		}
	}
}

// rule returns the rule for a request, and counts it.
func (v *VNF) rule(what string) *Rule {
	for i := range v.behaviour.Rules {
		r := v.behaviour.Rules[i]
		if r.On != what && r.On != OnAny {
			continue
		}
		if r.Times > 0 {
			rest := slices.Clone(v.behaviour.Rules)
			if rest[i].Times--; rest[i].Times == 0 {
				rest = slices.Delete(rest, i, i+1)
			}
			v.behaviour.Rules = rest
		}
		return &r
	}
	return nil
}

func (v *VNF) authorized(r *http.Request) bool {
	switch {
	case v.cfg.ClientID != "":
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		v.mu.Lock()
		defer v.mu.Unlock()
		return v.tokens[token]
	case v.cfg.User != "":
		user, password, given := r.BasicAuth()
		return given && same(user, v.cfg.User) && same(password, v.cfg.Password)
	}
	return true
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// token is a token endpoint (RFC 6749 §4.4).
func (v *VNF) token(w http.ResponseWriter, r *http.Request) {
	id, secret, ok := r.BasicAuth()
	if !ok {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	if r.PostFormValue("grant_type") != "client_credentials" || !same(id, v.cfg.ClientID) || !same(secret, v.cfg.ClientSecret) {
		answer(w, http.StatusUnauthorized, map[string]string{"error": "invalid_client"})
		return
	}
	t := uuid.NewString()
	v.mu.Lock()
	v.tokens[t] = true
	v.mu.Unlock()
	answer(w, http.StatusOK, map[string]any{"access_token": t, "token_type": "Bearer", "expires_in": 3600})
}

func (v *VNF) etag() string { return fmt.Sprintf("%q", strconv.Itoa(v.version)) }

func (v *VNF) read(w http.ResponseWriter, _ *http.Request, _ []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	w.Header().Set("ETag", v.etag())
	answer(w, http.StatusOK, v.configuration)
}

// modify lays the modification over the configuration: VNFCs by their ids, the rest as a merge patch (SOL002 v3.7.1 §9.5.2.3).
func (v *VNF) modify(w http.ResponseWriter, r *http.Request, body []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if tag := r.Header.Get("If-Match"); tag != "" && tag != v.etag() {
		refuse(w, http.StatusPreconditionFailed, "the configuration has changed", 0)
		return
	}
	var patch struct {
		Data      json.RawMessage   `json:"vnfConfigurationData"`
		Vnfcs     []json.RawMessage `json:"vnfcConfigurationData"`
		DeleteIds []string          `json:"vnfcConfigurationDataDeleteIds"`
	}
	var have struct {
		Data  json.RawMessage   `json:"vnfConfigurationData"`
		Vnfcs []json.RawMessage `json:"vnfcConfigurationData,omitempty"`
	}
	if json.Unmarshal(body, &patch) != nil || json.Unmarshal(v.configuration, &have) != nil || patch.Data == nil && patch.Vnfcs == nil {
		refuse(w, http.StatusBadRequest, "the modification is none", 0)
		return
	}
	if patch.Data != nil {
		have.Data = mergepatch.Apply(have.Data, patch.Data)
	}
	for _, x := range patch.Vnfcs {
		at := slices.IndexFunc(have.Vnfcs, func(y json.RawMessage) bool { return vnfcOf(x) == vnfcOf(y) })
		if at < 0 {
			have.Vnfcs = append(have.Vnfcs, x)
		} else {
			have.Vnfcs[at] = mergepatch.Apply(have.Vnfcs[at], x)
		}
	}
	have.Vnfcs = slices.DeleteFunc(have.Vnfcs, func(x json.RawMessage) bool { return slices.Contains(patch.DeleteIds, vnfcOf(x)) })
	v.configuration, _ = json.Marshal(have) // was JSON before
	v.version++
	w.Header().Set("ETag", v.etag())
	answer(w, http.StatusOK, json.RawMessage(body))
}

func vnfcOf(entry json.RawMessage) string {
	var x sol.VnfcConfigurationData
	_ = json.Unmarshal(entry, &x) // then it has no id
	return x.VnfcInstanceId
}

// discard is where an answer goes that is lost.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

func answer(w http.ResponseWriter, status int, body any) {
	b, err := json.Marshal(body)
	if err != nil {
		status = http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(b)
}

func refuse(w http.ResponseWriter, status int, detail string, retryAfter int) {
	if retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
	}
	if status >= http.StatusMultipleChoices && status < http.StatusBadRequest {
		w.Header().Set("Location", "http://elsewhere.invalid/")
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(sol.ProblemDetails{Title: http.StatusText(status), Status: status, Detail: detail})
}
