package vim_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

func TestToken(t *testing.T) {
	want := vim.Token{ID: "6f1f6c1e-5b0c-4f0e-9d53-0d0c5c1a7e11", Generation: 12}
	got, err := vim.ParseToken(want.String())
	if err != nil || got != want {
		t.Errorf("%s read back as %v, %v", want, got, err)
	}
	for _, bad := range []string{"", "a", "a:", ":1", "a:0", "a:-1", "a:b"} {
		if got, err := vim.ParseToken(bad); err == nil {
			t.Errorf("%q was read as %v", bad, got)
		}
	}
}

func TestClassOf(t *testing.T) {
	own := &vim.Error{Op: "start", Class: message.Quota, Hint: "full", Err: errors.New("cause")}
	for err, want := range map[error]message.Class{
		nil: "", own: message.Quota, fmt.Errorf("wrapped: %w", own): message.Quota,
		errors.New("connection reset"): message.UnknownOutcome, // it may have had its effect
	} {
		if got := vim.ClassOf(err); got != want {
			t.Errorf("%v is %q, want %q", err, got, want)
		}
	}
	if !errors.Is(own, own.Err) {
		t.Error("the cause is lost")
	}
}
