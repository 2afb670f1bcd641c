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
	serial := s.state.serial + 1
	h := &held{
		Vim: vimID, Spec: r.Spec, BuiltAt: now.Add(time.Duration(s.state.behaviour.Delay)), ReadyAt: now.Add(time.Duration(s.state.behaviour.Delay)),
		Resource: vim.Resource{
			Token: r.Token, Kind: r.Kind, Owner: r.Owner, Name: r.Spec.Name, Type: words[r.Kind], Revision: 1,
			ID: string(r.Kind) + "-" + message.DeriveID("sim", strconv.FormatInt(s.state.behaviour.Seed, 10), vimID, r.Token.String(),
				strconv.FormatInt(serial, 10)),
		},
	}
	if !specified(r.Kind, r.Spec) {
		return record{}, c.fail(message.Permanent, "no specification of a "+string(r.Kind))
	}
	if h.Spec.Image != nil {
		s.share(h)
	}
	err := s.room(c, h, 0)
	if err == nil {
		err = s.chosen(c, h)
	}
	if err != nil {
		return record{}, err
	}
	return record{Put: h, Serial: serial}, nil
}

// madeImage begins the id of an image that the simulator was given; those of the site begin with imagePrefix.
const madeImage = "upload-"

// share gives an image the id of the one with its content that others have.
func (s *Sim) share(h *held) {
	h.Resource.ID = madeImage + h.Resource.ID
	for _, o := range s.state.held {
		if o.Vim == h.Vim && o.Spec.Image != nil && o.Spec.Image.Content() == h.Spec.Image.Content() && o.GoneAt.IsZero() {
			h.Resource.ID, h.BuiltAt, h.ReadyAt = o.Resource.ID, o.BuiltAt, o.ReadyAt
			return
		}
	}
}

// lacks reports whether an id is of an image or a flavour that the simulator made and does not have any more.
func (s *Sim) lacks(vimID, id string) bool {
	h := s.state.byID[vimID+"/"+id]
	return (strings.HasPrefix(id, madeImage) || strings.HasPrefix(id, string(vim.ComputeFlavour)+"-")) && (h == nil || !h.GoneAt.IsZero())
}

// chosen checks what a new resource asks for, and makes the choices that are the VIM's.
func (s *Sim) chosen(c call, h *held) *vim.Error {
	switch h.Resource.Kind {
	case vim.Compute:
		return s.compute(c, h)
	case vim.Port:
		return s.port(c, h)
	case vim.Subnet:
		return s.subnet(c, h)
	case vim.Volume:
		return s.volume(c, h)
	case vim.Unit:
		return s.unit(c, h)
	case vim.Snapshot:
		return s.snapshot(c, h)
	case vim.Configuration:
		for _, id := range h.Spec.Configuration.Computes {
			if _, err := s.need(c, h.Vim, vim.Compute, id); err != nil {
				return err
			}
		}
	case vim.Network, vim.ServerGroup, vim.SoftwareImage, vim.ComputeFlavour:
	}
	return nil
}

// specified reports whether a specification is one of a kind.
func specified(kind vim.Kind, s vim.Spec) bool {
	return map[vim.Kind]bool{
		vim.Compute: s.Compute != nil, vim.Port: s.Port != nil, vim.Network: s.Network != nil, vim.Subnet: s.Subnet != nil,
		vim.Volume: s.Volume != nil, vim.ServerGroup: s.ServerGroup != nil, vim.Unit: s.Unit != nil, vim.Configuration: s.Configuration != nil,
		vim.Snapshot: s.Snapshot != nil, vim.SoftwareImage: s.Image != nil, vim.ComputeFlavour: s.Flavour != nil,
	}[kind]
}

// room refuses what exceeds the quota of its kind; had is what the resource uses of it already.
func (s *Sim) room(c call, h *held, had int) *vim.Error {
	kind := h.Resource.Kind
	n := s.state.behaviour.quota(kind)
	if kind != vim.Configuration && s.state.counts[h.Vim+"/"+string(kind)]-had+h.weight() > n {
		return c.fail(message.Quota, "the quota of "+strconv.Itoa(n)+" for "+string(kind)+" is used up")
	}
	return nil
}

// words are the simulator's own names of the kinds.
var words = map[vim.Kind]string{
	vim.Compute: "SIM::Compute", vim.Port: "SIM::Port", vim.Network: "SIM::Network", vim.Subnet: "SIM::Subnet",
	vim.Volume: "SIM::Volume", vim.ServerGroup: "SIM::ServerGroup", vim.Configuration: "SIM::Configuration",
	vim.Unit: "SIM::Unit", vim.Snapshot: "SIM::Snapshot", vim.SoftwareImage: "SIM::Image", vim.ComputeFlavour: "SIM::Flavour",
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

// exclusive is need for something that only one compute may use, this one.
func (s *Sim) exclusive(c call, h *held, kind vim.Kind, id string) *vim.Error {
	if _, err := s.need(c, h.Vim, kind, id); err != nil {
		return err
	}
	for _, user := range s.state.usersOf(h.Vim, id, vim.Compute) {
		if user.Resource.ID != h.Resource.ID {
			return c.fail(message.Exists, string(kind)+" "+id+" is in use by "+user.Resource.ID)
		}
	}
	return nil
}

// compute makes the choices for a new compute.
func (s *Sim) compute(c call, h *held) *vim.Error {
	if err := s.machine(c, h); err != nil {
		return err
	}
	if err := s.made(c, h.Vim, h.Spec.Compute.Snapshot, false); err != nil {
		return err
	}
	return s.place(c, h)
}

// machine checks what a compute asks for, but for its place.
func (s *Sim) machine(c call, h *held) *vim.Error {
	spec := h.Spec.Compute
	switch {
	case spec.Flavour == "":
		return c.fail(message.Permanent, "no flavour is named")
	case s.state.behaviour.absent(spec.Flavour), s.lacks(h.Vim, spec.Flavour):
		return c.fail(message.NotFound, "there is no flavour "+spec.Flavour)
	case s.state.behaviour.absent(spec.Image, imageName(spec.Image)), s.lacks(h.Vim, spec.Image):
		return c.fail(message.NotFound, "there is no image "+spec.Image)
	}
	boot := spec.Image != "" || spec.Snapshot != ""
	for _, id := range spec.Ports {
		if err := s.exclusive(c, h, vim.Port, id); err != nil {
			return err
		}
	}
	if err := s.trunks(c, h); err != nil {
		return err
	}
	for _, v := range spec.Volumes {
		if err := s.exclusive(c, h, vim.Volume, v.ID); err != nil {
			return err
		}
		boot = boot || v.Boot
	}
	if !boot {
		return c.fail(message.Permanent, "neither an image nor a volume to boot from")
	}
	return nil
}

// unit checks what a container unit asks for.
func (s *Sim) unit(c call, h *held) *vim.Error {
	if h.Spec.Unit.Replicas < 0 {
		return c.fail(message.Permanent, "the number of replicas is not negative")
	}
	return nil
}

// trunks looks at the ports that a compute reaches through others: each has a segment of its own within its trunk.
func (s *Sim) trunks(c call, h *held) *vim.Error {
	segments := map[[2]string]bool{}
	for _, p := range h.Spec.Compute.SubPorts {
		if err := s.exclusive(c, h, vim.Port, p.Port); err != nil {
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
	if err := s.made(c, h.Vim, spec.Snapshot, true); err != nil {
		return err
	}
	zones, err := s.zones(c, spec.Zone)
	if err != nil {
		return err
	}
	h.Resource.Zone = zones[s.hash(h, "zone", 0)%uint64(len(zones))]
	return nil
}
