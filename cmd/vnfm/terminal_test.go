package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/vnfm/vnfm/cmd/vnfm/screen"
	"github.com/vnfm/vnfm/cmd/vnfm/show"
	"github.com/vnfm/vnfm/sol"
)

// What takes away asks on a terminal, and does nothing without a yes; --yes answers, and scripts are not asked, but for --all. Seen failing
// with the question behind the request.
func TestDestructiveVerbsAsk(t *testing.T) {
	for _, c := range []struct {
		args        string
		interactive bool
		answer      string
		code, sent  int
		said        string
	}{
		{"vnf terminate fw1 --no-wait", true, "n\n", exitFailed, 0, "Terminate VNF fw1? [y/N]"},
		{"vnf terminate fw1 --no-wait", true, "", exitFailed, 0, "nothing was done"},
		{"vnf terminate fw1 --no-wait", true, "y\n", exitOK, 1, ""},
		{"vnf terminate fw1 --no-wait --yes", true, "", exitOK, 1, ""},
		{"vnf terminate fw1 --no-wait", false, "", exitOK, 1, ""},
		{"vnf terminate fw1 --no-wait --dry-run", true, "", exitOK, 1, ""}, // it is only planned
		{"vnf terminate --all --no-wait", false, "", exitUsage, 0, "--yes"},
		{"vnf terminate --all --no-wait --yes", false, "", exitOK, 3, ""},
		{"vnf delete fw1", true, "n\n", exitFailed, 0, "Delete VNF fw1?"},
		{"vnf heal fw1 --all --no-wait", true, "n\n", exitFailed, 0, "volumes"},
		{"vnf heal fw1 --no-wait", true, "", exitOK, 1, ""},
		{"vnf revert fw1 5ff7 --no-wait", true, "n\n", exitFailed, 0, "Revert"},
		{"vnf sync fw1 --repair --confirm", true, "n\n", exitFailed, 0, "Repair"},
		{"package delete vnfd-1", true, "n\n", exitFailed, 0, "Delete package vnfd-1?"},
		{"snapshot delete 5ff7", true, "n\n", exitFailed, 0, "Delete snapshot"},
		{"vim delete site-b", true, "n\n", exitFailed, 0, "Delete VIM connection"},
		{"management delete em", true, "n\n", exitFailed, 0, "Delete management connection"},
		{"subscription delete https://nfvo.example/results", true, "n\n", exitFailed, 0, "Delete subscription"},
		{"op fail " + op, true, "n\n", exitFailed, 0, "Give up"},
		{"op rollback " + op, true, "n\n", exitFailed, 0, "Roll back"},
		{"op cancel " + op, true, "n\n", exitFailed, 0, "Cancel"},
		{"op resolve " + op + " --decision mark-done --step s --item " + vnf + " --reason r", true, "n\n", exitFailed, 0, "mark-done"},
		{"parked skip m1 --reason r", true, "n\n", exitFailed, 0, "Give up message m1"},
	} {
		t.Run(fmt.Sprint(c.args, c.interactive, c.answer), func(t *testing.T) {
			f := newFake(t)
			f.interactive = c.interactive
			code, _, errs := f.vnfm(c.answer, strings.Fields(c.args)...)
			if code != c.code || len(f.sent) != c.sent || !strings.Contains(errs, c.said) {
				t.Errorf("exit %d, sent %q: %s", code, f.sent, errs)
			}
		})
	}
}

// Several objects per verb: each is done, what fails is named, and the exit code is that of the worst.
func TestSeveralObjectsPerVerb(t *testing.T) {
	f := newFake(t)
	f.codes["DELETE /vnflcm/v2/vnf_instances/"+vnf] = 204
	twin := "00000003-0000-4000-8000-000000000009"
	f.codes["DELETE /vnflcm/v2/vnf_instances/"+twin], f.queue["DELETE /vnflcm/v2/vnf_instances/"+twin] = 409, []string{`{"status":409,"detail":"It is in use."}`}
	code, out, errs := f.vnfm("", "vnf", "delete", twin, "fw1")
	if code != exitServer || len(f.sent) != 2 || !strings.Contains(out, vnf+" deleted") || !strings.Contains(errs, twin+": It is in use.") || !strings.Contains(errs, "1 of 2 failed") {
		t.Errorf("exit %d, sent %q\n%s%s", code, f.sent, out, errs)
	}
	f = newFake(t)
	f.queue[progressPath] = []string{progress("06", "COMPLETED", `"final":true,`, "")}
	if code, _, errs := f.vnfm("", "vnf", "operate", "fw1", twin, "--to", "STARTED"); code != exitOK || len(f.sent) != 2 {
		t.Errorf("exit %d, sent %q: %s", code, f.sent, errs)
	}
	f = newFake(t)
	if code, _, _ := f.vnfm("", "vnf", "delete", "--all", "--match", "(eq,instantiationState,NOT_INSTANTIATED)", "--yes"); code != exitOK || len(f.sent) != 2 {
		t.Errorf("exit %d, sent %q", code, f.sent)
	}
}

// A list for people asks for few words, and shows what is wrong or under way; --trouble shows only that.
func TestVnfListShowsTrouble(t *testing.T) {
	f := newFake(t)
	code, out, errs := f.vnfm("", "vnf", "list", "--trouble", "--no-headers", "--columns", "name,status")
	if want := "fw1   INSTANTIATE FAILED_TEMP, 1 left behind, 2 missing, 1 changed, VIM suspect, repair given up\ntwin  cleanup STUCK\n"; code != exitOK || out != want {
		t.Errorf("exit %d: %q, want %q\n%s", code, out, want, errs)
	}
	for _, q := range f.queries {
		if strings.HasPrefix(q, "/vnflcm/v2/vnf_instances") {
			t.Errorf("whole instances are read: %s", q)
		}
	}
	f = newFake(t)
	if _, out, _ = f.vnfm("", "vnf", "list", "--state", "not_instantiated", "--name", "twi", "--limit", "1", "-o", "name"); out != "00000003-0000-4000-8000-000000000009\n" {
		t.Errorf("%q; asked %q", out, f.queries)
	}
	f = newFake(t)
	if _, out, _ = f.vnfm("", "vnf", "list", "--trouble", "-o", "jsonpath={[*].id}"); out != vnf+" 00000003-0000-4000-8000-000000000009\n" {
		t.Errorf("%q; asked %q", out, f.queries)
	}
	f = newFake(t) // whoever may see only what the standard has
	f.codes["GET /vnfm/v1/vnf_instances"] = 403
	if code, out, errs := f.vnfm("", "vnf", "list", "--columns", "name,state", "--limit", "1"); code != exitOK || !strings.Contains(out, "fw1   INSTANTIATED") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	f = newFake(t)
	if code, _, errs := f.vnfm("", "vnf", "list", "--columns", "colour"); code != exitUsage || !strings.Contains(errs, "there are id, name") {
		t.Errorf("exit %d: %s", code, errs)
	}
}

// A VNF is found by what the server has an index of, not by reading all of them.
func TestNamesAreLookedUpByFilter(t *testing.T) {
	f := newFake(t)
	if code, _, errs := f.vnfm("", "vnf", "show", vnf[:8], "-o", "name"); code != exitOK {
		t.Errorf("exit %d: %s", code, errs)
	}
	for _, q := range f.queries[:2] {
		if !strings.Contains(q, "filter=") || !strings.Contains(q, "fields=vnfInstanceName") {
			t.Errorf("asked %s", q)
		}
	}
	f = newFake(t)
	f.queue[progressPath] = []string{progress("06", "COMPLETED", `"final":true,`, "")}
	if code, out, errs := f.vnfm("", "op", "show", "fw1", "-o", "name"); code != exitOK || out != op+"\n" {
		t.Errorf("the newest operation of a VNF: exit %d, %q: %s", code, out, errs)
	}
}

func TestErrorsAsJSON(t *testing.T) {
	f := newFake(t)
	at := "POST /vnflcm/v2/vnf_instances/" + vnf + "/heal"
	f.codes[at], f.queue[at] = 409, []string{`{"status":409,"detail":"Another operation holds it.","attribute":"/x"}`}
	for args, want := range map[string]string{
		"vnf heal fw1 -o json": `{"title":"Conflict","status":409,"detail":"Another operation holds it.","attribute":"/x","exitCode":3}`,
		"vnf show no -o json":  `{"title":"wrong usage","status":0,"detail":"there is no VNF instance \"no\"","exitCode":2}`,
	} {
		code, out, errs := f.vnfm("", strings.Fields(args)...)
		if strings.TrimSpace(errs) != want || out != "" {
			t.Errorf("%s: exit %d, %s, want %s; %s", args, code, errs, want, out)
		}
	}
}

// -v shows what is sent, without secrets.
func TestVerboseShowsCurl(t *testing.T) {
	f := newFake(t)
	code, _, errs := f.vnfm("", "-v", "--token", "canary", "vnf", "instantiate", "fw1", "--flavour", "simple", "--param", "password=canary", "--no-wait")
	if code != exitOK || strings.Contains(errs, "canary") || !strings.Contains(errs, "curl -X POST 'http://server/vnflcm/v2/vnf_instances/"+vnf+"/instantiate'") {
		t.Errorf("exit %d: %s", code, errs)
	}
}

// --timeout ends what waits, with its own exit code, and says how to go on.
func TestTimeout(t *testing.T) {
	f := newFake(t)
	f.queue[progressPath] = []string{progress("06", "PROCESSING", "", "")}
	code, _, errs := f.vnfm("", "--timeout", "50ms", "op", "watch", op)
	if code != exitTimeout || !strings.Contains(errs, "gave up after 50ms") || !strings.Contains(errs, "vnfm op watch "+op) {
		t.Errorf("exit %d: %s", code, errs)
	}
}

// The table of exit codes is whole: each kind of end has its code.
func TestEachEndHasItsExitCode(t *testing.T) {
	timeout, stop := context.WithTimeoutCause(t.Context(), 0, fmt.Errorf("x: %w", errTimeout))
	defer stop()
	<-timeout.Done()
	ended, end := context.WithCancel(t.Context())
	end()
	seen := map[int]bool{exitOK: true}
	for _, c := range []struct {
		ctx  context.Context //nolint:containedctx // of the case
		err  error
		want int
	}{
		{t.Context(), &failed{"x"}, exitFailed},
		{t.Context(), usagef("x"), exitUsage},
		{t.Context(), errors.New("x"), exitServer},
		{timeout, errors.New("x"), exitTimeout},
		{ended, errors.New("x"), exitInterrupted},
		{ended, usagef("x"), exitUsage},
	} {
		s := &session{ctx: c.ctx, Screen: &screen.Screen{Out: io.Discard, Err: io.Discard}}
		if got := s.refused(c.err); got != c.want {
			t.Errorf("%v: exit %d, want %d", c.err, got, c.want)
		}
		seen[c.want] = true
	}
	for _, e := range exits {
		if !seen[e.code] {
			t.Errorf("no end has exit code %d", e.code)
		}
	}
	if len(seen) != len(exits) {
		t.Errorf("%d codes, %d are documented", len(seen), len(exits))
	}
}

// A list that is watched is drawn again in place when it changes, and ends with 130.
func TestWatchedList(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	n := 0
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if n++; n > 3 {
			stop()
		}
		_, _ = fmt.Fprintf(w, `[{"id":"v%d","vimType":"T"}]`, min(n, 2))
	}))
	defer ts.Close()
	var out, errs bytes.Buffer
	s := &session{Screen: &screen.Screen{Out: &out, Err: &errs, Terminal: true, Width: 80, Height: 20}, ctx: ctx, in: strings.NewReader("")}
	c := cli{Server: ts.URL}
	var err error
	if s.Client, err = c.client(s); err != nil {
		t.Fatal(err)
	}
	s.Wait = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	code := s.refused((&vimList{listing{Watch: true}}).Run(s))
	if got := out.String(); code != exitInterrupted || strings.Count(got, "TYPE") != 2 || !strings.Contains(got, "\x1b[2A\x1b[J") || !strings.Contains(errs.String(), "no longer watching") {
		t.Errorf("exit %d: %q %s", code, got, &errs)
	}
}

// On a narrow terminal what matters comes first: the state, then how long, then the name. A dumb terminal gets lines, and no escape codes
// that move.
func TestProgressOnANarrowTerminal(t *testing.T) {
	var p sol.OpProgress
	if err := json.Unmarshal([]byte(progress("09", "PROCESSING", "", resource("0-of-a-long-name-that-does-not-fit-here", "RUNNING", "1", `,"began":"2026-01-02T03:04:06Z"`))), &p); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	v := show.Watcher{Screen: &screen.Screen{Out: &out, Terminal: true, Width: 50, Height: 20}}
	v.Look(&p)
	line := ansi.Strip(strings.Split(out.String(), "\n")[1])
	if len([]rune(line)) > 50 || strings.Index(line, "RUNNING") > strings.Index(line, "vdu-0") || !strings.Contains(line, "3s") || !strings.Contains(line, "here") {
		t.Errorf("%q", line)
	}
	out.Reset()
	dumb := show.Watcher{Screen: &screen.Screen{Out: &out, Terminal: true, Plain: true, Width: 50}}
	dumb.Look(&p)
	dumb.Look(&p)
	if strings.Contains(out.String(), "\x1b[1A") || strings.Count(out.String(), "RUNNING") != 1 {
		t.Errorf("%q", out.String())
	}
}

// NO_COLOR and TERM=dumb are heeded, as what is no terminal is.
func TestNoColours(t *testing.T) {
	for _, env := range [][2]string{{"NO_COLOR", "1"}, {"TERM", "dumb"}} {
		t.Setenv(env[0], env[1])
		f := newFake(t)
		if _, out, errs := f.vnfm("", "vnf", "list"); strings.Contains(out+errs, "\x1b") {
			t.Errorf("%s: %q", env[0], out)
		}
	}
}

// Each item that is stuck has whole lines to paste, never cut or wrapped; the only one need not be named.
func TestStuckItemsHaveLinesToPaste(t *testing.T) {
	const item = "8aa7c0de-0000-4000-8000-00000000000a"
	saga := `{"id":"` + op + `","type":"instantiate","vnfInstanceId":"` + vnf + `","state":"STUCK","stages":[{"index":0,"items":[
		{"step":"port","item":"` + item + `","state":"STUCK","cause":{"step":"port","item":"` + item + `","class":"permanent","reason":"no"}},{"step":"grant","state":"DONE"}]}]}`
	f := newFake(t)
	f.queue["GET /vnfm/v1/sagas/"+op] = []string{saga}
	f.queue[progressPath] = []string{progress("09", "ROLLED_BACK", `"final":true,`, resource(item, "DONE", "1", ""))}
	want := "vnfm op resolve " + op + " --step port --item " + item + " --decision retry-item\n"
	for _, args := range [][]string{{"op", "saga", op}, {"op", "resolve", op}} {
		if code, out, errs := f.vnfm("", args...); code != exitOK || !strings.Contains(out, want) || !strings.Contains(out, "port vdu-"+item) {
			t.Errorf("%v: exit %d: %s%s", args, code, out, errs)
		}
	}
	for _, args := range [][]string{{"--item", "vdu-" + item}, {"--item", item[:8]}, {}} {
		f.sent = nil
		code, _, errs := f.vnfm("", append([]string{"op", "resolve", op, "--decision", "retry-item"}, args...)...)
		if code != exitOK || !slices.Equal(f.sent, []string{"POST /vnfm/v1/vnf_lcm_op_occs/" + op + `/resolve {"decision":"retry-item","step":"port","item":"` + item + `"}`}) {
			t.Errorf("%v: exit %d, sent %q: %s", args, code, f.sent, errs)
		}
	}
	if code, _, errs := f.vnfm("", "op", "resolve", op, "--decision", "retry-item", "--item", "nobody"); code != exitUsage {
		t.Errorf("exit %d: %s", code, errs)
	}
	var out bytes.Buffer
	var g sol.Saga
	if err := json.Unmarshal([]byte(saga), &g); err != nil {
		t.Fatal(err)
	}
	show.Saga(&screen.Screen{Out: &out, Terminal: true, Width: 50}, &g, nil, "")
	if !strings.Contains(out.String(), want) {
		t.Errorf("on a narrow terminal: %s", &out)
	}
}

// A cleanup is waited for: it says how it ended, and fails when it did not end well.
func TestCleanupWaits(t *testing.T) {
	for state, code := range map[string]int{"COMPLETED": exitOK, "STUCK": exitFailed} {
		f := newFake(t)
		f.queue["POST /vnfm/v1/vnf_instances/"+vnf+"/cleanup"] = []string{`{"sagaId":"s"}`}
		f.queue["GET /vnfm/v1/sagas/s"] = []string{`{"id":"s","state":"RUNNING"}`, `{"id":"s","state":"` + state + `"}`}
		if got, out, errs := f.vnfm("", "vnf", "cleanup", "fw1"); got != code || !strings.Contains(out, state) {
			t.Errorf("%s: exit %d: %s%s", state, got, out, errs)
		}
	}
}

// Warnings that are alike are said once.
func TestWarningsOnce(t *testing.T) {
	f := newFake(t)
	f.queue[progressPath] = []string{progress("09", "COMPLETED", `"final":true,"warnings":["mind","gap","mind"],`, "")}
	if _, out, _ := f.vnfm("", "op", "watch", op); strings.Count(out, "warning:") != 2 || !strings.Contains(out, "warning: mind (2 times)\nwarning: gap\n") {
		t.Error(out)
	}
}

// Every operation takes its request from a file; flags come over it.
func TestEveryOperationTakesAFile(t *testing.T) {
	for args, c := range map[string][3]string{
		"instantiate --level big": {"/instantiate", `{"flavourId":"simple","instantiationLevelId":"x"}`, `{"flavourId":"simple","instantiationLevelId":"big"}`},
		"terminate":               {"/terminate", `{"terminationType":"FORCEFUL"}`, `{"terminationType":"FORCEFUL"}`},
		"operate":                 {"/operate", `{"changeStateTo":"STOPPED"}`, `{"changeStateTo":"STOPPED"}`},
		"heal --cause b":          {"/heal", `{"cause":"a","vnfcInstanceId":["c"]}`, `{"vnfcInstanceId":["c"],"cause":"b"}`},
		"scale":                   {"/scale", `{"type":"SCALE_IN","aspectId":"a"}`, `{"type":"SCALE_IN","aspectId":"a"}`},
		"scale-to":                {"/scale_to_level", `{"instantiationLevelId":"l"}`, `{"instantiationLevelId":"l"}`},
		"flavour":                 {"/change_flavour", `{"newFlavourId":"f"}`, `{"newFlavourId":"f"}`},
		"upgrade":                 {"/change_vnfpkg", `{"vnfdId":"d"}`, `{"vnfdId":"d"}`},
		"connect":                 {"/change_ext_conn", `{"extVirtualLinks":[]}`, `{"extVirtualLinks":[]}`},
		"modify --metadata b=2":   {"", `{"extensions":{"a":1}}`, `{"metadata":{"b":2},"extensions":{"a":1}}`},
		"snapshot --into 6aa7":    {"/create_snapshot", `{"userDefinedData":{"a":1}}`, `{"vnfSnapshotInfoId":"` + emptySnap + `","userDefinedData":{"a":1}}`},
		"revert":                  {"/revert_to_snapshot", `{"vnfSnapshotInfoId":"` + snap + `"}`, `{"vnfSnapshotInfoId":"` + snap + `"}`},
		"sync":                    {"", `{"repair":true}`, `{"repair":true}`},
	} {
		words := strings.Fields(args)
		method, path := "POST", "/vnflcm/v2/vnf_instances/"+vnf+c[0]
		switch words[0] {
		case "modify":
			method = "PATCH"
		case "sync":
			path = "/vnfm/v1/vnf_instances/" + vnf + "/sync"
		}
		f := newFake(t)
		if words[0] == "sync" {
			f.codes["POST "+path], f.queue["POST "+path] = 200, []string{`{"inSync":true}`}
		}
		line := append([]string{"vnf", words[0], "fw1", "--file", "-"}, words[1:]...)
		if words[0] != "sync" {
			line = append(line, "--no-wait")
		}
		code, _, errs := f.vnfm(c[1], line...)
		if code != exitOK || !slices.Equal(f.sent, []string{method + " " + path + " " + c[2]}) {
			t.Errorf("%s: exit %d, sent %q: %s", args, code, f.sent, errs)
		}
		if code, _, errs := newFake(t).vnfm(`{"colour":"red"}`, line...); code != exitUsage || !strings.Contains(errs, "colour") {
			t.Errorf("%s: an unknown attribute: exit %d: %s", args, code, errs)
		}
	}
}
