package server

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/vnfm/vnfm/config"
	"github.com/vnfm/vnfm/secret"
)

func TestTheKeyFileIsMadeOnceForItsOwnerAlone(t *testing.T) {
	c := &config.Config{Data: t.TempDir()}
	first, err := openKeyring(c)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(c.Data, "secret.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	again, err := openKeyring(c)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := again.Open("n", first.Seal("n", []byte("x"))); err != nil || string(got) != "x" {
		t.Errorf("after a restart: %q, %v", got, err)
	}
	left, err := filepath.Glob(filepath.Join(c.Data, ".secret-*"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestAKeyFileThatTheSettingsNameIsNeverMade(t *testing.T) {
	name := filepath.Join(t.TempDir(), "keys")
	c := &config.Config{Data: t.TempDir(), Secret: config.Secret{KeyFile: name}}
	if _, err := openKeyring(c); err == nil {
		t.Fatal("a missing key file was accepted")
	}
	if err := os.WriteFile(name, []byte(secret.NewKey()), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openKeyring(c); err != nil {
		t.Error(err)
	}
}
