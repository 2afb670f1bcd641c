package main

import (
	"archive/zip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vnfm/vnfm/samples"
)

// unpacked writes the sample package's files into a folder.
func unpacked(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("..", "..", "samples", "firewall"))); err != nil {
		t.Fatal(err)
	}
	return dir
}

// A folder is made a package, the package is read as the server does, signed, and read again; what was changed is refused. No server is asked.
func TestPackageFilesWithoutAServer(t *testing.T) {
	dir, out := unpacked(t), t.TempDir()
	nowhere := func(args ...string) (int, string) {
		t.Helper()
		code, said, errs := at(t.Context(), "http://127.0.0.1:1", "", args...)
		return code, said + errs
	}
	plain := filepath.Join(out, "a.csar")
	code, said := nowhere("package", "pack", dir, plain)
	if code != exitOK || !strings.Contains(said, "a server takes it") {
		t.Fatalf("pack: exit %d: %s", code, said)
	}
	for _, want := range []string{"Flavour standard", "gateway", "busy", "throughput", "gateway_outside", samples.VnfdID} {
		if !strings.Contains(said, want) {
			t.Errorf("there is no %q in\n%s", want, said)
		}
	}
	if err := os.Remove(filepath.Join(dir, "firewall.mf")); err != nil { // one is made of the descriptor
		t.Fatal(err)
	}
	if code, said := nowhere("package", "pack", dir, filepath.Join(out, "b.csar")); code != exitOK {
		t.Errorf("without a manifest: exit %d: %s", code, said)
	}
	if code, said := nowhere("package", "validate", plain, filepath.Join(out, "b.csar")); code != exitOK || strings.Count(said, "ok") != 2 {
		t.Errorf("validate: exit %d: %s", code, said)
	}
	cert, key := certificate(t)
	signed := filepath.Join(out, "s.csar")
	if code, said := nowhere("package", "sign", plain, "--signer", cert, "--signer-key", key, "--to", signed); code != exitOK || !strings.Contains(said, "signed:") || !strings.Contains(said, "yes;") {
		t.Errorf("sign: exit %d: %s", code, said)
	}
	if code, said := nowhere("package", "sign", signed, "--signer", cert, "--signer-key", key); code != exitOK || !strings.Contains(said, "yes;") {
		t.Errorf("sign again: exit %d: %s", code, said)
	}
	bad := filepath.Join(out, "bad.csar")
	changed(t, plain, bad)
	if code, said := nowhere("package", "validate", bad); code != exitFailed || !strings.Contains(said, "refused") {
		t.Errorf("a changed package: exit %d: %s", code, said)
	}
	if code, said := nowhere("package", "inspect", bad, "-o", "jsonpath={.ok}"); code != exitFailed || !strings.Contains(said, "false") {
		t.Errorf("a changed package: exit %d: %s", code, said)
	}
	for _, args := range [][]string{{"package", "pack", out}, {"package", "inspect", "/nowhere"}, {"package", "sign", bad, "--signer", key, "--signer-key", key}} {
		if code, said := nowhere(args...); code != exitUsage {
			t.Errorf("%v: exit %d: %s", args, code, said)
		}
	}
}

// certificate makes a certificate of its own, and its key.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "vendor"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: raw}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// changed copies a package with one file changed behind the manifest's back.
func changed(t *testing.T, from, to string) {
	t.Helper()
	z, err := zip.OpenReader(from)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = z.Close() }()
	f, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(f)
	for _, e := range z.File {
		r, err := e.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if e.Name == "ChangeLog.txt" {
			data = append(data, "\nchanged"...)
		}
		x, err := w.Create(e.Name)
		if err == nil {
			_, err = x.Write(data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// On a real server: a refused upload keeps the file's name and the reason in the list, and goes by prune; package show has the line to copy,
// which works; names are completed; the support bundle has what helps, and nothing secret, whatever was given.
func TestToolsOnAServer(t *testing.T) {
	to := startServer(t)
	call := caller(t, to)
	wrong := filepath.Join(t.TempDir(), "wrong.csar")
	if err := os.WriteFile(wrong, []byte("no archive"), 0o600); err != nil {
		t.Fatal(err)
	}
	call(exitFailed, "package", "onboard", wrong)
	if out := call(exitOK, "package", "list"); !strings.Contains(out, "wrong.csar") || !strings.Contains(out, "ERROR") || !strings.Contains(out, "archive") {
		t.Errorf("the refused package is not told of:\n%s", out)
	}
	call(exitUsage, "package", "prune") // nobody can be asked
	call(exitOK, "package", "prune", "--yes")
	if out := call(exitOK, "package", "list", "-o", "name"); strings.Count(out, "\n") != 1 {
		t.Errorf("after prune there are\n%s", out)
	}
	out := call(exitOK, "package", "show", "Sample Firewall")
	for _, want := range []string{"Flavour standard", "EXTERNAL CONNECTION POINT", "ASPECT", "Deploy it"} {
		if !strings.Contains(out, want) {
			t.Errorf("there is no %q in\n%s", want, out)
		}
	}
	for line := range strings.SplitSeq(out[strings.Index(out, "Deploy it"):], "\n") {
		words := strings.Fields(strings.ReplaceAll(strings.ReplaceAll(line, "NETWORK", "external"), "NAME", "copied"))
		if len(words) > 1 && words[0] == "vnfm" {
			call(exitOK, words[1:]...)
		}
	}
	t.Setenv("VNFM_SERVER", to)
	for line, want := range map[string]string{ // as fish asks; what is behind a | is as bash and zsh do
		"vnfm vnf show co": "copied", "vnfm vim show si": "sim-1,sim-2", "vnfm vnf ter": "terminate", "vnfm vnf list --tro": "--trouble", "vnfm op watch cop": "copied",
		"vnfm op saga cop": "copied", "vnfm vnf delete copied co": "", "vnfm vnf show -o json co": "copied", "vnfm vnf list -o w": "wide",
		"vnfm package show Sam": "Sample Firewall", "vnfm package show Sam|": `Sample\ Firewall`, `vnfm vnf create --vnfd Sample\ F|`: `Sample\ Firewall`,
		`vnfm vnf create --vnfd "Sam|`: "Sample Firewall", "vnfm vnf show co|x": "copied", "vnfm cluster log-level d": "debug", "vnfm package onboard " + wrong: wrong,
		"vnfm package onboard " + wrong + "|": "", "vnfm vnf events cop": "copied", "vnfm package show 5c1d4a3e|zsh": samples.VnfdID, "vnfm package show Sam|zsh": "",
	} {
		typed, behind, point := strings.Cut(line, "|")
		t.Setenv("COMP_LINE", typed+behind)
		t.Setenv("COMP_TYPE", map[bool]string{true: "9"}[behind != "zsh"])
		t.Setenv("COMP_POINT", map[bool]string{true: strconv.Itoa(len(typed))}[point])
		if out := strings.Join(strings.Fields(strings.ReplaceAll(call(exitOK), " ", "_")), ","); out != strings.ReplaceAll(want, " ", "_") {
			t.Errorf("%q is completed by %q, want %q", line, out, want)
		}
	}
	t.Setenv("COMP_LINE", "")
	id := strings.TrimSpace(call(exitOK, "vnf", "show", "copied", "-o", "name"))
	t.Setenv("COMP_LINE", "vnfm vnf show "+id[:6])
	if out := strings.TrimSpace(call(exitOK)); out != id {
		t.Errorf("the beginning of %s is completed by %q", id, out)
	}
	t.Setenv("COMP_LINE", "")
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if out := call(exitOK, "completion", "-c", shell); !strings.Contains(out, "complete") {
			t.Errorf("%s: %s", shell, out)
		}
	}
	call(exitOK, "vim", "register", "secretive", "--type", "VNFM.SIM.V_1", "--interface", "endpoint=https://u.example", "--access", "password=canary")
	call(exitOK, "vnf", "create", "--vnfd", "Sample Firewall", "--name", "told")
	call(exitOK, "sim", "behaviour", "--set", `{"seed":1,"rules":[{"on":"configure","outcome":"permanent","times":1}]}`)
	call(exitFailed, "vnf", "instantiate", "told", "--flavour", "standard", "--param", "admin_contact=canary@example.com")
	file := filepath.Join(t.TempDir(), "b.zip")
	call(exitOK, "support-bundle", "--to", file, "--vnf", "told")
	z, err := zip.OpenReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = z.Close() }()
	names := map[string]bool{}
	for _, e := range z.File {
		names[strings.SplitN(e.Name, "-", 2)[0]] = true
		names[e.Name] = true
		r, err := e.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil || strings.Contains(string(data), "canary") {
			t.Errorf("%s: %v, %s", e.Name, err, data)
		}
	}
	for _, want := range []string{"system.json", "cluster.json", "audit.json", "vims.json", "vnfs.json", "operations.json", "op", "vnf"} {
		if !names[want] {
			t.Errorf("there is no %s in the bundle", want)
		}
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the bundle is %v, %v", info, err)
	}
}
