// Package vimtest is the suite every vim.Driver passes: what the VIM manager relies on when it repeats calls, restarts in
// the middle, and compares a VIM with its records.
//
// A driver's test gives Run the driver and an Env: how to reach the VIM, what to ask it for, how to restart the driver,
// and how to provoke each class of error where that can be done. What an Env leaves out is left out of the run by name,
// so that the test log shows it.
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

// Env is what the suite needs beside the driver.
type Env struct {
	Connection vim.Connection
	// Samples are what the VIM is asked for, each after those it refers to. nil means Infrastructure().
	Samples []Sample
	// Restart returns the driver as a new process would see it; nil when the driver is a plain value.
	Restart func(t *testing.T, d vim.Driver) vim.Driver
	// Wait lets a little of the VIM's time pass, so that what is being built gets on.
	Wait func()
	// Polls bounds how often the suite looks before it says that something never got ready or never went; 0 means 100.
	Polls int
	// Provoke makes the next Start fail with a class, by the VIM's behaviour or by what is asked for. It returns the
	// request to send; ok is false when this VIM cannot be made to fail so.
	Provoke func(t *testing.T, class message.Class, r vim.StartRequest) (_ vim.StartRequest, ok bool)
	// Changes are what the VIM is asked to change; those that the driver cannot make in place are left out. nil means
	// InfrastructureChanges().
	Changes []Change
	// Shows checks at the VIM itself that a resource is as it was changed to; nil: what the driver tells is believed.
	Shows func(t *testing.T, r vim.Resource, spec vim.Spec)
	// ProvokeChange makes the next Change fail with a class, as Provoke does.
	ProvokeChange func(t *testing.T, class message.Class, r vim.ChangeRequest) (_ vim.ChangeRequest, ok bool)
	// Half makes the next Change stop half way: its worker dies, or one of its calls to the VIM fails.
	Half func(t *testing.T)
	// Image is a software image of a content of which the VIM was never told, in a package that it can be read from; one that is not right has another checksum than the
	// specification says. nil: the VIM is given no images.
	Image func(t *testing.T, right bool) vim.Spec
	// Ignore makes guests ignore the request to stop, from now on.
	Ignore func(t *testing.T)
}

// Sample is one kind of resource a VIM can be asked for.
type Sample struct {
	Kind vim.Kind
	// Spec builds the specification; ids holds the VIM's id of each sample made before.
	Spec func(ids map[vim.Kind]string) vim.Spec
}

// Infrastructure returns samples of all kinds of an infrastructure VIM. Flavour and image are the VIM's ids.
func Infrastructure(flavour, image string) []Sample {
	return []Sample{
		{vim.ServerGroup, func(map[vim.Kind]string) vim.Spec {
			return vim.Spec{Name: "group", ServerGroup: &vim.ServerGroupSpec{}}
		}},
		{vim.Network, func(map[vim.Kind]string) vim.Spec { return vim.Spec{Name: "net", Network: &vim.NetworkSpec{}} }},
		{vim.Subnet, func(ids map[vim.Kind]string) vim.Spec {
			return vim.Spec{Name: "subnet", Subnet: &vim.SubnetSpec{Network: ids[vim.Network], IPVersion: 4, CIDR: "10.1.0.0/24", DHCP: true}}
		}},
		{vim.Port, func(ids map[vim.Kind]string) vim.Spec {
			return vim.Spec{Name: "port", Port: &vim.PortSpec{
				Network: ids[vim.Network], FixedIPs: []vim.FixedIP{{Subnet: ids[vim.Subnet], Address: "10.1.0.77"}},
			}}
		}},
		{vim.Volume, func(map[vim.Kind]string) vim.Spec {
			return vim.Spec{Name: "volume", Volume: &vim.VolumeSpec{SizeBytes: 1 << 30}}
		}},
		{vim.Compute, func(ids map[vim.Kind]string) vim.Spec {
			return vim.Spec{Name: "vm", Compute: &vim.ComputeSpec{
				Flavour: flavour, Image: image, Ports: []string{ids[vim.Port]}, Volumes: []vim.VolumeRef{{ID: ids[vim.Volume]}},
				ServerGroup: []string{ids[vim.ServerGroup]}, UserData: "#!/bin/sh\n", Metadata: map[string]string{"vnfc": "a"},
			}}
		}},
		{vim.Snapshot, func(ids map[vim.Kind]string) vim.Spec {
			return vim.Spec{Name: "snapshot", Snapshot: &vim.SnapshotSpec{Compute: ids[vim.Compute]}}
		}},
	}
}

// Units returns the sample of a container VIM. Values and objects are of no driver's: one that reads them has its own samples.
func Units() []Sample {
	return []Sample{{vim.Unit, func(map[vim.Kind]string) vim.Spec {
		return vim.Spec{Name: "unit", Unit: &vim.UnitSpec{Replicas: 1, Values: json.RawMessage(`{"a":1}`), Objects: json.RawMessage(`{"chart":"x"}`)}}
	}}}
}

// Run runs the suite. It leaves nothing at the VIM when it passes.
func Run(t *testing.T, d vim.Driver, env Env) {
	if env.Polls == 0 {
		env.Polls = 100
	}
	if env.Wait == nil {
		env.Wait = func() {}
	}
	s := &suite{Env: env, driver: d}
	t.Run("create twice with one token makes one resource", s.createTwice)
	t.Run("creates with one token at once make one resource", s.createAtOnce)
	t.Run("find before, while and after", s.findAround)
	t.Run("delete twice", s.deleteTwice)
	t.Run("release of a token never seen succeeds", s.releaseUnknown)
	t.Run("poll of something that is not there is not-found", s.pollUnknown)
	t.Run("poll and find after a restart", s.restart)
	t.Run("list by owner", s.listByOwner)
	t.Run("two generations are two resources", s.generations)
	t.Run("a call whose context is over has an unknown outcome", s.contextOver)
	t.Run("error classes", s.classes)
	t.Run("list in pages", s.pages)
	t.Run("an image is shared, and goes with the last who has it", s.imageShared)
	t.Run("an image goes on after a restart", s.imageRestart)
	t.Run("images of one content at once", s.imagesAtOnce)
	t.Run("an image that is another than was said fails", s.imageBad)
	t.Run("what the driver does not run is refused", s.forms)
	t.Run("what cannot be changed in place is refused", s.changeNotInPlace)
	if s.some() == nil {
		t.Log("not changed: anything")
		return
	}
	t.Run("change each attribute, there and back", s.changeEach)
	t.Run("changes at once make one change", s.changeAtOnce)
	t.Run("a change that was made by half goes on", s.changeByHalf)
	t.Run("a change goes on after a restart", s.changeAfterRestart)
	t.Run("a change of what is not there is not-found, and makes nothing", s.changeUnknown)
	t.Run("a change whose context is over has an unknown outcome", s.changeContextOver)
	t.Run("graceful stop", s.stop)
	t.Run("error classes of changes", s.changeClasses)
}

type suite struct {
	Env
	driver vim.Driver
}

// made is a stack of resources of one owner, in the order they were asked for.
type made struct {
	requests  []vim.StartRequest
	resources []vim.Resource
}

// stack asks for every sample once and waits until each is ready; they go when the test ends.
func (s *suite) stack(t *testing.T) made {
	t.Helper()
	var m made
	owner := uuid.NewString()
	ids := map[vim.Kind]string{}
	t.Cleanup(func() {
		for i := len(m.requests) - 1; i >= 0; i-- {
			s.release(t, m.requests[i])
		}
	})
	for _, sample := range s.samples() {
		r := vim.StartRequest{Token: token(), Kind: sample.Kind, Owner: owner, Spec: sample.Spec(ids)}
		m.requests = append(m.requests, r)
		res := s.ready(t, r, s.start(t, r))
		m.resources = append(m.resources, res)
		ids[sample.Kind] = res.ID
	}
	return m
}

func (s *suite) samples() []Sample {
	if s.Samples != nil {
		return s.Samples
	}
	return Infrastructure("m1.small", "image-any")
}

// first is a request for the first sample, which refers to nothing.
func (s *suite) first() vim.StartRequest {
	sample := s.samples()[0]
	return vim.StartRequest{Token: token(), Kind: sample.Kind, Owner: uuid.NewString(), Spec: sample.Spec(map[vim.Kind]string{})}
}

func token() vim.Token { return vim.Token{ID: uuid.NewString(), Generation: 1} }

func (s *suite) start(t *testing.T, r vim.StartRequest) vim.Resource {
	t.Helper()
	res, err := s.driver.Start(t.Context(), s.Connection, r)
	if err != nil {
		t.Fatalf("start %s: %v", r.Kind, err)
	}
	if res.ID == "" || res.Token != r.Token || res.Kind != r.Kind || res.Owner != r.Owner {
		t.Fatalf("start %s: incomplete or foreign resource %+v for %+v", r.Kind, res, r)
	}
	return res
}

func (s *suite) ready(t *testing.T, r vim.StartRequest, res vim.Resource) vim.Resource {
	t.Helper()
	for range s.Polls {
		if res.Ready {
			return res
		}
		s.Wait()
		got, err := s.driver.Poll(t.Context(), s.Connection, r.Kind, res.ID)
		switch {
		case err != nil:
			t.Fatalf("poll %s: %v", r.Kind, err)
		case got.Failed != nil:
			t.Fatalf("%s failed: %v", r.Kind, got.Failed)
		case got.ID != res.ID || got.Token != r.Token:
			t.Fatalf("poll %s: %+v, want %s of %s", r.Kind, got, res.ID, r.Token)
		}
		res = got
	}
	t.Fatalf("%s never got ready: %+v", r.Kind, res)
	return res
}

func (s *suite) release(t *testing.T, r vim.StartRequest) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context()) // it also runs as the test ends
	var last error
	for range s.Polls {
		done, err := s.driver.Release(ctx, s.Connection, r.Kind, r.Token)
		if done && err == nil {
			return
		}
		if err != nil && vim.ClassOf(err) != message.Transient {
			t.Errorf("release %s: %v", r.Kind, err)
			return
		}
		last = err
		s.Wait()
	}
	t.Errorf("%s was never released: %v", r.Kind, last)
}

func (s *suite) listed(t *testing.T, owner string) []string {
	t.Helper()
	ids := []string{}
	err := vim.EachPage(t.Context(), s.driver, s.Connection, owner, 0, time.Minute, func(page []vim.Resource) error {
		for _, r := range page {
			if owner != "" && r.Owner != owner {
				t.Errorf("list of %s has %+v", owner, r)
			}
			ids = append(ids, r.ID)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("list: %v", err)
	}
	slices.Sort(ids)
	return ids
}

func wantClass(t *testing.T, err error, class message.Class) {
	t.Helper()
	if got := vim.ClassOf(err); got != class {
		t.Errorf("class %q (%v), want %q", got, err, class)
	}
}

func (s *suite) createTwice(t *testing.T) {
	m := s.stack(t)
	for i, r := range m.requests {
		if again := s.start(t, r); again.ID != m.resources[i].ID {
			t.Errorf("%s: the second start made %s, the first %s", r.Kind, again.ID, m.resources[i].ID)
		}
	}
	if got := s.listed(t, m.requests[0].Owner); len(got) != len(m.requests) {
		t.Errorf("%d resources are listed, want %d: %v", len(got), len(m.requests), got)
	}
}

func (s *suite) createAtOnce(t *testing.T) {
	r := s.first()
	t.Cleanup(func() { s.release(t, r) })
	const n = 8
	ids, errs := make([]string, n), make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			res, err := s.driver.Start(t.Context(), s.Connection, r)
			ids[i], errs[i] = res.ID, err
		})
	}
	wg.Wait()
	for i := range n {
		if errs[i] != nil || ids[i] != ids[0] {
			t.Errorf("start %d: %q, %v; start 0 made %q", i, ids[i], errs[i], ids[0])
		}
	}
	if got := s.listed(t, r.Owner); len(got) != 1 {
		t.Errorf("listed: %v, want one resource", got)
	}
}

func (s *suite) findAround(t *testing.T) {
	r := s.first()
	_, err := s.driver.Find(t.Context(), s.Connection, r.Kind, r.Token)
	wantClass(t, err, message.NotFound)
	res := s.start(t, r)
	for _, when := range []string{"while it is built", "when it is ready"} {
		got, err := s.driver.Find(t.Context(), s.Connection, r.Kind, r.Token)
		if err != nil || got.ID != res.ID || got.Token != r.Token || got.Owner != r.Owner {
			t.Errorf("find %s: %+v, %v, want %s", when, got, err, res.ID)
		}
		res = s.ready(t, r, res)
	}
	s.release(t, r)
	_, err = s.driver.Find(t.Context(), s.Connection, r.Kind, r.Token)
	wantClass(t, err, message.NotFound)
}

func (s *suite) deleteTwice(t *testing.T) {
	m := s.stack(t)
	for i := len(m.requests) - 1; i >= 0; i-- {
		s.release(t, m.requests[i])
		s.release(t, m.requests[i])
		_, err := s.driver.Poll(t.Context(), s.Connection, m.requests[i].Kind, m.resources[i].ID)
		wantClass(t, err, message.NotFound)
	}
	if got := s.listed(t, m.requests[0].Owner); len(got) != 0 {
		t.Errorf("still listed: %v", got)
	}
}

func (s *suite) releaseUnknown(t *testing.T) {
	for _, sample := range s.samples() {
		done, err := s.driver.Release(t.Context(), s.Connection, sample.Kind, token())
		if err != nil || !done {
			t.Errorf("release of a %s never allocated: done %v, %v", sample.Kind, done, err)
		}
	}
}

func (s *suite) pollUnknown(t *testing.T) {
	r := s.first()
	_, err := s.driver.Poll(t.Context(), s.Connection, r.Kind, uuid.NewString())
	wantClass(t, err, message.NotFound)
}

func (s *suite) restart(t *testing.T) {
	r := s.first()
	res := s.start(t, r)
	t.Cleanup(func() { s.release(t, r) })
	if s.Restart != nil {
		s.driver = s.Restart(t, s.driver)
	}
	got := s.ready(t, r, res)
	found, err := s.driver.Find(t.Context(), s.Connection, r.Kind, r.Token)
	if err != nil || found.ID != got.ID {
		t.Errorf("find after a restart: %+v, %v, want %s", found, err, got.ID)
	}
	if again := s.start(t, r); again.ID != res.ID {
		t.Errorf("start after a restart made %s, before it %s", again.ID, res.ID)
	}
}

func (s *suite) listByOwner(t *testing.T) {
	a, b := s.stack(t), s.stack(t)
	var want []string
	for _, r := range a.resources {
		want = append(want, r.ID)
	}
	slices.Sort(want)
	if got := s.listed(t, a.requests[0].Owner); !slices.Equal(got, want) {
		t.Errorf("listed of one owner: %v, want %v", got, want)
	}
	all := s.listed(t, "")
	for _, r := range append(slices.Clone(a.resources), b.resources...) {
		if !slices.Contains(all, r.ID) {
			t.Errorf("the list of all owners lacks %s %s", r.Kind, r.ID)
		}
	}
	if got := s.listed(t, uuid.NewString()); len(got) != 0 {
		t.Errorf("an owner of nothing has %v", got)
	}
}

func (s *suite) generations(t *testing.T) {
	first := s.first()
	second := first
	second.Token.Generation++
	t.Cleanup(func() { s.release(t, first); s.release(t, second) })
	a, b := s.start(t, first), s.start(t, second)
	if a.ID == b.ID {
		t.Errorf("both generations are %s", a.ID)
	}
	s.release(t, first)
	if got, err := s.driver.Find(t.Context(), s.Connection, second.Kind, second.Token); err != nil || got.ID != b.ID {
		t.Errorf("after the release of the first generation the second is %+v, %v", got, err)
	}
}

func (s *suite) contextOver(t *testing.T) {
	r := s.first()
	t.Cleanup(func() { s.release(t, r) })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.driver.Start(ctx, s.Connection, r)
	wantClass(t, err, message.UnknownOutcome)
}

// classes are all there are of a driver's errors.
var classes = []message.Class{
	message.Transient, message.Permanent, message.Quota, message.NotFound, message.Exists, message.Auth, message.Unavailable,
	message.UnknownOutcome,
}

func (s *suite) classes(t *testing.T) {
	if s.Provoke == nil {
		t.Log("not provoked: every class")
		return
	}
	for _, class := range classes {
		t.Run(string(class), func(t *testing.T) {
			r, ok := s.Provoke(t, class, s.first())
			if !ok {
				t.Logf("not provoked: %s", class)
				return
			}
			t.Cleanup(func() { s.release(t, r) })
			_, err := s.driver.Start(t.Context(), s.Connection, r)
			wantClass(t, err, class)
			if err == nil || err.Error() == "" {
				t.Errorf("the error says nothing: %v", err)
			}
			if class == message.UnknownOutcome {
				return // anything may stand, and is released
			}
			if _, err := s.driver.Find(t.Context(), s.Connection, r.Kind, r.Token); vim.ClassOf(err) != message.NotFound {
				t.Errorf("after a failure something stands: %s", fmt.Sprint(err))
			}
		})
	}
}
