package lcm_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

// shop is a VNF of charts whose flavours have VDUs that go and come, by the values of a chart and by charts: the chart "app" makes VDU1 and, in the
// first flavour, VDU2; "db", of the other flavour, makes VDU3, and "base" is of the first alone.
func shop(t *testing.T, settings lcm.Settings, can vim.InPlace) (*site, string) {
	t.Helper()
	n := func(n int) *int { return &n }
	vdu := func(id string, count int) vnfd.Vdu {
		return vnfd.Vdu{ID: id, Name: strings.ToLower(id), Min: 0, Max: 6, Initial: n(count), Container: true}
	}
	app := func(vdus ...string) vnfd.Mciop { return vnfd.Mciop{ID: "app", Chart: "Files/app.tgz", Vdus: vdus} }
	d := &vnfd.Descriptor{
		ID: "shop", Version: "1.0", Provider: "Company", ProductName: "Sample", SoftwareVersion: "1.0",
		Flavours: []vnfd.Flavour{
			{
				ID: "simple", Vdus: []vnfd.Vdu{vdu("VDU1", 2), vdu("VDU2", 1)},
				Mciops:  []vnfd.Mciop{app("VDU1", "VDU2"), {ID: "base", Chart: "Files/base"}},
				Aspects: []vnfd.Aspect{{ID: "fronts", MaxLevel: 2, Steps: map[string][]int{"VDU1": {1, 1}}}},
			},
			{
				ID: "large", Vdus: []vnfd.Vdu{vdu("VDU1", 3), vdu("VDU3", 2)},
				Mciops:  []vnfd.Mciop{app("VDU1"), {ID: "db", Chart: "Files/db.tgz", Vdus: []string{"VDU3"}, After: []string{"app"}}},
				Aspects: []vnfd.Aspect{{ID: "stores", MaxLevel: 1, Steps: map[string][]int{"VDU3": {1}}}},
			},
		},
	}
	s := newSite(t, d, settings)
	s.files = map[string]string{"Files/app.tgz": "app", "Files/db.tgz": "db", "Files/base/Chart.yaml": "name: base"}
	s.can = can
	id := s.create()
	op, err := s.svc.Instantiate(s.ctx(), id, lcm.Instantiate{FlavourID: "simple", AdditionalParams: json.RawMessage(
		`{"helm_value_names":{"VDU2":{"replica":"back.n"}},"helm_replica_values":{"fronts":"front.n"},"helm_parameters":{"port":80}}`)}, by)
	s.must(err)
	s.ended(op.ID)
	s.sent = nil
	return s, id
}

// charts are what VIMs can change of releases.
var chartsCan = map[string]vim.InPlace{
	"in place":        {vim.Unit: {vim.AttributeCounts, vim.AttributeValues, vim.AttributeObjects, vim.AttributeGone}},
	"everything anew": {},
}

// stand counts the pods at the VIM, by release and VDU.
func (s *site) stand() map[string]map[string]int {
	out := map[string]map[string]int{}
	for token, r := range s.held {
		c, ok := vim.ChartOf(s.specs[token].Unit)
		if !ok {
			continue
		}
		out[c.Path] = map[string]int{}
		for _, p := range r.Pods {
			out[c.Path][p.Vdu]++
		}
	}
	return out
}

// counted asserts what stands, and what the records say.
func (s *site) counted(id, flavour string, want map[string]map[string]int) {
	s.t.Helper()
	if got := s.stand(); !maps.EqualFunc(got, want, maps.Equal[map[string]int, map[string]int]) {
		s.t.Errorf("at the VIM are %v, want %v", got, want)
	}
	sum := map[string]int{}
	for _, of := range want {
		for vdu, n := range of {
			sum[vdu] += n
		}
	}
	if got := s.vdus(id); !maps.Equal(got, sum) || s.vnf(id).Info.FlavourID != flavour {
		s.t.Errorf("the VNFCs of %s are %v, want %v", s.vnf(id).Info.FlavourID, got, sum)
	}
	s.podsByVdu(id)
	s.recorded(id)
}

var (
	simpleShop = map[string]map[string]int{"Files/app.tgz": {"VDU1": 2, "VDU2": 1}, "Files/base": {}}
	largeShop  = map[string]map[string]int{"Files/app.tgz": {"VDU1": 3}, "Files/db.tgz": {"VDU3": 2}}
)

// TestChartsComeAndGoWithAFlavour: VDUs come and go by what a chart makes, and by charts; the VNFCs of VDUs that stay stay, with their pods; the
// aspects are those of the new flavour, which scale; and back. Seen failing: it was refused.
func TestChartsComeAndGoWithAFlavour(t *testing.T) {
	s, id := shop(t, lcm.Settings{}, chartsCan["in place"])
	s.counted(id, "simple", simpleShop)
	first := s.podsByVdu(id)
	o := s.ended(s.flavour(id, lcm.ChangeFlavour{FlavourID: "large"}))
	s.counted(id, "large", largeShop)
	changes := map[vnf.ChangeType]int{}
	for _, a := range o.Changes.Vnfcs.All() {
		changes[a.Change]++
	}
	if now := s.podsByVdu(id); !slices.Equal(now["VDU1"][:2], first["VDU1"]) || !maps.Equal(changes, map[vnf.ChangeType]int{vnf.Added: 3, vnf.Removed: 1}) {
		t.Errorf("the pods are %v, were %v; affected: %v", now, first, changes)
	}
	if i := s.vnf(id).Info; !slices.Equal(i.ScaleStatus, []vnf.ScaleInfo{{AspectID: "stores"}}) || !slices.Equal(i.MaxScaleLevels, []vnf.ScaleInfo{{AspectID: "stores", Level: 1}}) {
		t.Errorf("%v of %v", i.ScaleStatus, i.MaxScaleLevels)
	}
	for token := range s.held {
		u := s.specs[token].Unit
		if c, ok := vim.ChartOf(u); ok && c.Path == "Files/app.tgz" && (u.Counts["VDU2"] != 0 || len(c.Workloads) != 2 || c.Workloads[1].Value != "back.n") {
			t.Errorf("the chart may go on making VDU2: %+v of %v", c, u.Counts)
		} else if ok && (c.Namespace != ownNamespaceOf(id) || string(u.Values) != `{"set":{"port":80}}`) {
			t.Errorf("%s is in %q with %s", c.Path, c.Namespace, u.Values)
		}
	}
	s.ended(s.scale(id, "SCALE_OUT", "stores", 1))
	s.counted(id, "large", map[string]map[string]int{"Files/app.tgz": {"VDU1": 3}, "Files/db.tgz": {"VDU3": 3}})
	s.ended(s.flavour(id, lcm.ChangeFlavour{FlavourID: "simple"}))
	s.counted(id, "simple", simpleShop)
	if now := s.podsByVdu(id); !slices.Equal(now["VDU1"], first["VDU1"]) {
		t.Errorf("the pods are %v, were %v", now, first)
	}
	s.ended(s.scale(id, "SCALE_OUT", "fronts", 1))
	s.ended(s.terminate(id, lcm.Terminate{Type: "FORCEFUL"}))
	if len(s.held) != 0 {
		t.Errorf("left: %v", s.held)
	}
	s.finish()
}

func ownNamespaceOf(id string) string { return "vnf-" + id }

// TestChartsOfAFlavourAreGranted: what makes pods and is new is asked for, what goes is said to, and what is new is where the rest is.
func TestChartsOfAFlavourAreGranted(t *testing.T) {
	s, id := shop(t, lcm.Settings{}, chartsCan["in place"])
	s.ended(s.flavour(id, lcm.ChangeFlavour{FlavourID: "large"}))
	if len(s.asked.Add) != 1 || s.asked.Add[0].TemplateID != "db" || len(s.asked.Update) != 1 || len(s.asked.SameVim) != 1 {
		t.Errorf("asked to add %+v, to update %+v, together %+v", s.asked.Add, s.asked.Update, s.asked.SameVim)
	}
	at := map[string]bool{}
	for _, r := range s.vnf(id).Resources {
		at[r.Connection] = true
	}
	if len(at) != 1 {
		t.Errorf("the VNF is at %v", at)
	}
}

// TestContainersChangeFlavourFails: whatever command of a change fails, is refused or is interrupted, the change is tried again, undone to what was there,
// or given up; then healed, and made.
func TestContainersChangeFlavourFails(t *testing.T) {
	for name, can := range chartsCan {
		for e, end := range []string{"retry", "rollback", "policy", "fail", "cancel"} {
			for breaks := 1 + e%stride; breaks < 8; breaks += stride {
				t.Run(fmt.Sprintf("%s, %s, command %d", name, end, breaks), func(t *testing.T) {
					policy := saga.Hold
					if end == "policy" {
						policy = saga.Rollback
					}
					s, id := shop(t, lcm.Settings{Attempts: 1, OnFailure: map[vnf.Operation]saga.Policy{vnf.OpChangeFlavour: policy}}, can)
					s.rebuildingFails(id, end, breaks, func() string { return s.flavour(id, lcm.ChangeFlavour{FlavourID: "large"}) }, func() {
						s.counted(id, "large", largeShop)
					})
					if s.vnf(id).Info.FlavourID == "simple" && end != "fail" {
						s.counted(id, "simple", simpleShop)
					}
				})
			}
		}
	}
}

// TestContainersChangeFlavourOnceMore: each command of a change is carried out and its answer lost, as when somebody dies right after it, or it is not
// carried out, as right before: the change comes about once.
func TestContainersChangeFlavourOnceMore(t *testing.T) {
	for _, after := range []bool{false, true} {
		for lost := 1; lost < 8; lost++ {
			t.Run(fmt.Sprintf("done %v, command %d", after, lost), func(t *testing.T) {
				s, id := shop(t, lcm.Settings{Attempts: 3}, chartsCan["in place"])
				s.loses(lost, after)
				op := s.flavour(id, lcm.ChangeFlavour{FlavourID: "large"})
				s.run()
				if o := s.op(op); o.State != vnf.Completed {
					t.Fatalf("%s: %+v", o.State, o.Error)
				}
				s.counted(id, "large", largeShop)
				s.finish()
			})
		}
	}
}

// TestADyingChangeOfFlavourOfManifests is the same for objects of manifests: another one comes, one goes, and there are more pods.
func TestADyingChangeOfFlavourOfManifests(t *testing.T) {
	for _, after := range []bool{false, true} {
		for lost := 1; lost < 7; lost++ {
			t.Run(fmt.Sprintf("done %v, command %d", after, lost), func(t *testing.T) {
				s, id := containers(t, "")
				big, four := s.d.Flavours[0], 4
				big.ID, big.Vdus = "big", slices.Clone(big.Vdus)
				big.Vdus[0].Initial = &four
				s.d.Flavours = append(s.d.Flavours, big)
				s.files = maps.Clone(s.files)
				s.files["Files/more.yaml"] = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more}\n"
				before, pods := len(s.held), s.pods(id)
				s.loses(lost, after)
				op := s.flavour(id, lcm.ChangeFlavour{FlavourID: "big", AdditionalParams: json.RawMessage(`{"lcm-kubernetes-def-files":["Files/web.yaml","Files/rest.yaml","Files/more.yaml"]}`)})
				s.run()
				if o := s.op(op); o.State != vnf.Completed {
					t.Fatalf("%s: %+v", o.State, o.Error)
				}
				if now := s.pods(id); len(s.held) != before+1 || len(now) != 4 || !slices.Equal(now[:2], pods) {
					t.Errorf("%d objects, %d before; pods %v, %v before", len(s.held), before, now, pods)
				}
				s.recorded(id)
				s.finish()
			})
		}
	}
}

// loses lets the answer to one command, counted from the operation's first, get lost; done says whether it is carried out.
func (s *site) loses(nth int, done bool) {
	n := 0
	s.script = func(message.Message) *answer {
		if n++; n == nth {
			return &answer{effect: done, lost: true}
		}
		return nil
	}
}

// TestContainersScaleAfterAChangeWasGivenUp: a change of flavour is given up at each of its commands, some of them after the workload has the number of
// pods of the other flavour; then the VNF is scaled to a level, and has the pods that the level says. Seen failing: it counted from what the workload had.
func TestContainersScaleAfterAChangeWasGivenUp(t *testing.T) {
	for breaks := 1; breaks < 5; breaks++ {
		t.Run(fmt.Sprintf("command %d", breaks), func(t *testing.T) {
			s, id := containers(t, "")
			s.ended(s.scale(id, "SCALE_OUT", "webs", 2))
			few, one := s.d.Flavours[0], 1
			few.ID, few.Vdus, few.Aspects = "few", slices.Clone(few.Vdus), nil
			few.Vdus[0].Initial = &one
			s.d.Flavours = append(s.d.Flavours, few)
			n := 0
			s.script = func(m message.Message) *answer {
				if m.Type == nfvo.TypeRequestGrant {
					return nil
				}
				if n++; n < breaks {
					return nil
				}
				return permanent
			}
			op := s.flavour(id, lcm.ChangeFlavour{FlavourID: "few", AdditionalParams: json.RawMessage(`{"lcm-kubernetes-def-files":["Files/web.yaml"]}`)})
			s.settle()
			if s.script = nil; s.op(op).State == vnf.Completed {
				return // it has fewer commands
			}
			_, err := s.svc.Fail(s.ctx(), op, by)
			s.must(err)
			s.settle()
			s.ended(s.scaleTo(id, lcm.ScaleToLevel{Scale: []lcm.AspectLevel{{AspectID: "webs", Level: 0}}}))
			stand := 0
			for _, r := range s.held {
				stand += len(r.Pods)
			}
			if stand != 2 || len(s.vnf(id).Info.Vnfcs) != 2 {
				t.Errorf("%d pods stand, %d are recorded", stand, len(s.vnf(id).Info.Vnfcs))
			}
		})
	}
}
