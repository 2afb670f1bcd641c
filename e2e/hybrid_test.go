//go:build kubernetes

package e2e

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/samples/shapes"
	"github.com/vnfm/vnfm/vim/kubernetes"
	"github.com/vnfm/vnfm/vim/kubernetes/kubetest"
)

// A VNF of machines and containers lives at two VIMs of two types, a simulated one and a real cluster: each VDU where it runs, from the
// request on through scaling, healing, other flavours and kill -9, and nothing is left at either.
func TestAVnfAtTwoVimsOfTwoTypes(t *testing.T) {
	l := kubetest.New(t, kubernetes.Type)
	before := labInventory(t, l)
	d := startDaemon(t)
	d.vnfm(0, "vim", "register", "cluster", "--type", kubernetes.Type, "--access", "kubeconfig=@"+os.Getenv("VNFM_TEST_KUBECONFIG"), "--extra", "namespace="+l.Namespace)
	d.onboard(shapes.CSAR(shapes.Hybrid))
	vnf := d.create(shapes.VnfdID(shapes.Hybrid), "gw")
	request := map[string]any{
		"flavourId": "simple", "additionalParams": map[string]any{"lcm-kubernetes-def-files": []string{"Files/gateway.yaml"}},
		"vimConnectionInfo": map[string]any{"cluster": map[string]any{"vimType": kubernetes.Type}, "sim-1": map[string]any{"vimType": "VNFM.SIM.V_1"}},
	}
	d.run(vnf, "instantiate", request, "COMPLETED")
	at := func(want map[string]int) {
		t.Helper()
		got := map[string]int{}
		for _, c := range list(d.must(200, "GET", "/vnflcm/v2/vnf_instances/"+vnf, nil), "instantiatedVnfInfo", "vnfcResourceInfo") {
			got[text(c, "vduId")+"@"+text(c, "computeResource", "vimConnectionId")]++
			if pod := strings.HasPrefix(text(c, "computeResource", "resourceId"), "Pod.v1/"+l.Namespace); pod != (text(c, "vduId") == "gateway") {
				t.Errorf("%v", c)
			}
		}
		if len(got) != len(want) {
			t.Errorf("at %v, want %v", got, want)
		}
		for k, n := range want {
			if got[k] != n {
				t.Errorf("at %v, want %v", got, want)
			}
		}
	}
	at(map[string]int{"engine@sim-1": 1, "gateway@cluster": 1})
	d.begin(vnf, "scale", map[string]any{"type": "SCALE_OUT", "aspectId": "both"})
	d.kill()
	d.start()
	d.await("the end of the scaling", func() bool {
		ops := d.must(200, "GET", "/vnflcm/v2/vnf_lcm_op_occs?filter=(eq,operation,SCALE)", nil)
		return text(list(ops)[0], "operationState") == "COMPLETED"
	})
	at(map[string]int{"engine@sim-1": 2, "gateway@cluster": 2})
	d.run(vnf, "heal", map[string]any{}, "COMPLETED")
	at(map[string]int{"engine@sim-1": 2, "gateway@cluster": 2})
	d.run(vnf, "scale", map[string]any{"type": "SCALE_IN", "aspectId": "both"}, "COMPLETED")
	d.begin(vnf, "change_flavour", map[string]any{"newFlavourId": "large"})
	d.kill()
	d.start()
	d.await("the end of the change of flavour", func() bool {
		ops := d.must(200, "GET", "/vnflcm/v2/vnf_lcm_op_occs?filter=(eq,operation,CHANGE_FLAVOUR)", nil)
		return text(list(ops)[0], "operationState") == "COMPLETED"
	})
	at(map[string]int{"engine@sim-1": 2, "gateway@cluster": 2})
	d.run(vnf, "change_flavour", map[string]any{"newFlavourId": "machines"}, "COMPLETED")
	at(map[string]int{"engine@sim-1": 1})
	if after := labInventory(t, l); !slices.Equal(after, before) {
		t.Errorf("the cluster of a VNF of machines has %v, had %v", after, before)
	}
	d.run(vnf, "change_flavour", map[string]any{ // the simulated VIM would run them, too
		"newFlavourId": "simple", "vimConnectionInfo": map[string]any{"cluster": map[string]any{"vimType": kubernetes.Type}},
	}, "COMPLETED")
	at(map[string]int{"engine@sim-1": 1, "gateway@cluster": 1})
	d.run(vnf, "terminate", map[string]any{"terminationType": "FORCEFUL"}, "COMPLETED")
	if after := labInventory(t, l); !slices.Equal(after, before) {
		t.Errorf("the cluster has %v, had %v", after, before)
	}
	if left, _ := d.must(200, "GET", "/vnfm/v1/sim/inventory", nil).([]any); len(left) != 0 {
		t.Errorf("the simulated VIM has %v", left)
	}
}
