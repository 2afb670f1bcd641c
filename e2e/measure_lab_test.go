//go:build kubernetes

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vnfm/vnfm/samples/shapes"
	"github.com/vnfm/vnfm/vim/helm"
	"github.com/vnfm/vnfm/vim/kubernetes"
	"github.com/vnfm/vnfm/vim/kubernetes/kubetest"
)

// rewritten is a package in which texts of its descriptors are others.
func rewritten(t *testing.T, csar []byte, pairs ...string) []byte {
	t.Helper()
	return remade(t, csar, func(name string, data []byte, put func(string, []byte)) {
		if strings.HasPrefix(name, "Definitions/") {
			data = []byte(strings.NewReplacer(pairs...).Replace(string(data)))
		}
		if put(name, data); name == "Files/kubernetes/deployment.yaml" { // of one VDU only
			put("Files/kubernetes/back.yaml", bytes.ReplaceAll(data, []byte("front"), []byte("back")))
		}
	})
}

func (d *daemon) register(name, vimType, namespace string) {
	d.vnfm(0, "vim", "register", name, "--type", vimType, "--access", "kubeconfig=@"+os.Getenv("VNFM_TEST_KUBECONFIG"), "--extra", namespace, "--default")
}

func manifests() map[string]any {
	return map[string]any{"lcm-kubernetes-def-files": []string{"Files/kubernetes/config-map.yaml", "Files/kubernetes/deployment.yaml", "Files/kubernetes/back.yaml"}}
}

// TestMeasureKubernetes measures a VNF of 300 pods, and 50 instantiations at once.
func TestMeasureKubernetes(t *testing.T) {
	l := kubetest.New(t, kubernetes.Type)
	d := startDaemon(t, "--vim-call-timeout", "60s", "--vim-pod-patience", "10m", "--max-vnfcs-per-vnf", "400")
	d.register("k8s", kubernetes.Type, "namespace="+l.Namespace)
	many := shapes.WithID(shapes.Manifests, "5c1d4a3e-0000-4000-8000-0000000000aa")
	d.onboard(rewritten(t, many, "max_number_of_instances: 3", "max_number_of_instances: 400", "number_of_instances: 3 }", "number_of_instances: 299 }",
		"deltas: { one: { number_of_instances: 1 } }", "deltas: { one: { number_of_instances: 149 } }"))
	vnf := d.create("5c1d4a3e-0000-4000-8000-0000000000aa", "many")
	since, cpu := time.Now(), d.cpu()
	op := d.begin(vnf, "instantiate", map[string]any{"flavourId": "simple", "instantiationLevelId": "instantiation_level_2", "additionalParams": manifests()})
	d.measured("instantiate with 300 pods", since, cpu, op)
	if n := len(list(d.must(200, "GET", "/vnflcm/v2/vnf_instances/"+vnf, nil), "instantiatedVnfInfo", "vnfcResourceInfo")); n < 299 {
		t.Errorf("it has %d VNFCs", n)
	}
	since, cpu = time.Now(), d.cpu()
	<-time.After(20 * time.Second)
	d.measured("20 s of comparisons with that", since, cpu)
	since, cpu = time.Now(), d.cpu()
	d.measured("terminate it", since, cpu, d.begin(vnf, "terminate", map[string]any{"terminationType": "FORCEFUL"}))

	d.onboard(rewritten(t, shapes.CSAR(shapes.Manifests), "no such", "text"))
	d.register("own", kubernetes.Type, "markerNamespace="+l.Namespace) // each VNF has a namespace of its own
	var vnfs, ops []string
	for i := range 50 {
		vnfs = append(vnfs, d.create(shapes.VnfdID(shapes.Manifests), fmt.Sprintf("vnf-%d", i)))
	}
	since, cpu = time.Now(), d.cpu()
	for _, v := range vnfs {
		ops = append(ops, d.begin(v, "instantiate", map[string]any{"flavourId": "simple", "additionalParams": manifests()}))
	}
	d.measured("50 instantiations at once", since, cpu, ops...)
	since, cpu, ops = time.Now(), d.cpu(), nil
	for _, v := range vnfs {
		ops = append(ops, d.begin(v, "terminate", map[string]any{"terminationType": "FORCEFUL"}))
	}
	d.measured("50 terminations at once", since, cpu, ops...)
}

// A secret that is given as a value of a chart is nowhere but at its cluster: not in what the program stores, says or logs.
func TestACanaryInTheValuesOfAChart(t *testing.T) {
	const canary = "canary-7c1f-in-a-value"
	l := kubetest.New(t, helm.Type)
	d, vnf := helmVNF(t, l, "shop")
	request := chartRequest(map[string]any{"helm_values": map[string]any{"admin": map[string]any{"password": canary}}, "helm_parameters": map[string]any{"db.password": canary}})
	d.run(vnf, "instantiate", request, "COMPLETED")
	d.run(vnf, "scale", map[string]any{"type": "SCALE_OUT", "aspectId": "fronts", "numberOfSteps": 1}, "COMPLETED")
	for _, path := range []string{"/vnflcm/v2/vnf_instances/" + vnf, "/vnflcm/v2/vnf_lcm_op_occs", "/vnfm/v1/vnf_instances/" + vnf + "/events", "/vnfm/v1/vnf_instances/" + vnf + "/drift", "/vnfm/v1/sagas"} {
		_, got := d.call("GET", path, nil)
		if b, _ := json.Marshal(got); bytes.Contains(b, []byte(canary)) {
			t.Errorf("%s tells it", path)
		}
	}
	d.run(vnf, "terminate", map[string]any{"terminationType": "FORCEFUL"}, "COMPLETED")
	if strings.Contains(d.log.String(), canary) {
		t.Error("it is in the log")
	}
	d.stop()
	data := d.args[5]
	err := filepath.WalkDir(data, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(canary)) {
			t.Errorf("it is in %s", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
