package sim

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// sitePrefix and sitePrefix6 are what addresses on the site's own networks are taken from (RFC 2544 and RFC 5180: benchmarking,
// routed nowhere).
var (
	sitePrefix  = netip.MustParsePrefix("198.18.0.0/15")
	sitePrefix6 = netip.MustParsePrefix("2001:2::/48")
)

func addressKey(vimID, network, address string) string { return vimID + "/" + network + "/" + address }
func macKey(vimID, network, mac string) string         { return vimID + "/" + network + "/mac/" + mac }

// pool is where a port's address comes from: a subnet of ours, or a network of the site.
type pool struct {
	subnet  string // VIM id, "" on a network of the site
	prefix  netip.Prefix
	gateway netip.Addr
	any     bool // any address may be asked for
}

func (s *Sim) subnet(c call, h *held) *vim.Error {
	spec := h.Spec.Subnet
	network, verr := s.need(c, h.Vim, vim.Network, spec.Network)
	if verr != nil {
		return verr
	}
	p, err := poolOf(h)
	if err != nil {
		return c.fail(message.Permanent, err.Error())
	}
	if network == nil {
		return nil
	}
	for _, other := range s.state.usersOf(h.Vim, spec.Network, vim.Subnet) {
		if o, err := poolOf(other); err == nil && o.prefix.Overlaps(p.prefix) {
			return c.fail(message.Permanent, fmt.Sprintf("%s overlaps %s of the same network", p.prefix, o.prefix))
		}
	}
	return nil
}

// poolOf reads a subnet's addresses. Without a gateway the first address is it.
func poolOf(h *held) (pool, error) {
	spec := h.Spec.Subnet
	prefix, err := netip.ParsePrefix(spec.CIDR)
	if err != nil {
		return pool{}, fmt.Errorf("cidr: %w", err)
	}
	prefix = prefix.Masked()
	if v6 := spec.IPVersion == 6; spec.IPVersion != 0 && v6 == prefix.Addr().Is4() {
		return pool{}, fmt.Errorf("%s is not of IP version %d", prefix, spec.IPVersion)
	}
	p := pool{subnet: h.Resource.ID, prefix: prefix, gateway: prefix.Addr().Next()}
	if spec.Gateway != "" {
		if p.gateway, err = netip.ParseAddr(spec.Gateway); err != nil {
			return pool{}, fmt.Errorf("gateway: %w", err)
		}
		if !prefix.Contains(p.gateway) {
			return pool{}, fmt.Errorf("the gateway %s is not in %s", p.gateway, prefix)
		}
	}
	return p, nil
}

func (s *Sim) port(c call, h *held) *vim.Error {
	spec := h.Spec.Port
	network, err := s.need(c, h.Vim, vim.Network, spec.Network)
	if err != nil {
		return err
	}
	pools := []pool{{prefix: sitePrefix, any: true}}
	if network != nil {
		pools = nil
		for _, sub := range s.state.usersOf(h.Vim, spec.Network, vim.Subnet) {
			if p, err := poolOf(sub); err == nil && sub.GoneAt.IsZero() {
				pools = append(pools, p)
			}
		}
	}
	if err := s.mac(c, h); err != nil {
		return err
	}
	wanted := spec.FixedIPs
	if spec.NoIPs {
		return nil
	}
	if len(wanted) == 0 { // one address of each IP version the network has
		seen := map[bool]bool{}
		for _, p := range pools {
			if v4 := p.prefix.Addr().Is4(); !seen[v4] {
				seen[v4] = true
				if err := s.allocate(c, h, p); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if network == nil { // both versions are to be had, one is given unasked
		pools = append(pools, pool{prefix: sitePrefix6, any: true})
	}
	for _, want := range wanted {
		if err := s.fix(c, h, pools, want); err != nil {
			return err
		}
	}
	return nil
}

// mac takes the MAC address asked for, or one made of the token.
func (s *Sim) mac(c call, h *held) *vim.Error {
	if want := h.Spec.Port.MAC; want != "" {
		mac, err := net.ParseMAC(want)
		if err != nil || len(mac) != 6 {
			return c.fail(message.Permanent, want+" is not a MAC address")
		}
		h.Resource.MAC = mac.String()
		if s.taken(h, macKey(h.Vim, h.Spec.Port.Network, h.Resource.MAC)) {
			return c.fail(message.Exists, "the MAC address "+h.Resource.MAC+" is in use on the network")
		}
		return nil
	}
	for n := 0; ; n++ {
		v := s.hash(h, "mac", n)
		mac := net.HardwareAddr{0xfa, 0x16, 0x3e, byte(v >> 16), byte(v >> 8), byte(v)}.String()
		if !s.taken(h, macKey(h.Vim, h.Spec.Port.Network, mac)) {
			h.Resource.MAC = mac
			return nil
		}
	}
}

// fix honours one wish for an address.
func (s *Sim) fix(c call, h *held, pools []pool, want vim.FixedIP) *vim.Error {
	var addr netip.Addr
	if want.Address != "" {
		var err error
		if addr, err = netip.ParseAddr(want.Address); err != nil {
			return c.fail(message.Permanent, want.Address+" is not an IP address")
		}
	}
	for _, p := range pools {
		if v := want.IPVersion; v != 0 && (v == 4) != p.prefix.Addr().Is4() {
			continue
		}
		fits := p.any || want.Subnet == p.subnet || want.Subnet == "" && (!addr.IsValid() || p.prefix.Contains(addr))
		if !fits {
			continue
		}
		if p.any {
			p.subnet = want.Subnet
		}
		if !addr.IsValid() {
			return s.allocate(c, h, p)
		}
		switch {
		case !p.any && !p.prefix.Contains(addr):
			return c.fail(message.Permanent, fmt.Sprintf("%s is not in %s", addr, p.prefix))
		case addr == p.gateway, s.used(h, addr):
			return c.fail(message.Exists, fmt.Sprintf("the address %s is in use on the network", addr))
		}
		h.Resource.Addresses = append(h.Resource.Addresses, vim.IP{Address: addr.String(), Subnet: p.subnet})
		return nil
	}
	return c.fail(message.Permanent, fmt.Sprintf("no subnet of the network has the address %q (subnet %q)", want.Address, want.Subnet))
}

// used reports whether an address is taken on the port's network, by another port or by this one.
func (s *Sim) used(h *held, addr netip.Addr) bool {
	for _, a := range h.Resource.Addresses {
		if a.Address == addr.String() {
			return true
		}
	}
	return s.taken(h, addressKey(h.Vim, h.Spec.Port.Network, addr.String()))
}

// taken reports whether another port has an address.
func (s *Sim) taken(h *held, key string) bool { return s.state.addresses[key] && !h.had[key] }

// allocate gives a port a free address of a pool: the first one free from a place the token tells.
func (s *Sim) allocate(c call, h *held, p pool) *vim.Error {
	bits := min(p.prefix.Addr().BitLen()-p.prefix.Bits(), 24)
	if bits < 2 {
		return c.fail(message.Quota, fmt.Sprintf("no address is free in %s", p.prefix))
	}
	size := uint64(1)<<bits - 2 // without the first and the last
	start := s.hash(h, "ip", len(h.Resource.Addresses))
	for i := range size {
		addr := offset(p.prefix.Addr(), 1+(start+i)%size)
		if addr == p.gateway || s.used(h, addr) {
			continue
		}
		h.Resource.Addresses = append(h.Resource.Addresses, vim.IP{Address: addr.String(), Subnet: p.subnet})
		return nil
	}
	return c.fail(message.Quota, fmt.Sprintf("no address is free in %s", p.prefix))
}

// offset returns the address n after the first of a prefix; n has at most 24 bits.
func offset(first netip.Addr, n uint64) netip.Addr {
	if first.Is4() {
		b := first.As4()
		binary.BigEndian.PutUint32(b[:], binary.BigEndian.Uint32(b[:])+uint32(n))
		return netip.AddrFrom4(b)
	}
	b := first.As16()
	binary.BigEndian.PutUint64(b[8:], binary.BigEndian.Uint64(b[8:])+n)
	return netip.AddrFrom16(b)
}
