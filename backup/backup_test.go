package backup_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/backup"
	"github.com/vnfm/vnfm/eventstore/sqlite"
)

func at() time.Time { return time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC) }

func folder(path string) backup.Folder {
	return backup.Folder{Path: path, Databases: []string{"vnfm.db"}, Files: "blobs"}
}

// used returns a data folder with a database and package files.
func used(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	s, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(dir, "vnfm.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := os.Mkdir(filepath.Join(dir, "blobs"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"package%2Fone": "first", "package%2Ftwo": strings.Repeat("second", 1000), "+partial-x": "half"} {
		if err := os.WriteFile(filepath.Join(dir, "blobs", name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// tree returns the content of each file of a folder.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path) //nolint:gosec // our own
		all[strings.TrimPrefix(path, dir+"/")] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func none(string) error { return nil }

func restore(t *testing.T, file, dir string, prepare func(string) error) (backup.Manifest, error) {
	t.Helper()
	m, _, err := backup.Restore(t.Context(), file, folder(dir), false, at, prepare)
	return m, err
}

func TestWriteAndRestore(t *testing.T) {
	dir, file := used(t), filepath.Join(t.TempDir(), "b")
	if err := os.Mkdir(filepath.Join(dir, ".backup-killed"), 0o700); err != nil { // of one that was killed
		t.Fatal(err)
	}
	m, err := backup.Write(t.Context(), folder(dir), file, "", "v1", at)
	if err != nil || m.Files != 3 || !m.At.Equal(at()) {
		t.Fatalf("%+v %v", m, err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left in the folder: %v", left)
	}
	to := t.TempDir()
	got, err := restore(t, file, to, func(staged string) error {
		if _, err := os.Stat(filepath.Join(to, "vnfm.db")); err == nil {
			t.Error("the database has its place before it is prepared")
		}
		_, err := os.Stat(filepath.Join(staged, "vnfm.db"))
		return err
	})
	if err != nil || got.Bytes != m.Bytes {
		t.Fatalf("%+v %v", got, err)
	}
	have, want := tree(t, to), tree(t, dir)
	for name, content := range want {
		if strings.HasPrefix(name, "blobs/") && have[name] != content {
			t.Errorf("%s is %q", name, have[name])
		}
	}
	if have["vnfm.db"] == "" {
		t.Error("no database")
	}

	again := filepath.Join(t.TempDir(), "again")
	if _, err := backup.Write(t.Context(), folder(t.TempDir()), again, "", "v1", at); vnfm.KindOf(err) != vnfm.NotFound {
		t.Errorf("of an empty folder: %v", err)
	}
	if _, err := os.Stat(again); err == nil {
		t.Error("a file was made all the same")
	}
}

// What is there stays aside, whole, and a failure before the databases are in place leaves the folder as it is.
func TestRestoreOntoAFolderThatIsUsed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "b")
	if _, err := backup.Write(t.Context(), folder(used(t)), file, "", "v1", at); err != nil {
		t.Fatal(err)
	}
	dir := used(t)
	before := tree(t, dir)
	if _, err := restore(t, file, dir, none); vnfm.KindOf(err) != vnfm.Conflict {
		t.Errorf("without replace: %v", err)
	}
	broken := errors.New("not fit")
	if _, _, err := backup.Restore(t.Context(), file, folder(dir), true, at, func(string) error { return broken }); !errors.Is(err, broken) {
		t.Error(err)
	}
	if now := tree(t, dir); len(now) != len(before) || now["vnfm.db"] != before["vnfm.db"] {
		t.Errorf("the folder is another one after a failure")
	}
	_, old, err := backup.Restore(t.Context(), file, folder(dir), true, at, none)
	if err != nil {
		t.Fatal(err)
	}
	if aside := tree(t, old); aside["vnfm.db"] != before["vnfm.db"] || aside["blobs/package%2Fone"] != "first" {
		t.Errorf("aside is %d files", len(aside))
	}
}

// An archive that is damaged anywhere, cut off anywhere, or not ours is refused, and the folder stays as it is.
func TestRestoreOfWhatIsNoWholeBackup(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "b")
	if _, err := backup.Write(t.Context(), folder(used(t)), file, "", "v1", at); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what string, content []byte) {
		t.Helper()
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		to := t.TempDir()
		if _, err := restore(t, file, to, none); vnfm.KindOf(err) != vnfm.Invalid {
			t.Errorf("%s: %v", what, err)
		}
		if left := tree(t, to); len(left) > 0 {
			t.Errorf("%s: left %v", what, left)
		}
	}
	for i := range 20 {
		n := len(whole) * i / 20
		refused("cut off", whole[:n])
		flipped := bytes.Clone(whole)
		flipped[len(whole)*(i+1)/21] ^= 0x10
		refused("a bit that flipped", flipped)
	}
	type entry struct{ name, content string }
	manifest := func(m backup.Manifest) entry {
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return entry{"manifest.json", string(b)}
	}
	pack := func(entries ...entry) []byte {
		var out bytes.Buffer
		z := gzip.NewWriter(&out)
		w := tar.NewWriter(z)
		for _, e := range entries {
			if err := w.WriteHeader(&tar.Header{Name: e.name, Mode: 0o600, Size: int64(len(e.content)), Typeflag: tar.TypeReg}); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(w, e.content); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(w.Close(), z.Close()); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	ours := backup.Manifest{Format: 1, Databases: []string{"vnfm.db"}, Bytes: 1}
	other := ours
	other.Databases = []string{"vnfm.db", "vim.db"}
	newer := ours
	newer.Format = 2
	db := entry{"vnfm.db", "x"}
	for what, content := range map[string][]byte{
		"nothing":           pack(),
		"no manifest":       pack(db),
		"no JSON":           pack(entry{"manifest.json", "{"}, db),
		"newer":             pack(manifest(newer), db),
		"other databases":   pack(manifest(other), db),
		"nothing in it":     pack(manifest(ours)),
		"a database twice":  pack(manifest(ours), db, db),
		"a way out":         pack(manifest(ours), db, entry{"../vnfm.db", ""}),
		"a way out below":   pack(manifest(ours), db, entry{"blobs/../../x", ""}),
		"an absolute name":  pack(manifest(ours), db, entry{"/etc/x", ""}),
		"a folder for dots": pack(manifest(ours), db, entry{"blobs/..", ""}),
		"a key unasked":     pack(manifest(ours), db, entry{"secret.key", ""}),
		"more files":        pack(manifest(ours), db, entry{"blobs/a", ""}),
		"not compressed":    []byte("vnfm"),
	} {
		refused(what, content)
	}
}

// A restore that was killed before the main database had its place left package files only: no program starts on them unknowing, and
// the same command with replace ends it.
func TestRestoreAfterOneThatWasKilled(t *testing.T) {
	file := filepath.Join(t.TempDir(), "b")
	if _, err := backup.Write(t.Context(), folder(used(t)), file, "", "v1", at); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := restore(t, file, dir, none); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "vnfm.db")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, ".restore-killed"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := restore(t, file, dir, none); vnfm.KindOf(err) != vnfm.Conflict {
		t.Errorf("without replace: %v", err)
	}
	if _, _, err := backup.Restore(t.Context(), file, folder(dir), true, at, none); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "vnfm.db")); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".restore-*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}
