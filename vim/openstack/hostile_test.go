package openstack_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// A cloud that gives a few ports at once has them all: machines with many do not differ from their records. Seen failing with the first
// page taken for all.
func TestManyPortsAtACloudThatGivesFew(t *testing.T) {
	f := newFake(t)
	f.most = 3
	s := f.site()
	d := s.driver()
	owner := uuid.NewString()
	want := map[string]vim.Spec{}
	for range 3 {
		var ports []string
		for range 4 {
			r := vim.StartRequest{Token: vim.Token{ID: uuid.NewString(), Generation: 1}, Kind: vim.Port, Owner: owner, Spec: s.port("p")}
			res, err := d.Start(t.Context(), s.conn, r)
			if err != nil {
				t.Fatal(err)
			}
			ports = append(ports, res.ID)
		}
		r := vim.StartRequest{Token: vim.Token{ID: uuid.NewString(), Generation: 1}, Kind: vim.Compute, Owner: owner, Spec: s.server(ports...)}
		res, err := d.Start(t.Context(), s.conn, r)
		if err != nil {
			t.Fatal(err)
		}
		want[s.settled(t, d, res).ID] = r.Spec
	}
	seen := 0
	err := vim.EachObserved(t.Context(), d, s.conn, owner, 0, 1<<40, func(page []vim.Observed) error {
		for _, o := range page {
			if spec, ok := want[o.Resource.ID]; ok {
				if got := o.Differs(spec); len(got) > 0 {
					t.Errorf("it differs in %v: %v, want %v", got, o.Spec.Compute.Ports, spec.Compute.Ports)
				}
			}
			seen++
		}
		return nil
	})
	if err != nil || seen != 15 {
		t.Errorf("%d are seen, %v", seen, err)
	}
}

// A volume that the storage cannot delete is asked for again each time, and the release says why it does not end. Seen failing with a
// release that waits without a word.
func TestVolumeThatCannotBeDeleted(t *testing.T) {
	f := newFake(t)
	s := f.site()
	d := s.driver()
	r := vim.StartRequest{Token: vim.Token{ID: uuid.NewString(), Generation: 1}, Kind: vim.Volume, Owner: uuid.NewString(), Spec: volume()}
	res, err := d.Start(t.Context(), s.conn, r)
	if err != nil {
		t.Fatal(err)
	}
	s.settled(t, d, res)
	f.lock(func() { f.row("volumes", res.ID)["status"] = "error_deleting" })
	calls := s.counted(func() {
		_, err = d.Release(t.Context(), s.conn, vim.Volume, r.Token)
	})
	if vim.ClassOf(err) != message.Transient || !strings.Contains(fmt.Sprint(err), "error_deleting") {
		t.Errorf("%v", err)
	}
	if last := calls[len(calls)-1]; !strings.HasPrefix(last, "DELETE ") {
		t.Errorf("it is not asked again: %v", calls)
	}
	s.release(t, d, r) // the storage can again
}

// What a VNF of a hundred machines costs in calls is a hundred times what one costs: nothing is listed for a resource.
func TestCallsOfAHundredMachines(t *testing.T) {
	f := newFake(t)
	s := f.site()
	d := s.driver()
	if _, err := d.Assets(t.Context(), s.conn); err != nil { // it has a token from here on
		t.Fatal(err)
	}
	const n = 100
	owner := uuid.NewString()
	var all []vim.StartRequest
	start := func(kind vim.Kind, spec vim.Spec) vim.Resource {
		r := vim.StartRequest{Token: vim.Token{ID: uuid.NewString(), Generation: 1}, Kind: kind, Owner: owner, Spec: spec}
		res, err := d.Start(t.Context(), s.conn, r)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
		return res
	}
	calls := s.counted(func() {
		for range n {
			port := s.port("p")
			port.Port.Rules = []vim.SecurityRule{rule4("tcp", 80, 80)}
			start(vim.Compute, s.server(start(vim.Port, port).ID))
		}
	})
	if want := n*(4+3) + 2; len(calls) != want { // the group and its rules are made once
		t.Errorf("%d calls make %d machines with a port each, want %d", len(calls), n, want)
	}
	s.wait()
	calls = s.counted(func() {
		for i := range all {
			r := all[len(all)-1-i] // a port goes after its machine, and most likely a while later
			if _, err := d.Release(t.Context(), s.conn, r.Kind, r.Token); err != nil {
				t.Fatal(err)
			}
			if r.Kind == vim.Compute {
				s.wait()
			}
		}
	})
	if want := n * (3 + 4); len(calls) != want {
		t.Errorf("%d calls take them away, want %d", len(calls), want)
	}
}

// A cloud that keeps what is deleted is asked to delete a machine for good: no list shows it, and it holds its ports and volumes.
func TestCloudThatKeepsWhatIsDeleted(t *testing.T) {
	f := newFake(t)
	f.deferred = true
	s := f.site()
	d := s.driver()
	disk, v := s.made(t, d, vim.Volume, volume())
	vm := s.server()
	vm.Compute.Volumes = []vim.VolumeRef{{ID: v.ID}}
	r, res := s.made(t, d, vim.Compute, vm)
	s.next(rule{method: http.MethodPost, path: "/action", answer: http.StatusForbidden, body: `{"forbidden":{"code":403,"message":"Policy doesn't allow it"}}`})
	if _, err := d.Release(t.Context(), s.conn, vim.Compute, r.Token); vim.ClassOf(err) != message.Auth || !strings.Contains(fmt.Sprint(err), "deferred-delete") {
		t.Errorf("%v", err)
	}
	s.release(t, d, r)
	s.release(t, d, disk)
	if row := f.row("servers", res.ID); row != nil {
		t.Errorf("it is kept: %v", row)
	}
}
