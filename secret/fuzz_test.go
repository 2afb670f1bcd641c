package secret_test

import (
	"testing"

	"github.com/vnfm/vnfm/secret"
)

// FuzzParse reads anything as a key file: an error, or keys that seal and open.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "# no key\n", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", "AAAA\n", "\x00", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, file string) {
		k, err := secret.Parse(file)
		if err != nil {
			return
		}
		if got, err := k.Open("x", k.Seal("x", []byte("s"))); err != nil || string(got) != "s" {
			t.Errorf("sealed and opened: %q, %v", got, err)
		}
	})
}
