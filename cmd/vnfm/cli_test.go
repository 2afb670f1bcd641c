package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vnfm/vnfm/cmd/vnfm/screen"
	"github.com/vnfm/vnfm/cmd/vnfm/show"
	"github.com/vnfm/vnfm/filter"
	"github.com/vnfm/vnfm/sol"
)

var update = flag.Bool("update", false, "write the golden files")

// fake is a server of canned answers: testdata/api holds one file per path. Answers that change with time are queues.
type fake struct {
	t     *testing.T
	mu    sync.Mutex
	queue map[string][]string // "GET /path": bodies in turn; the last one stays
	codes map[string]int
	sent  []string // "POST /path body" of every change
	keys  []string

	queries     []string // every path with its query
	interactive bool     // somebody is at the terminal
}

// today is when tests are run.
var today = time.Date(2026, 1, 2, 4, 4, 5, 0, time.UTC)

func newFake(t *testing.T) *fake {
	t.Helper()
	return &fake{t: t, queue: map[string][]string{}, codes: map[string]int{}}
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	what := r.Method + " " + r.URL.Path
	if r.Method != http.MethodGet {
		b, _ := io.ReadAll(r.Body)
		f.sent = append(f.sent, strings.TrimSpace(what+" "+string(b)))
		f.keys = append(f.keys, r.Header.Get("Idempotency-Key"))
	}
	body, ok := "", false
	if q := f.queue[what]; len(q) > 0 {
		body, ok = q[0], true
		if len(q) > 1 {
			f.queue[what] = q[1:]
		}
	} else if b, err := os.ReadFile(filepath.Join("testdata", "api", strings.ReplaceAll(strings.Trim(r.URL.Path, "/"), "/", "_")+".json")); err == nil && r.Method == http.MethodGet {
		body, ok = string(b), true
	}
	f.queries = append(f.queries, r.URL.RequestURI())
	if text := r.URL.Query().Get("filter"); text != "" {
		body = filtered(f.t, text, body)
	}
	if state := r.URL.Query().Get("state"); state != "" && ok && strings.HasSuffix(r.URL.Path, "/sagas") {
		body = filtered(f.t, "(eq,state,"+state+")", body)
	}
	code := f.codes[what]
	switch {
	case code != 0:
	case ok:
		code = http.StatusOK
	case r.Method == http.MethodGet:
		code, body = http.StatusNotFound, `{"status":404,"title":"Not Found","detail":"There is nothing at `+r.URL.Path+`."}`
	default:
		code = http.StatusAccepted
		w.Header().Set("Location", "http://"+r.Host+"/vnflcm/v2/vnf_lcm_op_occs/"+op)
	}
	if code == http.StatusNoContent {
		body = ""
	}
	w.WriteHeader(code)
	_, _ = io.WriteString(w, body)
}

// filtered returns the entries of a list that a filter selects.
func filtered(t *testing.T, text, body string) string {
	where, err := filter.Parse(text)
	var entries []json.RawMessage
	if err = errors.Join(err, json.Unmarshal([]byte(body), &entries)); err != nil {
		t.Errorf("%s: %v", text, err)
	}
	entries = slices.DeleteFunc(entries, func(e json.RawMessage) bool { return !where.Match(e) })
	b, _ := json.Marshal(entries) // was JSON
	return string(b)
}

const (
	vnf = "1aa7c0de-0000-4000-8000-000000000001"
	op  = "0bb7c0de-0000-4000-8000-000000000002"

	snap, emptySnap = "5ff7c0de-0000-4000-8000-000000000006", "6aa7c0de-0000-4000-8000-000000000007"

	pkg = "2cc7c0de-0000-4000-8000-000000000003"
)

// vnfm runs one command line against the fake.
func (f *fake) vnfm(stdin string, args ...string) (code int, stdout, stderr string) {
	f.t.Helper()
	ts := httptest.NewServer(f)
	defer ts.Close()
	var out, errs bytes.Buffer
	p := program{in: strings.NewReader(stdin), stdout: &out, stderr: &errs, now: func() time.Time { return today }, zone: time.UTC, interactive: f.interactive}
	code = p.run(context.WithoutCancel(f.t.Context()), append([]string{"--server", ts.URL, "--poll", "1ms"}, args...))
	return code, out.String(), strings.ReplaceAll(errs.String(), ts.URL, "http://server")
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; got\n%s\nwant\n%s", path, got, want)
	}
}

func TestOutput(t *testing.T) {
	for name, args := range map[string][]string{
		"package_list":    {"package", "list"},
		"package_show":    {"package", "show", "vnfd-1"},
		"vnf_list":        {"vnf", "list"},
		"vnf_show":        {"vnf", "show", "fw1"},
		"vnf_events":      {"vnf", "events", "fw1"},
		"vnf_history":     {"vnf", "history", vnf, "--from", "-10m"},
		"vnf_history_at":  {"vnf", "history", "fw1", "--at", "-10m"},
		"vnf_diff":        {"vnf", "diff", "fw1", "--from", "3"},
		"op_history":      {"op", "history", op},
		"op_history_at":   {"op", "history", op, "--at", "12"},
		"package_history": {"package", "history", "vnfd-1"},
		"package_at":      {"package", "history", pkg, "--at", "2026-01-02 03:04:05.123"},
		"op_list":         {"op", "list", "--vnf", "fw1"},
		"op_show":         {"op", "show", op[:8]},
		"op_saga":         {"op", "saga", op},
		"sim_inventory":   {"sim", "inventory", "--vnf", "fw1"},
		"sim_behaviour":   {"sim", "behaviour"},
		"vim_list":        {"vim", "list"},
		"vim_show":        {"vim", "show", "site-b"},
		"audit_verify":    {"audit", "verify"},
		"audit_denials":   {"audit", "denials"},
		"parked_list":     {"parked", "list"},
		"snapshot_list":   {"snapshot", "list"},
		"snapshot_show":   {"snapshot", "show", "5ff7"},
		"cluster_status":  {"cluster", "status"},

		"subscription_list": {"subscription", "list"},
		"subscription_show": {"subscription", "show", "https://nfvo.example/results"},
		"notification_list": {"notification", "list"},
	} {
		for _, form := range []string{"table", "json", "yaml"} {
			t.Run(name+" "+form, func(t *testing.T) {
				f := newFake(t)
				f.queue[progressPath] = []string{progress("09", "FAILED_TEMP", "", resource("c1", "FAILED", "2", ""))}
				code, out, errs := f.vnfm("", append(args, "-o", form)...)
				if code != exitOK || errs != "" {
					t.Fatalf("exit %d: %s", code, errs)
				}
				if strings.Contains(out, "\x1b") {
					t.Errorf("colours where there is no terminal: %q", out)
				}
				if form == "json" && !json.Valid([]byte(out)) {
					t.Errorf("not JSON: %s", out)
				}
				golden(t, name+"."+map[string]string{"table": "txt", "json": "json", "yaml": "yaml"}[form], out)
			})
		}
	}
}

const began = `"startedBy":"oidc:ann","vnfLcmOpOccId":"` + op + `","vnfInstanceId":"` + vnf + `","operation":"INSTANTIATE","startTime":"2026-01-02T03:04:05Z",`

func progress(now, state, rest, resources string) string {
	return `{` + began + `"now":"2026-01-02T03:04:` + now + `Z","stateEnteredTime":"2026-01-02T03:04:` + now + `Z","operationState":"` + state + `",` + rest + `"resources":[` + resources + `]}`
}

func resource(id, state, attempt, rest string) string {
	return `{"step":"compute","id":"` + id + `","kind":"compute","name":"vdu-` + id + `","state":"` + state + `","attempt":` + attempt + rest + `}`
}

const progressPath = "GET /vnfm/v1/vnf_lcm_op_occs/" + op + "/progress"

func TestInstantiateShowsProgressLineByLine(t *testing.T) {
	f := newFake(t)
	b, e := `,"began":"2026-01-02T03:04:06Z"`, `,"ended":"2026-01-02T03:04:07.5Z"`
	f.queue[progressPath] = []string{
		progress("05", "STARTING", "", resource("0", "PENDING", "0", "")),
		progress("06", "PROCESSING", "", resource("0", "RUNNING", "1", b)+","+resource("1", "PENDING", "0", "")),
		progress("06.5", "PROCESSING", "", resource("0", "RUNNING", "1", b)+","+resource("1", "RUNNING", "1", b)),
		progress("07", "PROCESSING", "", resource("0", "RUNNING", "2", b)+","+resource("1", "RUNNING", "1", b)),
		progress("09", "COMPLETED", `"final":true,"warnings":["a script was skipped"],`, resource("0", "DONE", "2", b+e)+","+resource("1", "DONE", "1", b+e)),
	}
	code, out, errs := f.vnfm("", "vnf", "instantiate", "fw1", "--flavour", "simple", "--level", "big",
		"--ext-link", "id=ext,network=n1,cpd=CP1", "--ext-link", "id=ext,network=n1,cpd=CP2,subnet=s,ip=10.0.0.1",
		"--ext-link", "id=ext,network=n1,cpd=CP3,subnet=s4,ip=10.0.0.1,ip=10.0.0.2,ip=2001:db8::1,subnet=s6,ip=ipv6,ip=ipv6,subnet=s",
		"--param", "size=3", "--param", "text=hello, world", "--param", `obj={"a":1}`)
	if code != exitOK {
		t.Fatalf("exit %d: %s", code, errs)
	}
	golden(t, "instantiate.txt", out)
	golden(t, "instantiate_request.txt", strings.Join(f.sent, "\n")+"\n")
	if f.keys[0] == "" {
		t.Error("no Idempotency-Key")
	}
}

func TestOperationThatFailsIsExitCode1(t *testing.T) {
	f := newFake(t)
	f.queue[progressPath] = []string{
		progress("06", "FAILED_TEMP", `"policy":"rollback","error":{"status":500,"detail":"configure: refused"},`, resource("0", "FAILED", "1", `,"reason":"refused"`)),
		progress("07", "ROLLING_BACK", "", resource("0", "UNDOING", "1", "")),
		progress("08", "ROLLED_BACK", `"final":true,`, resource("0", "UNDONE", "1", "")),
	}
	code, out, errs := f.vnfm("", "vnf", "instantiate", "fw1", "--flavour", "simple")
	if code != exitFailed || !strings.Contains(errs, "ROLLED_BACK") {
		t.Errorf("exit %d, %s", code, errs)
	}
	golden(t, "instantiate_failed.txt", out)
	f = newFake(t)
	f.queue[progressPath] = []string{progress("06", "FAILED_TEMP", `"policy":"hold",`, "")}
	if code, _, errs = f.vnfm("", "op", "watch", op); code != exitFailed || !strings.Contains(errs, "vnfm op show "+op) {
		t.Errorf("exit %d, %s", code, errs)
	}
}

func TestInterruptedWatchSaysThatTheOperationGoesOn(t *testing.T) {
	f := newFake(t)
	f.queue[progressPath] = []string{progress("06", "PROCESSING", "", "")}
	ctx, stop := context.WithCancel(t.Context())
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.ServeHTTP(w, r)
		stop()
	}))
	defer ts.Close()
	var errs bytes.Buffer
	if code := run(ctx, []string{"--server", ts.URL, "op", "watch", op}, nil, io.Discard, &errs); code != exitInterrupted || !strings.Contains(errs.String(), "goes on: vnfm op watch "+op) {
		t.Errorf("exit %d: %s", code, errs.String())
	}
}

func TestWatchRedrawsOnATerminal(t *testing.T) {
	var out bytes.Buffer
	v := show.Watcher{Screen: &screen.Screen{Out: &out, Terminal: true, Width: 120, Height: 6}}
	var p sol.OpProgress
	rs := resource("0", "DONE", "1", "") + "," + resource("1", "RUNNING", "1", "") + "," + resource("2", "PENDING", "0", "") + "," + resource("3", "PENDING", "0", "")
	if err := json.Unmarshal([]byte(progress("09", "PROCESSING", "", rs)), &p); err != nil {
		t.Fatal(err)
	}
	v.Look(&p)
	first := strings.Count(out.String(), "\n")
	if !strings.Contains(out.String(), "vdu-1") || !strings.Contains(out.String(), "… and 2 more") || first > 6 {
		t.Errorf("what moves is not on the screen:\n%s", out.String())
	}
	out.Reset()
	v.Look(&p)
	if !strings.HasPrefix(out.String(), "\x1b["+string(rune('0'+first))+"A\x1b[J") {
		t.Errorf("the second picture is not drawn over the first: %q", out.String())
	}
	out.Reset()
	p.Final, p.Warnings = true, []string{strings.Repeat("long ", 20) + "end"}
	v.Look(&p)
	if !strings.Contains(out.String(), "vdu-3") || !strings.Contains(out.String(), "long end") {
		t.Errorf("the last picture is not whole: %q", out.String())
	}
}

func TestOnboard(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.csar")
	if err := os.WriteFile(file, []byte("PK-zip"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := newFake(t)
	f.queue["POST /vnfpkgm/v2/vnf_packages"] = []string{`{"id":"` + pkg + `"}`}
	f.queue["GET /vnfpkgm/v2/vnf_packages/"+pkg] = []string{
		`{"id":"` + pkg + `","onboardingState":"PROCESSING"}`,
		`{"id":"` + pkg + `","onboardingState":"ERROR","onboardingFailureDetails":{"status":422,"detail":"a.yaml:3: unknown type\nb.yaml:1: no"}}`,
	}
	code, out, errs := f.vnfm("", "package", "onboard", file)
	if code != exitFailed || !strings.Contains(out, "  a.yaml:3: unknown type\n  b.yaml:1: no\n") {
		t.Errorf("exit %d, %s, %s", code, out, errs)
	}
	if f.sent[1] != "PUT /vnfpkgm/v2/vnf_packages/"+pkg+"/package_content PK-zip" {
		t.Errorf("sent %q", f.sent)
	}
	if code, _, _ = f.vnfm("", "package", "onboard", file+".nothing"); code != exitUsage {
		t.Errorf("a file that is not there: exit %d", code)
	}
}

func TestChanges(t *testing.T) {
	const ops, vnfs, pkgs = "/vnflcm/v2/vnf_lcm_op_occs/" + op, "/vnflcm/v2/vnf_instances/" + vnf, "/vnfpkgm/v2/vnf_packages/" + pkg
	for _, c := range []struct {
		args string
		want string
		code int // of the fake
		body string
	}{
		{"vnf terminate fw1 --no-wait --forceful", "POST " + vnfs + `/terminate {"terminationType":"FORCEFUL"}`, 0, ""},
		{"vnf terminate fw1 --no-wait", "POST " + vnfs + `/terminate {"terminationType":"GRACEFUL"}`, 0, ""},
		{"vnf terminate fw1 --no-wait --graceful", "POST " + vnfs + `/terminate {"terminationType":"GRACEFUL"}`, 0, ""},
		{"vnf terminate fw1 --no-wait --graceful=90s", "POST " + vnfs + `/terminate {"terminationType":"GRACEFUL","gracefulTerminationTimeout":90}`, 0, ""},
		{"vnf operate fw1 --no-wait --to STARTED", "POST " + vnfs + `/operate {"changeStateTo":"STARTED"}`, 0, ""},
		{"vnf operate fw1 --no-wait --to STOPPED --vnfc c1 --vnfc c2 --param a=1", "POST " + vnfs + `/operate {"vnfcInstanceId":["c1","c2"],"changeStateTo":"STOPPED","additionalParams":{"a":1}}`, 0, ""},
		{"vnf operate fw1 --no-wait --to STOPPED --graceful=30s", "POST " + vnfs + `/operate {"changeStateTo":"STOPPED","stopType":"GRACEFUL","gracefulStopTimeout":30}`, 0, ""},
		{"vnf operate fw1 --no-wait --to STOPPED --graceful", "POST " + vnfs + `/operate {"changeStateTo":"STOPPED","stopType":"GRACEFUL"}`, 0, ""},
		{"vnf heal fw1 --no-wait", "POST " + vnfs + `/heal {}`, 0, ""},
		{"vnf heal fw1 --no-wait --vnfc c1 --vnfc c2 --all --cause smoke --param a=1", "POST " + vnfs + `/heal {"vnfcInstanceId":["c1","c2"],"cause":"smoke","additionalParams":{"a":1,"all":true}}`, 0, ""},
		{"vnf connect fw1 --no-wait --link id=e,network=n,cpd=c,vim=v --param a=1", "POST " + vnfs + `/change_ext_conn {"extVirtualLinks":[{"id":"e","vimConnectionId":"v","resourceId":"n","extCps":[{"cpdId":"c","cpConfig":{"1":{"cpProtocolData":[{"layerProtocol":"IP_OVER_ETHERNET","ipOverEthernet":{"ipAddresses":[{"type":"IPV4","numDynamicAddresses":1}]}}]}}}]}],"additionalParams":{"a":1}}`, 0, ""},
		{"vnf flavour fw1 --no-wait --to big --level l --param a=1", "POST " + vnfs + `/change_flavour {"newFlavourId":"big","instantiationLevelId":"l","additionalParams":{"a":1}}`, 0, ""},
		{"vnf upgrade fw1 --no-wait --to Router --batch 1", "POST " + vnfs + `/change_vnfpkg {"vnfdId":"vnfd-1","additionalParams":{"batchSize":1}}`, 0, ""},
		{"vnf scale fw1 --no-wait --out a", "POST " + vnfs + `/scale {"type":"SCALE_OUT","aspectId":"a"}`, 0, ""},
		{"vnf scale fw1 --no-wait --in a --steps 2 --vnfc c1 --vnfc c2 --param a=1", "POST " + vnfs + `/scale {"type":"SCALE_IN","aspectId":"a","numberOfSteps":2,"additionalParams":{"a":1,"vnfcInstanceId":["c1","c2"]}}`, 0, ""},
		{"vnf scale-to fw1 --no-wait --level l", "POST " + vnfs + `/scale_to_level {"instantiationLevelId":"l"}`, 0, ""},
		{"vnf scale-to fw1 --no-wait --aspect b=1 --aspect a=0 --vnfc c1", "POST " + vnfs + `/scale_to_level {"scaleInfo":[{"aspectId":"a","scaleLevel":0},{"aspectId":"b","scaleLevel":1}],"additionalParams":{"vnfcInstanceId":["c1"]}}`, 0, ""},
		{"vnf snapshot fw1 --no-wait --into 6aa7 --data why=now --param a=1", "POST " + vnfs + `/create_snapshot {"vnfSnapshotInfoId":"` + emptySnap + `","additionalParams":{"a":1},"userDefinedData":{"why":"now"}}`, 0, ""},
		{"vnf snapshot fw1 --no-wait --into 6aa7 --vnfc c1", "POST " + vnfs + `/create_snapshot {"vnfSnapshotInfoId":"` + emptySnap + `","vnfcInstanceId":"c1"}`, 0, ""},
		{"vnf revert fw1 5ff7 --no-wait --vnfc c1", "POST " + vnfs + `/revert_to_snapshot {"vnfSnapshotInfoId":"` + snap + `","vnfcInstanceId":"c1"}`, 0, ""},
		{"vnf revert fw1 5ff7 --no-wait --param a=1", "POST " + vnfs + `/revert_to_snapshot {"vnfSnapshotInfoId":"` + snap + `","additionalParams":{"a":1}}`, 0, ""},
		{"snapshot delete 5ff7", "DELETE /vnflcm/v2/vnf_snapshots/" + snap, 204, ""},
		{"vnf delete fw1", "DELETE " + vnfs, 204, ""},
		{"vnf create --vnfd Router --name new --metadata a=1", `POST /vnflcm/v2/vnf_instances {"vnfdId":"vnfd-1","vnfInstanceName":"new","metadata":{"a":1}}`, 201, `{"id":"n"}`},
		{"vnf cleanup fw1 --no-wait", "POST /vnfm/v1/vnf_instances/" + vnf + "/cleanup", 202, `{"sagaId":"s"}`},
		{"package enable vnfd-1", "PATCH " + pkgs + ` {"operationalState":"ENABLED"}`, 200, "{}"},
		{"package disable " + pkg, "PATCH " + pkgs + ` {"operationalState":"DISABLED"}`, 200, "{}"},
		{"package delete vnfd-1", "DELETE " + pkgs, 204, ""},
		{"op retry --no-wait " + op, "POST " + ops + "/retry", 202, ""},
		{"op rollback --no-wait " + op, "POST " + ops + "/rollback", 202, ""},
		{"op fail " + op, "POST " + ops + "/fail", 200, "{}"},
		{"op cancel --mode FORCEFUL --no-wait " + op, "POST " + ops + `/cancel {"cancelMode":"FORCEFUL"}`, 202, ""},
		{"op resolve --no-wait --decision skip-item --step ports --item p1 --reason gone " + op, "POST /vnfm/v1/vnf_lcm_op_occs/" + op + `/resolve {"decision":"skip-item","step":"ports","item":"p1","reason":"gone"}`, 202, ""},
		{"parked redrive m1", "POST /vnfm/v1/parked_messages/m1/redrive", 200, `{"handled":2}`},
		{"cluster log-level debug --for 10m", `PUT /vnfm/v1/log_level {"level":"debug","seconds":600}`, 200, `{"node":"n","level":"debug","setting":"info","by":"ann"}`},
		{"cluster log-level info", `PUT /vnfm/v1/log_level {"level":"info"}`, 200, `{"node":"n","level":"info","setting":"info","by":"ann"}`},
		{"sim behaviour --set -", `PUT /vnfm/v1/sim/behaviour {"seed":1}`, 200, `{"seed":1}`},
	} {
		t.Run(c.args, func(t *testing.T) {
			f := newFake(t)
			f.queue[progressPath] = []string{progress("06", "FAILED", `"final":true,`, "")}
			method, rest, _ := strings.Cut(c.want, " ")
			path, _, _ := strings.Cut(rest, " ")
			if c.code != 0 {
				f.codes[method+" "+path] = c.code
				f.queue[method+" "+path] = []string{c.body}
			}
			code, out, errs := f.vnfm(`{"seed":1}`, strings.Fields(c.args)...)
			if code != exitOK || len(f.sent) != 1 || f.sent[0] != c.want {
				t.Errorf("exit %d, sent %q, want %q\n%s%s", code, f.sent, c.want, out, errs)
			}
			if f.keys[0] == "" {
				t.Error("no Idempotency-Key")
			}
		})
	}
}

// A snapshot is taken into a resource of its own, which does not stay when the server refuses the operation.
func TestSnapshotIntoANewResource(t *testing.T) {
	const made, task = "/vnflcm/v2/vnf_snapshots", "/vnflcm/v2/vnf_instances/" + vnf + "/create_snapshot"
	for _, refused := range []bool{false, true} {
		f := newFake(t)
		f.codes["POST "+made], f.queue["POST "+made] = 201, []string{`{"id":"` + emptySnap + `"}`}
		f.codes["DELETE "+made+"/"+emptySnap] = 204
		want := []string{"POST " + made + " {}", "POST " + task + ` {"vnfSnapshotInfoId":"` + emptySnap + `"}`}
		code := exitOK
		if refused {
			f.codes["POST "+task], f.queue["POST "+task] = 409, []string{`{"status":409,"detail":"Another operation holds it."}`}
			want, code = append(want, "DELETE "+made+"/"+emptySnap), exitServer
		}
		got, _, errs := f.vnfm("", "vnf", "snapshot", "fw1", "--no-wait")
		if got != code || !slices.Equal(f.sent, want) || !strings.Contains(errs, emptySnap) {
			t.Errorf("exit %d: %q\n%s", got, f.sent, errs)
		}
	}
}

// What is no level, and a time without one, is a mistake on the command line: nothing is sent.
func TestLogLevelMistakes(t *testing.T) {
	for _, args := range []string{"loud", "debug --for -1s", "debug --for 10ms", "--for 1m"} {
		f := newFake(t)
		if code, _, errs := f.vnfm("", append([]string{"cluster", "log-level"}, strings.Fields(args)...)...); code != exitUsage || len(f.sent) != 0 || errs == "" {
			t.Errorf("%s: exit %d, sent %q: %s", args, code, f.sent, errs)
		}
	}
}

func TestExitCodes(t *testing.T) {
	conflict := func(f *fake) {
		f.codes["POST /vnflcm/v2/vnf_instances/"+vnf+"/instantiate"] = 409
		f.queue["POST /vnflcm/v2/vnf_instances/"+vnf+"/instantiate"] = []string{`{"status":409,"detail":"Another operation holds it."}`}
	}
	broken := func(f *fake) {
		f.queue["GET /vnfm/v1/audit/verify"] = []string{`{"ok":false,"found":1,"problems":[{"stream":"vnf-1","version":2,"text":"hash"}]}`}
	}
	for _, c := range []struct {
		args  string
		setup func(*fake)
		code  int
		text  string
	}{
		{"vnf", nil, exitUsage, "Try"},
		{"vnf show", nil, exitUsage, "<vnf>"},
		{"vnf show nobody", nil, exitUsage, `no VNF instance "nobody"`},
		{"vnf show twin", nil, exitUsage, "more than one"},
		{"vnf list -o xml", nil, exitUsage, "xml"},
		{"vnf instantiate fw1", nil, exitUsage, "--flavour"},
		{"vnf instantiate fw1 --flavour f --ext-link network=n", nil, exitUsage, "cpd"},
		{"vnf instantiate fw1 --flavour f --ext-link colour=red", nil, exitUsage, "colour"},
		{"vnf instantiate fw1 --flavour f --param x", nil, exitUsage, "KEY=VALUE"},
		{"vnf terminate fw1 --graceful=soon", nil, exitUsage, "soon"},
		{"vnf flavour fw1", nil, exitUsage, "--to"},
		{"vnf upgrade fw1", nil, exitUsage, "--to"},
		{"vnf connect fw1", nil, exitUsage, "--file"},
		{"vnf connect fw1 --link colour=red", nil, exitUsage, "--link"},
		{"vnf connect fw1 --disconnect c", nil, exitUsage, "CPD/CONFIG"},
		{"vnf connect fw1 --disconnect c/k", nil, exitUsage, "no such configuration"},
		{"vnf connect fw1 --file /nowhere.json", nil, exitUsage, "/nowhere.json"},
		{"vnf operate fw1", nil, exitUsage, "--to"},
		{"vnf operate fw1 --to RUNNING", nil, exitUsage, "STARTED"},
		{"vnf operate fw1 --to STARTED --graceful", nil, exitUsage, "--graceful is for --to STOPPED"},
		{"vnf scale fw1", nil, exitUsage, "--out"},
		{"vnf scale fw1 --out a --in a", nil, exitUsage, "--in"},
		{"vnf scale-to fw1", nil, exitUsage, "--level"},
		{"vnf scale-to fw1 --level l --aspect a=1", nil, exitUsage, "--level"},
		{"vnf scale-to fw1 --aspect a=x", nil, exitUsage, "--aspect"},
		{"sim behaviour --set {", nil, exitUsage, "not JSON"},
		{"subscription show https://nobody", nil, exitUsage, `no subscription "https://nobody"`},
		{"notification retry", nil, exitUsage, "name a notification"},
		{"notification retry a --subscription b", nil, exitUsage, "name a notification"},
		{"notification receive --listen nowhere", nil, exitUsage, "nowhere"},
		{"vnf instantiate fw1 --flavour f", conflict, exitServer, "Another operation holds it. (409 Conflict)"},
		{"op watch " + op[:8], nil, exitServer, "There is nothing"},
		{"audit verify", broken, exitFailed, "not intact"},
		{"--help", nil, exitOK, ""},
	} {
		t.Run(c.args, func(t *testing.T) {
			f := newFake(t)
			if c.setup != nil {
				c.setup(f)
			}
			if code, _, errs := f.vnfm("", strings.Fields(c.args)...); code != c.code || !strings.Contains(errs, c.text) {
				t.Errorf("exit %d, want %d with %q: %s", code, c.code, c.text, errs)
			}
		})
	}
	if code := run(t.Context(), []string{"--server", "nowhere", "vnf", "list"}, nil, io.Discard, io.Discard); code != exitUsage {
		t.Errorf("a server that is no URL: exit %d", code)
	}
	if code := run(t.Context(), []string{"--server", "http://127.0.0.1:1", "vnf", "list"}, nil, io.Discard, io.Discard); code != exitServer {
		t.Errorf("a server that is not there: exit %d", code)
	}
}

// What the commands about VIM connections and modifications send. A password comes from a file.
func TestWhatVimCommandsSend(t *testing.T) {
	f := newFake(t)
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("p\"w\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f.queue["POST /vnfm/v1/vims"], f.queue["PATCH /vnfm/v1/vims/b"] = []string{`{"id":"b"}`}, []string{`{"id":"b"}`}
	f.queue["POST /vnfm/v1/vims/b/check"] = []string{`{"reachable":false,"detail":"away"}`}
	f.queue["POST /vnfm/v1/management_connections/em/check"] = []string{`{"reachable":false,"interfaces":[{"name":"vnfconfig","detail":"away"}]}`}
	for _, c := range []struct {
		args []string
		code int
		sent string
	}{
		{
			[]string{"vim", "register", "b", "--type", "T", "--interface", "endpoint=https://x", "--access", "password=@" + password, "--access", "user=7", "--default"}, exitOK,
			`POST /vnfm/v1/vims {"accessInfo":{"password":"p\"w","user":"7"},"default":true,"id":"b","interfaceInfo":{"endpoint":"https://x"},"vimType":"T"}`,
		},
		{
			[]string{"vim", "update", "b", "--remove", "accessInfo.user", "--access", "password=new", "--disable", "--no-default"}, exitOK,
			`PATCH /vnfm/v1/vims/b {"accessInfo":{"password":"new","user":null},"default":false,"enabled":false}`,
		},
		{[]string{"vim", "update", "b"}, exitUsage, ""},
		{[]string{"vim", "check", "b"}, exitFailed, "POST /vnfm/v1/vims/b/check"},
		{[]string{"management", "check", "em"}, exitFailed, "POST /vnfm/v1/management_connections/em/check"},
		{
			[]string{"vnf", "modify", vnf, "--name", "", "--metadata", "a=null", "--extension", "e=1", "--no-wait"}, exitOK,
			`PATCH /vnflcm/v2/vnf_instances/` + vnf + ` {"vnfInstanceName":null,"metadata":{"a":null},"extensions":{"e":1}}`,
		},
		{[]string{"vnf", "modify", vnf}, exitUsage, ""},
	} {
		f.sent = nil
		code, _, errs := f.vnfm("", c.args...)
		if code != c.code || strings.Join(f.sent, "\n") != c.sent {
			t.Errorf("%v: exit %d, sent %q, want %q: %s", c.args, code, f.sent, c.sent, errs)
		}
	}
}
