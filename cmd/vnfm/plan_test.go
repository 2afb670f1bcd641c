package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// planned is what an operation would do that does everything there is.
const planned = `{"vnfInstanceId":"` + vnf + `","operation":"OPERATE","policy":"hold","reversible":true,"steps":[
	{"stage":"clear-computes","nextStage":"computes","action":"replace","id":"c1","kind":"compute","name":"fw1-0","vduId":"gateway","resourceTemplateId":"gateway","vimConnectionId":"sim-1","why":["image"]},
	{"stage":"networks","action":"create","id":"n1","kind":"network","name":"fw1-control","resourceTemplateId":"control"},
	{"stage":"computes","action":"change","id":"c2","kind":"compute","name":"fw1-manager-0","vduId":"manager","resourceTemplateId":"manager","vimConnectionId":"sim-1","why":["power","metadata"],"optional":true},
	{"stage":"computes","action":"create","id":"c3","kind":"compute","name":"fw1-2","resourceTemplateId":"gateway"},
	{"stage":"release-ports","action":"release","id":"p1","kind":"port","name":"fw1-p","resourceTemplateId":"cp","vimConnectionId":"sim-1"},
	{"stage":"configure","action":"configure","id":"k","kind":"configuration","name":"fw1-configuration"}],
	"counts":{"create":2,"change":1,"replace":1,"release":1},"grantRequest":{"vnfInstanceId":"` + vnf + `","operation":"OPERATE"},"warnings":["mind the gap"]}`

// TestDryRun: with --dry-run an operation is planned by its own request, and nothing is begun. Seen failing with the flag looked
// at after the operation was begun.
func TestDryRun(t *testing.T) {
	const path = "POST /vnfm/v1/vnf_instances/" + vnf + "/plan"
	for args, want := range map[string]string{
		"vnf instantiate fw1 --flavour simple --param a=1":       `{"operation":"INSTANTIATE","request":{"flavourId":"simple","additionalParams":{"a":1}}}`,
		"vnf terminate fw1 --graceful=9s":                        `{"operation":"TERMINATE","request":{"terminationType":"GRACEFUL","gracefulTerminationTimeout":9}}`,
		"vnf operate fw1 --to STOPPED --vnfc c1 --graceful":      `{"operation":"OPERATE","request":{"vnfcInstanceId":["c1"],"changeStateTo":"STOPPED","stopType":"GRACEFUL"}}`,
		"vnf heal fw1 --cause smoke --all":                       `{"operation":"HEAL","request":{"cause":"smoke","additionalParams":{"all":true}}}`,
		"vnf connect fw1 --link network=n,cpd=c":                 `{"operation":"CHANGE_EXT_CONN","request":{"extVirtualLinks":[{"id":"ext-n","resourceId":"n","extCps":[{"cpdId":"c","cpConfig":{"1":{"cpProtocolData":[{"layerProtocol":"IP_OVER_ETHERNET","ipOverEthernet":{"ipAddresses":[{"type":"IPV4","numDynamicAddresses":1}]}}]}}}]}]}}`,
		"vnf sync fw1 --confirm":                                 `{"operation":"SYNC","request":{"repair":true,"confirmed":true}}`,
		"vnf flavour fw1 --to big":                               `{"operation":"CHANGE_FLAVOUR","request":{"newFlavourId":"big"}}`,
		"vnf scale fw1 --in a":                                   `{"operation":"SCALE","request":{"type":"SCALE_IN","aspectId":"a"}}`,
		"vnf scale-to fw1 --level l":                             `{"operation":"SCALE_TO_LEVEL","request":{"instantiationLevelId":"l"}}`,
		"vnf operate fw1 --to STARTED --no-wait -o json":         `{"operation":"OPERATE","request":{"changeStateTo":"STARTED"}}`,
		"vnf instantiate fw1 --flavour simple --no-wait -o yaml": `{"operation":"INSTANTIATE","request":{"flavourId":"simple"}}`,
	} {
		f := newFake(t)
		f.queue[path] = []string{planned}
		code, out, errs := f.vnfm("", append(strings.Fields(args), "--dry-run")...)
		if code != exitOK || !slices.Equal(f.sent, []string{path + " " + want}) {
			t.Errorf("%s: exit %d, sent %q\n%s", args, code, f.sent, errs)
		}
		if json := json.Valid([]byte(out)); json != strings.Contains(args, "json") || !strings.Contains(out, "mind the gap") {
			t.Errorf("%s:\n%s", args, out)
		}
	}
	f := newFake(t)
	f.queue[path], f.codes[path] = []string{`{"status":422,"title":"Unprocessable Entity","detail":"request/flavourId: there is no flavour"}`}, 422
	code, out, errs := f.vnfm("", "vnf", "instantiate", "fw1", "--flavour", "x", "--dry-run")
	if code != exitServer || out != "" || !strings.Contains(errs, "there is no flavour") {
		t.Errorf("exit %d, %s%s", code, out, errs)
	}
}

// What differs is told for people and for programs, by drift and by a sync that repairs nothing; one that repairs is an operation.
func TestDrift(t *testing.T) {
	const differs = `{"vnfInstanceId":"` + vnf + `","inSync":false,"operationUnderWay":"o1","differences":[
		{"type":"missing","id":"p","generation":1,"kind":"port","name":"fw1-p","vimConnectionId":"sim-1","resourceId":"port-1","vnfcInfoIds":["c"]},
		{"type":"changed","id":"c","generation":1,"kind":"compute","name":"fw1-c","vimConnectionId":"sim-1","resourceId":"compute-1","vnfcInfoIds":["c"],
			"fields":[{"attribute":"power","recorded":"on","found":"off"},{"attribute":"ports","recorded":"port-1","found":""}]},
		{"type":"changed","id":"v","generation":1,"kind":"volume","name":"fw1-v","vimConnectionId":"sim-1","kept":"a volume does not shrink","fields":[{"attribute":"size","recorded":"1","found":"2"}]},
		{"type":"orphaned","id":"x","generation":3,"kind":"port","vimConnectionId":"sim-1","resourceId":"port-9"}],
		"vims":[{"vimConnectionId":"sim-1","recorded":9,"found":4,"suspect":true},{"vimConnectionId":"sim-2","recorded":1,"found":0,"error":"it does not tell"}]}`
	for args, sent := range map[string]string{
		"vnf drift fw1": "GET /vnfm/v1/vnf_instances/" + vnf + "/drift", "vnf sync fw1": "POST /vnfm/v1/vnf_instances/" + vnf + "/sync",
	} {
		f := newFake(t)
		f.queue[sent] = []string{differs}
		code, out, errs := f.vnfm("", strings.Fields(args)...)
		if code != exitOK {
			t.Fatalf("exit %d: %s", code, errs)
		}
		golden(t, "drift.txt", out)
		f.queue[sent] = []string{differs}
		if _, out, _ := f.vnfm("", append(strings.Fields(args), "-o", "json")...); !json.Valid([]byte(out)) {
			t.Errorf("%s", out)
		}
	}
}

func TestDryRunForPeople(t *testing.T) {
	f := newFake(t)
	f.queue["POST /vnfm/v1/vnf_instances/"+vnf+"/plan"] = []string{planned}
	_, out, _ := f.vnfm("", "vnf", "operate", "fw1", "--to", "STOPPED", "--dry-run")
	golden(t, "dry_run.txt", out)
}

// What an operation does to a resource shows while it is watched, also of one that an older program began.
func TestWatchShowsWhatIsDone(t *testing.T) {
	for step, want := range map[string]string{
		"create": "+", "change": "~", "try-change": "~", "release": "-", "configure": ">",
		"networks": "+", "fixed-ports": "+", "computes": "+", "configuration": ">", "stop": "~", "release-computes": "-",
	} {
		f := newFake(t)
		f.queue[progressPath] = []string{progress("06", "COMPLETED", `"final":true,`, strings.Replace(resource("0", "DONE", "1", ""), `"step":"compute"`, `"step":"`+step+`"`, 1))}
		_, out, _ := f.vnfm("", "op", "watch", op)
		if !strings.Contains(out, " "+want+" compute       vdu-0 DONE") {
			t.Errorf("%s:\n%s", step, out)
		}
	}
	// A compute that is stopped and then released has two entries.
	f := newFake(t)
	entry := func(step, state string) string {
		return strings.Replace(resource("0", state, "1", ""), `"step":"compute"`, `"step":"`+step+`"`, 1)
	}
	f.queue[progressPath] = []string{
		progress("06", "PROCESSING", "", entry("try-change", "DONE")+","+entry("release", "RUNNING")),
		progress("07", "COMPLETED", `"final":true,`, entry("try-change", "DONE")+","+entry("release", "DONE")),
	}
	_, out, _ := f.vnfm("", "op", "watch", op)
	for _, line := range []string{"~ compute       vdu-0 DONE", "- compute       vdu-0 RUNNING", "- compute       vdu-0 DONE"} {
		if strings.Count(out, line) != 1 {
			t.Errorf("%q is not there once:\n%s", line, out)
		}
	}
}
