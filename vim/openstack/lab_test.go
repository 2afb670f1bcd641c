//go:build openstack

package openstack_test

import (
	"encoding/json"
	"net/http"
	"os"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/openstack"
)

// clouds is a clouds.yaml as far as the lab needs it.
type clouds struct {
	Clouds map[string]struct {
		Auth struct {
			URL      string `json:"auth_url"`
			Username string `json:"username"`
			Password string `json:"password"`
			Project  string `json:"project_name"`
		} `json:"auth"`
		Region string `json:"region_name"`
	} `json:"clouds"`
}

// newLab returns the cloud of deploy/openstack-lab.sh, whose clouds.yaml VNFM_TEST_CLOUDS names.
func newLab(t *testing.T) *site {
	t.Helper()
	s, _ := newLabAnd(t)
	return s
}

// newLabAnd returns the connection of its administrator, too.
func newLabAnd(t *testing.T) (*site, vim.Connection) {
	t.Helper()
	text, err := os.ReadFile(os.Getenv("VNFM_TEST_CLOUDS"))
	if err != nil {
		t.Fatalf("VNFM_TEST_CLOUDS must name the clouds.yaml of a lab (make test-openstack starts one): %v", err)
	}
	var c clouds
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	connect := func(name string) vim.Connection {
		x := c.Clouds[name]
		return vim.Connection{
			ID: name, Type: openstack.Type, InterfaceInfo: map[string]json.RawMessage{"endpoint": vim.Encode(x.Auth.URL)},
			AccessInfo: map[string]json.RawMessage{
				"username": vim.Encode(x.Auth.Username), "password": vim.Encode(x.Auth.Password), "project": vim.Encode(x.Auth.Project),
				"projectDomain": vim.Encode("Default"), "userDomain": vim.Encode("Default"), "region": vim.Encode(x.Region),
			},
		}
	}
	s := &site{conn: connect("lab"), polls: 600, wait: func() { <-time.After(200 * time.Millisecond) }}
	d := s.driver()
	assets, err := d.Assets(t.Context(), s.conn)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range assets.Flavours {
		switch f.Name {
		case "m1.tiny":
			s.flavour = f.ID
		case "m1.small":
			s.otherFlavour = f.ID
		}
	}
	for _, i := range assets.Images {
		switch i.Name {
		case "cirros":
			s.image = i.ID
		case "cirros-2":
			s.otherImg = i.ID
		}
	}
	var nets struct {
		Networks []struct {
			ID        string
			ProjectID string `json:"project_id"`
			Subnets   []string
		}
	}
	s.look(t, "network", "/v2.0/networks?name=mgmt", &nets)
	s.mgmt, s.mgmtSubnet = nets.Networks[0].ID, nets.Networks[0].Subnets[0]
	admin := &site{conn: connect("lab-admin")}
	s.full = func(t *testing.T) {
		if _, err := admin.driver().Assets(t.Context(), admin.conn); err != nil {
			t.Fatal(err)
		}
		limit := func(n int) {
			var got any
			in := map[string]any{"quota": map[string]any{"network": n}}
			if code := admin.ask(t, http.MethodPut, "network", "/v2.0/quotas/"+nets.Networks[0].ProjectID, in, &got); code != http.StatusOK {
				t.Fatalf("quota: %d %v", code, got)
			}
		}
		limit(0)
		t.Cleanup(func() { limit(500) })
	}
	return s, admin.conn
}

func TestLab(t *testing.T) {
	s, admin := newLabAnd(t)
	s.run(t)
	t.Run("flavours", func(t *testing.T) { flavoursAreMade(t, &site{conn: admin}) }) // which only an administrator may make here
}

func TestLabScenarios(t *testing.T) {
	for name, f := range scenarios {
		t.Run(name, func(t *testing.T) { f(t, newLab(t)) })
	}
}
