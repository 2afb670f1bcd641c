package lcm_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vnf"
)

// TestConnectFails: however a change fails, it is retried, undone with the addresses that were there, those included that the VIM had
// chosen, or given up, and then another one makes all of it what it is to be. Seen failing with ports changed back to what their
// specification says: the VIM chose another address.
func TestConnectFails(t *testing.T) {
	for name, can := range ways {
		for _, end := range []string{"retry", "rollback", "policy", "fail", "cancel"} {
			for _, breaks := range []int{1, 2, 3, 4, 5} {
				t.Run(fmt.Sprintf("%s, %s, command %d", name, end, breaks), func(t *testing.T) {
					policy := saga.Hold
					if end == "policy" {
						policy = saga.Rollback
					}
					s, id := twoApps(t, lcm.Settings{Attempts: 1, OnFailure: map[vnf.Operation]saga.Policy{vnf.OpChangeExtConn: policy}}, can)
					was, before, entries := s.vnf(id), s.external(id), s.entries(id)
					n, failed := 0, false
					s.script = func(m message.Message) *answer {
						if m.Type == nfvo.TypeRequestGrant {
							return nil
						}
						if n++; n == breaks {
							failed = true
							if end == "cancel" {
								_, err := s.svc.Cancel(s.ctx(), s.vnf(id).Operation, "GRACEFUL", by)
								s.must(err)
								return nil
							}
							return permanent
						}
						return nil
					}
					op := s.connect(id, ext("new", data("app_out", configs("a", fixed("10.8.0.1"), "b", chosen()))))
					s.run()
					s.script = nil
					if o := s.op(op); !failed || o.State == vnf.Completed { // it has fewer commands
						s.wired(id)
						return
					}
					task := map[string]func(string) error{
						"retry":    func(op string) error { _, err := s.svc.Retry(s.ctx(), op, by); return err },
						"rollback": func(op string) error { _, err := s.svc.Rollback(s.ctx(), op, by); return err },
						"cancel":   func(op string) error { _, err := s.svc.Rollback(s.ctx(), op, by); return err },
						"fail":     func(op string) error { _, err := s.svc.Fail(s.ctx(), op, by); return err },
						"policy":   func(string) error { return nil },
					}[end]
					s.must(task(op))
					s.run()
					switch o := s.op(op); end {
					case "retry":
						s.completed(op)
						if got, want := s.external(id), map[string]string{"a": "new net-new 10.8.0.1", "b": "new net-new chosen"}; !reflect.DeepEqual(got, want) {
							t.Errorf("%v", got)
						}
					case "fail":
						if o.State != vnf.Failed {
							t.Fatalf("%s", o.State)
						}
						links := ext("new", data("app_out", configs("a", fixed("10.8.0.1"), "b", chosen())))
						if slices.ContainsFunc(s.vnf(id).Resources, func(r vnf.Resource) bool { return r.MayBeGone }) {
							if _, err := s.svc.ChangeExtConn(s.ctx(), id, lcm.ChangeExtConn{ExtLinks: []lcm.ExtLink{links}}, by); vnfm.KindOf(err) != vnfm.Conflict || !strings.Contains(err.Error(), "heal") {
								t.Errorf("%v", err)
							}
							s.heal(id, lcm.Heal{})
							s.run()
						}
						if len(s.vnf(id).Leftovers) > 0 {
							_, err := s.svc.Cleanup(s.ctx(), id, by)
							s.must(err)
							s.run()
						}
						again := s.connect(id, links)
						s.run()
						if o := s.op(again); o.State != vnf.Completed {
							t.Fatalf("%s: %+v", o.State, o.Error)
						}
						if got, want := s.external(id), map[string]string{"a": "new net-new 10.8.0.1", "b": "new net-new chosen"}; !reflect.DeepEqual(got, want) {
							t.Errorf("%v", got)
						}
					default:
						if o.State != vnf.RolledBack || o.Changes.ExtPorts.Len()+o.Changes.Vnfcs.Len() > 0 || len(o.ExtLinks) > 0 {
							t.Fatalf("%s: %+v", o.State, o.Changes)
						}
						if after := s.external(id); !reflect.DeepEqual(after, before) || !slices.Equal(s.entries(id), entries) {
							t.Errorf("%v\nwas %v", after, before)
						}
						(&chaos{s: s}).sweep(id) // what was refused to be released, and made again
						if now := s.vnf(id); !reflect.DeepEqual(addressesOf(now), addressesOf(was)) {
							t.Errorf("%v\nwas %v", addressesOf(now), addressesOf(was))
						}
					}
					s.wired(id)
					s.consistent(id)
					s.recorded(id)
					s.healable(id)
					s.finish()
				})
			}
		}
	}
}
