// Package etsitest fails a test when an answer of the API, or a request that it took, violates ETSI's OpenAPI documents of
// SOL003 (v3.7.1), or of SOL002 where the caller is an element manager, or an error is without ProblemDetails. It is used by every test that speaks to the API over HTTP.
// What is below /vnfm/v1 is checked by our own document, which has every route, attribute and status: what it does not have is wrong.
//
// The documents are in openapi/, with what was changed in them. What they get wrong beyond that is relaxed here: errors may be of any status and are application/problem+json, extCpInfo may be empty, null in a merge patch removes, and the 202 of a modification
// has no body (SOL003 v3.7.1 §5.4.3.3.4, against the document).
package etsitest

import (
	"bytes"
	"compress/gzip"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	own "github.com/vnfm/vnfm/api/openapi"
)

// document is one OpenAPI document and the root it is served at.
type document struct {
	root string
	spec *openapi3.T
	ours bool // it has every route, every attribute and every status
}

//go:embed openapi/*.yaml.gz
var openapi embed.FS

var load = sync.OnceValues(func() ([]document, error) {
	var docs []document
	for _, d := range []struct{ root, name string }{
		{"/vnflcm/v2", "SOL003-VNFLifecycleManagement"},
		{"/vnfpkgm/v2", "SOL003-VNFPackageManagement"},
		{"/vnfsnapshotpkgm/v1", "SOL003-VNFSnapshotPackageManagement"},
		{notified, "SOL003-VNFLifecycleManagementNotification"},
		{"/grant/v1", "SOL003-VNFLifecycleOperationGranting"},
		{"/vnfconfig/v1", "SOL002-VNFConfiguration"},
		{"/lcmcoord/v1", "SOL002-VNFLCMCoordination"},
		{ve + "/vnflcm/v2", "SOL002-VNFLifecycleManagement"},
		{ve + notified, "SOL002-VNFLifecycleManagementNotification"},
	} {
		spec, err := read(d.name)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", d.name, err)
		}
		relax(spec)
		docs = append(docs, document{root: d.root, spec: spec})
	}
	spec, err := openapi3.NewLoader().LoadFromData(own.Document())
	if err != nil {
		return nil, fmt.Errorf("read our own document: %w", err)
	}
	for _, s := range spec.Components.Schemas { // in a test, what a schema does not have is wrong
		if s.Value.AdditionalProperties.Schema == nil {
			s.Value.AdditionalProperties.Has = new(bool)
		}
	}
	return append(docs, document{root: ownRoot, spec: spec, ours: true}), nil
})

// ownRoot is where our own interface is, whose document package api/openapi has.
const ownRoot = "/vnfm/v1"

// ve stands before the paths of the interfaces as element managers see them.
const ve = "ve:"

func read(name string) (*openapi3.T, error) {
	f, err := openapi.Open("openapi/" + name + ".yaml.gz")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(z)
	if err != nil {
		return nil, err
	}
	return openapi3.NewLoader().LoadFromData(data)
}

// relax lets extCpInfo be empty: a container VNF may have no external connection point. It takes the body from the 202 of a
// modification. One address of two is enough for a connection point. The answer to a subscription to packages is one, and a
// snapshot is one, which the document types as lists of them.
func relax(spec *openapi3.T) {
	if accepted := spec.Components.Responses["IndividualVnfInstance.Patch.202"]; accepted != nil {
		accepted.Value.Content = nil
	}
	for _, name := range []string{"Subscriptions.Post.201", "IndividualVnfSnapshot.Get.200"} {
		if one := spec.Components.Responses[name]; one != nil {
			media := one.Value.Content.Get("application/json")
			if media.Schema.Value.Type.Is("array") {
				media.Schema = media.Schema.Value.Items
			}
		}
	}
	if cp := spec.Components.Schemas["CpAddress"]; cp != nil { // its NOTE 2 is about what is inside of address
		cp.Value.Properties["address"].Value.AnyOf, cp.Value.AnyOf = cp.Value.AnyOf, nil
	}
	for _, name := range []string{"VnfSnapshot", "VnfcSnapshotInfo", "CreateVnfSnapshotRequest"} { // they require attributes by names that they had once, and do not have
		if s := spec.Components.Schemas[name]; s != nil {
			s.Value.Required = slices.DeleteFunc(s.Value.Required, func(a string) bool {
				return s.Value.Properties[a] == nil || a == "vnfcSnapshots" // that a list leaves out unless it is asked for (§5.4.23.3.2)
			})
		}
	}
	if p := spec.Components.Schemas["VnfSnapshotPkgInfo"]; p != nil { // of which there are several (SOL003 v3.7.1 §12.5.2.2: 0..N)
		for _, name := range []string{"vnfcSnapshotInfoIds", "vnfcSnapshotImages", "additionalArtifacts"} {
			p.Value.Properties[name].Value.Type = &openapi3.Types{openapi3.TypeArray}
		}
	}
	instance := spec.Components.Schemas["VnfInstance"]
	if instance == nil {
		return
	}
	if info := instance.Value.Properties["instantiatedVnfInfo"]; info != nil {
		if cps := info.Value.Properties["extCpInfo"]; cps != nil {
			cps.Value.MinItems = 0
		}
	}
}

// Transport returns a round tripper that validates every request and answer that passes through base; base nil means
// http.DefaultTransport. A violation is a test error, not a transport error.
func Transport(t testing.TB, base http.RoundTripper) http.RoundTripper {
	t.Helper()
	if base == nil {
		base = http.DefaultTransport
	}
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		sent, err := jsonBody(r)
		if err != nil {
			return nil, err
		}
		res, err := base.RoundTrip(r)
		if err != nil || strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
			return res, err
		}
		body, err := io.ReadAll(res.Body)
		if cerr := res.Body.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return nil, fmt.Errorf("read the answer: %w", err)
		}
		res.Body = io.NopCloser(bytes.NewReader(body))
		for _, problem := range Check(r.Method, r.URL.Path, res.StatusCode, res.Header, body) {
			t.Errorf("%s %s answered %d against the specification: %s", r.Method, r.URL.Path, res.StatusCode, problem)
		}
		if sent != nil && res.StatusCode < http.StatusBadRequest {
			for _, problem := range CheckRequest(r.Method, r.URL.Path, sent) {
				t.Errorf("%s %s took a request against the specification: %s", r.Method, r.URL.Path, problem)
			}
		}
		return res, nil
	})
}

// jsonBody returns the JSON body of a request and leaves it to be read again.
func jsonBody(r *http.Request) ([]byte, error) {
	if r.Body == nil || !strings.HasSuffix(r.Header.Get("Content-Type"), "json") {
		return nil, nil
	}
	sent, err := io.ReadAll(r.Body)
	if cerr := r.Body.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	r.Body = io.NopCloser(bytes.NewReader(sent))
	return sent, nil
}

// Handler returns h with every answer, and every request that it took, validated.
func Handler(t testing.TB, h http.Handler) http.Handler {
	t.Helper()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, err := jsonBody(r)
		if err != nil {
			return // the client is gone
		}
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		if r.Context().Err() != nil {
			return // the client is gone: this was no answer
		}
		for _, problem := range Check(r.Method, r.URL.Path, rec.Code, rec.Header(), rec.Body.Bytes()) {
			t.Errorf("%s %s answered %d against the specification: %s", r.Method, r.URL.Path, rec.Code, problem)
		}
		if sent != nil && rec.Code < http.StatusBadRequest {
			for _, problem := range CheckRequest(r.Method, r.URL.Path, sent) {
				t.Errorf("%s %s took a request against the specification: %s", r.Method, r.URL.Path, problem)
			}
		}
		for k, v := range rec.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(rec.Code)
		_, _ = w.Write(rec.Body.Bytes())
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Check returns what is wrong with an answer, nothing when all is well.
func Check(method, path string, status int, header http.Header, body []byte) []string {
	docs, err := load()
	if err != nil {
		return []string{err.Error()}
	}
	var problems []string
	if status >= http.StatusBadRequest {
		problems = checkProblem(docs[0].spec, method, status, header, body)
	}
	for _, d := range docs {
		if rest, ok := strings.CutPrefix(path, d.root); ok && (status < http.StatusBadRequest || d.ours) {
			return append(problems, d.check(method, rest, status, header, body)...)
		}
	}
	return problems
}

// CheckRequest returns what is wrong with the body of a request that was taken.
func CheckRequest(method, path string, body []byte) []string {
	docs, err := load()
	if err != nil {
		return []string{err.Error()}
	}
	for _, d := range docs {
		rest, ok := strings.CutPrefix(path, d.root)
		if !ok {
			continue
		}
		if op := d.operation(method, rest); op != nil && op.RequestBody != nil {
			if media := op.RequestBody.Value.Content.Get("application/json"); media != nil {
				if method == http.MethodPatch || d.ours { // of which null is as good as nothing
					body = withoutNulls(body)
				}
				return visit(media.Schema.Value, body)
			}
		}
	}
	return nil
}

// withoutNulls is a merge patch without what it removes (RFC 7396), which the document does not describe.
func withoutNulls(body []byte) []byte {
	var v any
	if json.Unmarshal(body, &v) != nil {
		return body
	}
	var strip func(v any)
	strip = func(v any) {
		if m, ok := v.(map[string]any); ok {
			maps.DeleteFunc(m, func(_ string, inner any) bool { return inner == nil })
			for _, inner := range m {
				strip(inner)
			}
		}
	}
	strip(v)
	stripped, _ := json.Marshal(v) // decoded from JSON
	return stripped
}

// Body validates a value against a schema of the life cycle management document by its name, "VnfInstance" for one. It
// returns what is wrong.
func Body(schema string, body []byte) []string { return inDocument("/vnflcm/v2", schema, body) }

// notified stands for the root of the document of notifications, which are sent to where the subscriber says.
const notified = "notifications:"

// Notification validates a notification about life cycle management. It returns what is wrong.
func Notification(body []byte) []string {
	var n struct{ NotificationType string }
	if err := json.Unmarshal(body, &n); err != nil {
		return []string{err.Error()}
	}
	return inDocument(notified, n.NotificationType, body)
}

// Managed returns the path of a resource of the VNFM as an element manager sees it, for Check and CheckRequest: by SOL002.
func Managed(path string) string { return ve + path }

// ManagedNotification is Notification for one to an element manager.
func ManagedNotification(body []byte) []string {
	var n struct{ NotificationType string }
	if err := json.Unmarshal(body, &n); err != nil {
		return []string{err.Error()}
	}
	return inDocument(ve+notified, n.NotificationType, body)
}

func inDocument(root, schema string, body []byte) []string {
	docs, err := load()
	if err != nil {
		return []string{err.Error()}
	}
	for _, d := range docs {
		if s := d.spec.Components.Schemas[schema]; s != nil && d.root == root {
			return visit(s.Value, body)
		}
	}
	return []string{"the document has no schema " + schema}
}

// checkProblem checks an error: any status, but always ProblemDetails that name it.
func checkProblem(spec *openapi3.T, method string, status int, header http.Header, body []byte) []string {
	if method == http.MethodHead {
		return nil
	}
	var problems []string
	if ct := header.Get("Content-Type"); ct != "application/problem+json" {
		problems = append(problems, fmt.Sprintf("Content-Type %q of an error is not application/problem+json", ct))
	}
	var p struct{ Status int }
	if json.Unmarshal(body, &p) == nil && p.Status != status {
		problems = append(problems, fmt.Sprintf("ProblemDetails.status is %d", p.Status))
	}
	return append(problems, visit(spec.Components.Schemas["ProblemDetails"].Value, body)...)
}

func (d document) check(method, path string, status int, header http.Header, body []byte) []string {
	op := d.operation(method, path)
	absent := status == http.StatusNotFound || status == http.StatusMethodNotAllowed
	switch {
	case op == nil && d.ours && !absent:
		return []string{"our document has no such route"}
	case op == nil:
		return nil // a resource that the document does not have
	case d.ours && status >= http.StatusBadRequest && op.Responses.Status(status) != nil:
		return nil // a problem, which is checked
	}
	res := op.Responses.Status(status)
	if status == http.StatusNotModified && len(body) == 0 { // of every GET, whatever the document says (RFC 9110 §15.4.5)
		return nil
	}
	if res == nil {
		return []string{"the document does not know this status"}
	}
	var problems []string
	for name, h := range res.Value.Headers {
		// Links and challenges are conditional; the rest must be there.
		needed := name == "Location" || name == "Version"
		if needed && h.Value != nil && header.Get(name) == "" && status != http.StatusNoContent {
			problems = append(problems, "header "+name+" is missing")
		}
	}
	media := res.Value.Content.Get("application/json")
	switch {
	case media == nil && len(body) > 0 && strings.HasSuffix(header.Get("Content-Type"), "json"): // files are described nowhere
		problems = append(problems, "a body where the document has none")
	case media != nil && method != http.MethodHead:
		if ct := header.Get("Content-Type"); ct != "application/json" {
			problems = append(problems, fmt.Sprintf("Content-Type is %q", ct))
		}
		problems = append(problems, visit(media.Schema.Value, body)...)
	}
	return problems
}

// operation finds the operation of a path; literal segments win over parameters.
func (d document) operation(method, path string) *openapi3.Operation {
	want := strings.Split(path, "/")
	var best *openapi3.PathItem
	fewest := len(want) + 1
	for pattern, item := range d.spec.Paths.Map() {
		have := strings.Split(pattern, "/")
		if len(have) != len(want) {
			continue
		}
		params, ok := 0, true
		for i := range have {
			switch {
			case strings.HasPrefix(have[i], "{"):
				params++
			case have[i] != want[i]:
				ok = false
			}
		}
		if ok && params < fewest {
			best, fewest = item, params
		}
	}
	if best == nil {
		return nil
	}
	if method == http.MethodHead {
		method = http.MethodGet
	}
	return best.Operations()[method]
}

func visit(schema *openapi3.Schema, body []byte) []string {
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return []string{"the body is not JSON: " + err.Error()}
	}
	// The document types the list of operation occurrences as one of them.
	if list, ok := v.([]any); ok && schema.Type.Is("object") {
		schema = &openapi3.Schema{Type: &openapi3.Types{"array"}, Items: schema.NewRef()}
		v = list
	}
	return reasons(schema.VisitJSON(v, openapi3.MultiErrors(), openapi3.EnableFormatValidation()))
}

// reasons says each violation in one line: where and why.
func reasons(err error) []string {
	var many openapi3.MultiError
	var one *openapi3.SchemaError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &many):
		var all []string
		for _, e := range many {
			all = append(all, reasons(e)...)
		}
		return all
	case errors.As(err, &one):
		return []string{"/" + strings.Join(one.JSONPointer(), "/") + ": " + one.Reason}
	}
	return []string{err.Error()}
}
