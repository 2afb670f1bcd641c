package egress

import (
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// denied are the addresses that lead to the program's own machine or its surroundings, not to a peer.
var denied = []struct {
	prefix netip.Prefix
	what   string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "an unspecified address"},
	{netip.MustParsePrefix("127.0.0.0/8"), "a loopback address"},
	{netip.MustParsePrefix("169.254.0.0/16"), "a link-local address"}, // 169.254.169.254: metadata of most clouds
	{netip.MustParsePrefix("100.100.100.200/32"), "a cloud metadata address"},
	{netip.MustParsePrefix("168.63.129.16/32"), "a cloud metadata address"},
	{netip.MustParsePrefix("192.0.0.0/24"), "an address for protocol use"}, // 192.0.0.192: metadata
	{netip.MustParsePrefix("224.0.0.0/4"), "a multicast address"},
	{netip.MustParsePrefix("240.0.0.0/4"), "a reserved address"}, // and broadcast
	{netip.MustParsePrefix("::/128"), "an unspecified address"},
	{netip.MustParsePrefix("::1/128"), "a loopback address"},
	{netip.MustParsePrefix("fe80::/10"), "a link-local address"},
	{netip.MustParsePrefix("fec0::/10"), "a site-local address"},
	{netip.MustParsePrefix("ff00::/8"), "a multicast address"},
	{netip.MustParsePrefix("fd00:ec2::/32"), "a cloud metadata address"},
	{netip.MustParsePrefix("fd20:ce::/32"), "a cloud metadata address"},
	{netip.MustParsePrefix("2001::/32"), "a tunnel address"},          // Teredo: holds an IPv4 address, inverted
	{netip.MustParsePrefix("64:ff9b:1::/48"), "a translated address"}, // NAT64 of a site: holds one, cut up
}

// embedding are the IPv6 ranges whose addresses hold an IPv4 address that a translator or tunnel delivers to, with the
// byte where it begins.
var embedding = []struct {
	prefix netip.Prefix
	at     int
}{
	{netip.MustParsePrefix("::/96"), 12},           // IPv4-compatible
	{netip.MustParsePrefix("::ffff:0:0:0/96"), 12}, // IPv4-translated
	{netip.MustParsePrefix("64:ff9b::/96"), 12},    // NAT64
	{netip.MustParsePrefix("2002::/16"), 2},        // 6to4
}

// checkAddress returns why an address must not be dialed, empty when it may.
func (c *Config) checkAddress(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	for _, p := range c.Deny {
		if p.Contains(a) {
			return "an address the settings deny"
		}
	}
	if c.AllowLocal {
		return ""
	}
	for _, d := range denied {
		if d.prefix.Contains(a) {
			return d.what
		}
	}
	for _, e := range embedding {
		if e.prefix.Contains(a) {
			b := a.As16()
			if what := c.checkAddress(netip.AddrFrom4([4]byte(b[e.at : e.at+4]))); what != "" {
				return what
			}
		}
	}
	return ""
}

// control runs before each connect, with the address that the name was resolved to.
func (c *Config) control(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return &refusal{"an address that is no IP address"}
	}
	if what := c.checkAddress(ap.Addr()); what != "" {
		return &refusal{what}
	}
	if len(c.Ports) > 0 && !slices.Contains(c.Ports, int(ap.Port())) {
		return &refusal{"port " + strconv.Itoa(int(ap.Port())) + ", which the settings do not allow"}
	}
	return nil
}

// refusal is a policy's no on its way out of the dialer.
type refusal struct{ what string }

func (r *refusal) Error() string { return "refused: leads to " + r.what }

// checkRequest refuses what no peer's URL should have.
func checkRequest(req *http.Request) *Error {
	switch {
	case req.URL == nil || req.URL.Host == "" || (req.URL.Scheme != "http" && req.URL.Scheme != "https"):
		return &Error{Class: Refused, reason: "refused: the address is not an http or https URL"}
	case req.URL.User != nil || strings.Contains(req.URL.Host, "@"):
		return &Error{Class: Refused, Peer: req.URL.Host, reason: "refused: the URL holds a user name"}
	}
	return nil
}
