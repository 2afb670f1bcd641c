package server_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/vnfm/vnfm/message"
)

// shown is what of a VNF is compared.
type shown struct {
	Name, VnfdID, State string
	Vnfcs               map[string]bool
}

// inventoryOf rebuilds the VNFs from the topic of events alone, as a reader elsewhere does (deploy/examples/inventory.py). Where a relay
// was stopped, what it had under way comes again.
func inventoryOf(t *testing.T, b *broker, again bool) map[string]*shown {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(b.cluster.ListenAddrs()...), kgo.ConsumeTopics(message.TopicVnfEvents),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	vnfs, versions := map[string]*shown{}, map[string]string{}
	valid := described(t)
	for left := b.records(message.TopicVnfEvents); left > 0; {
		f := cl.PollFetches(t.Context())
		if err := f.Err(); err != nil {
			t.Fatal(err)
		}
		for _, r := range f.Records() {
			left--
			h := map[string]string{}
			for _, one := range r.Headers {
				if len(one.Value) == 0 {
					t.Errorf("header %s is empty", one.Key)
				}
				h[one.Key] = string(one.Value)
			}
			if h["ce_streamversion"] == versions[h["ce_subject"]] && again {
				continue
			}
			if h["ce_streamversion"] == versions[h["ce_subject"]] {
				t.Errorf("%s comes twice in version %s", h["ce_subject"], h["ce_streamversion"])
			}
			versions[h["ce_subject"]] = h["ce_streamversion"]
			valid(h["ce_type"]+".v"+h["ce_schema"], r.Value)
			happened(t, vnfs, string(r.Key), h["ce_type"], r.Value)
		}
	}
	return vnfs
}

// described returns what fails when an event is not as the published description says.
func described(t *testing.T) func(name string, data []byte) {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "docs", "reference", "asyncapi.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	doc, err := jsonschema.UnmarshalJSON(f)
	c := jsonschema.NewCompiler()
	if err == nil {
		err = c.AddResource("mem:///asyncapi.json", doc)
	}
	if err != nil {
		t.Fatal(err)
	}
	return func(name string, data []byte) {
		t.Helper()
		schema, err := c.Compile("mem:///asyncapi.json#/components/messages/" + name + "/payload")
		if err != nil {
			t.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err == nil {
			err = schema.Validate(v)
		}
		if err != nil {
			t.Errorf("%s is not as described: %v", name, err)
		}
	}
}

// happened says what an event means for the inventory.
func happened(t *testing.T, vnfs map[string]*shown, key, kind string, data []byte) {
	t.Helper()
	type vnfc struct{ ID string }
	var d struct {
		Name, VnfdID, VnfInstanceName string
		InstantiatedInfo, Added       struct{ Vnfcs []vnfc }
		Released                      []string
	}
	if strings.HasPrefix(kind, "vnf.") {
		if err := json.Unmarshal(data, &d); err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
	}
	v := vnfs[key]
	switch kind {
	case "vnf.instance-created":
		vnfs[key] = &shown{d.Name, d.VnfdID, "NOT_INSTANTIATED", map[string]bool{}}
		return
	case "vnf.instance-deleted":
		delete(vnfs, key)
		return
	case "vnf.instantiated":
		v.State = "INSTANTIATED"
	case "vnf.terminated":
		v.State = "NOT_INSTANTIATED"
		clear(v.Vnfcs)
	case "vnf.modified":
		if d.VnfInstanceName != "" {
			v.Name = d.VnfInstanceName
		}
	}
	for _, c := range append(d.InstantiatedInfo.Vnfcs, d.Added.Vnfcs...) {
		v.Vnfcs[c.ID] = true
	}
	for _, id := range d.Released {
		delete(v.Vnfcs, id)
	}
}

// Who reads the topic of events from its start, and nothing else, has the inventory that the API shows.
func TestTheInventoryIsRebuiltFromTheEventsAlone(t *testing.T) {
	b := startBroker(t)
	p := startProgram(t, b.flag())
	first, second, third := p.create("first"), p.create("second"), p.create("third")
	p.run(first, "instantiate", instantiate)
	p.run(second, "instantiate", instantiate)
	p.run(second, "scale", map[string]any{"type": "SCALE_OUT", "aspectId": "throughput"})
	p.run(first, "terminate", terminate)
	p.must(204, "DELETE", "/vnflcm/v2/vnf_instances/"+third, nil)
	want := map[string]*shown{}
	for _, id := range []string{first, second} {
		v := p.must(200, "GET", "/vnflcm/v2/vnf_instances/"+id, nil)
		s := &shown{text(v, "vnfInstanceName"), text(v, "vnfdId"), text(v, "instantiationState"), map[string]bool{}}
		if list, ok := field(v, "instantiatedVnfInfo", "vnfcResourceInfo").([]any); ok {
			for _, c := range list {
				s.Vnfcs[text(c, "id")] = true
			}
		}
		want[id] = s
	}
	events := domainEvents(p)
	p.await("all events", func() bool { return b.records(message.TopicVnfEvents) >= events })
	got := inventoryOf(t, b, false)
	if len(got) != len(want) {
		t.Fatalf("%d VNFs, want %d", len(got), len(want))
	}
	for id, w := range want {
		g := got[id]
		if g == nil || g.Name != w.Name || g.VnfdID != w.VnfdID || g.State != w.State || !maps.Equal(g.Vnfcs, w.Vnfcs) {
			t.Errorf("VNF %s is %+v, want %+v", id, g, w)
		}
	}
	if len(want[second].Vnfcs) < 2 {
		t.Errorf("the VNF that was scaled has %d VNFCs", len(want[second].Vnfcs))
	}
}

// domainEvents counts the events of VNFs and operations.
func domainEvents(p *program) (n int64) {
	for _, e := range p.must(200, "GET", "/vnfm/v1/events", nil).([]any) { //nolint:forcetypeassert // a list
		if s := text(e, "stream"); strings.HasPrefix(s, "vnf-") || strings.HasPrefix(s, "opocc-") {
			n++
		}
	}
	return n
}
