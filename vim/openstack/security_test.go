package openstack_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/vnfm/vnfm/vim"
)

func rule4(protocol string, low, high int) vim.SecurityRule {
	return vim.SecurityRule{Direction: vim.Ingress, IPVersion: 4, Protocol: protocol, PortMin: low, PortMax: high}
}

// securityGroups are the names of the site's groups, but for those called default.
func (s *site) securityGroups(t *testing.T) (names []string) {
	t.Helper()
	var out struct {
		Groups []struct{ Name string } `json:"security_groups"`
	}
	s.look(t, "network", "/v2.0/security-groups", &out)
	for _, g := range out.Groups {
		if g.Name != "default" {
			names = append(names, g.Name)
		}
	}
	return names
}

// groupsOf are the security groups of a port, with their rules.
func (s *site) groupsOf(t *testing.T, port string) (ids []string) {
	t.Helper()
	var out struct {
		Port struct {
			Groups []string `json:"security_groups"`
		}
	}
	s.look(t, "network", "/v2.0/ports/"+port, &out)
	return out.Port.Groups
}

// Ports of one VNF that have the same rules share a security group; the last one that has it takes it away. A change makes another one.
func securityRules(t *testing.T, s *site) {
	d := s.driver()
	if _, err := d.Assets(t.Context(), s.conn); err != nil { // it has a token from here on
		t.Fatal(err)
	}
	before := s.securityGroups(t)
	owner := uuid.NewString()
	start := func(rules ...vim.SecurityRule) (vim.StartRequest, vim.Resource) {
		t.Helper()
		r := vim.StartRequest{Token: vim.Token{ID: uuid.NewString(), Generation: 1}, Kind: vim.Port, Owner: owner, Spec: s.port("p")}
		r.Spec.Port.Rules = rules
		t.Cleanup(func() { s.release(t, d, r) })
		res, err := d.Start(t.Context(), s.conn, r)
		if err != nil {
			t.Fatal(err)
		}
		return r, res
	}
	web := []vim.SecurityRule{
		rule4("tcp", 80, 443), rule4("icmp", 0, 0), rule4("89", 0, 0), {Direction: vim.Ingress, IPVersion: 6, Protocol: "ipv6-icmp"},
		{Direction: vim.Egress, IPVersion: 4, Protocol: "udp", PortMin: 53, PortMax: 53},
	}
	a, portA := start(web...)
	b, portB := start(web...)
	_, plain := start()
	differs := func(id string, spec vim.Spec) (out []vim.Attribute) {
		t.Helper()
		err := vim.EachObserved(t.Context(), d, s.conn, owner, 50, 1<<40, func(page []vim.Observed) error {
			for _, o := range page {
				if o.Resource.ID == id {
					out = o.Differs(spec)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	group := s.groupsOf(t, portA.ID)
	if len(group) != 1 || !slices.Equal(group, s.groupsOf(t, portB.ID)) || slices.Equal(group, s.groupsOf(t, plain.ID)) {
		t.Errorf("the ports have the groups %v, %v and %v", group, s.groupsOf(t, portB.ID), s.groupsOf(t, plain.ID))
	}
	if now := s.securityGroups(t); len(now) != len(before)+1 {
		t.Errorf("there are the groups %v, before there were %v", now, before)
	}
	if got := differs(portA.ID, a.Spec); len(got) != 0 {
		t.Errorf("as it was made it differs in %v", got)
	}
	if got := differs(plain.ID, s.port("p")); len(got) != 0 {
		t.Errorf("without rules it differs in %v", got)
	}

	var group1 struct {
		Group struct {
			Rules []struct{ ID, Protocol string } `json:"security_group_rules"`
		} `json:"security_group"`
	}
	s.look(t, "network", "/v2.0/security-groups/"+group[0], &group1)
	if len(group1.Group.Rules) != len(web) { // what all may send is not among them
		t.Errorf("the group has %+v", group1.Group.Rules)
	}
	s.askPlain(t, http.MethodDelete, "network", "/v2.0/security-group-rules/"+group1.Group.Rules[0].ID)
	if got := differs(portA.ID, a.Spec); !slices.Equal(got, []vim.Attribute{vim.AttributeSecurityRules}) {
		t.Errorf("somebody has taken a rule away, and it differs in %v", got)
	}
	change := func(r vim.StartRequest, port vim.Resource, revision int, rules ...vim.SecurityRule) vim.Spec {
		t.Helper()
		to := s.port("p")
		to.Port.Rules = rules
		q := vim.ChangeRequest{Token: r.Token, Kind: vim.Port, Owner: owner, ID: port.ID, Revision: revision, From: r.Spec, To: to}
		for range 2 { // it may be asked for again
			res, err := d.Change(t.Context(), s.conn, q)
			if err != nil || res.Revision != revision {
				t.Fatalf("%+v, %v", res, err)
			}
		}
		return to
	}
	change(a, portA, 2, web...) // as a repair does
	if got := differs(portA.ID, a.Spec); len(got) != 0 {
		t.Errorf("repaired it differs in %v", got)
	}

	to := change(a, portA, 3, rule4("tcp", 22, 22))
	if got := differs(portA.ID, to); len(got) != 0 || slices.Equal(group, s.groupsOf(t, portA.ID)) {
		t.Errorf("changed it differs in %v", got)
	}
	if got := differs(portB.ID, b.Spec); len(got) != 0 {
		t.Errorf("the other port differs in %v", got)
	}
	change(b, portB, 2)
	if got := s.groupsOf(t, portB.ID); !slices.Equal(got, s.groupsOf(t, plain.ID)) {
		t.Errorf("without rules it has %v", got)
	}
	if now := s.securityGroups(t); len(now) != len(before)+1 { // the old one went with its last port
		t.Errorf("there are the groups %v", now)
	}

	// the program ends between the port and its group
	s.next(rule{method: http.MethodDelete, path: "/security-groups/"})
	if _, err := d.Release(t.Context(), s.conn, vim.Port, a.Token); err == nil {
		t.Error("a broken connection is no error")
	}
	s.release(t, d, a)
	if now := s.securityGroups(t); len(now) != len(before) {
		t.Errorf("in the end there are the groups %v, before there were %v", now, before)
	}
}

func sharedAddresses(t *testing.T, s *site) {
	d := s.driver()
	spec := s.port("p")
	spec.Port.Shared = []string{"10.10.200.1", "10.10.200.2"}
	r, port := s.made(t, d, vim.Port, spec)
	pairs := func() (out []string) {
		t.Helper()
		var got struct {
			Port struct {
				Pairs []struct {
					Address string `json:"ip_address"`
				} `json:"allowed_address_pairs"`
			}
		}
		s.look(t, "network", "/v2.0/ports/"+port.ID, &got)
		for _, p := range got.Port.Pairs {
			out = append(out, p.Address)
		}
		slices.Sort(out)
		return out
	}
	if got := pairs(); !slices.Equal(got, spec.Port.Shared) {
		t.Errorf("it may use %v", got)
	}
	to := s.port("p")
	if _, err := d.Change(t.Context(), s.conn, vim.ChangeRequest{Token: r.Token, Kind: vim.Port, Owner: r.Owner, ID: port.ID, Revision: 2, From: spec, To: to}); err != nil {
		t.Fatal(err)
	}
	if got := pairs(); len(got) != 0 {
		t.Errorf("changed it may use %v", got)
	}
}
