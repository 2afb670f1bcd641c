package main

import (
	"archive/zip"
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/client"
	"github.com/vnfm/vnfm/cmd/vnfm/screen"
)

// Files of a package come as they are: to standard output, or to a file that is there when all of it is. Seen failing with what
// strips colours between them.
func TestFilesOfAPackage(t *testing.T) {
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	w, err := z.Create("a\x1b[31mb")
	if err == nil {
		_, err = io.WriteString(w, "\x1b[1mbold\x1b[0m")
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	at := "GET /vnfpkgm/v2/vnf_packages/" + pkg
	for args, c := range map[string]struct{ path, content string }{
		"content":                       {"/package_content", archive.String()},
		"vnfd":                          {"/vnfd", "tosca_definitions_version: x\n"},
		"manifest":                      {"/manifest", "metadata:\n"},
		"artifacts":                     {"/artifacts", archive.String()},
		"artifact Scripts/run me?.sh":   {"/artifacts/Scripts/run me?.sh", "true\n"},
		"artifact Files/\x1b[31m/a.bin": {"/artifacts/Files/\x1b[31m/a.bin", "\x00\xff"},
	} {
		f := newFake(t)
		f.queue[at+c.path] = []string{c.content}
		command, path, some := strings.Cut(args, " ")
		words := []string{"package", command, "vnfd-1"}
		if some {
			words = append(words, path)
		}
		if code, out, errs := f.vnfm("", words...); code != exitOK || out != c.content || errs != "" {
			t.Errorf("%s: exit %d: %q %s", args, code, out, errs)
		}
		file := filepath.Join(t.TempDir(), "file")
		if code, out, errs := f.vnfm("", append(words, file)...); code != exitOK || out != "" || errs != "" {
			t.Errorf("%s: exit %d: %q %s", args, code, out, errs)
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != c.content {
			t.Errorf("%s: %q, %v", args, got, err)
		}
		f.codes[at+c.path], f.queue[at+c.path] = http.StatusConflict, []string{`{"status":409,"detail":"The VNF package is PROCESSING."}`}
		gone := filepath.Join(t.TempDir(), "gone")
		if code, _, errs := f.vnfm("", append(words, gone)...); code != exitServer || !strings.Contains(errs, "PROCESSING") {
			t.Errorf("%s: exit %d: %s", args, code, errs)
		}
		if left, err := os.ReadDir(filepath.Dir(gone)); err != nil || len(left) > 0 {
			t.Errorf("%s: %v is left, %v", args, left, err)
		}
	}
	f := newFake(t)
	if code, _, errs := f.vnfm("", "package", "content", "vnfd-1", filepath.Join(t.TempDir(), "no", "folder")); code != exitUsage {
		t.Errorf("exit %d: %s", code, errs)
	}
}

// An archive is not for eyes.
func TestAnArchiveOnATerminal(t *testing.T) {
	var out bytes.Buffer
	s := &session{raw: &out, Screen: &screen.Screen{Terminal: true}}
	to := target{File: "-"}
	for media, shown := range map[string]bool{"text/plain": true, "application/yaml": true, "application/json": true, "application/zip": false, "application/octet-stream": false, "": false} {
		err := to.keep(s, func(into client.Into) error {
			_, err := into(media)
			return err
		})
		if (err == nil) != shown {
			t.Errorf("%s: %v", media, err)
		}
	}
}

// The server fetches; the password is in the request and in nothing else.
func TestFetch(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(secret, []byte("canary\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := newFake(t)
	f.queue["POST /vnfpkgm/v2/vnf_packages"] = []string{`{"id":"` + pkg + `"}`}
	f.queue["GET /vnfpkgm/v2/vnf_packages/"+pkg] = []string{
		`{"id":"` + pkg + `","onboardingState":"UPLOADING"}`, `{"id":"` + pkg + `","onboardingState":"ONBOARDED","vnfdId":"v"}`,
	}
	code, out, errs := f.vnfm("", "package", "fetch", "https://repo.example/a.csar", "--user", "u", "--password", "@"+secret)
	if code != exitOK || !strings.Contains(out, "ONBOARDED") || strings.Contains(out+errs, "canary") {
		t.Errorf("exit %d, %s, %s", code, out, errs)
	}
	want := "POST /vnfpkgm/v2/vnf_packages/" + pkg + `/package_content/upload_from_uri {"addressInformation":"https://repo.example/a.csar","userName":"u","password":"canary"}`
	if len(f.sent) != 2 || f.sent[1] != want {
		t.Errorf("sent %q", f.sent)
	}
	f.queue["GET /vnfpkgm/v2/vnf_packages/"+pkg] = []string{`{"id":"` + pkg + `","onboardingState":"ERROR","onboardingFailureDetails":{"status":422,"detail":"no way"}}`}
	if code, out, _ := f.vnfm("", "package", "fetch", "https://repo.example/a.csar"); code != exitFailed || !strings.Contains(out, "no way") {
		t.Errorf("exit %d: %s", code, out)
	}
	f.codes["POST /vnfpkgm/v2/vnf_packages/"+pkg+"/package_content/upload_from_uri"] = http.StatusUnprocessableEntity
	if code, _, errs := f.vnfm("", "package", "fetch", "x"); code != exitServer || !strings.Contains(errs, pkg) {
		t.Errorf("exit %d: %s", code, errs)
	}
	if code, _, _ := f.vnfm("", "package", "fetch", "https://x", "--password", "@/no/such/file"); code != exitUsage {
		t.Errorf("exit %d", code)
	}
}
