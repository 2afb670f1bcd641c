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

// What stands as it was asked for differs in nothing; what somebody changed is seen.
func observes(t *testing.T, s *site) {
	d := s.driver()
	owner := uuid.NewString()
	ids := map[vim.Kind]string{}
	specs := map[string]vim.Spec{}
	made := func(kind vim.Kind, spec vim.Spec) {
		t.Helper()
		r := vim.StartRequest{Token: vim.Token{ID: uuid.NewString(), Generation: 1}, Kind: kind, Owner: owner, Spec: spec}
		t.Cleanup(func() { s.release(t, d, r) })
		res, err := d.Start(t.Context(), s.conn, r)
		if err != nil {
			t.Fatal(err)
		}
		if res = s.settled(t, d, res); !res.Ready {
			t.Fatalf("%+v", res)
		}
		ids[kind], specs[res.ID] = res.ID, spec
	}
	made(vim.ServerGroup, vim.Spec{Name: "g", ServerGroup: &vim.ServerGroupSpec{Affinity: true}})
	made(vim.Network, vim.Spec{Name: "n", Network: &vim.NetworkSpec{}})
	made(vim.Subnet, vim.Spec{Name: "s", Subnet: &vim.SubnetSpec{Network: ids[vim.Network], IPVersion: 4, CIDR: "10.3.0.0/24", DHCP: true}})
	made(vim.Port, vim.Spec{Name: "p", Port: &vim.PortSpec{Network: ids[vim.Network]}})
	first := ids[vim.Port]
	made(vim.Port, vim.Spec{Name: "q", Port: &vim.PortSpec{Network: ids[vim.Network]}})
	made(vim.Volume, vim.Spec{Name: "v", Volume: &vim.VolumeSpec{SizeBytes: 1_000_000_000, Image: s.image}})
	made(vim.Compute, vim.Spec{Name: "c", Compute: &vim.ComputeSpec{
		Flavour: s.flavour, Image: s.image, Ports: []string{ids[vim.Port], first}, Volumes: []vim.VolumeRef{{ID: ids[vim.Volume]}},
		ServerGroup: []string{ids[vim.ServerGroup]}, Metadata: map[string]string{"a": "b"},
	}})
	see := func() map[string]vim.Observed {
		t.Helper()
		out := map[string]vim.Observed{}
		err := vim.EachObserved(t.Context(), d, s.conn, owner, 3, 1<<40, func(page []vim.Observed) error {
			for _, o := range page {
				out[o.Resource.ID] = o
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	seen := see()
	if len(seen) != len(specs) {
		t.Errorf("%d are seen, want %d", len(seen), len(specs))
	}
	for id, spec := range specs {
		o := seen[id]
		if got := o.Differs(spec); len(got) != 0 || len(o.About) == 0 {
			t.Errorf("%s differs in %v: %+v", o.Resource.Kind, got, o.Spec)
		}
	}
	var answer any
	s.ask(t, http.MethodPut, "compute", "/servers/"+ids[vim.Compute], map[string]any{"server": map[string]any{"name": "theirs"}}, &answer)
	s.ask(t, http.MethodPut, "network", "/v2.0/subnets/"+ids[vim.Subnet], map[string]any{"subnet": map[string]any{"enable_dhcp": false}}, &answer)
	seen = see()
	for kind, want := range map[vim.Kind]vim.Attribute{vim.Compute: vim.AttributeName, vim.Subnet: vim.AttributeDHCP} {
		o := seen[ids[kind]]
		if got := o.Differs(specs[ids[kind]]); !slices.Equal(got, []vim.Attribute{want}) {
			t.Errorf("of the %s somebody changed is seen %v, want %s", kind, got, want)
		}
	}
}

func assets(t *testing.T, s *site) {
	d := s.driver()
	a, err := d.Assets(t.Context(), s.conn)
	if err != nil || !slices.Contains(a.Zones, "nova") || a.ExternalNetwork == "" || len(a.Flavours) < 3 || len(a.Images) < 2 {
		t.Fatalf("%+v, %v", a, err)
	}
	for _, name := range []string{"m1.tiny", s.flavour} {
		if f, err := d.FindFlavour(t.Context(), s.conn, name); err != nil || f.ID != s.flavour || f.Name != "m1.tiny" || f.VCPUs != 1 || f.MemoryBytes != 512<<20 {
			t.Errorf("flavour %s: %+v, %v", name, f, err)
		}
	}
	if _, err := d.FindFlavour(t.Context(), s.conn, "m1.none"); vim.ClassOf(err) != message.NotFound {
		t.Errorf("a flavour that is not there: %v", err)
	}
	var sum string
	for _, i := range a.Images {
		if i.ID == s.otherImg {
			sum = i.Checksum
		}
	}
	for _, x := range []struct{ name, checksum, want string }{
		{"cirros", "", s.image}, {"cirros", sum, s.otherImg}, {"", sum, s.otherImg}, {"cirros", "sha256:0123", s.image},
	} {
		if i, err := d.FindImage(t.Context(), s.conn, x.name, x.checksum); err != nil || i.ID != x.want {
			t.Errorf("image %s %s: %+v, %v, want %s", x.name, x.checksum, i, err, x.want)
		}
	}
	for _, x := range [][2]string{{"none", ""}, {"", "sha512:00"}, {`a,b:"c"`, ""}, {"", ""}} {
		if i, err := d.FindImage(t.Context(), s.conn, x[0], x[1]); vim.ClassOf(err) != message.NotFound {
			t.Errorf("image %v: %+v, %v", x, i, err)
		}
	}
}

// People name things as they like.
func names(t *testing.T, s *site) {
	d := s.driver()
	for _, name := range []string{strings.Repeat("é", 300), "two\nlines", "smile \U0001F600", " <b>&amp;</b> ", "", "a@b#7 c", "\x00\xff"} {
		for kind, spec := range map[vim.Kind]vim.Spec{
			vim.ServerGroup: {ServerGroup: &vim.ServerGroupSpec{}}, vim.Network: {Network: &vim.NetworkSpec{}},
			vim.Port: s.port(""), vim.Volume: volume(), vim.Compute: s.server(),
		} {
			spec.Name = name
			r, res, err := s.start(t, d, kind, spec)
			if err != nil {
				t.Errorf("%s %q: %v", kind, name, err)
				continue
			}
			if res = s.settled(t, d, res); res.Failed != nil || res.Owner != r.Owner || res.Token != r.Token {
				t.Errorf("%s %q is %+v", kind, name, res)
			}
		}
	}
}

// What ADR 28 says of calls.
func calls(t *testing.T, s *site) {
	d := s.driver()
	if _, err := d.Assets(t.Context(), s.conn); err != nil { // it has a token from here on
		t.Fatal(err)
	}
	check := func(what string, want int, f func()) {
		t.Helper()
		if got := s.counted(f); len(got) != want {
			t.Errorf("%s makes %d calls, want %d: %v", what, len(got), want, got)
		}
	}
	for kind, spec := range map[vim.Kind]vim.Spec{
		vim.ServerGroup: {Name: "g", ServerGroup: &vim.ServerGroupSpec{}}, vim.Network: {Name: "n", Network: &vim.NetworkSpec{}},
		vim.Port: s.port("p"), vim.Volume: volume(), vim.Compute: s.server(),
	} {
		var r vim.StartRequest
		var res vim.Resource
		var err error
		check("start of a "+string(kind), 3, func() { r, res, err = s.start(t, d, kind, spec) })
		if err != nil {
			t.Fatal(err)
		}
		s.settled(t, d, res)
		check("poll of a "+string(kind), 1, func() { _, err = d.Poll(t.Context(), s.conn, kind, res.ID) })
		check("find of a "+string(kind), 1, func() { _, err = d.Find(t.Context(), s.conn, kind, r.Token) })
		want := 2
		if kind == vim.Network {
			want = 3 // its policy is looked for
		}
		if kind == vim.Compute {
			want = 3 // whether it is kept is looked at
		}
		if kind == vim.Port {
			want = 3 // whose security group it has is asked for once
		}
		check("release of a "+string(kind), want, func() { _, err = d.Release(t.Context(), s.conn, kind, r.Token) })
	}
	owner := uuid.NewString()
	check("list of one VNF", 9, func() {
		page, err := d.List(t.Context(), s.conn, vim.ListRequest{Owner: owner})
		if err != nil || len(page.Resources) != 0 || page.Next != "" {
			t.Errorf("%+v, %v", page, err)
		}
	})
}

// An image that somebody takes of a server that was made of our snapshot inherits our properties, and is none of ours.
func imagesOfOthers(t *testing.T, s *site) {
	d := s.driver()
	_, vm := s.made(t, d, vim.Compute, s.server())
	r, snap := s.made(t, d, vim.Snapshot, vim.Spec{Name: "ours", Snapshot: &vim.SnapshotSpec{Compute: vm.ID}})
	var out struct {
		Image string `json:"image_id"`
	}
	in := map[string]any{"createImage": map[string]any{"name": "theirs", "metadata": map[string]string{
		"vnfm": "resource", "vnfm_token": r.Token.String(), "vnfm_owner": r.Owner,
	}}}
	for range s.polls { // the server may be busy with ours
		if code := s.ask(t, http.MethodPost, "compute", "/servers/"+vm.ID+"/action", in, &out); code == http.StatusAccepted {
			break
		}
		s.wait()
	}
	defer func() { s.askPlain(t, http.MethodDelete, "image", "/v2/images/"+out.Image) }()
	found, err := d.Find(t.Context(), s.conn, vim.Snapshot, r.Token)
	if err != nil || found.ID != snap.ID {
		t.Errorf("found is %+v, %v", found, err)
	}
	page, err := d.List(t.Context(), s.conn, vim.ListRequest{Owner: r.Owner})
	if err != nil || len(page.Resources) != 1 {
		t.Errorf("listed are %+v, %v", page.Resources, err)
	}
	s.release(t, d, r)
	if code := s.look(t, "image", "/v2/images/"+out.Image, nil); code != http.StatusOK {
		t.Errorf("somebody's image is %d", code)
	}
}

// What a page was to begin behind may go meanwhile: nothing else is lost.
func placeThatWent(t *testing.T, s *site) {
	d := s.driver()
	owner := uuid.NewString()
	there := map[string]vim.StartRequest{}
	for range 3 {
		r := vim.StartRequest{Token: vim.Token{ID: uuid.NewString(), Generation: 1}, Kind: vim.Port, Owner: owner, Spec: s.port("p")}
		t.Cleanup(func() { s.release(t, d, r) })
		res, err := d.Start(t.Context(), s.conn, r)
		if err != nil {
			t.Fatal(err)
		}
		there[res.ID] = r
	}
	page, err := d.List(t.Context(), s.conn, vim.ListRequest{Owner: owner, Limit: 1})
	if err != nil || len(page.Resources) != 1 || page.Next == "" {
		t.Fatalf("%+v, %v", page, err)
	}
	s.release(t, d, there[page.Resources[0].ID])
	delete(there, page.Resources[0].ID)
	for page.Next != "" {
		if page, err = d.List(t.Context(), s.conn, vim.ListRequest{Owner: owner, Limit: 1, After: page.Next}); err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Resources {
			delete(there, r.ID)
		}
	}
	if len(there) != 0 {
		t.Errorf("not listed: %v", there)
	}
}
