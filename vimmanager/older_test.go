package vimmanager_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/sim"
	"github.com/vnfm/vnfm/vimmanager"
)

// Commands of older programs, about one resource each, are carried out and answered in the older form; about several they are
// refused.
func TestCommandsOfOlderPrograms(t *testing.T) {
	w := newWorld(t, "")
	reserve := func(id string, rs ...vim.Reserve) message.Message {
		return w.message(id, vim.TypeReserve, vim.ReserveResources{VnfID: vnf, Connection: sim.Default, Fence: 1, Resources: rs})
	}
	release := func(id string, rs ...vim.Release) message.Message {
		return w.message(id, vim.TypeRelease, vim.ReleaseResources{VnfID: vnf, Connection: sim.Default, Resources: rs})
	}
	w.deliver(reserve("r1", network(1)), reserve("r2", network(2), network(3)), reserve("r0"))
	w.run(time.Second)
	w.wantReplies("r2 FAILED permanent", "r0 FAILED permanent", "r1 SUCCEEDED")
	w.wantInventory(network(1))
	var reserved vim.Reserved
	w.into(&reserved)
	if len(reserved.Resources) != 1 || reserved.Resources[0].Token != token(1) || reserved.Resources[0].ID == "" {
		t.Errorf("reserved %+v", reserved)
	}
	gone := vim.Release{Token: token(1), Kind: vim.Network}
	w.deliver(release("d2", gone, gone), release("d1", gone))
	w.run(time.Second)
	w.wantReplies("r2 FAILED permanent", "r0 FAILED permanent", "r1 SUCCEEDED", "d2 FAILED permanent", "d1 SUCCEEDED")
	var released vim.Released
	w.into(&released)
	if !slices.Equal(released.Tokens, []vim.Token{token(1)}) {
		t.Errorf("released %+v", released)
	}
	w.deliver(w.reserve("n1", 1, network(4)), w.release("n2", network(4)))
	w.run(time.Second)
	var tok vim.Token
	if w.into(&tok); tok != token(4) {
		t.Errorf("released %+v", tok)
	}
}

// into decodes the result of the last reply.
func (w *world) into(v any) {
	w.t.Helper()
	msgs, err := w.store.ReadOutbox(w.t.Context(), eventstore.LaneOf(vnf), 0, 1000)
	if err != nil || len(msgs) == 0 {
		w.t.Fatalf("no reply: %v", err)
	}
	if err := json.Unmarshal(decode(w.t, msgs[len(msgs)-1].Data).Result, v); err != nil {
		w.t.Fatal(err)
	}
}

// Rows that an older program left in the middle of a reserve and of a release are gone on with.
func TestRowsOfOlderProgramsAreGoneOnWith(t *testing.T) {
	w := newWorld(t, "")
	old := func(table, id, group, state string, due time.Time, doc string) eventstore.RecordWrite {
		return eventstore.RecordWrite{Record: eventstore.Record{Table: table, ID: id, Key: vnf, Group: group, State: state, Due: due, Doc: json.RawMessage(doc)}}
	}
	tok := func(n int) string { return fmt.Sprintf(`{"id":%q,"generation":1}`, token(n).ID) }
	cmd := func(id, typ string, reserve bool, n int) string {
		return fmt.Sprintf(`{"message":{"id":%q,"type":%q,"topic":"vnfm.vim.commands","key":%q,"time":"2026-01-01T00:00:00Z","correlationId":"op-1","replyTo":"vnfm.replies","data":null},"reserve":%v,"items":[{"token":%s,"kind":"network"}]}`, id, typ, vnf, reserve, tok(n))
	}
	row := func(n int, more string) string {
		return fmt.Sprintf(`{"token":%s,"kind":"network","owner":%q,"spec":{"name":"net","network":{}},"holders":["r0"],%s}`, tok(n), vnf, more)
	}
	_, err := w.doer.Do(t.Context(), &eventstore.Work{Keys: []string{vnf}, Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) {
		return &eventstore.Commit{Records: []eventstore.RecordWrite{
			old(eventstore.TableVimCommands, "r1", sim.Default, "OPEN", time.Time{}, cmd("r1", vim.TypeReserve, true, 1)),
			old(eventstore.TableVimResources, token(1).String(), sim.Default, vimmanager.Wanted, w.now, row(1, `"waiting":["r1"]`)),
			old(eventstore.TableVimCommands, "d2", sim.Default, "OPEN", time.Time{}, cmd("d2", vim.TypeRelease, false, 2)),
			old(eventstore.TableVimResources, token(2).String(), sim.Default, vimmanager.Releasing, w.now, row(2, `"releasing":["d2"]`)),
			old(eventstore.TableVimResources, token(3).String(), sim.Default, vimmanager.Active, time.Time{}, row(3, `"resource":{"token":`+tok(3)+`,"kind":"network","id":"n3","owner":"x","ready":true}`)),
		}}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	w.run(time.Second)
	got := w.replies()
	slices.Sort(got)
	if !slices.Equal(got, []string{"d2 SUCCEEDED", "r1 SUCCEEDED"}) {
		t.Errorf("replies %q", got)
	}
	states := map[string]string{}
	for n := range 3 {
		states[fmt.Sprint(n+1)] = w.state(network(n + 1))
	}
	if !maps.Equal(states, map[string]string{"1": vimmanager.Active, "2": vimmanager.Released, "3": vimmanager.Active}) {
		t.Errorf("the rows are %v", states)
	}
}
