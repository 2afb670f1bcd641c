package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// write returns the journal of a state.
func write(t testing.TB, s *state) []byte {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	put := func(r record) error { return enc.Encode(r) }
	if err := put(record{Format: format}); err != nil {
		t.Fatal(err)
	}
	if err := s.snapshot(put); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// FuzzJournal reads whatever is in the file: an error, or a simulator that works and whose own journal can be read. Never
// a panic.
func FuzzJournal(f *testing.F) {
	now := func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }
	conn := Connections()[0]
	network := vim.StartRequest{Token: vim.Token{ID: "a", Generation: 1}, Kind: vim.Network, Owner: "vnf-1", Spec: vim.Spec{Network: &vim.NetworkSpec{}}}
	seed, err := Open(Config{Now: now, Behaviour: Behaviour{Delay: 1, Rules: []Rule{{On: OnAny, Outcome: LateEffect, Times: 1}}}})
	if err != nil {
		f.Fatal(err)
	}
	for range 2 {
		_, _ = seed.Start(context.Background(), conn, network)
	}
	vm := vim.StartRequest{Token: vim.Token{ID: "b", Generation: 1}, Kind: vim.Compute, Owner: "vnf-1", Spec: vim.Spec{Compute: &vim.ComputeSpec{Flavour: "f", Image: "i"}}}
	stop := vim.ChangeRequest{
		Token: vm.Token, Kind: vm.Kind, Revision: 2, From: vm.Spec, Grace: time.Hour, To: vim.Spec{Compute: &vim.ComputeSpec{Flavour: "f", Image: "i", Power: vim.PowerOff}},
	}
	_, _ = seed.Start(context.Background(), conn, vm)
	_, _ = seed.Change(context.Background(), conn, stop)
	b := write(f, seed.state)
	f.Add(b)
	f.Add(b[:len(b)-5])
	f.Add([]byte("{\"format\":1}\n{\"late\":{}}\n")) // once landed for ever
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Open(Config{Now: now})
		if err != nil {
			t.Fatal(err)
		}
		if replay(bytes.NewReader(b), s.state.apply) != nil {
			return
		}
		_ = s.Inventory()
		_, _ = s.Start(t.Context(), conn, network)
		_, _ = s.Change(t.Context(), conn, stop)
		_, _ = s.List(t.Context(), conn, vim.ListRequest{})
		_, _ = s.Release(t.Context(), conn, vim.Network, network.Token)
		if err := replay(bytes.NewReader(write(t, s.state)), newState(Behaviour{}).apply); err != nil {
			t.Fatalf("its own journal cannot be read: %v", err)
		}
	})
}

// A disk that was full makes no difference once it is not: the simulator goes on without a restart, what it had refused did not
// happen, and what it had done is there after one. Seen failing with an error that stays.
func TestTheJournalGoesOnAfterAFullDisk(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	path := filepath.Join(t.TempDir(), "sim.journal")
	s, err := Open(Config{Path: path, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	conn := Connections()[0]
	start := func(id string) error {
		_, err := s.Start(t.Context(), conn, vim.StartRequest{Token: vim.Token{ID: id, Generation: 1}, Kind: vim.Network, Owner: "vnf-1", Spec: vim.Spec{Network: &vim.NetworkSpec{}}})
		return err
	}
	if err := start("before"); err != nil {
		t.Fatal(err)
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_ = s.journal.f.Close()
	s.journal.f = full
	if err := os.Mkdir(path+".new", 0o700); err != nil { // nor is there room for another file
		t.Fatal(err)
	}
	for range 3 {
		if err := start("refused"); vim.ClassOf(err) != message.Unavailable {
			t.Errorf("with a full disk: %v", err)
		}
		if s.Healthy() == nil {
			t.Error("it says that it works")
		}
		now = now.Add(mendPause)
	}
	if err := os.Remove(path + ".new"); err != nil {
		t.Fatal(err)
	}
	if err := s.Healthy(); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if err := start("after"); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(Config{Path: path, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	for token, want := range map[string]bool{"before": true, "refused": false, "after": true} {
		if has := again.Has(conn.ID, vim.Token{ID: token, Generation: 1}); has != want {
			t.Errorf("%s is there: %v", token, has)
		}
	}
}
