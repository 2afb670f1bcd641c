package server

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/config"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/internal/dbtest"
	"github.com/vnfm/vnfm/secret"
)

func TestTheKeyFileIsMadeOnceForItsOwnerAlone(t *testing.T) {
	c := &config.Config{Data: t.TempDir()}
	stores := storesOf(t, c)
	first, err := openKeyring(t.Context(), c, stores)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(c.Data, "secret.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	again, err := openKeyring(t.Context(), c, stores)
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
	stores := storesOf(t, c)
	if _, err := openKeyring(t.Context(), c, stores); err == nil {
		t.Fatal("a missing key file was accepted")
	}
	if err := os.WriteFile(name, []byte(secret.NewKey()), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openKeyring(t.Context(), c, stores); err != nil {
		t.Error(err)
	}
}

// storesOf opens the stores of a folder.
func storesOf(t *testing.T, c *config.Config) *stores {
	t.Helper()
	st, err := openStores(t.Context(), c, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	return st
}

// A key that was lost, or put in the place of another, is not replaced in silence when anything was sealed with it.
func TestALostKeyIsNotReplacedInSilence(t *testing.T) {
	c := &config.Config{Data: t.TempDir(), Secret: config.Secret{Lost: "refuse"}}
	st := storesOf(t, c)
	keys, err := openKeyring(t.Context(), c, st)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(c.Data, "secret.key")
	first, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if _, err := openKeyring(t.Context(), c, st); err != nil { // nothing is lost with it
		t.Fatal(err)
	}
	put := func(keys *secret.Keyring, id string) {
		_, err := st.main.Execute(t.Context(), []*eventstore.Work{{Keys: []string{"k"}, Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) {
			return &eventstore.Commit{Records: []eventstore.RecordWrite{{Record: eventstore.Record{
				Table: eventstore.TableSecrets, ID: id, Key: "k", Group: "vim", State: "SEALED", Doc: keys.Seal(id, []byte("x")),
			}}}}, nil
		}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(name, first, 0o600); err != nil {
		t.Fatal(err)
	}
	put(keys, "vim/a")
	for what, file := range map[string][]byte{"missing": nil, "another": []byte(secret.NewKey()), "both, the older one behind": append([]byte(secret.NewKey()+"\n"), first...)} {
		_ = os.Remove(name)
		if file != nil {
			if err := os.WriteFile(name, file, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, err := openKeyring(t.Context(), c, st)
		if good := what == "both, the older one behind"; good != (err == nil) || err != nil && (vnfm.KindOf(err) != vnfm.Unprocessable || !strings.Contains(err.Error(), "vim/a") || !strings.Contains(err.Error(), "secret-lost")) {
			t.Errorf("%s: %v", what, err)
		}
		if file == nil {
			if _, err := os.Stat(name); !os.IsNotExist(err) {
				t.Errorf("a new one was made: %v", err)
			}
		}
	}
	_ = os.Remove(name)
	c.Secret.Lost = "accept"
	for range 2 {
		if _, err := openKeyring(t.Context(), c, st); err != nil {
			t.Errorf("accepted: %v", err)
		}
	}
}

// Nodes of one database have one key: the second node with another does not start, whatever was sealed.
func TestNodesOfOneDatabaseHaveOneKey(t *testing.T) {
	c := &config.Config{Data: t.TempDir(), Database: dbtest.Postgres(t), DatabaseWait: time.Second, Secret: config.Secret{Lost: "refuse"}}
	st := storesOf(t, c)
	keys, err := openKeyring(t.Context(), c, st)
	if err == nil {
		err = agree(t.Context(), c, st.main, keys)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := agree(t.Context(), c, st.main, keys); err != nil {
		t.Errorf("the same again: %v", err)
	}
	other := *c
	other.Data = t.TempDir()
	if _, err := openKeyring(t.Context(), &other, st); vnfm.KindOf(err) != vnfm.Unprocessable {
		t.Errorf("a second node that makes a key: %v", err)
	}
	theirs, err := secret.Parse(secret.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	if err := agree(t.Context(), &other, st.main, theirs); vnfm.KindOf(err) != vnfm.Unprocessable { // both at once
		t.Errorf("a second node that made a key meanwhile: %v", err)
	}
}
