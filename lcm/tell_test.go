package lcm_test

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/configuration"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/lcm/plan/plantest"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

// em calls the element manager, whatever is asked, or who is named.
func em(_, endpoint, named string) (*configuration.Endpoint, error) {
	if named == "nobody" {
		return nil, vnfm.Errorf(vnfm.Unprocessable, "there is no management connection %q", named)
	}
	return &configuration.Endpoint{Connection: cmp.Or(named, "em"), Type: cmp.Or(endpoint, "MGMT"), Cpd: "app_out"}, nil
}

// coordinated is Elastic with coordination actions of an operation.
func coordinated(op vnf.Operation, actions ...vnfd.Coordination) *vnfd.Descriptor {
	d := plantest.Elastic()
	d.Flavours[0].Vdus[0].BootData = nil
	d.Flavours[0].Operations = map[string]vnfd.Operation{string(op): {Coordinations: actions}}
	return d
}

// A VNF is told what an operation has made of it, and of nothing else, with the parameters of its instantiation; and told again what it had
// when the operation is rolled back.
func TestWhatAVnfIsToldAfterOperations(t *testing.T) {
	s := newSite(t, plantest.Elastic(), lcm.Settings{})
	s.managed = em
	id := s.create()
	r := s.request()
	r.AdditionalParams = json.RawMessage(`{"key":"k","managementConnectionId":"mine"}`)
	_, err := s.svc.Instantiate(s.ctx(), id, r, by)
	s.must(err)
	s.run()
	c := s.configured[0]
	if c.Action != "instantiate" || c.Endpoint.Connection != "mine" || c.Endpoint.Address == "" || len(c.Vnfcs) != 2 || len(c.ExtCps) != 1 || string(c.Params) != `{"key":"k"}` {
		t.Fatalf("told %+v", c)
	}
	if cp := c.Vnfcs[0].Cps; len(cp) != 1 || cp[0].Cpd != "app_in" || len(cp[0].IPs) == 0 {
		t.Errorf("connection points %+v", cp)
	}
	address := c.Endpoint.Address

	s.scale(id, "SCALE_OUT", "apps", 1, `{"size":3}`)
	s.run()
	c = s.configured[1]
	var params map[string]any
	s.must(json.Unmarshal(c.Params, &params))
	if len(c.Vnfcs) != 1 || c.Vnfcs[0].Vdu != "app" || len(c.ExtCps) != 1 || c.Endpoint.Connection != "em" || c.Endpoint.Address != address || params["key"] != "k" || params["size"] != 3.0 || len(c.Computes) != 1 {
		t.Errorf("told after a scaling %+v", c)
	}
	added := c.Vnfcs[0].ID

	s.scale(id, "SCALE_IN", "apps", 1)
	s.run()
	c = s.configured[2]
	if !slices.Equal(c.GoneVnfcs, []string{added}) || len(c.GoneCps) != 1 || len(c.Vnfcs) != 0 {
		t.Errorf("told after scaling in %+v", c)
	}

	vnfc := s.vnf(id).Info.Vnfcs[0].ID
	s.heal(id, lcm.Heal{Vnfcs: []string{vnfc}})
	s.run()
	if c = s.configured[3]; len(c.Vnfcs) != 1 || c.Vnfcs[0].ID != vnfc || len(c.Computes) != 1 {
		t.Errorf("told after a healing %+v", c)
	}

	s.script = func(m message.Message) *answer {
		if m.Type == configuration.TypeConfigure && m.ReplyTo != "" {
			return permanent
		}
		return nil
	}
	op := s.scale(id, "SCALE_OUT", "apps", 1)
	s.run()
	if o := s.op(op); o.State != vnf.RolledBack {
		t.Fatalf("%s", o.State)
	}
	c = s.configured[4]
	if c.Action != "rollback" || len(c.GoneVnfcs) != 1 || len(c.GoneCps) != 1 || len(c.Vnfcs) != 0 || string(c.Params) != `{"key":"k"}` {
		t.Errorf("told again %+v", c)
	}
	s.script = nil
	_, err = s.svc.Scale(s.ctx(), id, lcm.Scale{Type: "SCALE_OUT", AspectID: "apps", AdditionalParams: json.RawMessage(`{"managementConnectionId":"nobody"}`)}, by)
	if vnfm.KindOf(err) != vnfm.Unprocessable || attribute(err) != "/additionalParams/managementConnectionId" {
		t.Errorf("a connection that there is not: %v at %s", err, attribute(err))
	}
	s.finish()
}

// Coordinations are asked for in the order that the VNFD has, each at its stage, and recorded.
func TestCoordinationsOfAnOperation(t *testing.T) {
	d := coordinated(vnf.OpScale, vnfd.Coordination{Action: "last", Stage: "end", Endpoint: "VNF"}, vnfd.Coordination{Action: "first", Stage: "start", Inputs: []string{"seconds", "none"}},
		vnfd.Coordination{Action: "second", Stage: "start"}, vnfd.Coordination{Action: "between"})
	s := newSite(t, d, lcm.Settings{})
	s.managed = em
	id := s.up()
	s.sent = nil
	p, err := s.svc.PlanScale(s.ctx(), id, lcm.Scale{Type: "SCALE_OUT", AspectID: "apps"})
	s.must(err)
	planned := 0
	for _, x := range p.Steps {
		if x.Kind == "coordination" {
			planned++
		}
	}
	if planned != 4 {
		t.Errorf("%d coordinations in the dry run", planned)
	}
	op := s.scale(id, "SCALE_OUT", "apps", 1, `{"seconds":3,"other":1}`)
	s.run()
	o := s.op(op)
	if o.State != vnf.Completed {
		t.Fatalf("%s: %+v", o.State, o.Error)
	}
	var order []string
	for _, m := range s.sent {
		switch {
		case m.Type == configuration.TypeCoordinate:
			var c configuration.Coordinate
			s.must(json.Unmarshal(m.Data, &c))
			order = append(order, c.Action)
		case m.Type == configuration.TypeConfigure, m.Type == vim.TypeReserveResource && (len(order) == 0 || order[len(order)-1] != m.Type):
			order = append(order, m.Type)
		}
	}
	if want := []string{"first", "second", vim.TypeReserveResource, "between", configuration.TypeConfigure, "last"}; !slices.Equal(order, want) {
		t.Errorf("order %v, want %v", order, want)
	}
	if c := s.coordinated[0]; string(c.Input) != `{"seconds":3}` || c.Operation != "SCALE" || c.OpID != op || c.Endpoint.Connection != "em" || c.Fence != 2 || c.Endpoint.Address == "" {
		t.Errorf("asked %+v", c)
	}
	if len(o.Coordinations) != 4 || o.Coordinations[3] != (vnf.Coordination{ID: "coordination-last", Action: "last", Endpoint: "VNF", Result: "CONTINUE", Started: o.Coordinations[3].Started, Ended: o.Coordinations[3].Ended}) {
		t.Errorf("recorded %+v", o.Coordinations)
	}
	if !slices.Contains(o.Warnings, "first: mind the gap") {
		t.Errorf("warnings %v", o.Warnings)
	}
	// In the middle is before what is removed.
	s.sent, s.coordinated = nil, nil
	s.scale(id, "SCALE_IN", "apps", 1)
	s.run()
	release := slices.IndexFunc(s.sent, func(m message.Message) bool { return m.Type == vim.TypeReleaseResource })
	between := slices.IndexFunc(s.sent, func(m message.Message) bool { return strings.Contains(string(m.Data), `"between"`) })
	if between < 0 || between > release {
		t.Errorf("in the middle is %d, the first release %d", between, release)
	}
	s.finish()
}

// What an endpoint answers steers the operation.
func TestAnAnswerSteersTheOperation(t *testing.T) {
	scenario := func(t *testing.T, stage, result string) (*site, string, string) {
		t.Helper()
		s := newSite(t, coordinated(vnf.OpScale, vnfd.Coordination{Action: "drain", Stage: stage}), lcm.Settings{})
		s.managed = em
		id := s.up()
		s.script = func(m message.Message) *answer {
			var c configuration.Coordinate
			if m.Type != configuration.TypeCoordinate || result == "" {
				return nil
			}
			s.must(json.Unmarshal(m.Data, &c))
			return &answer{reply: s.outcome(c, result)}
		}
		op := s.scale(id, "SCALE_OUT", "apps", 1)
		s.run()
		return s, id, op
	}
	for _, stage := range []string{"start", "", "end"} {
		s, id, op := scenario(t, stage, configuration.Abort) // SCALE out is rolled back by policy
		o := s.op(op)
		if o.State != vnf.RolledBack || o.Error == nil || !strings.Contains(o.Error.Detail, "ABORT") || len(o.Coordinations) != 1 || o.Coordinations[0].Result != "ABORT" {
			t.Errorf("at %q: %s %+v, %+v", stage, o.State, o.Error, o.Coordinations)
		}
		s.sized(id, 1, 1, 0, 0)
		s.finish()
	}
	d := coordinated(vnf.OpHeal, vnfd.Coordination{Action: "drain", Stage: "start"})
	for _, result := range []string{configuration.Abort, configuration.Cancelled} {
		s := newSite(t, d, lcm.Settings{})
		s.managed = em
		id := s.up()
		s.script = func(m message.Message) *answer {
			var c configuration.Coordinate
			if m.Type != configuration.TypeCoordinate || len(s.coordinated) > 0 || result == "" {
				return nil
			}
			s.must(json.Unmarshal(m.Data, &c))
			return &answer{reply: s.outcome(c, result)}
		}
		op := s.heal(id, lcm.Heal{})
		s.run()
		if o := s.op(op); o.State != vnf.FailedTemp || o.Coordinations[0].Result != result {
			t.Errorf("%s: %s", result, o.State)
		}
		result = ""
		_, err := s.svc.Retry(s.ctx(), op, by)
		s.must(err)
		s.run()
		if o := s.op(op); o.State != vnf.Completed || o.Coordinations[len(o.Coordinations)-1].Result == "" {
			t.Errorf("retried: %s", o.State)
		}
		s.finish()
	}
}

// What becomes known while a coordination goes on is in the occurrence at once; what comes late, or twice, changes nothing.
func TestWhatIsKnownOfACoordination(t *testing.T) {
	s := newSite(t, coordinated(vnf.OpScale, vnfd.Coordination{Action: "drain", Stage: "start"}), lcm.Settings{})
	s.managed = em
	id := s.up()
	var asked message.Message
	s.script = func(m message.Message) *answer {
		if m.Type == configuration.TypeCoordinate {
			asked = m
			return late
		}
		return nil
	}
	op := s.scale(id, "SCALE_OUT", "apps", 1)
	s.settle()
	tell := func(c configuration.Coordination) {
		known, err := json.Marshal(c)
		s.must(err)
		s.reply(message.NewProgress(asked, "/test", s.now, known))
	}
	rejected := configuration.Rejection{At: s.now, Delay: s.now}
	tell(configuration.Coordination{Action: "drain", Endpoint: "MGMT", Rejections: []configuration.Rejection{rejected}})
	going := configuration.Coordination{ID: "k", Action: "drain", Endpoint: "MGMT", Started: s.now, Delay: s.now, Rejections: []configuration.Rejection{rejected}}
	tell(going)
	o := s.op(op)
	if len(o.Rejected) != 1 || o.Rejected[0].Action != "drain" || len(o.Coordinations) != 1 || o.Coordinations[0].Result != "" || o.State != vnf.Processing {
		t.Errorf("%s: %+v, %+v", o.State, o.Rejected, o.Coordinations)
	}
	before := o.Version
	s.reply(message.NewReply(asked, "/test", s.now, message.Reply{Outcome: message.Succeeded, Result: json.RawMessage(`{"id":"k","coordinationActionName":"drain","endpointType":"MGMT","coordinationResult":"CONTINUE"}`)}))
	s.now = s.now.Add(1)
	tell(going)
	s.run()
	if o = s.op(op); o.State != vnf.Completed || o.Coordinations[0].Result != "CONTINUE" || len(o.Rejected) != 1 || o.Version <= before {
		t.Errorf("%s: %+v, %+v", o.State, o.Coordinations, o.Rejected)
	}
	s.finish()
}

// A cancelled operation, and one whose time is over, call off the coordination that is open.
func TestTheCoordinationOfACancelledOperationIsCalledOff(t *testing.T) {
	for _, mode := range []string{"GRACEFUL", "FORCEFUL", "deadline"} {
		s := newSite(t, coordinated(vnf.OpHeal, vnfd.Coordination{Action: "drain", Stage: "start"}), lcm.Settings{Deadline: 1})
		if mode != "deadline" {
			s = newSite(t, coordinated(vnf.OpHeal, vnfd.Coordination{Action: "drain", Stage: "start"}), lcm.Settings{})
		}
		s.managed = em
		id := s.up()
		var asked []message.Message
		s.script = func(m message.Message) *answer {
			if m.Type == configuration.TypeCoordinate {
				asked = append(asked, m)
				return late
			}
			return nil
		}
		op := s.heal(id, lcm.Heal{})
		s.settle()
		if mode == "deadline" {
			s.fire()
		} else {
			_, err := s.svc.Cancel(s.ctx(), op, mode, by)
			s.must(err)
		}
		s.settle()
		if len(s.calledOff) != 1 || s.calledOff[0] != s.coordinated[0].Token {
			t.Errorf("%s: called off %v", mode, s.calledOff)
		}
		s.reply(message.NewReply(asked[0], "/test", s.now, s.outcome(s.coordinated[0], configuration.Cancelled)))
		s.run()
		if o := s.op(op); o.State != vnf.FailedTemp || len(o.Coordinations) != 1 || o.Coordinations[0].Result != "CANCELLED" {
			t.Errorf("%s: %s, %+v", mode, o.State, o.Coordinations)
		}
	}
}

// An action that nobody can be asked about is a warning; a FORCEFUL termination goes on without.
func TestWhatCannotBeCoordinated(t *testing.T) {
	d := coordinated(vnf.OpTerminate, vnfd.Coordination{Action: "drain", Stage: "start", Endpoint: "MGMT"})
	s := newSite(t, d, lcm.Settings{})
	id := s.up()
	op := s.terminate(id, lcm.Terminate{Type: "GRACEFUL"})
	s.run()
	if o := s.op(op); o.State != vnf.Completed || !slices.ContainsFunc(o.Warnings, func(w string) bool { return strings.Contains(w, "drain is not coordinated") }) {
		t.Errorf("%s: %v", o.State, o.Warnings)
	}
	for kind, want := range map[string]vnf.OpState{"GRACEFUL": vnf.FailedTemp, "FORCEFUL": vnf.Completed} {
		s := newSite(t, d, lcm.Settings{})
		s.managed = em
		id := s.up()
		s.script = func(m message.Message) *answer {
			if m.Type == configuration.TypeCoordinate {
				return permanent
			}
			return nil
		}
		op := s.terminate(id, lcm.Terminate{Type: kind})
		s.run()
		if o := s.op(op); o.State != want {
			t.Errorf("%s: %s", kind, o.State)
		}
	}
}

// The properties of VNFCs are modified by a merge patch, told to the VNF with the next operation that touches the VNFC, and kept. Seen
// failing with the properties lost in a healing.
func TestPropertiesOfVnfcs(t *testing.T) {
	s := newSite(t, coordinated(vnf.OpHeal), lcm.Settings{})
	s.managed = em
	id := s.up()
	vnfc := s.vnf(id).Info.Vnfcs[0].ID
	modify := func(patch string) (*vnf.OpOcc, error) {
		var values map[string]json.RawMessage
		s.must(json.Unmarshal([]byte(patch), &values))
		return s.svc.Modify(s.ctx(), id, lcm.Modify{Vnfcs: map[string]map[string]json.RawMessage{vnfc: values}, Params: json.RawMessage(`{}`)}, by)
	}
	_, err := modify(`{"role":"active","gone":1}`)
	s.must(err)
	s.run()
	op, err := modify(`{"gone":null,"weight":{"a":1}}`)
	s.must(err)
	s.run()
	op = s.completed(op.ID)
	if c := op.ChangedInfo.Vnfcs[vnfc]; len(c) != 2 || string(c["gone"]) != "null" {
		t.Errorf("changed %s", c)
	}
	s.heal(id, lcm.Heal{Vnfcs: []string{vnfc}})
	s.run()
	c := s.configured[len(s.configured)-1]
	if got := string(c.Vnfcs[0].Properties); got != `{"role":"active","weight":{"a":1}}` {
		t.Errorf("told %s", got)
	}
	if got := s.vnf(id).Info.Vnfcs[0].Configurable; len(got) != 2 {
		t.Errorf("kept %s", got)
	}
	_, err = s.svc.Modify(s.ctx(), id, lcm.Modify{Vnfcs: map[string]map[string]json.RawMessage{"none": {}}}, by)
	if vnfm.KindOf(err) != vnfm.Unprocessable {
		t.Errorf("a VNFC that there is not: %v", err)
	}
	s.finish()
}

// An operation that nobody asked for says so, to whoever grants it, too.
func TestAnAutomaticInvocation(t *testing.T) {
	s := newSite(t, plantest.Minimal(), lcm.Settings{})
	id := s.up()
	policy := by
	policy.Actor, policy.Automatic = "vnfm", true
	op, err := s.svc.Heal(s.ctx(), id, lcm.Heal{}, policy)
	s.must(err)
	s.sent = nil
	s.run()
	var grant nfvo.GrantRequest
	s.must(json.Unmarshal(s.sent[0].Data, &grant))
	if o := s.op(op.ID); !o.Automatic || !grant.Automatic || o.State != vnf.Completed {
		t.Errorf("%+v, grant %+v", o.Automatic, grant.Automatic)
	}
	s.finish()
}
