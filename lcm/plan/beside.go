package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/vim"
)

// twice lists what keeps the VNFCs that are wanted from standing beside those that there are: addresses that both are to have, ports that
// others made for them, and volumes that they share.
func (x *rebuilding) twice() []string {
	held := map[string]bool{}
	for i := range x.was.Resources {
		r := &x.was.Resources[i]
		if r.Spec.Port == nil {
			continue
		}
		held[r.Spec.Port.MAC] = true
		for _, ip := range r.Spec.Port.FixedIPs {
			held[ip.Address] = true
		}
		if r.At != nil {
			held[r.At.MAC] = true
			for _, ip := range r.At.Addresses {
				held[ip.Address] = true
			}
		}
	}
	foreign := map[string]bool{}
	for _, c := range x.was.Vnfcs {
		for _, cp := range c.Cps {
			if cp.Foreign != nil {
				foreign[cp.Foreign.ID] = true
			}
		}
	}
	var out []string
	say := func(format string, args ...any) {
		if text := fmt.Sprintf(format, args...); !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	w := x.planner.plan
	for i := range w.Resources {
		r := &w.Resources[i]
		if r.Spec.Port == nil {
			continue
		}
		if mac := r.Spec.Port.MAC; mac != "" && held[mac] {
			say("the MAC address %s of %s", mac, r.Template)
		}
		for _, ip := range r.Spec.Port.FixedIPs {
			if ip.Address != "" && held[ip.Address] {
				say("the address %s of %s", ip.Address, r.Template)
			}
		}
	}
	for _, c := range w.Vnfcs {
		for _, cp := range c.Cps {
			if cp.Foreign != nil && foreign[cp.Foreign.ID] {
				say("the link port %s of %s", cp.Foreign.ID, cp.Cpd)
			}
		}
		for _, s := range c.Storages {
			if r := w.resource(s); r != nil && x.same[s] != "" {
				say("the volume %s of %s", r.Template, c.Vdu)
			}
		}
	}
	return out
}

// beside lets all VNFCs that are wanted stand beside those that there are, which go once the new ones are there. Returns Unprocessable with
// what they cannot both have, and when there would be more VNFCs for a time than the site allows.
func (x *rebuilding) beside() error {
	if shared := x.twice(); len(shared) > 0 {
		const most = 5
		more := ""
		if n := len(shared) - most; n > 0 {
			shared, more = shared[:most], fmt.Sprintf(" and %d more", n)
		}
		return &BesideError{Shared: shared, more: more}
	}
	if n := len(x.was.Vnfcs) + len(x.planner.plan.Vnfcs); x.Limits.Vnfcs > 0 && n > x.Limits.Vnfcs {
		return vnfm.Errorf(vnfm.Unprocessable, "there would be %d VNFCs for a time: max-vnfcs-per-vnf allows %d", n, x.Limits.Vnfcs)
	}
	for _, c := range x.was.Vnfcs {
		for _, s := range c.Storages {
			if r := x.was.resource(s); r != nil && r.Kind == vim.Volume && perVnfc(x.Was, r.Template) {
				x.warnf("the volume %s goes with its VNFC: what is on it is not on the new one", r.Name())
			}
		}
	}
	return nil
}

// BesideError says what new VNFCs and those that there are cannot both have.
type BesideError struct {
	Shared []string
	more   string
}

// Error implements error.
func (e *BesideError) Error() string {
	return strings.Join(e.Shared, ", ") + e.more
}

// cut lists the external connection points that there are no more.
func (x *rebuilding) cut() []string {
	left := map[string]bool{}
	for _, e := range x.planner.plan.ExtCps {
		left[e.ID] = true
	}
	var out []string
	for _, e := range x.was.ExtCps {
		if !left[e.ID] {
			out = append(out, e.ID)
		}
	}
	return out
}
