package openstack_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/openstack"
	"github.com/vnfm/vnfm/vim/vimtest"
)

// site is a cloud that the suite runs against: the fake, or a real one. Its wire can be made to answer badly.
type site struct {
	conn                   vim.Connection
	flavour, image         string // ids,
	otherFlavour, otherImg string // and of others
	mgmt, mgmtSubnet       string // a network that is there, with 10.10.0.0/16
	full                   func(t *testing.T)
	ignore                 func(t *testing.T)
	expire                 func() // ends the tokens; nil: the last one is revoked
	wait                   func()
	polls                  int

	before  func(r *http.Request) // a request goes out
	mu      sync.Mutex
	drivers []*openstack.Driver
	rules   []rule
	calls   []string
	token   string
	last    *http.Request // that made something
	body    []byte        // of it
}

// rule is what the wire does to the next request that it is about.
type rule struct {
	method, path string
	answer       int    // a status; 0: the connection breaks
	body         string // of the answer
	header       http.Header
	after        bool // the request has its effect before
}

var errBroken = errors.New("connection reset by peer")

// wire is what a driver reaches the site through.
type wire struct {
	*site
	next http.RoundTripper
}

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if w.before != nil {
		w.before(r)
	}
	w.mu.Lock()
	w.calls = append(w.calls, r.Method+" "+r.URL.Path)
	if t := r.Header.Get("X-Auth-Token"); t != "" {
		w.token = t
	}
	if r.Method == http.MethodPost && !strings.HasSuffix(r.URL.Path, "/auth/tokens") && r.Body != nil {
		w.body, _ = io.ReadAll(r.Body)
		r.Body, w.last = io.NopCloser(bytes.NewReader(w.body)), r
	}
	i := slices.IndexFunc(w.rules, func(x rule) bool { return x.method == r.Method && strings.Contains(r.URL.Path, x.path) })
	var x rule
	if i >= 0 {
		x = w.rules[i]
		w.rules = slices.Delete(w.rules, i, i+1)
	}
	w.mu.Unlock()
	if i < 0 {
		return w.next.RoundTrip(r)
	}
	if x.after {
		resp, err := w.next.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		_ = resp.Body.Close()
	}
	if x.answer == 0 {
		return nil, errBroken
	}
	h := http.Header{"Content-Type": {"application/json"}, "Retry-After": {"30"}}
	maps.Copy(h, x.header)
	return &http.Response{StatusCode: x.answer, Header: h, Body: io.NopCloser(strings.NewReader(x.body)), Request: r}, nil
}

// again sends what made something last once more, as a network that delivers twice does.
func (s *site) again(t *testing.T) {
	t.Helper()
	s.mu.Lock()
	r := s.last.Clone(context.WithoutCancel(t.Context()))
	r.Body = io.NopCloser(bytes.NewReader(s.body))
	s.mu.Unlock()
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode >= http.StatusBadRequest {
		t.Fatalf("sent twice: %s", resp.Status)
	}
}

func (s *site) driver() *openstack.Driver {
	d := openstack.New(openstack.Config{Content: s.content, Wrap: func(rt http.RoundTripper) http.RoundTripper { return wire{s, rt} }})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drivers = append(s.drivers, d)
	return d
}

// waited lets a little time pass, after what is being uploaded.
func (s *site) waited() {
	s.mu.Lock()
	all := slices.Clone(s.drivers)
	s.mu.Unlock()
	for _, d := range all {
		d.Idle()
	}
	s.wait()
}

func (s *site) next(rules ...rule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = rules
}

// counted returns the calls that f makes, and forgets those before.
func (s *site) counted(f func()) []string {
	s.mu.Lock()
	s.calls = nil
	s.mu.Unlock()
	f()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// look asks the site itself, past the driver, with the token that the driver has.
func (s *site) look(t *testing.T, service, path string, out any) int {
	t.Helper()
	return s.ask(t, http.MethodGet, service, path, nil, out)
}

func (s *site) ask(t *testing.T, method, service, path string, in, out any) int {
	t.Helper()
	s.mu.Lock()
	token := s.token
	s.mu.Unlock()
	return request(t, method, s.endpoint(t, service)+path, token, in, out)
}

func (s *site) askPlain(t *testing.T, method, service, path string) {
	t.Helper()
	s.ask(t, method, service, path, nil, nil)
}

func request(t *testing.T, method, url, token string, in, out any) int {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	if in == nil {
		body = nil
	}
	r, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Auth-Token", token)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Openstack-Nova-Api-Version", "2.46")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if out != nil {
		if err := json.Unmarshal(b, out); err != nil {
			t.Fatalf("%s %s: %s: %v", method, url, b, err)
		}
	}
	return resp.StatusCode
}

// endpoint is where a service is, as the catalogue says.
func (s *site) endpoint(t *testing.T, service string) string {
	t.Helper()
	var out struct {
		Catalog []struct {
			Type      string
			Endpoints []struct{ Interface, URL string }
		}
	}
	s.mu.Lock()
	token := s.token
	s.mu.Unlock()
	request(t, http.MethodGet, vim.Text(s.conn.InterfaceInfo, "endpoint")+"/auth/catalog", token, nil, &out)
	for _, e := range out.Catalog {
		if e.Type == service {
			return strings.TrimSuffix(e.Endpoints[0].URL, "/")
		}
	}
	t.Fatalf("there is no %s in %+v", service, out)
	return ""
}

// run runs the suite of drivers.
func (s *site) run(t *testing.T) {
	d := s.driver()
	held := func(t *testing.T) vim.StartRequest {
		r := vim.StartRequest{Token: vim.Token{ID: uuid.NewString(), Generation: 1}, Kind: vim.Port, Owner: uuid.NewString(), Spec: vim.Spec{
			Name: "held", Port: &vim.PortSpec{Network: s.mgmt, FixedIPs: []vim.FixedIP{{Subnet: s.mgmtSubnet, Address: "10.10.77.77"}}},
		}}
		if _, err := d.Start(t.Context(), s.conn, r); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.release(t, d, r) })
		return r
	}
	vimtest.Run(t, d, vimtest.Env{
		Image:      s.newImage,
		Connection: s.conn, Samples: vimtest.Infrastructure(s.flavour, s.image), Wait: s.waited, Polls: s.polls,
		Changes: vimtest.InfrastructureChanges(s.otherFlavour, s.otherImg, s.mgmt), Ignore: s.ignore,
		Restart: func(*testing.T, vim.Driver) vim.Driver { return s.driver() },
		Provoke: func(t *testing.T, class message.Class, r vim.StartRequest) (vim.StartRequest, bool) {
			post := rule{method: http.MethodPost, path: "/os-server-groups"}
			switch class {
			case message.Transient:
				post.answer, post.body = http.StatusTooManyRequests, `{"overLimit":{"code":429,"message":"Too many requests."}}`
			case message.Unavailable:
				post.answer = http.StatusServiceUnavailable
			case message.Auth:
				post.answer = http.StatusUnauthorized
				s.next(post, post)
				return r, true
			case message.UnknownOutcome:
				post.after = true
			case message.Permanent:
				r.Kind = vim.Subnet
				r.Spec = vim.Spec{Name: "overlap", Subnet: &vim.SubnetSpec{Network: s.mgmt, IPVersion: 4, CIDR: "10.10.8.0/24"}}
				return r, true
			case message.Quota:
				s.full(t)
				r.Kind, r.Spec = vim.Network, vim.Spec{Name: "one-too-many", Network: &vim.NetworkSpec{}}
				return r, true
			case message.NotFound:
				r.Kind, r.Spec = vim.Port, vim.Spec{Name: "homeless", Port: &vim.PortSpec{Network: uuid.NewString()}}
				return r, true
			case message.Exists:
				r.Kind, r.Spec = vim.Port, held(t).Spec
				return r, true
			default:
				return r, false
			}
			s.next(post)
			return r, true
		},
		ProvokeChange: func(t *testing.T, class message.Class, r vim.ChangeRequest) (vim.ChangeRequest, bool) {
			res, err := d.Poll(t.Context(), s.conn, r.Kind, r.ID)
			if err != nil {
				t.Fatal(err)
			}
			s.settled(t, d, res) // the snapshot is there before its server is idle again
			put := rule{method: http.MethodPut, path: "/servers/"}
			switch class {
			case message.Transient:
				put.answer = http.StatusConflict
			case message.Unavailable:
				put.answer = http.StatusServiceUnavailable
			case message.Auth:
				put.answer, put.body = http.StatusForbidden, `{"forbidden":{"code":403,"message":"Policy doesn't allow it to be performed."}}`
			case message.UnknownOutcome:
				put.after = true
			case message.Permanent:
				c := *r.To.Compute
				c.Metadata = map[string]string{strings.Repeat("k", 300): "too long a key"}
				r.To.Compute = &c
				return r, true
			case message.NotFound:
				c := *r.To.Compute
				c.Ports = append(slices.Clone(c.Ports), uuid.NewString())
				r.To.Compute = &c
				return r, true
			default:
				return r, false
			}
			s.next(put)
			return r, true
		},
		Half:  func(*testing.T) { s.next(rule{method: http.MethodDelete, path: "/os-interface/"}) },
		Shows: s.shows,
	})
}

func (s *site) release(t *testing.T, d vim.Driver, r vim.StartRequest) {
	t.Helper()
	var last error
	for range s.polls {
		done, err := d.Release(context.WithoutCancel(t.Context()), s.conn, r.Kind, r.Token)
		if done && err == nil {
			return
		}
		last = err
		s.wait()
	}
	t.Errorf("never released: %v", last)
}

// settled polls until a resource is ready or has failed.
func (s *site) settled(t *testing.T, d vim.Driver, res vim.Resource) vim.Resource {
	t.Helper()
	for range s.polls {
		if res.Ready || res.Failed != nil {
			return res
		}
		s.wait()
		var err error
		if res, err = d.Poll(t.Context(), s.conn, res.Kind, res.ID); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatalf("it never settled: %+v", res)
	return res
}

// start starts a resource; it goes when the test ends.
func (s *site) start(t *testing.T, d vim.Driver, kind vim.Kind, spec vim.Spec) (vim.StartRequest, vim.Resource, error) {
	t.Helper()
	r := vim.StartRequest{Token: vim.Token{ID: uuid.NewString(), Generation: 1}, Kind: kind, Owner: uuid.NewString(), Spec: spec}
	t.Cleanup(func() { s.release(t, d, r) })
	res, err := d.Start(t.Context(), s.conn, r)
	return r, res, err
}

// shows compares what the site itself has with a specification.
func (s *site) shows(t *testing.T, r vim.Resource, spec vim.Spec) {
	t.Helper()
	switch r.Kind {
	case vim.Compute:
		var out struct {
			Server struct {
				Name, Status string
				Flavor       struct{ ID string }
				Image        struct{ ID string }
				Metadata     map[string]string
				Volumes      []struct{ ID string } `json:"os-extended-volumes:volumes_attached"`
			}
		}
		s.look(t, "compute", "/servers/"+r.ID, &out)
		var ports struct{ Ports []struct{ ID string } }
		s.look(t, "network", "/v2.0/ports?device_id="+r.ID, &ports)
		c, has := spec.Compute, out.Server
		if has.Name != spec.Name || has.Flavor.ID != c.Flavour || has.Image.ID != c.Image || len(has.Volumes) != len(c.Volumes) ||
			len(ports.Ports) != len(c.Ports) || (has.Status == "SHUTOFF") != c.Off() || has.Metadata["vnfc"] != c.Metadata["vnfc"] || has.Metadata["more"] != c.Metadata["more"] {
			t.Errorf("Nova has %+v with ports %v, want %+v", has, ports.Ports, *c)
		}
	case vim.Volume:
		var out struct {
			Volume struct {
				Name string
				Size int64
			}
		}
		s.look(t, "volumev3", "/volumes/"+r.ID, &out)
		if out.Volume.Name != spec.Name || out.Volume.Size<<30 != spec.Volume.SizeBytes {
			t.Errorf("Cinder has %+v, want %+v", out.Volume, *spec.Volume)
		}
	case vim.Network:
		var out struct {
			Network struct {
				Name string
				MTU  int
			}
		}
		s.look(t, "network", "/v2.0/networks/"+r.ID, &out)
		if !strings.HasPrefix(out.Network.Name, spec.Name+"@") || spec.Network.MTU != 0 && spec.Network.MTU != out.Network.MTU {
			t.Errorf("Neutron has %+v, want %s with %+v", out.Network, spec.Name, *spec.Network)
		}
	case vim.Subnet:
		var out struct {
			Subnet struct {
				Name string
				DHCP bool `json:"enable_dhcp"`
			}
		}
		s.look(t, "network", "/v2.0/subnets/"+r.ID, &out)
		if !strings.HasPrefix(out.Subnet.Name, spec.Name+"@") || spec.Subnet.DHCP != out.Subnet.DHCP {
			t.Errorf("Neutron has %+v, want %s with %+v", out.Subnet, spec.Name, *spec.Subnet)
		}
	case vim.Port:
		var out struct {
			Port struct {
				Name string
				IPs  []struct {
					Address string `json:"ip_address"`
				} `json:"fixed_ips"`
			}
		}
		s.look(t, "network", "/v2.0/ports/"+r.ID, &out)
		if !strings.HasPrefix(out.Port.Name, spec.Name+"@") || len(out.Port.IPs) != 1 || out.Port.IPs[0].Address != spec.Port.FixedIPs[0].Address {
			t.Errorf("Neutron has %+v, want %s with %+v", out.Port, spec.Name, *spec.Port)
		}
	}
}
