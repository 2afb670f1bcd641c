package desired_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/cmd/vnfm/desired"
	"github.com/vnfm/vnfm/sol"
)

const descriptor = `{"flavours":[{"flavourId":"small","defaultLevel":"idle","instantiationLevels":[
	{"levelId":"idle","scaleInfo":{"a":0,"b":0}},{"levelId":"busy","scaleInfo":{"a":2,"b":1}}]}]}`

const instance = `{"id":"i","vnfInstanceName":"v","vnfdId":"d","instantiationState":"INSTANTIATED","metadata":{"m":1},"extensions":{"e":"***"},
	"vnfConfigurableProperties":{"p":{"x":1}},"instantiatedVnfInfo":{"flavourId":"small","vnfState":"STARTED","scaleStatus":[{"aspectId":"a","scaleLevel":0},{"aspectId":"b","scaleLevel":0}],
	"extVirtualLinkInfo":[{"id":"l","resourceHandle":{"vimConnectionId":"v1","resourceId":"n"},"currentVnfExtCpData":[{"cpdId":"c","cpConfig":{"1":{"linkPortId":"p","createExtLinkPort":true}}}]}]}}`

// Each difference is one step, in an order in which they can be done; what is not named stays. Seen failing with each comparison left out.
func TestSteps(t *testing.T) {
	for want, file := range map[string]string{
		"":                              "",
		"upgrade d → e":                 "vnfd: e",
		"flavour small → big":           "flavour: big",
		"scale a 0 → 2, b 0 → 1":        "level: busy",
		"scale a 0 → 2":                 "level: busy\nscale: {b: 0}",
		"scale b 0 → 3":                 "scale: {b: 3}",
		"scale c ? → 1":                 "scale: {c: 1}",
		"modify metadata.m, metadata.n": "metadata: {m: 2, n: 3}",
		"modify metadata.m":             "metadata: {m: null, other: null}",
		"modify properties.p":           "properties: {p: {x: 2}}",
		"modify extensions.f":           "extensions: {e: secret, f: 1}",
		"modify description":            "description: new",
		"operate STARTED → STOPPED":     "state: STOPPED",
		"connect l":                     "links: [{id: l, resourceId: other, extCps: []}]",
		"connect m":                     "links: [{id: m, resourceId: n, extCps: []}]",
		"connect l ":                    "links: [{id: l, resourceId: n, extCps: [{cpdId: c, cpConfig: {'1': {linkPortId: q}}}]}]",
		" ":                             "links: [{id: l, resourceId: n, extCps: [{cpdId: c, cpConfig: {'1': {linkPortId: p}}}]}]\nproperties: {p: {x: 1}}\nmetadata: {m: 1}",
		"upgrade d → e; flavour small → big ": "vnfd: e\nflavour: big",
		"terminate gracefully":                "state: NOT_INSTANTIATED",
		"terminate gracefully; delete":        "state: ABSENT",
	} {
		vnfd, rest := "d", file
		if strings.HasPrefix(file, "vnfd: e") {
			vnfd, rest = "e", strings.TrimPrefix(file, "vnfd: e")
		}
		if !strings.Contains(rest, "flavour:") {
			rest += "\nflavour: small"
		}
		all, err := desired.Read(strings.NewReader("name: v\npackage: x\n"+rest+"\n"), "file")
		if err != nil {
			t.Fatalf("%s: %v", rest, err)
		}
		l := &desired.Look{VnfdID: vnfd, Instance: &sol.VnfInstance{}, Descriptor: &sol.VnfdView{}}
		if json.Unmarshal([]byte(instance), l.Instance) != nil || json.Unmarshal([]byte(descriptor), l.Descriptor) != nil {
			t.Fatal("the instance is not read")
		}
		if got := said(all[0].Steps(l)); got != strings.TrimSpace(want) {
			t.Errorf("%q: %q, want %q", file, got, want)
		}
	}
}

func said(steps []desired.Step) string {
	var out []string
	for _, s := range steps {
		out = append(out, strings.TrimSpace(string(s.Verb)+" "+s.What))
	}
	return strings.Join(out, "; ")
}

// What the server shows of a secret value is no value: it is left out, and named.
func TestSecretValuesAreLeftOut(t *testing.T) {
	var v sol.VnfInstance
	if err := json.Unmarshal([]byte(instance), &v); err != nil {
		t.Fatal(err)
	}
	got, hidden := desired.Of(&v)
	if len(hidden) != 1 || hidden[0] != "extensions.e" || len(got.Extensions) != 0 || string(got.Properties["p"]) != `{"x":1}` {
		t.Errorf("%+v, hidden %v", got, hidden)
	}
	// Steps never show their requests, which may hold secrets.
	b, err := json.Marshal(desired.Step{Verb: desired.Modify, Request: sol.InstantiateVnfRequest{AdditionalParams: sol.KeyValuePairs{"k": json.RawMessage(`"canary"`)}}})
	if err != nil || strings.Contains(string(b), "canary") {
		t.Errorf("%s %v", b, err)
	}
}
