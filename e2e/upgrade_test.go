package e2e

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// unpack puts an archive of testdata into a folder.
func unpack(t *testing.T, name, into string) {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(into, h.Name)
		if h.Typeflag == tar.TypeDir {
			if err := os.MkdirAll(to, 0o700); err != nil {
				t.Fatal(err)
			}
			continue
		}
		b, err := io.ReadAll(r)
		if err == nil {
			err = os.WriteFile(to, b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// The data folder is that of a program from before there were plans (commit 05b6b6c), which was killed in the middle of an INSTANTIATE
// and of a TERMINATE. Today's program goes on with both where they were: the sagas of the old definitions end, with the ids they had, and
// what they made can be operated, terminated and deleted. Seen failing with the old definitions left out of the program.
func TestUpgradeInTheMiddleOfOperations(t *testing.T) {
	data := t.TempDir()
	unpack(t, "before-plans.tar.gz", data)
	d := startDaemon(t, "--data", data)
	ids, ops := map[string]string{}, map[string]string{}
	for _, v := range d.must(200, "GET", "/vnflcm/v2/vnf_instances", nil).([]any) { //nolint:forcetypeassert // a list
		ids[text(v, "vnfInstanceName")] = text(v, "id")
	}
	for _, o := range d.must(200, "GET", "/vnflcm/v2/vnf_lcm_op_occs", nil).([]any) { //nolint:forcetypeassert // a list
		if text(o, "vnfInstanceId") == ids["up"] || text(o, "operation") == "TERMINATE" {
			ops[text(o, "operation")] = text(o, "id")
		}
	}
	for _, operation := range []string{"INSTANTIATE", "TERMINATE"} {
		if op := d.settle("/vnflcm/v2/vnf_lcm_op_occs/" + ops[operation]); text(op, "operationState") != "COMPLETED" {
			t.Fatalf("%s is %s: %v", operation, text(op, "operationState"), field(op, "error"))
		}
	}
	if up := d.must(200, "GET", "/vnflcm/v2/vnf_instances/"+ids["up"], nil); text(up, "instantiationState") != "INSTANTIATED" {
		t.Errorf("up is %v", up)
	}
	if have := d.inventory(ids["down"]); len(have) > 0 {
		t.Errorf("of what was terminated there is %v", have)
	}
	d.run(ids["up"], "operate", map[string]any{"changeStateTo": "STOPPED"}, "COMPLETED")
	d.run(ids["up"], "heal", map[string]any{}, "COMPLETED")
	d.run(ids["up"], "terminate", map[string]any{"terminationType": "FORCEFUL"}, "COMPLETED")
	if left := d.inventory(""); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	for _, id := range ids {
		d.must(204, "DELETE", "/vnflcm/v2/vnf_instances/"+id, nil)
	}
}
