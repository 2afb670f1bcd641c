package vim_test

import (
	"testing"

	"github.com/vnfm/vnfm/vim"
)

// FuzzParseToken reads anything as a token; what is read is written as it was meant.
func FuzzParseToken(f *testing.F) {
	for _, seed := range []string{"a:1", "a:0", ":1", "a:b:1", "a", "a:99999999999999999999", "a:+1", "a:01"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := vim.ParseToken(text)
		if err != nil {
			return
		}
		again, err := vim.ParseToken(got.String())
		if err != nil || again != got || got.ID == "" || got.Generation < 1 {
			t.Errorf("%q is read as %+v, that as %+v: %v", text, got, again, err)
		}
	})
}
