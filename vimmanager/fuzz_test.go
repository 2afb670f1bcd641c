package vimmanager_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// FuzzIntake delivers anything as a command of the types there are: it is refused or taken, never an error, which would
// stop its VNF, and never a panic. What is taken is answered.
func FuzzIntake(f *testing.F) {
	for _, seed := range []struct{ typ, data string }{
		{vim.TypeReserveResource, `{"vnfInstanceId":"v","vimConnectionId":"sim-1","fence":1,"token":{"id":"a","generation":1},"kind":"network","spec":{"network":{}}}`},
		{vim.TypeChangeResource, `{"vnfInstanceId":"v","vimConnectionId":"sim-1","token":{"id":"a","generation":1},"kind":"compute","revision":2,"to":{"compute":{"power":"off"}},"graceMs":5}`},
		{vim.TypeChangeResource, `{"revision":9223372036854775807,"graceMs":9223372036854775807,"deadlineMs":-1}`}, {vim.TypeReleaseResource, `{"token":7}`},
		{vim.TypeReserve, `{"vnfInstanceId":"v","vimConnectionId":"sim-1","fence":1,"resources":[{"token":{"id":"a","generation":1},"kind":"network","spec":{"network":{}}}]}`},
		{vim.TypeReserveResource, `{"vnfInstanceId":"v","vimConnectionId":"sim-1","fence":1,"token":{"id":"a","generation":1},"kind":"network","spec":{"network":{}}}`},
		{vim.TypeChangeResource, `{"vnfInstanceId":"v","vimConnectionId":"sim-1","token":{"id":"a","generation":1},"kind":"compute","revision":2,"to":{"compute":{"power":"off"}},"graceMs":5}`},
		{vim.TypeChangeResource, `{"revision":9223372036854775807,"graceMs":9223372036854775807,"deadlineMs":-1}`}, {vim.TypeReleaseResource, `{"token":7}`},
		{vim.TypeReserve, `{"vnfInstanceId":"v","vimConnectionId":"sim-1","resources":[{"kind":"compute"},{"kind":"port","spec":{"port":{"network":"x"}}},{}]}`},
		{vim.TypeRelease, `{"vnfInstanceId":"v","vimConnectionId":"sim-1","resources":[{"token":{"id":"a","generation":1},"kind":"network"}]}`},
		{vim.TypeRelease, `{"resources":[{},{}]}`}, {vim.TypeReserve, `{"resources":null}`}, {vim.TypeReserve, `[]`}, {"vim.dance.v1", `{}`},
	} {
		f.Add(seed.typ, seed.data)
	}
	f.Fuzz(func(t *testing.T, typ, data string) {
		if !json.Valid([]byte(data)) { // the store keeps no other
			return
		}
		if !slices.Contains([]string{vim.TypeReserveResource, vim.TypeChangeResource, vim.TypeReleaseResource, vim.TypeRelease}, typ) {
			typ = vim.TypeReserve
		}
		w := newWorld(t, "")
		w.deliver(message.Message{
			ID: "m", Type: typ, Topic: message.TopicVimCommands, Key: vnf, CorrelationID: "op-1", ReplyTo: message.TopicReplies, Time: w.now, Data: json.RawMessage(data),
		})
		w.run(0)
		if got := w.replies(); len(got) > 1 || len(got) == 1 && !strings.HasPrefix(got[0], "m ") {
			t.Errorf("replies %q", got)
		}
	})
}
