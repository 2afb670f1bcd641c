package sim

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// create works out what a start changes: a record without Put when the token has its resource already.
func (s *Sim) create(vimID string, r vim.StartRequest, now time.Time) (record, error) {
	c := call{op: "start", what: r.Token.String()}
	if h := s.state.held[ref{vimID, r.Token}]; h != nil {
		switch {
		case h.Resource.Kind != r.Kind:
			return record{}, c.fail(message.Permanent, "the token is a "+string(h.Resource.Kind)+"'s")
		case !h.GoneAt.IsZero():
			return record{}, c.fail(message.Transient, "what carries the token is being deleted")
		}
		return record{}, nil
	}
	if n := s.state.behaviour.quota(r.Kind); r.Kind != vim.Configuration && s.state.counts[vimID+"/"+string(r.Kind)] >= n {
		return record{}, c.fail(message.Quota, "the quota of "+strconv.Itoa(n)+" for "+string(r.Kind)+" is used up")
	}
	serial := s.state.serial + 1
	h := &held{
		Vim: vimID, Spec: r.Spec, ReadyAt: now.Add(time.Duration(s.state.behaviour.Delay)),
		Resource: vim.Resource{
			Token: r.Token, Kind: r.Kind, Owner: r.Owner, Name: r.Spec.Name, Type: words[r.Kind],
			ID: string(r.Kind) + "-" + message.DeriveID("sim", strconv.FormatInt(s.state.behaviour.Seed, 10), vimID, r.Token.String(),
				strconv.FormatInt(serial, 10)),
		},
	}
	var err *vim.Error
	switch {
	case r.Kind == vim.Compute && r.Spec.Compute != nil:
		err = s.compute(c, h)
	case r.Kind == vim.Port && r.Spec.Port != nil:
		err = s.port(c, h)
	case r.Kind == vim.Subnet && r.Spec.Subnet != nil:
		err = s.subnet(c, h)
	case r.Kind == vim.Volume && r.Spec.Volume != nil:
		err = s.volume(c, h)
	case r.Kind == vim.Configuration && r.Spec.Configuration != nil:
		for _, id := range r.Spec.Configuration.Computes {
			if _, err = s.need(c, vimID, vim.Compute, id); err != nil {
				break
			}
		}
	case r.Kind == vim.Network && r.Spec.Network != nil, r.Kind == vim.ServerGroup && r.Spec.ServerGroup != nil:
	default:
		err = c.fail(message.Permanent, "no specification of a "+string(r.Kind))
	}
	if err != nil {
		return record{}, err
	}
	return record{Put: h, Serial: serial}, nil
}

// words are the simulator's own names of the kinds.
var words = map[vim.Kind]string{
	vim.Compute: "SIM::Compute", vim.Port: "SIM::Port", vim.Network: "SIM::Network", vim.Subnet: "SIM::Subnet",
	vim.Volume: "SIM::Volume", vim.ServerGroup: "SIM::ServerGroup", vim.Configuration: "SIM::Configuration",
}

// need resolves a reference. What the simulator made itself (its ids tell) must be there and not be going; anything
// else belongs to the site and is there unless the behaviour says it is absent: then nil is returned.
func (s *Sim) need(c call, vimID string, kind vim.Kind, id string) (*held, *vim.Error) {
	if id == "" {
		return nil, c.fail(message.Permanent, "no "+string(kind)+" is named")
	}
	if h := s.state.byID[vimID+"/"+id]; h != nil && h.Resource.Kind == kind && h.GoneAt.IsZero() {
		return h, nil
	}
	if strings.HasPrefix(id, string(kind)+"-") || s.state.behaviour.absent(id) {
		return nil, c.fail(message.NotFound, "there is no "+string(kind)+" "+id)
	}
	return nil, nil
}

// exclusive is need for something that only one compute may use.
func (s *Sim) exclusive(c call, vimID string, kind vim.Kind, id string) *vim.Error {
	if _, err := s.need(c, vimID, kind, id); err != nil {
		return err
	}
	if users := s.state.usersOf(vimID, id, vim.Compute); len(users) > 0 {
		return c.fail(message.Exists, string(kind)+" "+id+" is in use by "+users[0].Resource.ID)
	}
	return nil
}

func (s *Sim) compute(c call, h *held) *vim.Error {
	spec := h.Spec.Compute
	switch {
	case spec.Flavour == "":
		return c.fail(message.Permanent, "no flavour is named")
	case s.state.behaviour.absent(spec.Flavour):
		return c.fail(message.NotFound, "there is no flavour "+spec.Flavour)
	case s.state.behaviour.absent(spec.Image, imageName(spec.Image)):
		return c.fail(message.NotFound, "there is no image "+spec.Image)
	}
	boot := spec.Image != ""
	for _, id := range spec.Ports {
		if err := s.exclusive(c, h.Vim, vim.Port, id); err != nil {
			return err
		}
	}
	if err := s.trunks(c, h); err != nil {
		return err
	}
	for _, v := range spec.Volumes {
		if err := s.exclusive(c, h.Vim, vim.Volume, v.ID); err != nil {
			return err
		}
		boot = boot || v.Boot
	}
	if !boot {
		return c.fail(message.Permanent, "neither an image nor a volume to boot from")
	}
	return s.place(c, h)
}

// trunks looks at the ports that a compute reaches through others: each has a segment of its own within its trunk.
func (s *Sim) trunks(c call, h *held) *vim.Error {
	segments := map[[2]string]bool{}
	for _, p := range h.Spec.Compute.SubPorts {
		if err := s.exclusive(c, h.Vim, vim.Port, p.Port); err != nil {
			return err
		}
		segment := [2]string{p.Parent, p.SegmentationID}
		switch {
		case !slices.Contains(h.Spec.Compute.Ports, p.Parent):
			return c.fail(message.Permanent, "the parent "+p.Parent+" of "+p.Port+" is no port of the compute")
		case segments[segment] && p.SegmentationID != "":
			return c.fail(message.Permanent, "the segment "+p.SegmentationID+" is there twice in the trunk of "+p.Parent)
		}
		segments[segment] = true
	}
	return nil
}

func (s *Sim) volume(c call, h *held) *vim.Error {
	spec := h.Spec.Volume
	switch {
	case spec.SizeBytes <= 0:
		return c.fail(message.Permanent, "a volume has a size")
	case s.state.behaviour.absent(spec.Image, imageName(spec.Image)):
		return c.fail(message.NotFound, "there is no image "+spec.Image)
	}
	zones, err := s.zones(c, spec.Zone)
	if err != nil {
		return err
	}
	h.Resource.Zone = zones[s.hash(h, "zone", 0)%uint64(len(zones))]
	return nil
}
