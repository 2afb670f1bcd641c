package secret_test

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/secret"
)

func TestTelling(t *testing.T) {
	for name, want := range map[string]bool{
		"password": true, "adminPassword": true, "ADMIN_PASSWD": true, "rootpassword": true, "passphrase": true, "sshPass": true, "db-pwd": true,
		"secret": true, "clientSecret": true, "token": true, "access_token": true, "refreshtoken": true, "credentials": true, "privateKey": true,
		"private_key": true, "apikey": true, "apiKey": true, "API_KEY": true, "key": true, "keys": true, "encryptionKey": true, "licence-key": true,
		"wifiPSK": true, "simPin": true, "snmp_community": true, "SNMPCommunity": true,
		"publicKey": false, "ssh_public_key": false, "pubKey": false, "keyName": false, "key_pair_id": false, "monkey": false, "bypass": false, "compass": false,
		"passthrough": false, "pinning": false, "spin": false, "hostname": false, "": false, "communityId": true, "user": false,
	} {
		if got := secret.Telling(name); got != want {
			t.Errorf("%q is telling: %v", name, got)
		}
	}
}

func sealer(t testing.TB) *secret.Sealer {
	r, err := secret.Parse(secret.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	s, _ := secret.NewSealer(r, "n")
	return s
}

// What is marked or has a telling name is sealed with all below it, wherever it is, and nothing else is.
func TestSealFindsWhatIsSecret(t *testing.T) {
	const schema = `{"type":"object","properties":{"motd":{"type":"string"},"pin2":{"type":"integer","writeOnly":true},"users":{"type":"array","items":{"type":"object",
		"properties":{"name":{"type":"string"},"word":{"type":"string","format":"password"}}}},"vault":{"type":"object","sensitive":true},
		"byHost":{"type":"object","additionalProperties":{"writeOnly":true}}}}`
	const doc = `{"motd":"hello","pin2":1234,"users":[{"name":"ann","word":"canary-1"},{"name":"bob","word":"canary-2"}],
		"vault":{"a":{"b":["canary-3",7,true,null]}},"byHost":{"h1":"canary-4"},"db":{"adminPassword":"canary-5","port":5432},"deep":[[{"token":{"x":"canary-6"}}]]}`
	s := sealer(t)
	got := s.Seal(json.RawMessage(doc), json.RawMessage(schema))
	for _, clear := range []string{"canary", "1234", ":7", "[7", ",7", "true"} {
		if strings.Contains(string(got), clear) {
			t.Errorf("%s is still there: %s", clear, got)
		}
	}
	for _, kept := range []string{`"motd":"hello"`, `"name":"ann"`, `"port":5432`, `null`} {
		if !strings.Contains(string(got), kept) {
			t.Errorf("%s is gone: %s", kept, got)
		}
	}
	if back, err := s.Open(got); err != nil || !same(t, back, json.RawMessage(doc)) {
		t.Errorf("opened: %s, %v", back, err)
	}
	hidden := string(secret.Hide(got))
	if strings.Contains(hidden, "vnfm.sealed") || strings.Count(hidden, `"***"`) != 9 {
		t.Errorf("hidden: %s", hidden)
	}
	if again := s.Seal(json.RawMessage(doc), json.RawMessage(schema)); string(again) != string(got) {
		t.Errorf("sealed again it is another text: %s", again)
	}
	if w := string(secret.Without(got)); !same(t, json.RawMessage(w), json.RawMessage(`{"motd":"hello"}`)) {
		t.Errorf("without: %s", w)
	}
	plain := json.RawMessage(`{"b":1.50,  "a":[]}`)
	if got := s.Seal(plain, nil); string(got) != string(plain) {
		t.Errorf("nothing is secret: %s", got)
	}
}

func same(t *testing.T, a, b json.RawMessage) bool {
	t.Helper()
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return false
	}
	p, _ := json.Marshal(x)
	q, _ := json.Marshal(y)
	return string(p) == string(q)
}

// A sealed value may be put into a text, and is there as the value would be.
func TestSealedValuesStandInTexts(t *testing.T) {
	s := sealer(t)
	var m map[string]string
	if err := json.Unmarshal(s.Seal(json.RawMessage(`{"password":"a\"b: ]${x}","pin":12,"token":"ü"}`), nil), &m); err != nil {
		t.Fatal(err)
	}
	text := "user: root\npassword: " + m["password"] + "\npin: " + m["pin"] + m["token"] + "\n"
	doc, err := json.Marshal(map[string]string{"userData": text, "plain": "x"})
	if err != nil {
		t.Fatal(err)
	}
	back, err := s.Open(doc)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]string
	if err := json.Unmarshal(back, &out); err != nil {
		t.Fatal(err)
	}
	if want := "user: root\npassword: a\"b: ]${x}\npin: 12ü\n"; out["userData"] != want || out["plain"] != "x" {
		t.Errorf("%q", out)
	}
	if strings.Contains(string(secret.Hide(doc)), "sealed") {
		t.Error("it shows")
	}
}

// A client cannot have opened what another sealed, nor make its own words look sealed.
func TestWhatLooksSealedIsNotTakenForIt(t *testing.T) {
	s, other := sealer(t), sealer(t)
	foreign := other.Seal(json.RawMessage(`{"password":"canary"}`), nil)
	if _, err := s.Open(foreign); vnfm.KindOf(err) != vnfm.Internal {
		t.Errorf("opened with another key: %v", err)
	}
	var m map[string]string
	_ = json.Unmarshal(foreign, &m)
	given, _ := json.Marshal(map[string]string{"greeting": m["password"], "x": "[vnfm.sealed.v1.AAAA] and more"})
	back, err := s.Open(s.Seal(given, nil))
	if err != nil || !same(t, back, given) {
		t.Errorf("a client's own words come back as %s, %v", back, err)
	}
	if damaged := strings.Replace(string(s.Seal(json.RawMessage(`{"password":"x"}`), nil)), "v1.", "v1.A", 1); true {
		if _, err := s.Open(json.RawMessage(damaged)); vnfm.KindOf(err) != vnfm.Internal {
			t.Errorf("damaged: %v", err)
		}
	}
}

// One value at two places is two texts: that they are equal is not told.
func TestEqualValuesDoNotShowThatTheyAre(t *testing.T) {
	var m map[string]string
	if err := json.Unmarshal(sealer(t).Seal(json.RawMessage(`{"aPassword":"x","bPassword":"x"}`), nil), &m); err != nil || m["aPassword"] == m["bPassword"] {
		t.Errorf("%v, %v", m, err)
	}
}

func TestASealerIsStoredSealed(t *testing.T) {
	r, err := secret.Parse(secret.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	s, stored := secret.NewSealer(r, "vnf-key/1")
	doc := s.Seal(json.RawMessage(`{"password":"x"}`), nil)
	again, err := secret.OpenSealer(r, "vnf-key/1", stored)
	if err != nil {
		t.Fatal(err)
	}
	if back, err := again.Open(doc); err != nil || string(back) != `{"password":"x"}` {
		t.Errorf("%s, %v", back, err)
	}
	for name, stored := range map[string]json.RawMessage{"vnf-key/2": stored, "x": r.Seal("x", []byte("short"))} {
		if _, err := secret.OpenSealer(r, name, stored); vnfm.KindOf(err) != vnfm.Internal {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever is sealed opens to what it was, as a whole and by its members, and shows nothing.
func TestSealedAndOpenedIsTheSame(t *testing.T) {
	s := sealer(t)
	names := rapid.SampledFrom([]string{"password", "name", "token", "a/b~c", "key", "list", "[vnfm.sealed.v1.AAAA]"})
	var value *rapid.Generator[any]
	value = rapid.Custom(func(t *rapid.T) any {
		switch rapid.IntRange(0, 6).Draw(t, "kind") {
		case 0:
			return "canary" + rapid.String().Draw(t, "text")
		case 1:
			return json.Number("12345678901234567890")
		case 2:
			return rapid.Bool().Draw(t, "bool")
		case 3:
			return nil
		case 4:
			return rapid.SliceOfN(rapid.Deferred(func() *rapid.Generator[any] { return value }), 0, 3).Draw(t, "list")
		default:
			return rapid.MapOfN(names, rapid.Deferred(func() *rapid.Generator[any] { return value }), 0, 4).Draw(t, "object")
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		plain, err := json.Marshal(rapid.MapOfN(names, value, 0, 5).Draw(t, "document"))
		if err != nil {
			t.Fatal(err)
		}
		sealed := s.Seal(plain, nil)
		back, err := s.Open(sealed)
		if err != nil {
			t.Fatal(err)
		}
		var a, b map[string]json.RawMessage
		if json.Unmarshal(plain, &a) != nil || json.Unmarshal(back, &b) != nil || len(a) != len(b) {
			t.Fatalf("%s became %s", plain, back)
		}
		x, _ := json.Marshal(a)
		y, _ := json.Marshal(b)
		if string(x) != string(y) {
			t.Fatalf("%s became %s", x, y)
		}
		only, _ := json.Marshal(map[string]json.RawMessage{"password": plain})
		if got := string(s.Seal(only, nil)); strings.Contains(got, "canary") || strings.Contains(got, "1234567890") {
			t.Fatalf("%s shows in %s", only, got)
		}
		m, err := s.OpenMap(s.SealMap(a, nil))
		if err != nil {
			t.Fatal(err)
		}
		if z, _ := json.Marshal(m); string(z) != string(x) {
			t.Fatalf("by its members %s became %s", x, z)
		}
	})
}

func TestMarkedAt(t *testing.T) {
	schema := json.RawMessage(`{"properties":{"a":{"properties":{"b":{"writeOnly":true}}},"l":{"items":{"format":"password"}},"m":{"additionalProperties":{"sensitive":true}}}}`)
	for path, want := range map[string]bool{
		"": false, "a": false, "a b": true, "a b c": true, "l": false, "l 3": true, "m x": true, "x": false, "password": true, "a apiKey 0": true,
	} {
		if got := secret.MarkedAt(schema, strings.Fields(path)); got != want {
			t.Errorf("%q is marked: %v", path, got)
		}
	}
	if secret.MarkedAt(json.RawMessage(`{"writeOnly":true}`), nil) != true || secret.MarkedAt(nil, []string{"a"}) {
		t.Error("at the root")
	}
}

// Texts for people have no secret of three characters or more, neither as it is nor as JSON has it. Seen failing with either left out.
func TestScrub(t *testing.T) {
	for text, want := range map[string]string{
		`cannot use abc`:                  `cannot use ***`,
		`abcabc and ab`:                   `****** and ab`,
		`{"password":"c\"an\nary","x":1}`: `{"password":"***","x":1}`,
		"it is c\"an\nary":                `it is ***`,
		`nothing`:                         `nothing`,
	} {
		if got := secret.Scrub(text, []string{"abc", "ab", "c\"an\nary", ""}); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}
