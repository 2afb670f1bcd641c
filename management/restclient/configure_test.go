package restclient_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/configuration"
	"github.com/vnfm/vnfm/egress"
	"github.com/vnfm/vnfm/internal/etsitest"
	"github.com/vnfm/vnfm/management"
	"github.com/vnfm/vnfm/management/managementtest"
	"github.com/vnfm/vnfm/management/restclient"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/sol"
)

// connections are the management connections of a test, by id.
type connections map[string]*management.Details

func (c connections) Open(_ context.Context, id string) (*management.Details, error) {
	if d := c[id]; d != nil {
		return d, nil
	}
	return nil, vnfm.Errorf(vnfm.NotFound, "there is no %s", id)
}

// place is a fake VNF, and a client that is connected to it as "em".
type place struct {
	vnf         *managementtest.VNF
	client      *restclient.Client
	connections connections
	url         string
}

func newPlace(t *testing.T, cfg managementtest.Config, auth *egress.Auth) *place {
	t.Helper()
	p := &place{vnf: managementtest.New(cfg)}
	checked := etsitest.Handler(t, p.vnf.Handler())
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(p.vnf.Behaviour().Rules) > 0 { // it may answer what no document has
			p.vnf.Handler().ServeHTTP(w, r)
			return
		}
		checked.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	if auth != nil && auth.OAuth2 != nil {
		auth.OAuth2.TokenEndpoint = srv.URL + "/token"
	}
	out := egress.New(egress.Config{AllowLocal: true, AllowPlain: true, Timeout: 10 * time.Second})
	guarded := egress.New(egress.Config{AllowPlain: true})
	t.Cleanup(func() { out.Close(); guarded.Close() })
	p.url, p.connections = srv.URL, connections{"em": {
		Endpoint: management.Mgmt, URI: srv.URL + "/", Auth: auth, Enabled: true, Data: map[string]json.RawMessage{"ntpServers": json.RawMessage(`["10.0.0.1"]`)},
	}}
	p.client = restclient.New(restclient.Config{Connections: p.connections, Client: out, Guarded: guarded, BaseURL: "http://vnfm.example/"})
	return p
}

func told() configuration.Request {
	return configuration.Request{Configure: configuration.Configure{
		VnfID: "vnf-1", OpID: "op-1", Token: "t", Name: "fw1", Endpoint: &configuration.Endpoint{Connection: "em", Type: management.Mgmt},
		Params: json.RawMessage(`{"zone":"north","password":"s3cret-x"}`), Properties: json.RawMessage(`{"zone":"south","log":"info"}`),
		ExtCps: []configuration.Cp{{ID: "cp-1", Cpd: "out", MAC: "fa:16:3e:00:00:01", IPs: []string{"198.18.0.1", "2001:db8::1"}}, {ID: "cp-0", Cpd: "none"}},
		Vnfcs: []configuration.Vnfc{
			{ID: "c-1", Vdu: "gw", Cps: []configuration.Cp{{ID: "icp-1", Cpd: "in", IPs: []string{"10.0.0.7"}}}, Properties: json.RawMessage(`{"role":"a"}`)},
			{ID: "c-2", Vdu: "gw"},
		},
	}}
}

func (p *place) configure(t *testing.T, r configuration.Request) (configuration.Result, error) {
	t.Helper()
	return p.client.Configure(t.Context(), r)
}

// ready configures, and fails when the VNF is not.
func (p *place) ready(t *testing.T, r configuration.Request) {
	t.Helper()
	if got, err := p.configure(t, r); err != nil || !got.Ready {
		t.Fatalf("%+v, %v", got, err)
	}
}

func classOf(err error) message.Class {
	var e *configuration.Error
	if errors.As(err, &e) {
		return e.Class
	}
	return ""
}

func (p *place) patches() int { return len(p.vnf.Asked("PATCH")) }

// A VNF is told what descriptor, site and request give, once; told again it is asked and left alone; what changes later is laid over
// what it has, with what others have put there.
func TestAVnfIsToldWhatItDoesNotHave(t *testing.T) {
	p := newPlace(t, managementtest.Config{}, nil)
	p.ready(t, told())
	c := p.vnf.Configuration()
	want := map[string]string{
		"ntpServers": `["10.0.0.1"]`, "zone": `"north"`, "log": `"info"`, "password": `"s3cret-x"`, "vnfInstanceName": `"fw1"`, "vnfInstanceId": `"vnf-1"`,
	}
	for name, v := range want {
		if got := string(c.VnfConfigurationData.VnfSpecificData[name]); got != v {
			t.Errorf("%s is %s, not %s", name, got, v)
		}
	}
	if cps := c.VnfConfigurationData.ExtCpConfig; len(cps) != 1 || len(cps[0].Addresses) != 2 || cps[0].Addresses[1].Address.IpAddress != "2001:db8::1" {
		t.Errorf("external connection points %+v", cps)
	}
	if v := c.VnfcConfigurationData; len(v) != 2 || v[0].IntCpConfig[0].Addresses[0].Address.IpAddress != "10.0.0.7" || string(v[0].VnfcSpecificData["role"]) != `"a"` {
		t.Errorf("VNFCs %+v", v)
	}
	p.ready(t, told())
	if n := p.patches(); n != 1 {
		t.Errorf("told again it was modified: %d PATCH", n)
	}
	later := told()
	later.ExtCps, later.Vnfcs = []configuration.Cp{{ID: "cp-2", Cpd: "out", IPs: []string{"198.18.0.2"}}}, []configuration.Vnfc{{ID: "c-3"}}
	later.GoneVnfcs = []string{"c-1", "never"}
	p.ready(t, later)
	c = p.vnf.Configuration()
	if cps := c.VnfConfigurationData.ExtCpConfig; len(cps) != 2 || cps[0].CpId != "cp-1" || cps[1].CpId != "cp-2" {
		t.Errorf("external connection points %+v", cps)
	}
	ids := []string{}
	for _, v := range c.VnfcConfigurationData {
		ids = append(ids, v.VnfcInstanceId)
	}
	if !slices.Equal(ids, []string{"c-2", "c-3"}) {
		t.Errorf("VNFCs %v", ids)
	}
	gone := told()
	gone.ExtCps, gone.Vnfcs, gone.GoneVnfcs, gone.GoneCps = nil, nil, []string{"c-3"}, []string{"cp-1"}
	p.ready(t, gone)
	if c = p.vnf.Configuration(); len(c.VnfcConfigurationData) != 1 || len(c.VnfConfigurationData.ExtCpConfig) != 1 {
		t.Errorf("what went is there: %+v", c)
	}
}

// However a VNF misbehaves, it is configured once it is well, or why not is said in a class that tells what to do.
func TestAVnfThatMisbehaves(t *testing.T) {
	for name, tt := range map[string]struct {
		rule    managementtest.Rule
		waits   string        // not ready, for this
		class   message.Class // or an error of this class
		patches int           // at most, in the end
		after   time.Duration
	}{
		"not there yet":               {rule: managementtest.Rule{On: "read", Outcome: "503"}, waits: "503", patches: 1},
		"with a Retry-After":          {rule: managementtest.Rule{On: "read", Outcome: "503", RetryAfter: 7}, waits: "503", patches: 1, after: 7 * time.Second},
		"an error within":             {rule: managementtest.Rule{On: "modify", Outcome: "500", Detail: "disk full"}, waits: "disk full", patches: 2},
		"too many requests":           {rule: managementtest.Rule{On: "modify", Outcome: "429", RetryAfter: 3}, waits: "429", patches: 2, after: 3 * time.Second},
		"the answer is lost":          {rule: managementtest.Rule{On: "modify", Outcome: managementtest.Lost}, waits: "no answer", patches: 1},
		"it hangs":                    {rule: managementtest.Rule{On: "modify", Outcome: managementtest.Hang}, waits: "no answer in time", patches: 2},
		"it hangs when it is read":    {rule: managementtest.Rule{On: "read", Outcome: managementtest.Hang}, waits: "no answer in time", patches: 1},
		"it does not know us":         {rule: managementtest.Rule{On: "read", Outcome: "401"}, class: message.Auth, patches: 1},
		"401 in the middle":           {rule: managementtest.Rule{On: "modify", Outcome: "401"}, class: message.Auth, patches: 2},
		"it forbids":                  {rule: managementtest.Rule{On: "modify", Outcome: "403"}, class: message.Auth, patches: 2},
		"it has no such thing":        {rule: managementtest.Rule{On: "read", Outcome: "404"}, class: message.NotFound, patches: 1},
		"it refuses the data":         {rule: managementtest.Rule{On: "modify", Outcome: "422", Detail: "zone north is unknown"}, class: message.Permanent, patches: 2},
		"it answers with no JSON":     {rule: managementtest.Rule{On: "read", Outcome: managementtest.Malformed}, class: message.Permanent, patches: 1},
		"it answers without end":      {rule: managementtest.Rule{On: "read", Outcome: managementtest.Large}, class: message.Permanent, patches: 1},
		"it sends us elsewhere":       {rule: managementtest.Rule{On: "read", Outcome: "302"}, class: message.Permanent, patches: 1},
		"somebody else modifies it":   {rule: managementtest.Rule{On: "modify", Outcome: managementtest.Raced, Times: 2}, patches: 3},
		"somebody else does for ever": {rule: managementtest.Rule{On: "modify", Outcome: managementtest.Raced}, waits: "somebody else", patches: 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, managementtest.Config{}, nil)
			p.vnf.SetBehaviour(managementtest.Behaviour{Rules: []managementtest.Rule{tt.rule}})
			got, err := p.configure(t, told())
			switch {
			case tt.class != "" && classOf(err) != tt.class, tt.class == "" && err != nil:
				t.Fatalf("%+v, %v", got, err)
			case tt.waits != "" && (got.Ready || !strings.Contains(got.Waiting, tt.waits) || got.After != tt.after):
				t.Fatalf("%+v", got)
			case tt.class == "" && tt.waits == "" && !got.Ready:
				t.Fatalf("%+v", got)
			}
			p.vnf.SetBehaviour(managementtest.Behaviour{})
			p.ready(t, told())
			if n := p.patches(); n > tt.patches {
				t.Errorf("%d times modified", n)
			}
			if c := p.vnf.Configuration(); len(c.VnfcConfigurationData) != 2 {
				t.Errorf("%+v", c)
			}
		})
	}
}

// Who we are is shown as the connection says; a token that expires in the middle is fetched anew. What is wrong with it is said without
// the credentials.
func TestCredentialsOfAVnf(t *testing.T) {
	basic := &egress.Auth{Types: []string{egress.BasicAuth}, Basic: &egress.Basic{UserName: "u", Password: "pa55word-x"}}
	p := newPlace(t, managementtest.Config{User: "u", Password: "pa55word-x"}, basic)
	p.ready(t, told())
	p.vnf.SetBehaviour(managementtest.Behaviour{Rules: []managementtest.Rule{{On: "*", Outcome: "422", Detail: "I got pa55word-x"}}})
	if _, err := p.configure(t, told()); err == nil || strings.Contains(err.Error(), "pa55word-x") {
		t.Errorf("%v", err)
	}
	p.connections["em"].Auth = &egress.Auth{Types: []string{egress.BasicAuth}, Basic: &egress.Basic{UserName: "u", Password: "wrong"}}
	if _, err := p.configure(t, told()); classOf(err) != message.Auth {
		t.Errorf("a wrong password: %v", err)
	}
	oauth := &egress.Auth{Types: []string{egress.OAuth2ClientCredentials}, OAuth2: &egress.OAuth2{ClientID: "c", ClientPassword: "s3cret"}}
	p = newPlace(t, managementtest.Config{ClientID: "c", ClientSecret: "s3cret"}, oauth)
	p.ready(t, told())
	p.vnf.Expire()
	later := told()
	later.Name, later.Vnfcs = "fw2", []configuration.Vnfc{{ID: "c-9"}}
	p.ready(t, later)
	if c := p.vnf.Configuration(); len(c.VnfcConfigurationData) != 3 {
		t.Errorf("after a token expired: %+v", c)
	}
}

// The address of a connection point is called where the connection says so, guarded: others choose it.
func TestTheAddressOfAConnectionPointIsCalledGuarded(t *testing.T) {
	p := newPlace(t, managementtest.Config{}, nil)
	port := p.url[strings.LastIndex(p.url, ":"):]
	p.connections["em"].URI = "http://{extCp.mgmt}" + port
	r := told()
	r.Endpoint = &configuration.Endpoint{Connection: "em", Cpd: "mgmt", Address: "127.0.0.1"}
	if _, err := p.configure(t, r); classOf(err) != message.Auth || !strings.Contains(err.Error(), "loopback") {
		t.Errorf("a loopback address: %v", err)
	}
	r.Endpoint.Address = ""
	if _, err := p.configure(t, r); classOf(err) != message.Permanent || !strings.Contains(err.Error(), "mgmt") {
		t.Errorf("no address: %v", err)
	}
	r.Endpoint = &configuration.Endpoint{Connection: "gone"}
	if _, err := p.configure(t, r); classOf(err) != message.Auth || !strings.Contains(err.Error(), "gone") {
		t.Errorf("a connection that is not registered any more: %v", err)
	}
	if n := len(p.vnf.Asked("")); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// A modification is what SOL002 has, also when VNFCs only go.
func TestAModificationIsWhatTheStandardHas(t *testing.T) {
	p := newPlace(t, managementtest.Config{}, nil)
	p.ready(t, told())
	gone := told()
	gone.ExtCps, gone.Vnfcs, gone.GoneVnfcs = nil, nil, []string{"c-1"}
	p.ready(t, gone)
	asked := p.vnf.Asked("PATCH")
	var last sol.VnfConfigModifications
	d := json.NewDecoder(bytes.NewReader(asked[len(asked)-1].Body))
	d.DisallowUnknownFields()
	if err := d.Decode(&last); err != nil || last.VnfConfigurationData == nil || !slices.Equal(last.VnfcConfigurationDataDeleteIds, []string{"c-1"}) {
		t.Errorf("%+v, %v", last, err)
	}
}
