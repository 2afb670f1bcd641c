package openstack_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/openstack"
)

func anything() vim.StartRequest {
	return vim.StartRequest{
		Token: vim.Token{ID: uuid.NewString(), Generation: 1}, Kind: vim.ServerGroup, Owner: uuid.NewString(),
		Spec: vim.Spec{Name: "g", ServerGroup: &vim.ServerGroupSpec{}},
	}
}

// What a service answers has a class and a text that says what to do.
func TestAnswers(t *testing.T) {
	f := newFake(t)
	s := f.site()
	d := s.driver()
	for name, x := range map[string]struct {
		code  int
		body  string
		class message.Class
		text  string
	}{
		"slow down":       {http.StatusTooManyRequests, `{"overLimit":{"code":429,"message":"Slow down."}}`, message.Transient, "wait for 30 s"},
		"old limits":      {http.StatusRequestEntityTooLarge, `{"overLimit":{"code":413,"message":"This request was rate-limited."}}`, message.Transient, "wait for 30 s"},
		"Nova's quota":    {http.StatusForbidden, `{"forbidden":{"code":403,"message":"Quota exceeded for instances: Requested 1, but already used 0 of 0 instances"}}`, message.Quota, "instances"},
		"Neutron's quota": {http.StatusConflict, `{"NeutronError":{"type":"OverQuota","message":"Quota exceeded for resources: ['port'].","detail":""}}`, message.Quota, "port"},
		"Cinder's quota":  {http.StatusRequestEntityTooLarge, `{"overLimit":{"code":413,"message":"VolumeSizeExceedsAvailableQuota: Requested volume exceeds allowed gigabytes quota."}}`, message.Quota, "gigabytes"},
		"no addresses":    {http.StatusConflict, `{"NeutronError":{"type":"IpAddressGenerationFailure","message":"No more IP addresses available on network x."}}`, message.Quota, "No more IP"},
		"address taken":   {http.StatusConflict, `{"NeutronError":{"type":"IpAddressAlreadyAllocated","message":"IP address already allocated"}}`, message.Exists, "allocated"},
		"MAC taken":       {http.StatusConflict, `{"NeutronError":{"type":"MacAddressInUse","message":"Unable to complete operation for network. The mac address is in use."}}`, message.Exists, "mac"},
		"network in use":  {http.StatusConflict, `{"NeutronError":{"type":"NetworkInUse","message":"Unable to complete operation on network. There are one or more ports still in use on the network."}}`, message.Transient, "in use"},
		"volume moves":    {http.StatusBadRequest, `{"badRequest":{"code":400,"message":"Invalid volume: Volume status must be available to reserve, but the current status is detaching."}}`, message.Transient, "detaching"},
		"policy":          {http.StatusForbidden, `{"forbidden":{"code":403,"message":"Policy doesn't allow it"}}`, message.Auth, "may not"},
		"no flavour":      {http.StatusBadRequest, `{"badRequest":{"code":400,"message":"Flavor x could not be found."}}`, message.NotFound, "Flavor x"},
		"too old":         {http.StatusNotAcceptable, `{"computeFault":{"code":406,"message":"Version 2.46 is not supported"}}`, message.Permanent, "too old"},
		"gone away":       {http.StatusServiceUnavailable, `<html>503</html>`, message.Unavailable, "Service Unavailable"},
		"bad gateway":     {http.StatusBadGateway, `<html>`, message.UnknownOutcome, "Bad Gateway"},
		"gateway timeout": {http.StatusGatewayTimeout, ``, message.UnknownOutcome, "Gateway Timeout"},
		"broke inside":    {http.StatusInternalServerError, `{"computeFault":{"code":500,"message":"Unexpected API Error."}}`, message.UnknownOutcome, "Unexpected"},
		"not JSON":        {http.StatusOK, `{"server_group":`, message.UnknownOutcome, "cannot be read"},
		"secret": {http.StatusBadRequest, `{"badRequest":{"code":400,"message":"Invalid input for field/attribute user_data. Value: c2VjcmV0. 'c2VjcmV0' is too long"}}`,
			message.Permanent, "user_data"},
	} {
		t.Run(name, func(t *testing.T) {
			s.next(rule{method: http.MethodPost, path: "/os-server-groups", answer: x.code, body: x.body})
			_, err := d.Start(t.Context(), s.conn, anything())
			if vim.ClassOf(err) != x.class || !strings.Contains(fmt.Sprint(err), x.text) || strings.Contains(fmt.Sprint(err), "c2VjcmV0") {
				t.Errorf("%v, want %s with %q", err, x.class, x.text)
			}
		})
	}
}

// What keeps an answer from coming is told apart: whether something may have happened is what counts.
func TestRoads(t *testing.T) {
	f := newFake(t)
	target, err := url.Parse(f.url)
	if err != nil {
		t.Fatal(err)
	}
	secure := httptest.NewTLSServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }})
	t.Cleanup(secure.Close)
	closed := httptest.NewServer(nil)
	closed.Close()
	stuck := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-stuck:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(silent.Close)
	t.Cleanup(func() { close(stuck) })
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}))
	for name, x := range map[string]struct {
		endpoint string
		more     map[string]any
		class    message.Class
		text     string
	}{
		"trusted by its certificate":   {secure.URL + "/identity/v3", map[string]any{"ssl_ca_cert": ca}, "", ""},
		"trusted in a list":            {secure.URL + "/identity", map[string]any{"trustedCertificates": []string{ca}}, "", ""},
		"not trusted":                  {secure.URL + "/identity/v3", nil, message.Auth, "ssl_ca_cert"},
		"no TLS there":                 {strings.Replace(f.url, "http:", "https:", 1) + "/identity/v3", nil, message.Auth, "TLS"},
		"nobody there":                 {closed.URL, nil, message.Unavailable, "cannot be reached"},
		"no such name":                 {"http://keystone.invalid:5000/v3", nil, message.Unavailable, "cannot be reached"},
		"no Keystone there":            {f.url + "/elsewhere/v3", nil, message.Permanent, "no Keystone"},
		"no answer":                    {silent.URL + "/v3", nil, message.UnknownOutcome, "in time"},
		"verification is turned off":   {f.url, map[string]any{"skipCertificateVerification": true}, message.Permanent, "ssl_ca_cert"},
		"turned off in another tongue": {f.url, map[string]any{"skip_tls": "true"}, message.Permanent, "ssl_ca_cert"},
		"no certificate":               {f.url, map[string]any{"ssl_ca_cert": "hello"}, message.Permanent, "PEM"},
		"no such region":               {f.url + "/identity/v3", map[string]any{"interface": "internal"}, message.Permanent, "catalogue"},
		"no such interface":            {f.url + "/identity/v3", map[string]any{"interface": "secret"}, message.Permanent, "public, internal or admin"},
		"no URL":                       {"cloud", nil, message.Permanent, "URL of Keystone"},
	} {
		t.Run(name, func(t *testing.T) {
			conn := f.connection(nil)
			conn.InterfaceInfo = map[string]json.RawMessage{"endpoint": vim.Encode(x.endpoint)}
			for k, v := range x.more {
				conn.InterfaceInfo[k] = vim.Encode(v)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			if x.text == "in time" {
				ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
			}
			defer cancel()
			_, err := openstack.New(openstack.Config{}).Find(ctx, conn, vim.ServerGroup, anything().Token)
			if x.class == "" {
				x.class = message.NotFound
			}
			if vim.ClassOf(err) != x.class || !strings.Contains(fmt.Sprint(err), x.text) || strings.Contains(fmt.Sprint(err), fakePassword) {
				t.Errorf("%v, want %s with %q", err, x.class, x.text)
			}
		})
	}
}

// Every spelling of a connection that people send is understood.
func TestSpellings(t *testing.T) {
	f := newFake(t)
	for name, access := range map[string]map[string]string{
		"the registry's": {"username": "vnfm", "password": fakePassword, "project": "nfv", "projectDomain": "default", "userDomain": "default", "region": "RegionOne"},
		"clouds.yaml's": {"username": "vnfm", "password": fakePassword, "project_name": "nfv", "project_domain_name": "Default", "user_domain_name": "Default",
			"region_name": "RegionOne"},
		"ids":                    {"username": "vnfm", "password": fakePassword, "projectName": "nfv", "projectDomainId": "default", "user_domain_id": "default"},
		"tenant":                 {"user": "vnfm", "password": fakePassword, "tenantName": "nfv"},
		"application credential": {"applicationCredentialId": "a1", "application_credential_secret": fakePassword},
		"named credential":       {"application_credential_name": "vnfm", "application_credential_secret": fakePassword, "username": "vnfm", "user_domain_name": "Default"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := openstack.New(openstack.Config{}).Assets(t.Context(), f.connection(access)); err != nil {
				t.Error(err)
			}
		})
	}
	for text, access := range map[string]map[string]string{
		"username and password":           {"username": "vnfm"},
		"accessInfo.project":              {"username": "vnfm", "password": fakePassword},
		"application_credential_secret":   {"application_credential_id": "a1"},
		"accessInfo.username":             {"application_credential_name": "a", "application_credential_secret": "x"},
		"does not accept the credentials": {"username": "vnfm", "password": "wrong-wrong", "project": "nfv"},
		"no public endpoint":              {"username": "vnfm", "password": fakePassword, "project": "nfv", "region": "Nowhere"},
	} {
		_, err := openstack.New(openstack.Config{}).Assets(t.Context(), f.connection(access))
		if class := vim.ClassOf(err); class != message.Permanent && class != message.Auth || !strings.Contains(fmt.Sprint(err), text) || strings.Contains(fmt.Sprint(err), "wrong-wrong") {
			t.Errorf("%v: %v, want %q", access, err, text)
		}
	}
}

// A connection logs in once, however many use it; with other credentials it is another.
func TestOneLoginPerConnection(t *testing.T) {
	f := newFake(t)
	d := openstack.New(openstack.Config{})
	use := func(conn vim.Connection) {
		errs := make(chan error, 16)
		for range cap(errs) {
			go func() { _, err := d.FindFlavour(t.Context(), conn, "m1.tiny"); errs <- err }()
		}
		for range cap(errs) {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
	}
	use(f.connection(nil))
	use(f.connection(nil))
	if f.logins != 1 {
		t.Errorf("%d logins, want 1", f.logins)
	}
	use(f.connection(map[string]string{"application_credential_id": "a1", "application_credential_secret": fakePassword}))
	if f.logins != 2 {
		t.Errorf("%d logins with other credentials, want 2", f.logins)
	}
}

// Credentials that are no longer good are told as that, though the token is what a service refuses.
func TestCredentialsThatEnd(t *testing.T) {
	f := newFake(t)
	s := f.site()
	d := s.driver()
	if _, err := d.Assets(t.Context(), s.conn); err != nil {
		t.Fatal(err)
	}
	f.expire()
	s.next(rule{method: http.MethodPost, path: "/auth/tokens", answer: http.StatusUnauthorized})
	_, err := d.Start(t.Context(), s.conn, anything())
	if vim.ClassOf(err) != message.Auth || !strings.Contains(fmt.Sprint(err), "credentials") {
		t.Errorf("%v", err)
	}
	s.next(rule{method: http.MethodPost, path: "/auth/tokens", answer: http.StatusServiceUnavailable})
	if _, err = d.Start(t.Context(), s.conn, anything()); vim.ClassOf(err) != message.Unavailable {
		t.Errorf("Keystone is away: %v", err)
	}
	if _, err = d.Start(t.Context(), s.conn, anything()); err != nil {
		t.Errorf("Keystone is back: %v", err)
	}
}

// A grant that puts a resource into another project than the connection's is not met in silence.
func TestProjectOfTheGrant(t *testing.T) {
	f := newFake(t)
	d := openstack.New(openstack.Config{})
	for group, class := range map[string]message.Class{"nfv": "", fakeProject: "", "other": message.Permanent} {
		r := anything()
		r.Spec.Placement = &vim.Placement{Group: group}
		if _, err := d.Start(t.Context(), f.connection(nil), r); vim.ClassOf(err) != class {
			t.Errorf("in project %s: %v", group, err)
		}
	}
}

// What a driver is asked for that OpenStack has not is refused, and found nowhere.
func TestKindsOfOthers(t *testing.T) {
	f := newFake(t)
	d := openstack.New(openstack.Config{})
	r := anything()
	r.Kind, r.Spec = vim.Unit, vim.Spec{Unit: &vim.UnitSpec{}}
	if _, err := d.Start(t.Context(), f.connection(nil), r); vim.ClassOf(err) != message.Permanent {
		t.Errorf("a unit: %v", err)
	}
	if _, err := d.List(t.Context(), f.connection(nil), vim.ListRequest{After: "x"}); vim.ClassOf(err) != message.Permanent {
		t.Errorf("a page that begins nowhere: %v", err)
	}
}
