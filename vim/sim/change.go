package sim

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// set says how each attribute of a spec that can be changed is changed, by kind.
//
//nolint:gochecknoglobals // data
var set = map[vim.Kind]map[vim.Attribute]func(s *vim.Spec, to vim.Spec){
	vim.Compute: {
		vim.AttributeName:     setName,
		vim.AttributePower:    func(s *vim.Spec, to vim.Spec) { s.Compute.Power = to.Compute.Power },
		vim.AttributePorts:    func(s *vim.Spec, to vim.Spec) { s.Compute.Ports = to.Compute.Ports },
		vim.AttributeVolumes:  func(s *vim.Spec, to vim.Spec) { s.Compute.Volumes = to.Compute.Volumes },
		vim.AttributeFlavour:  func(s *vim.Spec, to vim.Spec) { s.Compute.Flavour = to.Compute.Flavour },
		vim.AttributeImage:    func(s *vim.Spec, to vim.Spec) { s.Compute.Image = to.Compute.Image },
		vim.AttributeMetadata: func(s *vim.Spec, to vim.Spec) { s.Compute.Metadata = to.Compute.Metadata },
	},
	vim.Port: {
		vim.AttributeName:          setName,
		vim.AttributeNetwork:       func(s *vim.Spec, to vim.Spec) { s.Port.Network = to.Port.Network },
		vim.AttributeAddresses:     func(s *vim.Spec, to vim.Spec) { s.Port.FixedIPs = to.Port.FixedIPs },
		vim.AttributeSecurityRules: func(s *vim.Spec, to vim.Spec) { s.Port.Rules = to.Port.Rules },
		vim.AttributeShared:        func(s *vim.Spec, to vim.Spec) { s.Port.Shared = to.Port.Shared },
	},
	vim.Volume: {
		vim.AttributeName: setName,
		vim.AttributeSize: func(s *vim.Spec, to vim.Spec) { s.Volume.SizeBytes = to.Volume.SizeBytes },
	},
	vim.Network: {
		vim.AttributeName:        setName,
		vim.AttributeMTU:         func(s *vim.Spec, to vim.Spec) { s.Network.MTU = to.Network.MTU },
		vim.AttributeRootBitRate: func(s *vim.Spec, to vim.Spec) { s.Network.RootBitRate = to.Network.RootBitRate },
		vim.AttributeLeafBitRate: func(s *vim.Spec, to vim.Spec) { s.Network.LeafBitRate = to.Network.LeafBitRate },
	},
	vim.Subnet: {
		vim.AttributeName: setName,
		vim.AttributeDHCP: func(s *vim.Spec, to vim.Spec) { s.Subnet.DHCP = to.Subnet.DHCP },
	},
	vim.Unit: {
		vim.AttributeReplicas: func(s *vim.Spec, to vim.Spec) { s.Unit.Replicas = to.Unit.Replicas },
		vim.AttributeCounts:   func(s *vim.Spec, to vim.Spec) { s.Unit.Counts = to.Unit.Counts },
		vim.AttributeValues:   func(s *vim.Spec, to vim.Spec) { s.Unit.Values = to.Unit.Values },
		vim.AttributeObjects:  func(s *vim.Spec, to vim.Spec) { s.Unit.Objects = to.Unit.Objects },
	},
}

func setName(s *vim.Spec, to vim.Spec) { s.Name = to.Name }

// inPlace is what set can change.
//
//nolint:gochecknoglobals // data
var inPlace = func() vim.InPlace {
	out := vim.InPlace{}
	for kind, attributes := range set {
		out[kind] = slices.Sorted(maps.Keys(attributes))
	}
	return out
}()

// InPlace returns what a simulated VIM can change of a resource that stands when nothing is fixed.
func InPlace() vim.InPlace {
	out := vim.InPlace{}
	for kind, attributes := range inPlace {
		out[kind] = slices.Clone(attributes)
	}
	return out
}

// Runs returns all forms.
func Runs() []vim.Form { return []vim.Form{vim.Machines, vim.Objects, vim.Charts} }

// Runs returns all forms.
func (*Sim) Runs() []vim.Form { return Runs() }

// InPlace returns what these VIMs can change of a resource that stands: everything but what the behaviour says is fixed.
func (s *Sim) InPlace() vim.InPlace {
	fixed := s.Behaviour().Fixed
	out := vim.InPlace{}
	for kind, attributes := range inPlace {
		for _, a := range attributes {
			if !slices.Contains(fixed[kind], a) {
				out[kind] = append(out[kind], a)
			}
		}
	}
	return out
}

// change works out what a change makes of a resource; half of one leaves the revision as it is. It does not know which of two
// revisions is the later: whatever lands last is what stands, as at a VIM that only keeps what it is told.
func (s *Sim) change(vimID string, r vim.ChangeRequest, now time.Time, half bool) (*held, error) {
	c := call{op: "change", what: r.Token.String()}
	h := s.state.held[ref{vimID, r.Token}]
	switch {
	case h == nil || r.ID != "" && h.Resource.ID != r.ID:
		return nil, c.fail(message.NotFound, "nothing carries this token")
	case h.Resource.Kind != r.Kind:
		return nil, c.fail(message.Permanent, "the token is a "+string(h.Resource.Kind)+"'s")
	case !specified(r.Kind, r.To):
		return nil, c.fail(message.Permanent, "no specification of a "+string(r.Kind))
	case !h.GoneAt.IsZero():
		return nil, c.fail(message.Transient, "what carries the token is being deleted")
	case h.Resource.Failed != nil:
		return nil, c.fail(message.Permanent, "it failed when it was made: "+h.Resource.Failed.Hint)
	case now.Before(h.BuiltAt):
		return nil, c.fail(message.Transient, "it is still being built")
	}
	about := vim.Differences(h.Spec, r.To)
	for _, a := range about {
		if set[r.Kind][a] == nil || slices.Contains(s.state.behaviour.Fixed[r.Kind], a) {
			return nil, c.fail(message.Permanent, fmt.Sprintf("the %s of a %s that stands cannot be changed", a, r.Kind))
		}
	}
	if half {
		about = about[:(len(about)+1)/2]
	}
	next := *h
	next.Spec = copied(h.Spec)
	next.had = map[string]bool{}
	for _, key := range h.takes() {
		next.had[key] = true
	}
	for _, a := range about {
		set[r.Kind][a](&next.Spec, r.To)
	}
	if err := s.fits(c, h, &next, about); err != nil {
		return nil, err
	}
	next.Resource.Name = next.Spec.Name
	if !half {
		next.Resource.Revision = r.Revision
	}
	if len(about) > 0 || half || next.Resource.Revision != h.Resource.Revision {
		next.ReadyAt = now.Add(time.Duration(s.state.behaviour.Delay))
	}
	s.stop(h, &next, r.Grace, now)
	return &next, nil
}

// stop has the guest of a compute whose power goes off stop by itself, where it is given the time. What is off already, and
// what is on, stops no more.
func (s *Sim) stop(h, next *held, grace time.Duration, now time.Time) {
	switch {
	case next.Spec.Compute == nil:
	case !next.Spec.Compute.Off() || grace <= 0:
		next.StopAt = time.Time{}
	case !h.Spec.Compute.Off():
		takes := s.state.behaviour.Stop
		if takes == 0 {
			takes = s.state.behaviour.Delay
		}
		next.StopAt = now.Add(time.Duration(takes))
	}
}

// fits checks what a resource is to become, and makes the choices that are the VIM's.
func (s *Sim) fits(c call, h, next *held, about []vim.Attribute) *vim.Error {
	if err := s.room(c, next, h.weight()); err != nil {
		return err
	}
	switch next.Resource.Kind {
	case vim.Compute:
		if err := s.machine(c, next); err != nil || !slices.Contains(about, vim.AttributeFlavour) {
			return err
		}
		if found, err := s.host(c, next); err != nil || found { // a machine of another size is placed anew
			return err
		}
		return c.fail(message.Quota, "no valid host was found")
	case vim.Port:
		if !slices.Contains(about, vim.AttributeNetwork) && !slices.Contains(about, vim.AttributeAddresses) {
			return nil
		}
		next.Resource.Addresses = nil
		return s.port(c, next)
	case vim.Volume:
		if next.Spec.Volume.SizeBytes < h.Spec.Volume.SizeBytes {
			return c.fail(message.Permanent, "a volume does not shrink")
		}
	case vim.Unit:
		return s.unit(c, next)
	case vim.Network, vim.Subnet, vim.ServerGroup, vim.Snapshot, vim.Configuration:
	}
	return nil
}

// copied returns a spec whose parts are its own; lists and maps within them are never written to.
func copied(s vim.Spec) vim.Spec {
	s.Compute, s.Port, s.Network, s.Subnet = clone(s.Compute), clone(s.Port), clone(s.Network), clone(s.Subnet)
	s.Volume, s.Unit = clone(s.Volume), clone(s.Unit)
	return s
}

func clone[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}
