package csar_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/vnfd/csar"
)

// rich has a file of each role, set and class.
func rich() files {
	f := small.with(
		meta, small[meta]+"ETSI-Entry-Manifest: main.mf\nETSI-Entry-Change-Log: ChangeLog.txt\nETSI-Entry-Licenses: Files/Licenses\nETSI-Entry-Tests: Files/Tests/\n",
		main, strings.Replace(template(""), "imports: [ etsi_nfv_sol001_vnfd_types.yaml ]", "imports: [ etsi_nfv_sol001_vnfd_types.yaml, parts/more.yaml ]", 1),
		"Definitions/parts/more.yaml", head, "Definitions/stray.yaml", head,
		"ChangeLog.txt", "new", "Files/Licenses/a/b.txt", "free", "Files/Licenses.txt", "no", "Files/Tests/t.sh", "true", "Files/onap/event.json", "{}",
		"Files/a.sh", "true", "Files/a.sh.cms", "signature", "Files/b.sh", "true", "sigs/s", "signature", "sigs/c", "certificate",
	)
	_, manifest := listedIn(f)
	named := "Source: Files/b.sh\nSignature: sigs/s\nCertificate: sigs/c\n"
	manifest = strings.Replace(manifest, "Source: Files/b.sh\n", named, 1)
	return f.with("main.mf", manifest+"\nnon_mano_artifact_sets:\n  onap_ves:\n    Source: Files/onap/event.json\n")
}

// What each file is to its package: what is not an artifact is no artifact to anybody. Seen failing without the roles of imports,
// of signatures that the manifest names, of sets, and with classes by the beginning of a name.
func TestWhatFilesAre(t *testing.T) {
	t.Parallel()
	got := map[string]csar.File{}
	for _, f := range rich().mustOpenWith(t, csar.Options{Signatures: csar.Signatures{Mode: csar.Off}}).Files {
		name := f.Path
		f.Path, f.Size, f.SHA256, f.Listed = "", 0, "", false
		got[name] = f
	}
	if d := cmp.Diff(map[string]csar.File{
		meta: {Role: csar.RoleMeta}, "main.mf": {Role: csar.RoleManifest}, main: {Role: csar.RoleDefinition},
		"Definitions/parts/more.yaml": {Role: csar.RoleDefinition}, "Definitions/stray.yaml": {},
		"ChangeLog.txt": {Class: csar.ClassHistory}, "Files/Licenses/a/b.txt": {Class: csar.ClassLicense}, "Files/Licenses.txt": {},
		"Files/Tests/t.sh": {Class: csar.ClassTesting}, "Files/onap/event.json": {Set: "onap_ves"},
		"Files/a.sh": {Signature: "Files/a.sh.cms"}, "Files/a.sh.cms": {Role: csar.RoleSignature},
		"Files/b.sh": {Signature: "sigs/s", Certificate: "sigs/c"}, "sigs/s": {Role: csar.RoleSignature}, "sigs/c": {Role: csar.RoleSignature},
	}, got); d != "" {
		t.Error(d)
	}
}

// The files of an onboarded package are read by their names, and nothing else is; of one that is signed as a whole, those of the
// CSAR inside. Seen failing with the archive around opened.
func TestContentIsRead(t *testing.T) {
	t.Parallel()
	inner := rich().zip(t)
	for name, data := range map[string][]byte{"plain": inner, "signed as a whole": files{"fw.csar": string(inner), "fw.cms": "x"}.zip(t)} {
		c, err := csar.OpenContent(bytes.NewReader(data), int64(len(data)), csar.Options{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for path, content := range rich() {
			r, err := c.Open(path)
			if err != nil {
				t.Errorf("%s: %s: %v", name, path, err)
				continue
			}
			if got, err := io.ReadAll(r); err != nil || string(got) != content {
				t.Errorf("%s: %s: %q, %v", name, path, got, err)
			}
			_ = r.Close()
		}
		for _, path := range []string{"", ".", "..", "/", "../etc/passwd", "/etc/passwd", "Files", "Files/", "Files/../main.mf", "./main.mf", `Files\a.sh`, "fw.csar", "FILES/A.SH"} {
			if r, err := c.Open(path); vnfm.KindOf(err) != vnfm.NotFound {
				t.Errorf("%s: %q: %v, %v", name, path, r, err)
			}
		}
		c.Close()
	}
	for _, data := range [][]byte{nil, []byte("PK"), inner[:len(inner)/2]} {
		if c, err := csar.OpenContent(bytes.NewReader(data), int64(len(data)), csar.Options{}); err == nil {
			t.Errorf("%d bytes are %v", len(data), c)
		}
	}
}
