package egress

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func TestDeniedAddresses(t *testing.T) {
	c := Config{Deny: []netip.Prefix{netip.MustParsePrefix("10.9.0.0/16")}, Ports: []int{443, 8443}}
	for _, address := range []string{
		"127.0.0.1:443", "127.8.9.10:443", "0.0.0.0:443", "0.1.2.3:443", "169.254.169.254:443", "169.254.1.1:443",
		"100.100.100.200:443", "168.63.129.16:443", "192.0.0.192:443", "224.0.0.1:443", "255.255.255.255:443", "240.0.0.1:443",
		"[::]:443", "[::1]:443", "[fe80::1]:443", "[fe80::1%eth0]:443", "[fec0::1]:443", "[ff02::1]:443", "[fd00:ec2::254]:443", "[fd20:ce::254]:443",
		"[::ffff:127.0.0.1]:443", "[::ffff:169.254.169.254]:443", "[::127.0.0.1]:443", "[::ffff:0:127.0.0.1]:443",
		"[64:ff9b::7f00:1]:443", "[64:ff9b::a9fe:a9fe]:443", "[64:ff9b:1::1]:443", "[2002:7f00:1::]:443", "[2002:a9fe:a9fe::1]:443", "[2001:0:1:2::3]:443",
		"10.9.1.1:443", "[::ffff:10.9.1.1]:443", "[64:ff9b::a09:101]:443",
		"192.0.2.1:80", "[2001:db8::1]:22",
	} {
		if err := c.control("tcp", address, nil); err == nil {
			t.Errorf("%s may be dialed", address)
		}
	}
	for _, address := range []string{"192.0.2.1:443", "10.0.0.1:8443", "172.16.1.1:443", "100.64.1.1:443", "[2001:db8::1]:443", "[fd12::1]:443", "[64:ff9b::c000:201]:443", "[2002:c000:201::1]:443"} {
		if err := c.control("tcp", address, nil); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	one := Config{Ports: []int{443}}
	if one.control("tcp", "192.0.2.1:443", nil) != nil || one.control("tcp", "192.0.2.1:80", nil) == nil {
		t.Error("one port is allowed, and not the only one")
	}
	dev := Config{AllowLocal: true, Deny: c.Deny}
	if err := dev.control("tcp", "127.0.0.1:80", nil); err != nil {
		t.Errorf("in development: %v", err)
	}
	if err := dev.control("tcp", "10.9.1.1:80", nil); err == nil {
		t.Error("development lifts what the settings deny")
	}
}

// TestRefusesByDialedAddress spells one loopback address in every way and expects that no connection arrives.
func TestRefusesByDialedAddress(t *testing.T) {
	arrived := 0
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { arrived++ }))
	defer s.Close()
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c := New(Config{})
	defer c.Close()
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "[::1]", "0.0.0.0", "127.1", "2130706433", "0177.0.0.1", "0x7f.1", "0"} {
		req := get(t, "http://"+host+":"+port+"/")
		resp, err := c.Do(t.Context(), req, nil)
		if err == nil {
			resp.Body.Close()
			t.Errorf("%s: answered", host)
			continue
		}
		// A spelling that the resolver does not take for an address is a name nobody has.
		if class := ClassOf(err); class != Refused && class != Unreachable {
			t.Errorf("%s: %v (%s)", host, err, class)
		}
	}
	if c := ClassOf(func() error { _, err := c.Do(t.Context(), get(t, "http://localhost:"+port), nil); return err }()); c != Refused {
		t.Errorf("localhost: class %q", c)
	}
	if arrived != 0 {
		t.Errorf("%d requests arrived", arrived)
	}
}

func TestRefusesURLs(t *testing.T) {
	c := New(Config{AllowLocal: true})
	for _, url := range []string{"ftp://192.0.2.1/", "file:///etc/passwd", "http://", "/relative", "https://user:canary@192.0.2.1/", "gopher://192.0.2.1"} {
		_, err := c.Do(t.Context(), get(t, url), nil)
		if ClassOf(err) != Refused {
			t.Errorf("%s: %v", url, err)
		} else if strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: tells a password: %v", url, err)
		}
	}
}

func TestRefusesTokenEndpoint(t *testing.T) {
	c := New(Config{})
	for _, url := range []string{"http://127.0.0.1:1/token", "http://localhost:1/token", "http://169.254.169.254/latest/meta-data", "ftp://192.0.2.1", "http://u:canary@192.0.2.1/", "%"} {
		_, err := c.Do(t.Context(), get(t, "https://192.0.2.1/"), &Auth{Types: []string{OAuth2ClientCredentials}, OAuth2: &OAuth2{ClientID: "c", TokenEndpoint: url}})
		if ClassOf(err) != Refused || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestProxyIsNotAsked(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the proxy was asked") }))
	defer proxy.Close()
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("HTTPS_PROXY", proxy.URL)
	c := New(Config{Deny: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
	if _, err := c.Do(t.Context(), get(t, "http://192.0.2.1/"), nil); ClassOf(err) != Refused {
		t.Error(err)
	}
}

func get(t *testing.T, url string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return req
}
