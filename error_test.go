package vnfm_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/vnfm/vnfm"
)

func TestError(t *testing.T) {
	cause := errors.New("disk full")
	for name, c := range map[string]struct {
		err  error
		kind vnfm.Kind
		text string
	}{
		"none":               {nil, "", "<nil>"},
		"a detail":           {vnfm.Errorf(vnfm.Conflict, "busy with %d", 3), vnfm.Conflict, "busy with 3"},
		"a detail and cause": {vnfm.Errorf(vnfm.Unavailable, "store: %w", cause), vnfm.Unavailable, "store: disk full"},
		"a wrapped cause":    {vnfm.Wrap(vnfm.Internal, cause, "store %s", "x"), vnfm.Internal, "store x: disk full"},
		"wrapped again":      {fmt.Errorf("outer: %w", vnfm.Errorf(vnfm.NotFound, "gone")), vnfm.NotFound, "outer: gone"},
		"a foreign error":    {cause, vnfm.Internal, "disk full"},
		"only a cause":       {&vnfm.Error{Kind: vnfm.Internal, Err: cause}, vnfm.Internal, "disk full"},
	} {
		if got := vnfm.KindOf(c.err); got != c.kind {
			t.Errorf("%s: kind %q, want %q", name, got, c.kind)
		}
		if got := fmt.Sprint(c.err); got != c.text {
			t.Errorf("%s: %q, want %q", name, got, c.text)
		}
	}
	if !errors.Is(vnfm.Errorf(vnfm.Unavailable, "store: %w", cause), cause) {
		t.Error("Errorf loses its cause")
	}
	e := vnfm.Errorf(vnfm.Invalid, "bad")
	if at := e.At("/flavourId"); at.Attribute != "/flavourId" || e.Attribute != "" {
		t.Errorf("At changed the original: %+v, %+v", at, e)
	}
	if in := e.In("filter"); in.Parameter != "filter" || e.Parameter != "" {
		t.Errorf("In changed the original: %+v, %+v", in, e)
	}
	if step := vnfm.Step("a/b~c"); step != "/a~1b~0c" {
		t.Errorf("a step of a pointer is %q", step)
	}
}
