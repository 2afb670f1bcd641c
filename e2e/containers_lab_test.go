//go:build kubernetes

package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/vnfm/vnfm/samples/shapes"
	"github.com/vnfm/vnfm/vim/helm"
	"github.com/vnfm/vnfm/vim/kubernetes"
	"github.com/vnfm/vnfm/vim/kubernetes/kubetest"
)

// booth is a VNF of containers in a namespace of its own.
type booth struct {
	lab       *kubetest.Lab
	name, vnf string
	by        map[string]map[string]any // additionalParams, by flavour
	before    []string                  // what the namespace had
	print     string                    // of what stood when the operation under way began
}

// containersOf is a version of the package of containers, whose pods take their time; those of a version that is broken never start.
func containersOf(t *testing.T, version int, broken bool) (csar []byte, vnfdID string) {
	t.Helper()
	vnfdID = fmt.Sprintf("5c1d4a3e-0000-4000-8000-0000000000b%d", version)
	note := "annotations: { lab/ready-delay: 2s }, labels: { app: "
	if broken {
		note = "annotations: { lab/fail-start: ErrImagePull }, labels: { app: "
	}
	csar = remade(t, shapes.Containers(vnfdID, version, map[string]int{"front": 1, "back": 1, "cache": 1}), func(name string, data []byte, put func(string, []byte)) {
		put(name, []byte(strings.ReplaceAll(string(data), " labels: { app: ", " "+note)))
	})
	return csar, vnfdID
}

// deployed is what stands of a VNF: by workload, how many pods of which image it is to have.
func (b *booth) deployed(t *testing.T) map[string]string {
	t.Helper()
	all, err := b.lab.Direct.Resource(kubetest.Deployments).Namespace(b.lab.Namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for i := range all.Items {
		x := &all.Items[i]
		n, _, _ := unstructured.NestedInt64(x.Object, "spec", "replicas")
		containers, _, _ := unstructured.NestedSlice(x.Object, "spec", "template", "spec", "containers")
		if n > 0 { // a chart has a workload without pods for a VDU that its flavour does not have
			out[x.GetName()] = fmt.Sprint(n, " of ", text(containers, 0, "image"))
		}
	}
	return out
}

// pods are the names of the pods that stand, and are not on their way out.
func (b *booth) pods(t *testing.T) (out []string) {
	t.Helper()
	all, err := b.lab.Direct.Resource(kubetest.Pods).Namespace(b.lab.Namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range all.Items {
		if x := &all.Items[i]; x.GetDeletionTimestamp() == nil {
			out = append(out, x.GetName())
		}
	}
	slices.Sort(out)
	return out
}

// now tells what stands from what stood.
func (b *booth) now(t *testing.T) string {
	t.Helper()
	return fmt.Sprint(labInventory(t, b.lab), b.deployed(t))
}

// recorded are the names of the pods that the VNFCs are said to be, by VDU.
func (b *booth) recorded(d *daemon) map[string][]string {
	out := map[string][]string{}
	for vdu, pods := range d.pods(b.vnf) {
		for _, id := range pods {
			parts := strings.Split(id, "/") // Pod.v1/namespace/name/uid
			out[vdu] = append(out[vdu], parts[2])
		}
	}
	return out
}

// holds checks that a VNF is made of these workloads and nothing else, and that the records say so.
func (b *booth) holds(d *daemon, when string, want map[string]string) {
	d.t.Helper()
	if got := b.deployed(d.t); !maps.Equal(got, want) {
		d.t.Errorf("%s: of %s stand %v, want %v", when, b.name, got, want)
	}
	said := slices.Sorted(slices.Values(slices.Concat(slices.Collect(maps.Values(b.recorded(d)))...)))
	if got := b.pods(d.t); !slices.Equal(got, said) {
		d.t.Errorf("%s: the pods of %s are %v, and by the records %v", when, b.name, got, said)
	}
	out := ""
	d.await("an answer of the cluster", func() bool {
		out = d.vnfm(0, "vnf", "drift", b.name)
		return !strings.Contains(out, "does not tell") // a busy machine is slow
	})
	if !strings.Contains(out, "nothing differs from the records") {
		d.t.Errorf("%s: %s has drifted:\n%s", when, b.name, out)
	}
}

// killedAmid kills the program in the middle of an operation on each VNF, that is, once one of their namespaces has begun to change, and starts it again:
// they end as wanted. It returns how many of them were under way.
func killedAmid(d *daemon, all []*booth, want string, begin func(b *booth) string) (amid int) {
	d.t.Helper()
	var ops []string
	for _, b := range all {
		b.print = b.now(d.t)
	}
	for _, b := range all {
		op := begin(b)
		ops = append(ops, op[strings.Index(op, "/vnflcm"):])
	}
	d.await("the middle of "+ops[0], func() bool {
		return slices.ContainsFunc(all, func(b *booth) bool { return b.now(d.t) != b.print })
	})
	for _, op := range ops {
		if state := text(d.must(200, "GET", op, nil), "operationState"); state == "PROCESSING" || state == "ROLLING_BACK" {
			amid++
		}
	}
	d.kill()
	d.start()
	for i, op := range ops {
		if got := d.settle(op); text(got, "operationState") != want {
			d.t.Fatalf("of %s %s ended %s, want %s: %v", all[i].name, text(got, "operation"), text(got, "operationState"), want, field(got, "error"))
		}
	}
	return amid
}

// A VNFM that is killed in the middle of each operation on containers goes on, by manifests and by charts: every workload is there once, with the
// image and the pods that it must have, what was not asked about stays, and in the end the cluster has what it had. What containers cannot do is refused.
func TestKilledInTheMiddleOfOperationsOfAChartOrOfManifestsTheyGoOn(t *testing.T) {
	d := startDaemon(t, "--vim-call-timeout", "10s", "--vim-pod-patience", "1s")
	var ids []string
	for version := 1; version <= 3; version++ {
		csar, id := containersOf(t, version, version == 3)
		d.onboard(csar)
		ids = append(ids, id)
	}
	var all []*booth
	for _, x := range []struct {
		name, vimType string
		by            map[string]map[string]any
	}{{"manifests", kubernetes.Type, shapes.ByManifests}, {"charts", helm.Type, shapes.ByCharts}} {
		b := &booth{lab: kubetest.New(t, x.vimType), name: x.name, by: x.by}
		b.before = labInventory(t, b.lab)
		d.register(x.name, x.vimType, "namespace="+b.lab.Namespace)
		b.vnf = d.create(ids[0], x.name)
		all = append(all, b)
	}
	under, of := 0, 0
	amid := func(task string, body func(b *booth) map[string]any) {
		t.Helper()
		under, of = under+killedAmid(d, all, "COMPLETED", func(b *booth) string { return d.begin(b.vnf, task, body(b)) }), of+len(all)
	}
	hold := func(when string, want map[string]string) {
		t.Helper()
		for _, b := range all {
			b.holds(d, when, want)
		}
	}

	amid("instantiate", func(b *booth) map[string]any {
		return map[string]any{
			"flavourId": shapes.Small, "additionalParams": b.by[shapes.Small],
			"vimConnectionInfo": map[string]any{b.name: map[string]any{"vimType": b.lab.Conn.Type}},
		}
	})
	hold("instantiated", map[string]string{"front": "1 of front:1", "back": "1 of back:1"})
	was := map[string]map[string][]string{}
	remember := func() {
		for _, b := range all {
			was[b.name] = b.recorded(d)
		}
	}
	remember()
	scale := func(to string) func(*booth) map[string]any {
		return func(*booth) map[string]any { return map[string]any{"type": to, "aspectId": shapes.Fronts} }
	}
	amid("scale", scale("SCALE_OUT"))
	hold("scaled out", map[string]string{"front": "2 of front:1", "back": "1 of back:1"})
	for _, b := range all {
		if now := b.recorded(d); now["front"][0] != was[b.name]["front"][0] || !slices.Equal(now["back"], was[b.name]["back"]) {
			t.Errorf("scaled out %s has %v, had %v", b.name, now, was[b.name])
		}
	}

	remember()
	amid("heal", func(b *booth) map[string]any {
		for _, c := range list(d.must(200, "GET", "/vnflcm/v2/vnf_instances/"+b.vnf, nil), "instantiatedVnfInfo", "vnfcResourceInfo") {
			if strings.Contains(text(c, "computeResource", "resourceId"), "/"+was[b.name]["front"][1]+"/") {
				return map[string]any{"vnfcInstanceId": []string{text(c, "id")}}
			}
		}
		t.Fatal("there is no such VNFC")
		return nil
	})
	hold("healed", map[string]string{"front": "2 of front:1", "back": "1 of back:1"})
	for _, b := range all {
		now, then := b.recorded(d), was[b.name]
		if now["front"][0] != then["front"][0] || now["front"][1] == then["front"][1] || !slices.Equal(now["back"], then["back"]) {
			t.Errorf("healed %s has %v, had %v", b.name, now, then)
		}
	}
	amid("scale", scale("SCALE_IN"))
	hold("scaled in", map[string]string{"front": "1 of front:1", "back": "1 of back:1"})

	info := text(d.must(201, "POST", "/vnflcm/v2/vnf_snapshots", map[string]any{}), "id")
	for _, b := range all {
		for task, body := range map[string]map[string]any{"create_snapshot": {"vnfSnapshotInfoId": info}, "operate": {"changeStateTo": "STOPPED"}} {
			d.must(409, "POST", "/vnflcm/v2/vnf_instances/"+b.vnf+"/"+task, body)
		}
		d.run(b.vnf, "operate", map[string]any{"changeStateTo": "STARTED"}, "COMPLETED")
	}

	amid("change_flavour", func(b *booth) map[string]any {
		return map[string]any{"newFlavourId": shapes.Large, "additionalParams": b.by[shapes.Large]}
	})
	hold("of the other flavour", map[string]string{"front": "1 of front:1", "cache": "1 of cache:1"})
	amid("change_vnfpkg", func(*booth) map[string]any { return map[string]any{"vnfdId": ids[1]} })
	second := map[string]string{"front": "1 of front:2", "cache": "1 of cache:2"}
	hold("of the other package", second)

	var failed []string
	for _, b := range all { // to one whose pods do not start
		op := d.begin(b.vnf, "change_vnfpkg", map[string]any{"vnfdId": ids[2]})
		failed = append(failed, op[strings.Index(op, "/vnflcm"):])
	}
	for _, op := range failed {
		if got := d.settle(op); text(got, "operationState") != "FAILED_TEMP" {
			t.Fatalf("it ended %v", got)
		}
	}
	under, of = under+killedAmid(d, all, "ROLLED_BACK", func(b *booth) string {
		op := failed[slices.Index(all, b)]
		d.must(202, "POST", op+"/rollback", nil)
		return op
	}), of+len(all)
	hold("rolled back", second)
	for _, b := range all {
		if v := d.must(200, "GET", "/vnflcm/v2/vnf_instances/"+b.vnf, nil); text(v, "vnfdId") != ids[1] {
			t.Errorf("rolled back %s is of %s", b.name, text(v, "vnfdId"))
		}
	}

	amid("terminate", func(*booth) map[string]any { return map[string]any{"terminationType": "FORCEFUL"} })
	for _, b := range all {
		if after := labInventory(t, b.lab); !slices.Equal(after, b.before) {
			t.Errorf("%s: the cluster has %v, had %v", b.name, after, b.before)
		}
		d.must(204, "DELETE", "/vnflcm/v2/vnf_instances/"+b.vnf, nil)
	}
	if p := list(d.must(200, "GET", "/vnfm/v1/audit/verify", nil), "problems"); len(p) != 0 {
		t.Errorf("the audit finds %v", p)
	}
	if t.Logf("killed in the middle of %d of %d operations", under, of); under < of/2 {
		t.Errorf("the program was killed in the middle of %d operations of %d", under, of)
	}
}
