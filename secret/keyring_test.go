package secret_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/secret"
)

func ring(t *testing.T, file string) *secret.Keyring {
	t.Helper()
	r, err := secret.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSealAndOpen(t *testing.T) {
	r := ring(t, secret.NewKey())
	a, b := r.Seal("vim/1", []byte("canary")), r.Seal("vim/1", []byte("canary"))
	if bytes.Equal(a, b) || bytes.Contains(a, []byte("canary")) {
		t.Fatalf("sealed: %s and %s", a, b)
	}
	got, err := r.Open("vim/1", a)
	if err != nil || string(got) != "canary" {
		t.Fatalf("opened %q, %v", got, err)
	}
	if _, err := r.Open("vim/2", a); vnfm.KindOf(err) != vnfm.Internal {
		t.Errorf("opened under another name: %v", err)
	}
	var parts map[string]any
	if err := json.Unmarshal(a, &parts); err != nil {
		t.Fatal(err)
	}
	parts["data"] = parts["wrap"]
	mixed, _ := json.Marshal(parts)
	if _, err := r.Open("vim/1", mixed); vnfm.KindOf(err) != vnfm.Internal {
		t.Errorf("opened what was changed: %v", err)
	}
	if _, err := r.Open("vim/1", json.RawMessage(`{`)); vnfm.KindOf(err) != vnfm.Internal {
		t.Errorf("opened what is not sealed: %v", err)
	}
}

func TestAChangeOfKeys(t *testing.T) {
	older, newer := secret.NewKey(), secret.NewKey()
	s := ring(t, older).Seal("n", []byte("x"))
	both := ring(t, "# newest first\n\n"+newer+"\n"+older+"\n")
	if got, err := both.Open("n", s); err != nil || string(got) != "x" {
		t.Fatalf("the older key no longer opens: %q, %v", got, err)
	}
	if !both.Stale(s) || both.Stale(both.Seal("n", []byte("x"))) {
		t.Error("what the older key sealed is to be sealed again, and nothing else")
	}
	if _, err := ring(t, newer).Open("n", s); vnfm.KindOf(err) != vnfm.Internal {
		t.Errorf("opened without its key: %v", err)
	}
}

func TestParseRefusesWhatIsNoKey(t *testing.T) {
	for name, file := range map[string]string{"empty": "\n# nothing\n", "short": "c2hvcnQ=", "no base64": "!!"} {
		if _, err := secret.Parse(file); vnfm.KindOf(err) != vnfm.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}
