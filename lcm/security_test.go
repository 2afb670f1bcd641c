package lcm_test

import (
	"slices"
	"testing"

	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnfd"
)

// portsOf are what the VIM has of the ports of a connection point, by token.
func (s *site) portsOf(id, cpd string) map[vim.Token]vim.PortSpec {
	out := map[vim.Token]vim.PortSpec{}
	for _, r := range s.vnf(id).Resources {
		if token := (vim.Token{ID: r.ID, Generation: max(r.Generation, 1)}); r.Template == cpd && s.specs[token].Port != nil {
			out[token] = *s.specs[token].Port
		}
	}
	return out
}

// What traffic passes at a connection point, and which addresses it shares, changes with the package: in place where the VIM can.
func TestSecurityRulesChangeWithThePackage(t *testing.T) {
	web := vnfd.SecurityRule{Direction: "ingress", IPVersion: 4, Protocol: "tcp", PortMin: 80, PortMax: 80}
	want := []vim.SecurityRule{{Direction: "ingress", IPVersion: 4, Protocol: "tcp", PortMin: 80, PortMax: 80}}
	for name, can := range sizes {
		t.Run(name, func(t *testing.T) {
			port := slices.Clone(can[vim.Port])
			if len(port) > 0 {
				port = append(port, vim.AttributeSecurityRules, vim.AttributeShared)
			}
			can = vim.InPlace{vim.Compute: can[vim.Compute], vim.Volume: can[vim.Volume], vim.Port: port}
			s, id := upgradable(t, lcm.Settings{}, can, func(d *vnfd.Descriptor) {
				f := &d.Flavours[0]
				for i := range f.Cps {
					if f.Cps[i].ID == "front_in" || f.Cps[i].ID == "front_out" {
						f.Cps[i].Rules, f.Cps[i].Shared = []vnfd.SecurityRule{web}, []string{"10.0.0.99"}
					}
				}
			})
			was, before := s.vnf(id), s.portsOf(id, "app_in")
			op := s.upgrade(id, lcm.ChangeVnfPkg{})
			s.settle()
			s.completed(op)
			s.upgraded(id, was)
			for _, cpd := range []string{"front_in", "front_out"} {
				ports := s.portsOf(id, cpd)
				if len(ports) != 3 {
					t.Errorf("%s has %d ports", cpd, len(ports))
				}
				for token, p := range ports {
					if !slices.Equal(p.Rules, want) || !slices.Equal(p.Shared, []string{"10.0.0.99"}) {
						t.Errorf("%s has %+v", cpd, p)
					}
					if _, stands := before[token]; cpd == "front_in" && stands != (len(port) > 0) {
						t.Errorf("%s stands as before: %t", token, stands)
					}
				}
			}
			s.recorded(id)
			s.healable(id)
			s.scale(id, "SCALE_OUT", "fronts", 1)
			s.settle()
			for _, p := range s.portsOf(id, "front_in") {
				if !slices.Equal(p.Rules, want) {
					t.Errorf("scaled out, one has %+v", p)
				}
			}
			s.terminated(id)
			s.finish()
		})
	}
}
