package lcm_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/vnfm/vnfm/configuration"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

// serve carries out a command and returns the reply, nil when it is lost.
func (s *site) serve(m message.Message) *message.Message {
	s.t.Helper()
	if m.Type == nfvo.TypeWithdrawGrant { // nobody answers it
		return nil
	}
	s.sent = append(s.sent, m)
	var a *answer
	if s.script != nil {
		a = s.script(m)
	}
	r, before := s.failed[m.ID]
	switch {
	case before:
	case a == nil || a.effect || s.stands(m): // what stands is found by its token, and said to stand
		if r = s.carryOut(m); a != nil && a.reply.Partly {
			r = a.reply
		}
	case !a.lost:
		r = a.reply
		s.failed[m.ID] = r
	}
	if a != nil && a.lost || m.ReplyTo == "" {
		return nil
	}
	reply := message.NewReply(m, "/test", s.now, r)
	return &reply
}

// stands reports whether a command asks for something that is there already.
func (s *site) stands(m message.Message) bool {
	var c vim.Change
	if m.Type != vim.TypeReserveResource && m.Type != vim.TypeChangeResource || json.Unmarshal(m.Data, &c) != nil {
		return false
	}
	r, ok := s.held[c.Token]
	return ok && r.Revision >= c.Revision
}

func (s *site) carryOut(m message.Message) message.Reply {
	s.t.Helper()
	switch m.Type {
	case nfvo.TypeRequestGrant:
		var r nfvo.GrantRequest
		s.must(json.Unmarshal(m.Data, &r))
		s.asked = r
		g := s.local(&r)
		if s.grant != nil {
			s.grant(g)
		}
		for _, d := range r.Add {
			if i := g.Info(d.ID); i != nil && g.Zone(i.Zone) != nil {
				s.zones[d.Planned] = g.Zone(i.Zone).ZoneID
			}
		}
		return message.Reply{Outcome: message.Succeeded, Result: vim.Encode(g)}
	case vim.TypeReserveResource:
		var c vim.Reserve
		s.must(json.Unmarshal(m.Data, &c))
		return s.reserve(&c)
	case vim.TypeChangeResource:
		var c vim.Change
		s.must(json.Unmarshal(m.Data, &c))
		return s.change(&c)
	case vim.TypeReleaseResource:
		var c vim.Release
		s.must(json.Unmarshal(m.Data, &c))
		delete(s.held, c.Token)
		s.gone[c.Token] = true
		return message.Reply{Outcome: message.Succeeded}
	case configuration.TypeConfigure:
		var c configuration.Configure
		s.must(json.Unmarshal(m.Data, &c))
		if slices.ContainsFunc(s.configured, func(x configuration.Configure) bool { return x.Token == c.Token }) {
			return message.Reply{Outcome: message.Succeeded} // delivered again, maybe long after
		}
		if m.ReplyTo != "" && s.op(c.OpID).State != vnf.Processing { // it comes late: its machines may be gone
			return message.Reply{Outcome: message.Failed, Class: message.Superseded}
		}
		for _, id := range c.Computes {
			s.checkRef("the configuration", id.ID)
		}
		s.configured = append(s.configured, c)
		return message.Reply{Outcome: message.Succeeded}
	case configuration.TypeCoordinate:
		var c configuration.Coordinate
		s.must(json.Unmarshal(m.Data, &c))
		s.coordinated = append(s.coordinated, c)
		return s.outcome(c, configuration.Continue)
	case configuration.TypeCallOff:
		var c configuration.CallOff
		s.must(json.Unmarshal(m.Data, &c))
		s.calledOff = append(s.calledOff, c.Token)
		return message.Reply{}
	}
	s.t.Fatalf("unknown command %s", m.Type)
	return message.Reply{}
}

// outcome is the reply to a coordination that ended so.
func (s *site) outcome(c configuration.Coordinate, result string) message.Reply {
	s.t.Helper()
	known, err := json.Marshal(configuration.Coordination{
		ID: "coordination-" + c.Action, Action: c.Action, Endpoint: c.Endpoint.Type, Result: result, Started: s.now, Ended: s.now, Warnings: "mind the gap",
	})
	s.must(err)
	r := message.Reply{Outcome: message.Succeeded, Result: known}
	switch result {
	case configuration.Abort:
		r.Outcome, r.Class, r.Reason = message.Failed, message.Permanent, "the coordination "+c.Action+" ended ABORT"
	case configuration.Cancelled:
		r.Outcome, r.Reason = message.Cancelled, "the coordination "+c.Action+" ended CANCELLED"
	}
	return r
}

func (s *site) local(r *nfvo.GrantRequest) *nfvo.Grant {
	g := &nfvo.Grant{Local: true, ID: "grant-1", Zones: []nfvo.Zone{{ID: "z", ZoneID: "zone-a", Connection: "vim-1"}}}
	for _, c := range registered() {
		g.Describe(c.ID, nfvo.VimConnection(c.Described()))
	}
	for _, d := range r.Add {
		g.Infos = append(g.Infos, nfvo.GrantInfo{DefinitionID: d.ID, Connection: "vim-1", Zone: "z"})
	}
	for _, d := range slices.Concat(r.Remove, r.Update) {
		g.Infos = append(g.Infos, nfvo.GrantInfo{DefinitionID: d.ID})
	}
	for _, c := range r.Computes {
		for _, conn := range []string{"vim-1", "vim-2"} {
			g.Flavours = append(g.Flavours, nfvo.VimAsset{ID: c.VduID, VimAssetID: "flavour-1", Connection: conn})
		}
	}
	for _, i := range r.Images {
		for _, conn := range []string{"vim-1", "vim-2"} {
			g.Images = append(g.Images, nfvo.VimAsset{ID: i.ID, VimAssetID: "image-1", Connection: conn})
		}
	}
	for _, cpd := range r.UncoveredExtCps {
		g.ExtNetworks = append(g.ExtNetworks, nfvo.ExtNetwork{CpdID: cpd, NetworkID: "public", Connection: "vim-1"})
	}
	return g
}

// reserve makes what does not stand yet. Everything a specification refers to must be there.
func (s *site) reserve(r *vim.Reserve) message.Reply {
	s.t.Helper()
	if s.gone[r.Token] {
		return message.Reply{Outcome: message.Cancelled, Reason: "released before"}
	}
	res, ok := s.held[r.Token]
	if !ok {
		s.checkSpec(r.Token.ID, r.Spec)
		s.made++
		res = vim.Resource{
			Token: r.Token, Kind: r.Kind, ID: fmt.Sprintf("%s-%d", r.Kind, s.made), Owner: r.VnfID, Name: r.Spec.Name,
			Type: "T::" + string(r.Kind), Ready: true, Revision: 1,
		}
		if p := r.Spec.Port; p != nil {
			res.MAC = cmp.Or(p.MAC, fmt.Sprintf("fa:16:3e:00:00:%02x", s.made))
			res.Addresses = s.addresses(r.Token, p)
		}
		res.Pods = s.podsOf(r.Spec, nil)
		s.held[r.Token], s.specs[r.Token] = res, r.Spec
	}
	return message.Reply{Outcome: message.Succeeded, Result: vim.Encode(res)}
}

// addresses are those that a port asks for, or one that the VIM chooses. Nobody else may have them.
func (s *site) addresses(t vim.Token, p *vim.PortSpec) []vim.IP {
	s.t.Helper()
	out := []vim.IP{{Address: "10.0.0." + strconv.Itoa(s.made), Subnet: "s"}}
	if len(p.FixedIPs) > 0 && p.FixedIPs[0].Address != "" {
		out = []vim.IP{{Address: p.FixedIPs[0].Address, Subnet: "s"}}
	}
	for other, r := range s.held {
		if spec := s.specs[other].Port; other != t && spec != nil && !s.releasing(other) && spec.Network == p.Network && slices.Equal(r.Addresses, out) {
			s.t.Errorf("%s and %s both have %v", t, other, out)
		}
	}
	return out
}

// releasing reports whether the release of what stands was asked for: the VIM manager's sweep sees to it.
func (s *site) releasing(t vim.Token) bool {
	return slices.ContainsFunc(s.sent, func(m message.Message) bool {
		var c vim.Release
		return m.Type == vim.TypeReleaseResource && json.Unmarshal(m.Data, &c) == nil && c.Token == t
	})
}

// change changes what stands, unless it is newer already.
func (s *site) change(c *vim.Change) message.Reply {
	s.t.Helper()
	res, ok := s.held[c.Token]
	switch {
	case s.gone[c.Token]:
		return message.Reply{Outcome: message.Cancelled, Reason: "released before"}
	case !ok:
		return message.Reply{Outcome: message.Failed, Class: message.NotFound, Reason: "there is no such resource"}
	case c.Revision < res.Revision:
		return message.Reply{Outcome: message.Failed, Class: message.Superseded, Reason: "an older revision"}
	case c.Revision > res.Revision:
		s.checkSpec(c.Token.ID, c.To)
		for _, a := range vim.Differences(s.specs[c.Token], c.To) {
			if a == vim.AttributeMAC && c.To.Port.MAC == "" { // the VIM chooses: it keeps what it has
				continue
			}
			if !slices.Contains(s.inPlace("")[c.Kind], a) {
				s.t.Errorf("the %s of %s is changed, which cannot be", a, res.Name)
			}
		}
		about := vim.Differences(s.specs[c.Token], c.To)
		if p := c.To.Port; p != nil && (slices.Contains(about, vim.AttributeNetwork) || slices.Contains(about, vim.AttributeAddresses) ||
			slices.ContainsFunc(p.FixedIPs, func(ip vim.FixedIP) bool { return ip.Address != "" })) {
			s.made++
			res.Addresses = s.addresses(c.Token, p)
		}
		res.Revision, res.Pods = c.Revision, s.podsOf(c.To, res.Pods)
		s.held[c.Token], s.specs[c.Token] = res, c.To
	}
	return message.Reply{Outcome: message.Succeeded, Result: vim.Encode(res)}
}

// checkSpec fails the test when a specification names a resource that does not stand, or another zone than was granted.
func (s *site) checkSpec(id string, spec vim.Spec) {
	s.t.Helper()
	var refs []string
	if c := spec.Compute; c != nil {
		refs = slices.Concat(refs, c.Ports, c.ServerGroup)
		for _, v := range c.Volumes {
			refs = append(refs, v.ID)
		}
		if c.Flavour != "flavour-1" && !s.has(c.Flavour) || c.Image != "image-1" && !s.has(c.Image) && len(c.Volumes) == 0 || c.Zone != s.zones[id] {
			s.t.Errorf("compute %s, granted in %q: %+v", spec.Name, s.zones[id], c)
		}
	}
	if v := spec.Volume; v != nil && v.Zone != s.zones[id] {
		s.t.Errorf("volume %s, granted in %q: %+v", spec.Name, s.zones[id], v)
	}
	if p := spec.Port; p != nil && p.Network != "public" {
		refs = append(refs, p.Network)
	}
	if n := spec.Subnet; n != nil {
		refs = append(refs, n.Network)
	}
	if x := spec.Snapshot; x != nil {
		refs = append(refs, x.Compute+x.Volume)
	}
	for _, from := range []string{computeOf(spec).Snapshot, volumeOf(spec).Snapshot} {
		if from != "" {
			refs = append(refs, from)
		}
	}
	for _, ref := range refs {
		s.checkRef(spec.Name, ref)
	}
}

func computeOf(spec vim.Spec) (c vim.ComputeSpec) {
	if spec.Compute != nil {
		c = *spec.Compute
	}
	return c
}

func volumeOf(spec vim.Spec) (v vim.VolumeSpec) {
	if spec.Volume != nil {
		v = *spec.Volume
	}
	return v
}

func (s *site) checkRef(name, ref string) {
	s.t.Helper()
	if slices.Contains(s.others, ref) {
		return
	}
	if ref == "" || !slices.ContainsFunc(slices.Collect(maps.Values(s.held)), func(r vim.Resource) bool { return r.ID == ref }) {
		s.t.Errorf("%s refers to %q, which is not there", name, ref)
	}
}
