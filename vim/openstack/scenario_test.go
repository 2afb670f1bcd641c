package openstack_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// scenarios are what a fake and a real cloud are tried with alike, beside the suite.
var scenarios = map[string]func(t *testing.T, s *site){
	"two of one token":               twoOfOneToken,
	"what a server may fail of":      serverFaults,
	"quotas":                         quotas,
	"a token that ends":              tokenEnds,
	"boot from a volume":             bootFromVolume,
	"a snapshot outlives its volume": snapshotOfVolume,
	"a server that begins off":       beginsOff,
	"a trunk":                        trunks,
	"a rate":                         rates,
	"a check":                        checks,
	"security rules":                 securityRules,
	"shared addresses":               sharedAddresses,
	"what is observed":               observes,
	"flavours and images":            assets,
	"names of any kind":              names,
	"calls per operation":            calls,
	"images of others":               imagesOfOthers,
	"a place that went":              placeThatWent,
}

func TestScenarios(t *testing.T) {
	for name, f := range scenarios {
		t.Run(name, func(t *testing.T) { f(t, newFake(t).site()) })
	}
}

func (s *site) server(ports ...string) vim.Spec {
	return vim.Spec{Name: "vm", Compute: &vim.ComputeSpec{Flavour: s.flavour, Image: s.image, Ports: ports}}
}

func (s *site) port(name string) vim.Spec {
	return vim.Spec{Name: name, Port: &vim.PortSpec{Network: s.mgmt}}
}

func volume() vim.Spec { return vim.Spec{Name: "disk", Volume: &vim.VolumeSpec{SizeBytes: 1 << 30}} }

// made starts a resource and waits until it is ready.
func (s *site) made(t *testing.T, d vim.Driver, kind vim.Kind, spec vim.Spec) (vim.StartRequest, vim.Resource) {
	t.Helper()
	r, res, err := s.start(t, d, kind, spec)
	if err != nil {
		t.Fatal(err)
	}
	if res = s.settled(t, d, res); res.Failed != nil {
		t.Fatal(res.Failed)
	}
	return r, res
}

// A request that is delivered twice makes two of most things: the older stays, the other goes.
func twoOfOneToken(t *testing.T, s *site) {
	d := s.driver()
	for kind, spec := range map[vim.Kind]vim.Spec{
		vim.ServerGroup: {Name: "group", ServerGroup: &vim.ServerGroupSpec{}},
		vim.Network:     {Name: "net", Network: &vim.NetworkSpec{}},
		vim.Port:        s.port("port"),
		vim.Volume:      volume(),
		vim.Compute:     s.server(),
	} {
		t.Run(string(kind), func(t *testing.T) {
			r, first, err := s.start(t, d, kind, spec)
			if err != nil {
				t.Fatal(err)
			}
			s.wait() // a cloud tells seconds
			for range 6 {
				s.wait()
			}
			s.again(t)
			second, err := d.List(t.Context(), s.conn, vim.ListRequest{Owner: r.Owner})
			if err != nil || len(second.Resources) != 2 {
				t.Fatalf("sent twice there are %+v, %v", second.Resources, err)
			}
			found, err := d.Find(t.Context(), s.conn, kind, r.Token)
			if err != nil || found.ID != first.ID {
				t.Errorf("found is %+v, %v, want the first, %s", found, err, first.ID)
			}
			for range s.polls {
				page, err := d.List(t.Context(), s.conn, vim.ListRequest{Owner: r.Owner})
				if err != nil {
					t.Fatal(err)
				}
				if len(page.Resources) == 1 && page.Resources[0].ID == first.ID {
					return
				}
				s.wait()
			}
			t.Error("the second never went")
		})
	}
}

// What a server fails of is told in Nova's words, with what to do about it.
func serverFaults(t *testing.T, s *site) {
	d := s.driver()
	_, port := s.made(t, d, vim.Port, s.port("bindfail"))
	huge := s.server()
	huge.Compute.Flavour = s.hugeFlavour(t, d)
	for want, spec := range map[string]vim.Spec{"No valid host was found": huge, "cannot be bound": s.server(port.ID)} {
		class := map[bool]message.Class{true: message.Quota, false: message.Transient}[want == "No valid host was found"]
		_, res, err := s.start(t, d, vim.Compute, spec)
		if err != nil {
			t.Fatal(err)
		}
		res = s.settled(t, d, res)
		if res.Failed == nil || !strings.Contains(res.Failed.Hint, want) || res.Health != vim.Unhealthy {
			t.Errorf("it has failed of %v, want %s", res.Failed, want)
		}
		if res.Failed != nil && res.Failed.Class != class {
			t.Errorf("%s has the class %s, want %s", want, res.Failed.Class, class)
		}
	}
	_, res, err := s.start(t, d, vim.Volume, vim.Spec{Name: "volfail", Volume: &vim.VolumeSpec{SizeBytes: 1}})
	if err != nil {
		t.Fatal(err)
	}
	if res = s.settled(t, d, res); res.Failed == nil || res.Failed.Class != message.Permanent {
		t.Errorf("a volume that the storage refuses is %+v", res)
	}
	_, taken := s.made(t, d, vim.Port, s.port("taken"))
	s.made(t, d, vim.Compute, s.server(taken.ID))
	shared := s.server(taken.ID)
	shared.Name = "second"
	if _, _, err := s.start(t, d, vim.Compute, shared); vim.ClassOf(err) != message.Exists {
		t.Errorf("a port that another server has: %v", err)
	}
	none := s.server()
	none.Compute.Flavour = uuid.NewString()
	if _, _, err := s.start(t, d, vim.Compute, none); vim.ClassOf(err) != message.NotFound {
		t.Errorf("a flavour that is not there: %v", err)
	}
	long := s.server()
	long.Compute.UserData = strings.Repeat("secret", 20_000)
	if _, _, err := s.start(t, d, vim.Compute, long); vim.ClassOf(err) != message.Permanent || strings.Contains(err.Error(), "secret") {
		t.Errorf("boot data that is too long: %v", err)
	}
	two := s.server()
	two.Compute.ServerGroup = []string{"a", "b"}
	if _, _, err := s.start(t, d, vim.Compute, two); vim.ClassOf(err) != message.Permanent {
		t.Errorf("a server in two groups: %v", err)
	}
}

func (s *site) hugeFlavour(t *testing.T, d vim.AssetFinder) string {
	t.Helper()
	f, err := d.FindFlavour(t.Context(), s.conn, "m1.huge")
	if err != nil {
		t.Fatal(err)
	}
	return f.ID
}

// Each service has its own way to say that a quota is used up.
func quotas(t *testing.T, s *site) {
	d := s.driver()
	s.full(t)
	_, _, err := s.start(t, d, vim.Network, vim.Spec{Name: "n", Network: &vim.NetworkSpec{}})
	if vim.ClassOf(err) != message.Quota || !strings.Contains(err.Error(), "network") {
		t.Errorf("Neutron: %v", err)
	}
	for path, answer := range map[string]rule{
		"/servers": {answer: http.StatusForbidden, body: `{"forbidden":{"code":403,"message":"Quota exceeded for instances: Requested 1, but already used 0 of 0 instances"}}`},
		"/volumes": {answer: http.StatusRequestEntityTooLarge, body: `{"overLimit":{"code":413,"message":"VolumeLimitExceeded: Maximum number of volumes allowed (0) exceeded for quota 'volumes'.","retryAfter":"0"}}`},
	} {
		answer.method, answer.path = http.MethodPost, path
		s.next(answer)
		kind, spec := vim.Compute, s.server()
		if path == "/volumes" {
			kind, spec = vim.Volume, volume()
		}
		if _, _, err := s.start(t, d, kind, spec); vim.ClassOf(err) != message.Quota || !strings.Contains(err.Error(), "exceeded") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// A token that ends is replaced once, whoever needs it, and the call goes on.
func tokenEnds(t *testing.T, s *site) {
	d := s.driver()
	if _, err := d.Assets(t.Context(), s.conn); err != nil {
		t.Fatal(err)
	}
	if s.expire != nil {
		s.expire()
	} else {
		s.mu.Lock()
		token := s.token
		s.mu.Unlock()
		revoke(t, s, token)
	}
	got := s.counted(func() {
		errs := make(chan error, 8)
		for range cap(errs) {
			go func() {
				_, err := d.List(t.Context(), s.conn, vim.ListRequest{Owner: uuid.NewString()})
				errs <- err
			}()
		}
		for range cap(errs) {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
	})
	logins := 0
	for _, c := range got {
		if strings.HasSuffix(c, "/auth/tokens") {
			logins++
		}
	}
	if logins != 1 {
		t.Errorf("%d logins for one token that ended, want 1", logins)
	}
}

func revoke(t *testing.T, s *site, token string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, vim.Text(s.conn.InterfaceInfo, "endpoint")+"/auth/tokens", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Auth-Token", token)
	r.Header.Set("X-Subject-Token", token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil || resp.StatusCode != http.StatusNoContent {
		t.Fatalf("revoke: %v, %v", resp, err)
	}
	_ = resp.Body.Close()
}

func bootFromVolume(t *testing.T, s *site) {
	d := s.driver()
	spec := volume()
	spec.Volume.Image = s.image
	_, root := s.made(t, d, vim.Volume, spec)
	_, data := s.made(t, d, vim.Volume, volume())
	vm := s.server()
	vm.Compute.Image, vm.Compute.ConfigDrive, vm.Compute.UserData = "", true, "#!/bin/sh\n"
	vm.Compute.Volumes = []vim.VolumeRef{{ID: root.ID, Boot: true}, {ID: data.ID}}
	r, res := s.made(t, d, vim.Compute, vm)
	if res.Power != vim.PowerOn || res.Zone == "" {
		t.Errorf("it is %+v", res)
	}
	to := vm
	c := *vm.Compute
	c.Volumes = []vim.VolumeRef{{ID: data.ID, Boot: true}}
	to.Compute = &c
	change := vim.ChangeRequest{Token: r.Token, Kind: vim.Compute, Owner: r.Owner, ID: res.ID, Revision: 2, From: vm, To: to}
	if _, err := d.Change(t.Context(), s.conn, change); vim.ClassOf(err) != message.Permanent {
		t.Errorf("another volume to boot from: %v", err)
	}
	c.Image, c.Volumes = "", nil
	if _, _, err := s.start(t, d, vim.Compute, to); vim.ClassOf(err) != message.Permanent {
		t.Errorf("nothing to boot from: %v", err)
	}
}

func snapshotOfVolume(t *testing.T, s *site) {
	d := s.driver()
	r, disk := s.made(t, d, vim.Volume, volume())
	taken, snap := s.made(t, d, vim.Snapshot, vim.Spec{Name: "snap", Snapshot: &vim.SnapshotSpec{Volume: disk.ID}})
	if found, err := d.Find(t.Context(), s.conn, vim.Volume, taken.Token); vim.ClassOf(err) != message.NotFound {
		t.Errorf("a snapshot is found as a volume: %+v, %v", found, err)
	}
	s.release(t, d, r)
	if got, err := d.Poll(t.Context(), s.conn, vim.Snapshot, snap.ID); err != nil || !got.Ready {
		t.Errorf("without its volume the snapshot is %+v, %v", got, err)
	}
	again := volume()
	again.Volume.Snapshot = snap.ID
	s.made(t, d, vim.Volume, again)
}

func beginsOff(t *testing.T, s *site) {
	d := s.driver()
	vm := s.server()
	vm.Compute.Power = vim.PowerOff
	r, res := s.made(t, d, vim.Compute, vm)
	if res.Power != vim.PowerOff {
		t.Errorf("it is %+v", res)
	}
	on := s.server()
	change := vim.ChangeRequest{Token: r.Token, Kind: vim.Compute, Owner: r.Owner, ID: res.ID, Revision: 2, From: vm, To: on}
	for range s.polls {
		var err error
		if res, err = d.Change(t.Context(), s.conn, change); err != nil {
			t.Fatal(err)
		}
		if res.Ready {
			break
		}
		if res = s.settled(t, d, res); res.Revision == 2 {
			break
		}
	}
	for range 3 { // and it stays on
		s.wait()
		if res, _ = d.Poll(t.Context(), s.conn, vim.Compute, res.ID); res.Power != vim.PowerOn || res.Revision != 2 {
			t.Fatalf("turned on it is %+v", res)
		}
	}
}

func trunks(t *testing.T, s *site) {
	d := s.driver()
	_, parent := s.made(t, d, vim.Port, s.port("parent"))
	child, sub := s.made(t, d, vim.Port, s.port("child"))
	vm := s.server(parent.ID)
	vm.Compute.SubPorts = []vim.SubPort{{Port: sub.ID, Parent: parent.ID, SegmentationID: "101"}}
	r, _ := s.made(t, d, vim.Compute, vm)
	var out struct {
		Trunks []struct {
			ID   string
			Subs []struct {
				Port string `json:"port_id"`
				ID   int    `json:"segmentation_id"`
			} `json:"sub_ports"`
		}
	}
	s.look(t, "network", "/v2.0/trunks?port_id="+parent.ID, &out)
	if len(out.Trunks) != 1 || len(out.Trunks[0].Subs) != 1 || out.Trunks[0].Subs[0].Port != sub.ID || out.Trunks[0].Subs[0].ID != 101 {
		t.Fatalf("the trunks are %+v", out)
	}
	s.release(t, d, r)
	s.look(t, "network", "/v2.0/trunks?port_id="+parent.ID, &out)
	if len(out.Trunks) != 0 {
		t.Errorf("the server is gone, and its trunk is not: %+v", out)
	}
	s.release(t, d, child)
	bad := s.server(parent.ID)
	bad.Compute.SubPorts = []vim.SubPort{{Port: sub.ID, Parent: parent.ID, SegmentationID: "x"}}
	if _, _, err := s.start(t, d, vim.Compute, bad); vim.ClassOf(err) != message.Permanent {
		t.Errorf("a segment that is no number: %v", err)
	}
}

func rates(t *testing.T, s *site) {
	d := s.driver()
	spec := vim.Spec{Name: "slow", Network: &vim.NetworkSpec{LeafBitRate: 10_000_000, RootBitRate: 100_000_000}}
	r, res := s.made(t, d, vim.Network, spec)
	has := func() (rates []int) {
		var out struct {
			Network struct {
				Policy string `json:"qos_policy_id"`
			}
		}
		s.look(t, "network", "/v2.0/networks/"+res.ID, &out)
		var p struct {
			Policy struct {
				Rules []struct {
					Max int `json:"max_kbps"`
				}
			}
		}
		if out.Network.Policy == "" {
			return nil
		}
		s.look(t, "network", "/v2.0/qos/policies/"+out.Network.Policy, &p)
		for _, x := range p.Policy.Rules {
			rates = append(rates, x.Max)
		}
		return rates
	}
	if got := has(); !slices.Equal(got, []int{10_000}) {
		t.Errorf("the ports are limited to %v kbit/s", got)
	}
	for i, rate := range []int64{20_000_000, 0, 5_000_000} {
		to := spec
		to.Network = &vim.NetworkSpec{LeafBitRate: rate}
		got, err := d.Change(t.Context(), s.conn, vim.ChangeRequest{Token: r.Token, Kind: vim.Network, Owner: r.Owner, ID: res.ID, Revision: i + 2, From: spec, To: to})
		if err != nil || got.Revision != i+2 {
			t.Fatalf("%+v, %v", got, err)
		}
		want := []int{int(rate / 1000)}
		if rate == 0 {
			want = nil
		}
		if got := has(); !slices.Equal(got, want) {
			t.Errorf("the ports are limited to %v kbit/s, want %v", got, want)
		}
		spec = to
	}
	s.release(t, d, r)
	var left struct{ Policies []any }
	s.look(t, "network", "/v2.0/qos/policies?description=vnfm:"+r.Token.String(), &left)
	if len(left.Policies) != 0 {
		t.Errorf("the network is gone, and its policy is not: %v", left.Policies)
	}
}
