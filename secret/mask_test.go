package secret_test

import (
	"encoding/json"
	"testing"

	"github.com/vnfm/vnfm/secret"
)

func TestMasked(t *testing.T) {
	for in, want := range map[string]string{
		`{"accessInfo":{"username":"u","n":7,"deep":{"x":["y",true]}},"vimId":"v"}`: `{"accessInfo":{"deep":{"x":["***","***"]},"n":"***","username":"***"},"vimId":"v"}`,
		`{"extra":{"apiKey":"k","Password":{"a":"b"},"n":12345678901234567890}}`:    `{"extra":{"Password":{"a":"***"},"apiKey":"***","n":12345678901234567890}}`,
		`{"accessInfo":null,"interfaceInfo":{"endpoint":"e"}}`:                      `{"accessInfo":null,"interfaceInfo":{"endpoint":"e"}}`,
	} {
		if got := secret.Masked(json.RawMessage(in)); string(got) != want {
			t.Errorf("%s is masked as %s, want %s", in, got, want)
		}
	}
	if got := secret.Masked(json.RawMessage(`{`)); got != nil {
		t.Errorf("what is no JSON is masked as %s", got)
	}
}

func TestUnmasked(t *testing.T) {
	got := secret.Unmasked(json.RawMessage(`{"accessInfo":{"password":"***","username":"u","gone":null},"n":1.50}`))
	if want := `{"accessInfo":{"gone":null,"username":"u"},"n":1.50}`; string(got) != want {
		t.Errorf("%s, want %s", got, want)
	}
}
