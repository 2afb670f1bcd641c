package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/vnfm/vnfm/access"
	"github.com/vnfm/vnfm/api"
	"github.com/vnfm/vnfm/api/openapi"
	"github.com/vnfm/vnfm/api/rest"
	"github.com/vnfm/vnfm/internal/etsitest"
	"github.com/vnfm/vnfm/sol"
)

//go:generate go test -run TestOwnDocument -update

// TestOwnDocument keeps the OpenAPI document of /vnfm/v1, and its page, what the table of routes and the types of the wire say.
// Seen failing with a route that nobody tells of, and with an attribute added.
func TestOwnDocument(t *testing.T) {
	doc := ownDocument(t)
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(doc); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		filepath.Join("openapi", "vnfm-v1.json"):           b.String(),
		filepath.Join("..", "docs", "reference", "api.md"): ownPage(doc),
	} {
		if *update {
			if err := os.WriteFile(file, []byte(want), 0o644); err != nil { //nolint:gosec // a page
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(file)
		if err != nil || string(got) != want {
			t.Errorf("%s is not what the routes and types are (%v): run go generate ./api", file, err)
		}
	}
}

// TestOwnDocumentIsServed: whoever asks gets the document and the version, without saying who they are.
func TestOwnDocumentIsServed(t *testing.T) {
	w := newWorld(t, func(c *api.Config) {
		c.Authenticate = access.First(access.Static("s3cret", access.Caller{Name: "nfvo", Roles: []access.Role{access.NFVO}}))
	})
	got := w.do("GET", own+"/openapi.json", "").want(200)
	served, err := openapi3.NewLoader().LoadFromData([]byte(got.body))
	if err != nil {
		t.Fatal(err)
	}
	if served.Info.Version != openapi.Version || served.Paths.Find("/vims") == nil {
		t.Errorf("it is %s with %d paths", served.Info.Version, served.Paths.Len())
	}
	for _, path := range []string{own, "/vnfm"} {
		w.do("GET", path+"/api_versions", "").want(200, `"uriPrefix":"`+path+`"`, `"version":"`+openapi.Version+`"`)
	}
}

// TestOwnAnswersAreChecked: what the document does not have is found wherever a test speaks to /vnfm/v1.
func TestOwnAnswersAreChecked(t *testing.T) {
	asJSON, asProblem := http.Header{"Content-Type": {"application/json"}}, http.Header{"Content-Type": {"application/problem+json"}}
	const signIn, taken, refused = `{"required":true,"token":true}`, `{"decision":"mark-done","step":"s","reason":"r"}`, `{"status":409,"title":"Conflict","detail":"d"}`
	for _, c := range []struct {
		name, method, path, sent string
		status                   int
		header                   http.Header
		body, wrong              string
	}{
		{"as it is", "GET", "/sign_in", "", 200, asJSON, signIn, ""},
		{"a query", "GET", "/vims", "", 200, asJSON, "[]", ""},
		{"an attribute that it lacks", "GET", "/sign_in", "", 200, asJSON, `{"required":true,"token":true,"magic":1}`, "magic"},
		{"a mandatory attribute is missing", "GET", "/sign_in", "", 200, asJSON, `{"required":true}`, "token"},
		{"null for a list", "GET", "/cluster", "", 200, asJSON, `{"nodes":null,"lanes":[],"consumers":[],"timersDue":0}`, "nodes"},
		{"a status of success", "GET", "/sign_in", "", 202, asJSON, signIn, "does not know"},
		{"a status of failure", "GET", "/sign_in", "", 409, asProblem, refused, "does not know"},
		{"a failure that may be", "POST", "/vnf_lcm_op_occs/x/resolve", "", 409, asProblem, refused, ""},
		{"a route", "GET", "/magic", "", 200, asJSON, "{}", "no such route"},
		{"a method", "PUT", "/vims", "", 200, asJSON, "{}", "no such route"},
		{"a route that is not there", "GET", "/magic", "", 404, asProblem, `{"status":404,"title":"Not Found","detail":"d"}`, ""},
		{"a body", "POST", "/vnf_lcm_op_occs/x/resolve", `{"decision":"mark-done","step":"s","reason":"r","magic":1}`, 202, http.Header{"Location": {"x"}}, "", "magic"},
		{"a body as it is", "POST", "/vnf_lcm_op_occs/x/resolve", taken, 202, http.Header{"Location": {"x"}}, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			wrong := etsitest.Check(c.method, own+c.path, c.status, c.header, []byte(c.body))
			if c.sent != "" {
				wrong = append(wrong, etsitest.CheckRequest(c.method, own+c.path, []byte(c.sent))...)
			}
			if got := strings.Join(wrong, "\n"); (got == "") != (c.wrong == "") || !strings.Contains(got, c.wrong) {
				t.Errorf("found %q, want %q", got, c.wrong)
			}
		})
	}
}

// ownDocument makes the document.
func ownDocument(t *testing.T) *openapi3.T {
	t.Helper()
	s := newSchemas(t)
	doc := &openapi3.T{
		OpenAPI: "3.0.3", Paths: openapi3.NewPaths(), Servers: openapi3.Servers{{URL: rest.OwnRoot}},
		Info: &openapi3.Info{
			Title: "vnfm", Version: openapi.Version,
			Description: "What the VNF Manager has beside the interfaces of ETSI GS NFV-SOL 002 and SOL 003, which have documents of ETSI's: what operators need to see and mend VNFs, and to run a site.",
		},
		Components: &openapi3.Components{
			Schemas: s.all, Responses: openapi3.ResponseBodies{}, SecuritySchemes: openapi3.SecuritySchemes{
				"token": {Value: openapi3.NewSecurityScheme().WithType("http").WithScheme("bearer").WithDescription("An OAuth 2.0 access token, or one of the site's own.")},
			},
		},
	}
	for _, h := range headings {
		doc.Tags = append(doc.Tags, &openapi3.Tag{Name: h})
	}
	left := maps.Clone(tells)
	for _, r := range api.Routes(complete()) {
		path, ours := strings.CutPrefix(r.Pattern, rest.OwnRoot)
		if !ours {
			continue
		}
		key := r.Method + " " + path
		says, ok := tells[key]
		if !ok {
			t.Errorf("nobody tells what %s does", key)
			continue
		}
		delete(left, key)
		doc.AddOperation(path, r.Method, ownOperation(t, doc, s, r, path, says))
	}
	for key := range left {
		t.Errorf("the document tells of %s, which is no route", key)
	}
	return doc
}

// ownOperation describes one method of one route.
func ownOperation(t *testing.T, doc *openapi3.T, s *schemas, r api.Served, path string, says routeText) *openapi3.Operation {
	t.Helper()
	if !slices.Contains(headings, says.about) {
		t.Errorf("%s %s stands under no heading", r.Method, path)
	}
	words := strings.FieldsFunc(strings.ToLower(r.Method)+path, func(c rune) bool { return strings.ContainsRune("/_{}.", c) })
	for i := range words[1:] {
		words[i+1] = strings.ToUpper(words[i+1][:1]) + words[i+1][1:]
	}
	op := &openapi3.Operation{
		Tags: []string{says.about}, Summary: says.does, OperationID: strings.Join(words, ""), Responses: openapi3.NewResponsesWithCapacity(1),
		Description: fmt.Sprintf("Needs the permission `%s`.", r.Needs), Security: openapi3.NewSecurityRequirements(),
	}
	if r.Open {
		op.Description = "Whoever asks is answered."
	} else {
		op.Security.With(openapi3.NewSecurityRequirement().Authenticate("token"))
	}
	if strings.Contains(path, "{id}") {
		op.AddParameter(openapi3.NewPathParameter("id").WithSchema(openapi3.NewStringSchema()).WithDescription("The id of the resource."))
	}
	for _, name := range r.Query {
		if parameters[name] == "" {
			t.Errorf("nobody tells what the query parameter %s of %s %s is", name, r.Method, path)
		}
		p := openapi3.NewQueryParameter(name).WithDescription(parameters[name]).WithSchema(openapi3.NewStringSchema())
		p.AllowEmptyValue = strings.HasSuffix(parameters[name], "It has no value.")
		op.AddParameter(p)
	}
	change := r.Method != http.MethodGet
	if change && !r.Open {
		op.AddParameter(openapi3.NewHeaderParameter("Idempotency-Key").WithSchema(openapi3.NewStringSchema()).
			WithDescription("A key of the client's for this request: an equal one with it has no second effect, and the same answer."))
	}
	if change && says.tag && strings.Contains(path, "{id}") {
		op.AddParameter(openapi3.NewHeaderParameter("If-Match").WithSchema(openapi3.NewStringSchema()).WithDescription("The ETag of the resource as the client knows it."))
	}
	if (says.body != nil) != (r.Body != nil) {
		t.Errorf("%s %s takes %v, and the document says %T", r.Method, path, r.Body, says.body)
	}
	if says.body != nil {
		schema := s.ref(reflect.TypeOf(says.body))
		if says.loose {
			loose := *schema.Value
			loose.Required = nil
			s.all[nameOf(reflect.TypeOf(says.body))+"Request"] = loose.NewRef()
			schema = openapi3.NewSchemaRef("#/components/schemas/"+nameOf(reflect.TypeOf(says.body))+"Request", &loose)
		}
		op.RequestBody = &openapi3.RequestBodyRef{Value: openapi3.NewRequestBody().WithRequired(true).WithContent(openapi3.NewContentWithSchemaRef(schema, r.Body))}
	}
	ownAnswers(t, doc, s, op, r, path, says)
	return op
}

// ownAnswers describes the answers of one method of one route.
func ownAnswers(t *testing.T, doc *openapi3.T, s *schemas, op *openapi3.Operation, r api.Served, path string, says routeText) {
	t.Helper()
	change := r.Method != http.MethodGet
	status := says.with
	if status == 0 && says.gives == nil {
		status = http.StatusNoContent
	} else if status == 0 {
		status = http.StatusOK
	}
	answer := openapi3.NewResponse().WithDescription(http.StatusText(status))
	if says.gives != nil {
		if !slices.Contains(r.Types, rest.JSONType) {
			t.Errorf("%s %s answers with %v, and the document says JSON", r.Method, path, r.Types)
		}
		answer.Content = openapi3.NewContentWithJSONSchemaRef(s.ref(reflect.TypeOf(says.gives)))
		if r.Tail {
			answer.Content[rest.StreamType] = openapi3.NewMediaType().WithSchema(openapi3.NewStringSchema().WithFormat("event-stream"))
		}
	}
	header := func(on *openapi3.Response, name, text string) {
		if on.Headers == nil {
			on.Headers = openapi3.Headers{}
		}
		on.Headers[name] = &openapi3.HeaderRef{Value: &openapi3.Header{Parameter: openapi3.Parameter{Description: text, Schema: openapi3.NewStringSchema().NewRef()}}}
	}
	if says.tag && says.gives != nil {
		header(answer, "ETag", "Which state of the resource it is.")
	}
	if slices.Contains(r.Query, rest.Paging) {
		header(answer, "Link", "The next page, where there is one.")
	}
	if says.at || status == http.StatusAccepted && says.gives == nil {
		header(answer, "Location", "Where what was made, or begun, is.")
	}
	op.AddResponse(status, answer)
	for _, other := range says.or {
		more := openapi3.NewResponse().WithDescription(http.StatusText(other))
		header(more, "Location", "Where what was begun is.")
		op.AddResponse(other, more)
	}
	if !change && says.tag {
		op.AddResponse(http.StatusNotModified, openapi3.NewResponse().WithDescription(http.StatusText(http.StatusNotModified)))
	}
	errors := append([]int{ // a server without the resource answers 404
		http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusRequestURITooLong,
		http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable,
	}, says.also...)
	if !r.Open {
		errors = append(errors, http.StatusUnauthorized)
	}
	if r.Types != nil {
		errors = append(errors, http.StatusNotAcceptable)
	}
	if r.Body != nil {
		errors = append(errors, http.StatusUnsupportedMediaType)
	}
	if change {
		errors = append(errors, http.StatusConflict, http.StatusPreconditionFailed, http.StatusUnprocessableEntity)
	}
	for _, status := range errors {
		name := strings.NewReplacer(" ", "", "-", "").Replace(http.StatusText(status))
		if doc.Components.Responses[name] == nil {
			content := openapi3.NewContentWithSchemaRef(s.ref(reflect.TypeFor[sol.ProblemDetails]()), []string{"application/problem+json"})
			doc.Components.Responses[name] = &openapi3.ResponseRef{Value: openapi3.NewResponse().WithDescription(http.StatusText(status)).WithContent(content)}
		}
		op.Responses.Set(fmt.Sprint(status), &openapi3.ResponseRef{Ref: "#/components/responses/" + name, Value: doc.Components.Responses[name].Value})
	}
}

const ownHead = `# The interface /vnfm/v1

Generated by 'go generate ./api' from the table of routes and the types of the wire; do not edit. The server has the same as an OpenAPI 3.0 document, at
'/vnfm/v1/openapi.json', which every test checks each request and answer by. What ETSI has, '/vnflcm' and '/vnfpkgm', is in
[ETSI's documents](https://forge.etsi.org/rep/nfv/SOL002-SOL003). [Errors](errors.md) are ProblemDetails; [roles](roles.md) say who may what.

`

// ownPage is the document as a page.
func ownPage(doc *openapi3.T) string {
	var b strings.Builder
	b.WriteString(strings.ReplaceAll(ownHead, "'", "`"))
	for _, h := range headings {
		fmt.Fprintf(&b, "## %s\n\n", h)
		for _, path := range slices.Sorted(maps.Keys(doc.Paths.Map())) {
			for _, method := range slices.Sorted(maps.Keys(doc.Paths.Value(path).Operations())) {
				if op := doc.Paths.Value(path).Operations()[method]; op.Tags[0] == h {
					operationOnPage(&b, method, path, op)
				}
			}
		}
	}
	b.WriteString("## Types\n\nAn attribute with a star is always there, and in a request mandatory.\n\n")
	for _, name := range slices.Sorted(maps.Keys(doc.Components.Schemas)) {
		v := doc.Components.Schemas[name].Value
		fmt.Fprintf(&b, "### %s\n\n%s\n\n| attribute | type | |\n| --- | --- | --- |\n", name, v.Description)
		for _, attribute := range slices.Sorted(maps.Keys(v.Properties)) {
			star := ""
			if slices.Contains(v.Required, attribute) {
				star = " \\*"
			}
			says := v.Properties[attribute].Value.Description
			if v.Properties[attribute].Ref != "" {
				says = ""
			}
			fmt.Fprintf(&b, "| `%s`%s | %s | %s |\n", attribute, star, typeWord(v.Properties[attribute]), strings.ReplaceAll(says, "|", "\\|"))
		}
		b.WriteString("\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func operationOnPage(b *strings.Builder, method, path string, op *openapi3.Operation) {
	fmt.Fprintf(b, "### %s %s\n\n%s %s\n\n", method, path, op.Summary, op.Description)
	for _, p := range op.Parameters {
		if p.Value.In == "query" || p.Value.In == "header" {
			fmt.Fprintf(b, "- %s `%s`: %s\n", p.Value.In, p.Value.Name, p.Value.Description)
		}
	}
	if op.RequestBody != nil {
		for _, media := range slices.Sorted(maps.Keys(op.RequestBody.Value.Content)) {
			fmt.Fprintf(b, "- body `%s`: %s\n", media, typeWord(op.RequestBody.Value.Content[media].Schema))
		}
	}
	var errors []string
	for _, status := range slices.Sorted(maps.Keys(op.Responses.Map())) {
		if status >= "400" {
			errors = append(errors, status)
			continue
		}
		res := op.Responses.Value(status).Value
		what := "nothing"
		if media := res.Content.Get(rest.JSONType); media != nil {
			what = typeWord(media.Schema)
		}
		if res.Content[rest.StreamType] != nil {
			what += ", or `" + rest.StreamType + "`"
		}
		for _, name := range slices.Sorted(maps.Keys(res.Headers)) {
			what += ", `" + name + "`"
		}
		fmt.Fprintf(b, "- %s: %s\n", status, what)
	}
	fmt.Fprintf(b, "- errors: %s\n\n", strings.Join(errors, ", "))
}
