//go:build openstack

package e2e

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/vnfm/vnfm/samples/shapes"
)

// TestMeasureOpenStack measures 20 instantiations at once, of two machines each, whose image comes from the package.
func TestMeasureOpenStack(t *testing.T) {
	c := newCloud(t)
	c.image("store-front")
	d := startDaemon(t, "--vim-call-timeout", "90s", "--operation-deadline", "2h")
	c.register(d)
	nets, _ := c.ask(http.MethodGet, c.services["network"]+"/v2.0/networks?name=mgmt", nil)
	d.onboard(withImage(t, shapes.CSAR(shapes.Store)))
	before := c.inventory()
	request := map[string]any{"flavourId": "simple", "extVirtualLinks": []any{map[string]any{
		"id": "out", "resourceId": text(nets, "networks", 0, "id"), "vimConnectionId": "zed",
		"extCps": []any{
			map[string]any{"cpdId": "front_outside", "cpConfig": map[string]any{"default": dynamic}},
			map[string]any{"cpdId": "back_outside", "cpConfig": map[string]any{"default": dynamic}},
		},
	}}}
	var vnfs, ops []string
	for i := range 20 {
		vnfs = append(vnfs, d.create(shapes.VnfdID(shapes.Store), fmt.Sprintf("store-%d", i)))
	}
	since, cpu := time.Now(), d.cpu()
	for _, v := range vnfs {
		ops = append(ops, d.begin(v, "instantiate", request))
	}
	d.measured("20 instantiations at once", since, cpu, ops...)
	if _, counts := of(c.inventory(), before); counts["servers"] != 40 || counts["images"] != 21 {
		t.Errorf("there are %v", counts)
	}
	since, cpu, ops = time.Now(), d.cpu(), nil
	for _, v := range vnfs {
		ops = append(ops, d.begin(v, "terminate", map[string]any{"terminationType": "FORCEFUL"}))
	}
	d.measured("20 terminations at once", since, cpu, ops...)
	if left, _ := of(c.inventory(), before); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}
