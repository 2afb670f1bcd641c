//go:build openstack

package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/vnfm/vnfm/samples/shapes"
)

// cloud is the OpenStack of deploy/openstack-lab.sh, looked at past the program.
type cloud struct {
	t                                *testing.T
	URL, Username, Password, Project string
	token                            string
	services                         map[string]string // by type
}

// newCloud reads the clouds.yaml that VNFM_TEST_CLOUDS names, and logs in.
func newCloud(t *testing.T) *cloud {
	t.Helper()
	b, err := os.ReadFile(os.Getenv("VNFM_TEST_CLOUDS"))
	if err != nil {
		t.Fatalf("VNFM_TEST_CLOUDS must name the clouds.yaml of a lab (make test-openstack starts one): %v", err)
	}
	var all struct {
		Clouds map[string]struct {
			Auth map[string]string `json:"auth"`
		} `json:"clouds"`
	}
	if err := yaml.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	a := all.Clouds["life"].Auth // where nobody else is
	c := &cloud{t: t, URL: a["auth_url"], Username: a["username"], Password: a["password"], Project: a["project_name"], services: map[string]string{}}
	domain := map[string]any{"id": "default"}
	in := map[string]any{"auth": map[string]any{
		"identity": map[string]any{"methods": []string{"password"}, "password": map[string]any{"user": map[string]any{"name": c.Username, "password": c.Password, "domain": domain}}},
		"scope":    map[string]any{"project": map[string]any{"name": c.Project, "domain": domain}},
	}}
	got, header := c.ask(http.MethodPost, c.URL+"/auth/tokens", in)
	c.token = header.Get("X-Subject-Token")
	for _, s := range list(got, "token", "catalog") {
		c.services[text(s, "type")] = strings.TrimSuffix(text(s, "endpoints", 0, "url"), "/")
	}
	return c
}

func (c *cloud) ask(method, url string, in any) (any, http.Header) {
	c.t.Helper()
	var body io.Reader
	contentType := "application/json"
	switch x := in.(type) {
	case nil:
	case []byte:
		body, contentType = bytes.NewReader(x), "application/octet-stream"
	default:
		b, err := json.Marshal(in)
		if err != nil {
			c.t.Fatal(err)
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequest(method, url, body)
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("X-Auth-Token", c.token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= http.StatusBadRequest {
		c.t.Fatalf("%s %s: %s %s %v", method, url, resp.Status, b, err)
	}
	var out any
	_ = json.Unmarshal(b, &out) // some answers are empty
	return out, resp.Header
}

// inventory is everything that the project has, by kind, name and id.
func (c *cloud) inventory() []string {
	c.t.Helper()
	var out []string
	for kind, at := range map[string]string{
		"servers": c.services["compute"] + "/servers", "server_groups": c.services["compute"] + "/os-server-groups",
		"networks": c.services["network"] + "/v2.0/networks", "subnets": c.services["network"] + "/v2.0/subnets",
		"ports": c.services["network"] + "/v2.0/ports", "trunks": c.services["network"] + "/v2.0/trunks",
		"security_groups": c.services["network"] + "/v2.0/security-groups",
		"policies":        c.services["network"] + "/v2.0/qos/policies", "volumes": c.services["volumev3"] + "/volumes",
		"images": c.services["image"] + "/v2/images?limit=1000",
	} {
		got, _ := c.ask(http.MethodGet, at, nil)
		for _, o := range list(got, kind) {
			out = append(out, kind+" "+text(o, "name")+" "+text(o, "id"))
		}
	}
	slices.Sort(out)
	return out
}

// of counts the new ones of an inventory, by kind, and returns them.
func of(now, before []string) (fresh []string, counts map[string]int) {
	counts = map[string]int{}
	for _, x := range now {
		if !slices.Contains(before, x) {
			kind, _, _ := strings.Cut(x, " ")
			counts[kind]++
			fresh = append(fresh, x)
		}
	}
	return fresh, counts
}

// image makes an image of a name, unless there is one; it goes with the test.
func (c *cloud) image(name string) {
	c.t.Helper()
	made, _ := c.ask(http.MethodPost, c.services["image"]+"/v2/images", map[string]any{"name": name, "disk_format": "raw", "container_format": "bare"})
	id := text(made, "id")
	c.t.Cleanup(func() { c.ask(http.MethodDelete, c.services["image"]+"/v2/images/"+id, nil) })
	c.ask(http.MethodPut, c.services["image"]+"/v2/images/"+id+"/file", make([]byte, 4096))
}

// patient waits for an operation longer than a simulated VIM would need.
func (d *daemon) patient(op, want string) any {
	d.t.Helper()
	op = op[strings.Index(op, "/vnflcm"):]
	var got any
	for end := time.Now().Add(10 * time.Minute); time.Now().Before(end); {
		_, got = d.call("GET", op, nil)
		switch state := text(got, "operationState"); state {
		case "COMPLETED", "FAILED", "ROLLED_BACK", "FAILED_TEMP":
			if state != want {
				d.t.Fatalf("ended %s, want %s: %v", state, want, field(got, "error"))
			}
			return got
		}
		<-time.After(200 * time.Millisecond)
	}
	d.t.Fatalf("%s does not end: %v", op, got)
	return nil
}

// broken kills the program in the middle of an operation, once something shows that it is, and starts it again: the operation ends as it
// would have.
func (d *daemon) broken(op string, middle func() bool) {
	d.t.Helper()
	for end := time.Now().Add(5 * time.Minute); !middle(); <-time.After(100 * time.Millisecond) {
		if time.Now().After(end) {
			d.t.Fatalf("%s does not come to its middle", op)
		}
	}
	d.kill()
	d.start()
	d.patient(op, "COMPLETED")
}

// withImage puts the image that the descriptor of a package names into it, and its checksum into the descriptor.
func withImage(t *testing.T, csar []byte) []byte {
	t.Helper()
	content := bytes.Repeat([]byte("store"), 1<<20)
	sum := sha256.Sum256(content)
	named := false
	out := remade(t, csar, func(name string, data []byte, put func(string, []byte)) {
		if head, tail, ok := bytes.Cut(data, []byte("name: store-back")); ok {
			said := regexp.MustCompile(`hash: [0-9a-f]+`)
			tail = said.ReplaceAll(tail, []byte("hash: "+hex.EncodeToString(sum[:])))
			data = slices.Concat(head, []byte("name: store-back"), tail)
			named = true
			put("Files/images/store-back.img", content)
		}
		put(name, data)
	})
	if !named {
		t.Fatal("the package does not name the image")
	}
	return out
}

// register has a program know the cloud as zed, its default.
func (c *cloud) register(d *daemon) {
	access, err := json.Marshal(map[string]any{
		"id": "zed", "vimType": "ETSINFV.OPENSTACK_KEYSTONE.V_3", "interfaceInfo": map[string]any{"endpoint": c.URL},
		"accessInfo": map[string]any{"username": c.Username, "password": c.Password, "project": c.Project, "projectDomain": "Default", "userDomain": "Default"},
	})
	if err != nil {
		c.t.Fatal(err)
	}
	file := c.t.TempDir() + "/zed.json"
	if err := os.WriteFile(file, access, 0o600); err != nil {
		c.t.Fatal(err)
	}
	d.vnfm(0, "vim", "register", "zed", "--file", file, "--default")
}

// One whole life of a VNF on a real OpenStack, with the program killed in the middle of each operation: what stood has the same ids
// afterwards, nothing is there twice, and in the end everything is as it was before.
func TestWholeLifeOnOpenStack(t *testing.T) {
	c := newCloud(t)
	c.image("store-front") // that of the other VDU is uploaded from the package
	d := startDaemon(t, "--vim-call-timeout", "90s")
	c.register(d)
	if out := d.vnfm(0, "vim", "check", "zed"); !strings.Contains(out, "nova") {
		t.Errorf("the check says %s", out)
	}
	nets, _ := c.ask(http.MethodGet, c.services["network"]+"/v2.0/networks?name=mgmt", nil)
	outside := text(nets, "networks", 0, "id")
	before := c.inventory()
	d.onboard(withImage(t, shapes.CSAR(shapes.Store)))
	vnf := d.create(shapes.VnfdID(shapes.Store), "store1")

	op := d.begin(vnf, "instantiate", map[string]any{"flavourId": "simple", "extVirtualLinks": []any{map[string]any{
		"id": "out", "resourceId": outside, "vimConnectionId": "zed",
		"extCps": []any{
			map[string]any{"cpdId": "front_outside", "cpConfig": map[string]any{"default": dynamic}},
			map[string]any{"cpdId": "back_outside", "cpConfig": map[string]any{"default": dynamic}},
		},
	}}})
	var half []string
	for len(half) < 6 { // in the middle
		half, _ = of(c.inventory(), before)
	}
	d.kill()
	half, _ = of(c.inventory(), before)
	d.start()
	d.patient(op, "COMPLETED")
	whole, counts := of(c.inventory(), before)
	want := map[string]int{"servers": 2, "ports": 6, "networks": 2, "subnets": 2, "volumes": 1, "server_groups": 1, "security_groups": 1, "images": 2}
	if fmt.Sprint(counts) != fmt.Sprint(want) {
		t.Errorf("there are %v, want %v:\n%s", counts, want, strings.Join(whole, "\n"))
	}
	for _, x := range half {
		if !slices.Contains(whole, x) {
			t.Errorf("%s was there when the program was killed, and is not any more", x)
		}
	}

	op = d.begin(vnf, "scale", map[string]any{"type": "SCALE_OUT", "aspectId": "fronts", "numberOfSteps": 1})
	for n := 0; n == 0; {
		var now []string
		now, _ = of(c.inventory(), append(slices.Clone(before), whole...))
		n = len(now)
	}
	d.kill()
	d.start()
	d.patient(op, "COMPLETED")
	scaled, counts := of(c.inventory(), before)
	if counts["servers"] != 3 || counts["ports"] != 9 {
		t.Errorf("scaled out there are %v", counts)
	}
	for _, x := range whole {
		if !slices.Contains(scaled, x) {
			t.Errorf("%s did not outlive the scaling", x)
		}
	}
	fewer := func(than []string) func() bool {
		return func() bool { now, _ := of(c.inventory(), before); return !slices.Equal(now, than) }
	}
	d.broken(d.begin(vnf, "scale", map[string]any{"type": "SCALE_IN", "aspectId": "fronts", "numberOfSteps": 1}), fewer(scaled))
	if now, _ := of(c.inventory(), before); !slices.Equal(now, whole) {
		t.Errorf("scaled in there are\n%s\nwant\n%s", strings.Join(now, "\n"), strings.Join(whole, "\n"))
	}

	powers := func() (out []string) {
		got, _ := c.ask(http.MethodGet, c.services["compute"]+"/servers/detail", nil)
		for _, s := range list(got, "servers") {
			if slices.ContainsFunc(whole, func(x string) bool { return strings.HasSuffix(x, text(s, "id")) }) {
				out = append(out, text(s, "status"))
			}
		}
		return out
	}
	for _, x := range []struct{ state, was, is string }{{"STOPPED", "ACTIVE", "SHUTOFF"}, {"STARTED", "SHUTOFF", "ACTIVE"}} {
		begun := func() bool { return slices.ContainsFunc(powers(), func(p string) bool { return p != x.was }) }
		d.broken(d.begin(vnf, "operate", map[string]any{"changeStateTo": x.state}), begun)
		if got := powers(); !slices.Equal(got, []string{x.is, x.is}) {
			t.Errorf("%s: %v", x.state, got)
		}
	}

	if out := d.vnfm(0, "vnf", "drift", "store1"); !strings.Contains(out, "nothing differs from the records") {
		t.Errorf("what is as it was made has drifted:\n%s", out)
	}
	for _, x := range whole { // somebody deletes a machine
		if strings.HasPrefix(x, "servers ") && strings.Contains(x, "front") {
			c.ask(http.MethodDelete, c.services["compute"]+"/servers/"+x[strings.LastIndex(x, " ")+1:], nil)
		}
	}
	lost, _ := of(c.inventory(), before)
	d.broken(d.begin(vnf, "heal", map[string]any{"cause": "a machine is gone"}), fewer(lost))
	if now, counts := of(c.inventory(), before); counts["servers"] != 2 || counts["ports"] != 6 {
		t.Errorf("healed there are %v:\n%s", counts, strings.Join(now, "\n"))
	}

	healed, _ := of(c.inventory(), before)
	d.broken(d.begin(vnf, "terminate", map[string]any{"terminationType": "FORCEFUL"}), fewer(healed))
	if now := c.inventory(); !slices.Equal(now, before) {
		t.Errorf("in the end there are\n%s\nbefore there were\n%s", strings.Join(now, "\n"), strings.Join(before, "\n"))
	}
	if p := list(d.must(200, "GET", "/vnfm/v1/audit/verify", nil), "problems"); len(p) != 0 {
		t.Errorf("the audit finds %v", p)
	}
}
