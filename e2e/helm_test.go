//go:build kubernetes

package e2e

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/vnfm/vnfm/samples/shapes"
	"github.com/vnfm/vnfm/vim/helm"
	"github.com/vnfm/vnfm/vim/kubernetes/kubetest"
)

// inventory names all that a test's namespace holds but what every namespace has.
func labInventory(t *testing.T, l *kubetest.Lab) []string {
	t.Helper()
	var out []string
	for _, gvr := range []schema.GroupVersionResource{
		kubetest.ConfigMaps, kubetest.Secrets, kubetest.Pods, kubetest.Deployments, {Version: "v1", Resource: "services"},
		{Group: "apps", Version: "v1", Resource: "replicasets"}, {Group: "batch", Version: "v1", Resource: "jobs"},
	} {
		all, err := l.Direct.Resource(gvr).Namespace(l.Namespace).List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range all.Items {
			if x := &all.Items[i]; x.GetName() != "kube-root-ca.crt" {
				out = append(out, gvr.Resource+"/"+x.GetName())
			}
		}
	}
	slices.Sort(out)
	return out
}

// pods returns the pods of a VNF's VNFCs, by VDU.
func (d *daemon) pods(vnf string) map[string][]string {
	out := map[string][]string{}
	for _, c := range list(d.must(200, "GET", "/vnflcm/v2/vnf_instances/"+vnf, nil), "instantiatedVnfInfo", "vnfcResourceInfo") {
		out[text(c, "vduId")] = append(out[text(c, "vduId")], text(c, "computeResource", "resourceId"))
	}
	return out
}

// helmVNF registers a lab, and creates a VNF of the chart's package.
func helmVNF(t *testing.T, l *kubetest.Lab, name string) (d *daemon, vnf string) {
	t.Helper()
	d = startDaemon(t)
	kubeconfig := os.Getenv("VNFM_TEST_KUBECONFIG")
	d.vnfm(0, "vim", "register", "helm", "--type", helm.Type, "--access", "kubeconfig=@"+kubeconfig, "--extra", "namespace="+l.Namespace, "--default")
	d.onboard(shapes.CSAR(shapes.Charts))
	return d, d.create(shapes.VnfdID(shapes.Charts), name)
}

func chartRequest(params map[string]any) map[string]any {
	all := map[string]any{"helm_chart_path": "Files/kubernetes/chart", "helm_value_names": map[string]any{"front": map[string]any{"replica": "fronts"}}}
	for k, v := range params {
		all[k] = v
	}
	return map[string]any{"flavourId": "simple", "additionalParams": all}
}

// A whole life of a VNF of a chart on a real cluster: pods are VNFCs, the numbers are those of the descriptor, a pod is made again, and at
// the end the cluster has what it had.
func TestWholeLifeOfAChart(t *testing.T) {
	l := kubetest.New(t, helm.Type)
	before := labInventory(t, l)
	d, vnf := helmVNF(t, l, "shop")
	d.run(vnf, "instantiate", chartRequest(nil), "COMPLETED")
	made := d.pods(vnf)
	if len(made["front"]) != 1 || len(made["back"]) != 1 || !strings.HasPrefix(made["front"][0], "Pod.v1/"+l.Namespace+"/front-vnf-") {
		t.Errorf("the VNFCs are %v", made)
	}
	d.run(vnf, "scale", map[string]any{"type": "SCALE_OUT", "aspectId": "fronts", "numberOfSteps": 2}, "COMPLETED")
	grown := d.pods(vnf)
	if len(grown["front"]) != 3 || grown["front"][0] != made["front"][0] || !slices.Equal(grown["back"], made["back"]) {
		t.Errorf("after scale out they are %v, were %v", grown, made)
	}
	for _, c := range list(d.must(200, "GET", "/vnflcm/v2/vnf_instances/"+vnf, nil), "instantiatedVnfInfo", "vnfcResourceInfo") {
		if text(c, "computeResource", "resourceId") == grown["front"][1] {
			d.run(vnf, "heal", map[string]any{"vnfcInstanceId": []string{text(c, "id")}}, "COMPLETED")
		}
	}
	healed := d.pods(vnf)
	if healed["front"][1] == grown["front"][1] || healed["front"][0] != grown["front"][0] || healed["front"][2] != grown["front"][2] {
		t.Errorf("after the healing they are %v, were %v", healed, grown)
	}
	d.run(vnf, "scale", map[string]any{"type": "SCALE_IN", "aspectId": "fronts", "numberOfSteps": 1}, "COMPLETED")
	if left := d.pods(vnf); len(left["front"]) != 2 {
		t.Errorf("after scale in they are %v", left)
	}
	d.run(vnf, "terminate", map[string]any{"terminationType": "FORCEFUL"}, "COMPLETED")
	if after := labInventory(t, l); !slices.Equal(after, before) {
		t.Errorf("the cluster has %v, had %v", after, before)
	}
}

// A VNFM that is killed in the middle of an install goes on with the same release, and makes no second one.
func TestKilledInTheMiddleOfAnInstallItGoesOn(t *testing.T) {
	l := kubetest.New(t, helm.Type)
	before := labInventory(t, l)
	d, vnf := helmVNF(t, l, "shop")
	op := d.begin(vnf, "instantiate", chartRequest(map[string]any{"helm_values": map[string]any{"hook": "ContainerCreating"}}))
	name := ""
	releases := func() (all []string) {
		for _, x := range labInventory(t, l) {
			if s, ok := strings.CutPrefix(x, "secrets/sh.helm.release.v1."); ok {
				s = s[:strings.LastIndex(s, ".v")]
				if !slices.Contains(all, s) {
					all = append(all, s)
				}
			}
		}
		return all
	}
	d.await("the hook of the release", func() bool {
		for _, x := range labInventory(t, l) {
			if s, ok := strings.CutPrefix(x, "jobs/"); ok {
				name = strings.TrimSuffix(s, "-before")
			}
		}
		return name != ""
	})
	for range 2 {
		d.kill()
		d.start()
		d.await("that it goes on", func() bool { return len(releases()) == 1 })
	}
	l.Succeed(t, name+"-before")
	op = op[strings.Index(op, "/vnflcm"):]
	d.await("the end, whatever hook is made again", func() bool {
		for _, x := range labInventory(t, l) {
			if x == "jobs/"+name+"-before" {
				l.Succeed(t, name+"-before")
			}
		}
		return text(d.must(200, "GET", op, nil), "operationState") == "COMPLETED"
	})
	if all := releases(); len(all) != 1 || all[0] != name {
		t.Errorf("the releases are %v, want %s", all, name)
	}
	if p := d.pods(vnf); len(p["front"]) != 1 || !strings.Contains(fmt.Sprint(p), name) {
		t.Errorf("the VNFCs are %v", p)
	}
	d.run(vnf, "terminate", map[string]any{"terminationType": "FORCEFUL"}, "COMPLETED")
	if after := labInventory(t, l); !slices.Equal(after, before) {
		t.Errorf("the cluster has %v, had %v", after, before)
	}
}
