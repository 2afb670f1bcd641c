package vimtest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// Change is one thing that a VIM can be asked to change of a sample that stands.
type Change struct {
	Kind vim.Kind
	What vim.Attribute
	// To returns the specification that is asked for, from the one that stands; ids are as of a Sample.
	To func(s vim.Spec, ids map[vim.Kind]string) vim.Spec
}

// InfrastructureChanges returns a change of each attribute that an infrastructure VIM can change, for the samples of
// Infrastructure. Flavour and image are the VIM's ids of others than those of the samples, network one to which ports may go.
func InfrastructureChanges(flavour, image, network string) []Change {
	compute := func(what vim.Attribute, f func(*vim.ComputeSpec)) Change {
		return Change{vim.Compute, what, func(s vim.Spec, _ map[vim.Kind]string) vim.Spec {
			c := *s.Compute
			f(&c)
			s.Compute = &c
			return s
		}}
	}
	port := func(what vim.Attribute, f func(*vim.PortSpec, map[vim.Kind]string)) Change {
		return Change{vim.Port, what, func(s vim.Spec, ids map[vim.Kind]string) vim.Spec {
			p := *s.Port
			f(&p, ids)
			s.Port = &p
			return s
		}}
	}
	named := func(kind vim.Kind) Change {
		return Change{kind, vim.AttributeName, func(s vim.Spec, _ map[vim.Kind]string) vim.Spec {
			s.Name += "-renamed"
			return s
		}}
	}
	return []Change{
		named(vim.Network), named(vim.Subnet), named(vim.Port), named(vim.Volume), named(vim.Compute),
		{vim.Network, vim.AttributeMTU, func(s vim.Spec, _ map[vim.Kind]string) vim.Spec {
			s.Network = &vim.NetworkSpec{Type: s.Network.Type, MTU: 1400}
			return s
		}},
		{vim.Subnet, vim.AttributeDHCP, func(s vim.Spec, _ map[vim.Kind]string) vim.Spec {
			n := *s.Subnet
			n.DHCP = !n.DHCP
			s.Subnet = &n
			return s
		}},
		port(vim.AttributeAddresses, func(p *vim.PortSpec, ids map[vim.Kind]string) {
			p.FixedIPs = []vim.FixedIP{{Subnet: ids[vim.Subnet], Address: "10.1.0.99"}}
		}),
		port(vim.AttributeSecurityRules, func(p *vim.PortSpec, _ map[vim.Kind]string) {
			p.Rules = []vim.SecurityRule{
				{Direction: vim.Ingress, IPVersion: 4, Protocol: "tcp", PortMin: 80, PortMax: 443}, {Direction: vim.Ingress, IPVersion: 4, Protocol: "icmp"},
			}
		}),
		port(vim.AttributeShared, func(p *vim.PortSpec, _ map[vim.Kind]string) { p.Shared = []string{"10.1.0.200"} }),
		port(vim.AttributeNetwork, func(p *vim.PortSpec, _ map[vim.Kind]string) { p.Network, p.FixedIPs = network, nil }),
		{vim.Volume, vim.AttributeSize, func(s vim.Spec, _ map[vim.Kind]string) vim.Spec {
			v := *s.Volume
			v.SizeBytes *= 2
			s.Volume = &v
			return s
		}},
		compute(vim.AttributePorts, func(c *vim.ComputeSpec) { c.Ports = nil }),
		compute(vim.AttributeVolumes, func(c *vim.ComputeSpec) { c.Volumes = nil }),
		compute(vim.AttributeMetadata, func(c *vim.ComputeSpec) { c.Metadata = map[string]string{"vnfc": "b", "more": "x"} }),
		compute(vim.AttributeFlavour, func(c *vim.ComputeSpec) { c.Flavour = flavour }),
		compute(vim.AttributeImage, func(c *vim.ComputeSpec) { c.Image = image }),
		compute(vim.AttributePower, func(c *vim.ComputeSpec) { c.Power = vim.PowerOff }),
	}
}

// UnitChanges returns a change of each attribute of the sample of Units.
func UnitChanges() []Change {
	unit := func(what vim.Attribute, f func(*vim.UnitSpec)) Change {
		return Change{vim.Unit, what, func(s vim.Spec, _ map[vim.Kind]string) vim.Spec {
			u := *s.Unit
			f(&u)
			s.Unit = &u
			return s
		}}
	}
	return []Change{
		unit(vim.AttributeReplicas, func(u *vim.UnitSpec) { u.Replicas = 3 }),
		unit(vim.AttributeValues, func(u *vim.UnitSpec) { u.Values = json.RawMessage(`{"a":2}`) }),
		unit(vim.AttributeObjects, func(u *vim.UnitSpec) { u.Objects = json.RawMessage(`{"chart":"y"}`) }),
	}
}

// oneWay are the attributes that cannot be changed back.
func oneWay(a vim.Attribute) bool { return a == vim.AttributeSize }

func (s *suite) changes() []Change {
	if s.Changes != nil {
		return s.Changes
	}
	return InfrastructureChanges("m1.medium", "image-other", "external")
}

// standing is what has been made of one sample.
type standing struct {
	vim.StartRequest
	id       string
	revision int
	ids      map[vim.Kind]string // of its stack
}

// to is a request for the next revision.
func (st *standing) to(spec vim.Spec) vim.ChangeRequest {
	return vim.ChangeRequest{Token: st.Token, Kind: st.Kind, Owner: st.Owner, ID: st.id, Revision: st.revision + 1, From: st.Spec, To: spec}
}

// of returns the part of a stack that is of a kind, nil when there is none.
func (m *made) of(kind vim.Kind) *standing {
	ids := map[vim.Kind]string{}
	var st *standing
	for i, r := range m.requests {
		if ids[r.Kind] = m.resources[i].ID; r.Kind == kind {
			st = &standing{StartRequest: r, id: m.resources[i].ID, revision: 1, ids: ids}
		}
	}
	return st
}

// change asks for a change until it stands.
func (s *suite) change(t *testing.T, st *standing, r vim.ChangeRequest) vim.Resource {
	t.Helper()
	var res vim.Resource
	again := true
	for range s.Polls {
		var err error
		if again {
			res, err = s.driver.Change(t.Context(), s.Connection, r)
		} else {
			res, err = s.driver.Poll(t.Context(), s.Connection, r.Kind, r.ID)
		}
		switch {
		case vim.ClassOf(err) == message.UnknownOutcome && again: // half of it was made, say
			s.Wait()
			continue
		case err != nil:
			t.Fatalf("change %s to revision %d: %v", r.Kind, r.Revision, err)
		case res.Failed != nil:
			t.Fatalf("%s failed: %v", r.Kind, res.Failed)
		case res.ID != r.ID || res.Token != r.Token:
			t.Fatalf("change %s: %+v, want %s of %s", r.Kind, res, r.ID, r.Token)
		case res.Ready && (res.Revision == r.Revision || res.Revision == 0 && again):
			st.Spec, st.revision = r.To, r.Revision
			return res
		}
		again = res.Ready
		s.Wait()
	}
	t.Fatalf("revision %d of the %s never stood: %+v", r.Revision, r.Kind, res)
	return res
}

// shows checks that a resource is seen as it was changed to.
func (s *suite) shows(t *testing.T, st *standing) {
	t.Helper()
	found, err := s.driver.Find(t.Context(), s.Connection, st.Kind, st.Token)
	if err != nil || found.ID != st.id || !found.Ready || found.Revision != st.revision && found.Revision != 0 {
		t.Errorf("find of the %s: %+v, %v, want %s at revision %d", st.Kind, found, err, st.id, st.revision)
	}
	if c := st.Spec.Compute; c != nil && found.Power != "" && (found.Power == vim.PowerOff) != c.Off() {
		t.Errorf("the power is %s, want off: %v", found.Power, c.Off())
	}
	if p := st.Spec.Port; p != nil && len(p.FixedIPs) > 0 && (len(found.Addresses) == 0 || found.Addresses[0].Address != p.FixedIPs[0].Address) {
		t.Errorf("the port has %v, want %v", found.Addresses, p.FixedIPs)
	}
	if s.Shows != nil {
		s.Shows(t, found, st.Spec)
	}
}

// changeEach changes each attribute that the driver says it can, there and back.
func (s *suite) changeEach(t *testing.T) {
	can := s.driver.InPlace()
	tried := map[vim.Kind][]vim.Attribute{}
	for _, c := range s.changes() {
		if !can.Can(c.Kind, c.What) {
			continue
		}
		tried[c.Kind] = append(tried[c.Kind], c.What)
		t.Run(fmt.Sprintf("%s of a %s", c.What, c.Kind), func(t *testing.T) {
			m := s.stack(t)
			st := m.of(c.Kind)
			before := st.Spec
			to := st.to(c.To(before, st.ids))
			s.change(t, st, to)
			s.shows(t, st)
			s.change(t, st, to) // the same once more
			s.shows(t, st)
			if !oneWay(c.What) {
				s.change(t, st, st.to(before))
				s.shows(t, st)
			}
		})
	}
	for kind, attributes := range can {
		for _, a := range attributes {
			if !slices.Contains(tried[kind], a) {
				t.Logf("not changed: %s of a %s", a, kind)
			}
		}
	}
}

// some returns a change that the driver can make of what nothing else refers to, if it can; nil when it can make none.
func (s *suite) some() *Change {
	can, all := s.driver.InPlace(), s.changes()
	for _, sample := range slices.Backward(s.samples()) {
		for _, c := range all {
			if c.Kind == sample.Kind && can.Can(c.Kind, c.What) && !oneWay(c.What) {
				return &c
			}
		}
	}
	return nil
}

// any returns what stands, and a change of it that the driver can make.
func (s *suite) any(t *testing.T) (*standing, vim.ChangeRequest) {
	t.Helper()
	c, m := s.some(), s.stack(t)
	st := m.of(c.Kind)
	return st, st.to(c.To(st.Spec, st.ids))
}

func (s *suite) changeAtOnce(t *testing.T) {
	st, r := s.any(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := s.driver.Change(t.Context(), s.Connection, r); err != nil && vim.ClassOf(err) != message.Transient {
				t.Errorf("change: %v", err)
			}
		})
	}
	wg.Wait()
	s.change(t, st, r)
	s.shows(t, st)
}

func (s *suite) changeByHalf(t *testing.T) {
	if s.Half == nil {
		t.Log("not provoked: a change that is made by half")
		return
	}
	can := s.driver.InPlace()
	st, _ := s.any(t)
	to := st.Spec
	for _, c := range s.changes() { // several things at once
		if c.Kind == st.Kind && can.Can(c.Kind, c.What) && c.What != vim.AttributePower {
			to = c.To(to, st.ids)
		}
	}
	r := st.to(to)
	s.Half(t)
	res, err := s.driver.Change(t.Context(), s.Connection, r)
	if err == nil && res.Ready && res.Revision == r.Revision {
		t.Errorf("half of a change is taken for the whole: %+v", res)
	}
	if found, err := s.driver.Find(t.Context(), s.Connection, r.Kind, r.Token); err != nil || found.Ready && found.Revision == r.Revision {
		t.Errorf("half of a change is shown as the whole: %+v, %v", found, err)
	}
	s.change(t, st, r)
	s.shows(t, st)
}

func (s *suite) changeAfterRestart(t *testing.T) {
	st, r := s.any(t)
	if _, err := s.driver.Change(t.Context(), s.Connection, r); err != nil {
		t.Fatal(err)
	}
	if s.Restart != nil {
		s.driver = s.Restart(t, s.driver)
	}
	s.change(t, st, r)
	s.shows(t, st)
}

// changeNotInPlace asks for what the driver says it cannot do.
func (s *suite) changeNotInPlace(t *testing.T) {
	can := s.driver.InPlace()
	m := s.stack(t)
	for _, r := range m.requests {
		st := m.of(r.Kind)
		to := r.Spec
		switch r.Kind {
		case vim.Compute:
			c := *to.Compute
			c.UserData, c.Zone, c.ConfigDrive = "#!/bin/sh\n# other\n", "elsewhere", !c.ConfigDrive
			to.Compute = &c
		case vim.Port:
			p := *to.Port
			p.VnicType = "direct"
			to.Port = &p
		case vim.Subnet:
			n := *to.Subnet
			n.CIDR = "10.9.0.0/24"
			to.Subnet = &n
		case vim.ServerGroup:
			to.ServerGroup = &vim.ServerGroupSpec{Affinity: !to.ServerGroup.Affinity}
		case vim.Volume:
			v := *to.Volume
			v.Type = "other"
			to.Volume = &v
		default:
			continue
		}
		if can.Can(r.Kind, vim.Differences(r.Spec, to)...) {
			continue
		}
		_, err := s.driver.Change(t.Context(), s.Connection, st.to(to))
		wantClass(t, err, message.Permanent)
		s.shows(t, st)
	}
}

func (s *suite) changeUnknown(t *testing.T) {
	st, r := s.any(t)
	r.Token, r.ID = token(), uuid.NewString()
	_, err := s.driver.Change(t.Context(), s.Connection, r)
	wantClass(t, err, message.NotFound)
	r = st.to(r.To)
	s.release(t, st.StartRequest)
	_, err = s.driver.Change(t.Context(), s.Connection, r)
	wantClass(t, err, message.NotFound)
	if _, err := s.driver.Find(t.Context(), s.Connection, st.Kind, st.Token); vim.ClassOf(err) != message.NotFound {
		t.Errorf("a change of what was released has made something: %v", err)
	}
}

func (s *suite) changeContextOver(t *testing.T) {
	st, r := s.any(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.driver.Change(ctx, s.Connection, r)
	wantClass(t, err, message.UnknownOutcome)
	s.change(t, st, r)
}

// stop turns a machine off, with a guest that does as it is asked and with one that does not.
func (s *suite) stop(t *testing.T) {
	if !s.driver.InPlace().Can(vim.Compute, vim.AttributePower) {
		t.Log("the driver cannot turn a machine off")
		return
	}
	m := s.stack(t)
	st := m.of(vim.Compute)
	if st == nil {
		t.Log("there is no compute to be turned off")
		return
	}
	power := func(p vim.Power, grace time.Duration) vim.ChangeRequest {
		c := *st.Spec.Compute
		c.Power = p
		to := st.Spec
		to.Compute = &c
		r := st.to(to)
		r.Grace = grace
		return r
	}
	t.Run("a guest that stops", func(t *testing.T) {
		s.change(t, st, power(vim.PowerOff, time.Hour))
		s.shows(t, st)
		s.change(t, st, power(vim.PowerOn, 0))
		s.shows(t, st)
	})
	t.Run("a guest that does not", func(t *testing.T) {
		if s.Ignore == nil {
			t.Log("not provoked: a guest that ignores the request to stop")
			return
		}
		s.Ignore(t)
		r := power(vim.PowerOff, time.Hour)
		res, err := s.driver.Change(t.Context(), s.Connection, r)
		for range 3 {
			if err != nil || res.Ready || res.Power == vim.PowerOff {
				t.Fatalf("a guest that does not stop is %+v, %v", res, err)
			}
			s.Wait()
			res, err = s.driver.Poll(t.Context(), s.Connection, r.Kind, r.ID)
		}
		r.Grace = 0 // it is over
		s.change(t, st, r)
		s.shows(t, st)
	})
}

func (s *suite) changeClasses(t *testing.T) {
	if s.ProvokeChange == nil {
		t.Log("not provoked: every class")
		return
	}
	for _, class := range classes {
		t.Run(string(class), func(t *testing.T) {
			st, to := s.any(t)
			r, ok := s.ProvokeChange(t, class, to)
			if !ok {
				t.Logf("not provoked: %s", class)
				return
			}
			_, err := s.driver.Change(t.Context(), s.Connection, r)
			wantClass(t, err, class)
			if class == message.UnknownOutcome {
				return // some of it may stand, or all
			}
			if found, err := s.driver.Find(t.Context(), s.Connection, st.Kind, st.Token); err != nil || found.Revision > 1 {
				t.Errorf("after a change that failed there is %+v, %v", found, err)
			}
		})
	}
}

// pages lists what is there a few at a time.
func (s *suite) pages(t *testing.T) {
	a, b := s.stack(t), s.stack(t)
	for _, owner := range []string{a.requests[0].Owner, b.requests[0].Owner, ""} {
		want := s.listed(t, owner)
		for _, limit := range []int{1, 2, len(want)} {
			var ids []string
			for r, pages := (vim.ListRequest{Owner: owner, Limit: limit}), 0; ; pages++ {
				page, err := s.driver.List(t.Context(), s.Connection, r)
				if err != nil {
					t.Fatalf("list: %v", err)
				}
				if len(page.Resources) > limit {
					t.Errorf("%d resources on a page, want at most %d", len(page.Resources), limit)
				}
				for _, res := range page.Resources {
					ids = append(ids, res.ID)
				}
				if page.Next == "" || pages > 10_000 {
					break
				}
				r.After = page.Next
			}
			slices.Sort(ids)
			if !slices.Equal(ids, want) {
				t.Errorf("in pages of %d: %v, want %v", limit, ids, want)
			}
		}
	}
}
