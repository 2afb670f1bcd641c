package openstack_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/openstack"
)

// stuck hangs at calls of a method and a path, until their contexts end.
type stuck struct {
	wire
	method, tail string
	left         chan struct{} // as many calls as it has hang
	after        func()
}

func (k stuck) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == k.method && len(r.URL.Path) >= len(k.tail) && r.URL.Path[len(r.URL.Path)-len(k.tail):] == k.tail {
		select {
		case <-k.left:
			k.after()
			<-r.Context().Done()
			return nil, r.Context().Err()
		default:
		}
	}
	return k.wire.RoundTrip(r)
}

// A Glance, or a Keystone before it, that takes the call and says nothing ends an upload, which is made again with another image.
func TestAnUploadThatHangsEnds(t *testing.T) {
	for name, at := range map[string]struct{ method, tail, status string }{
		"Glance":           {http.MethodPut, "/file", "queued"},
		"Glance saving it": {http.MethodPut, "/file", "saving"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			s := f.site()
			left := make(chan struct{}, 1)
			left <- struct{}{}
			mark := func() {
				f.lock(func() {
					for _, o := range f.tables["images"] {
						if o["vnfm"] == "image" {
							o["status"] = at.status
						}
					}
				})
			}
			d := openstack.New(openstack.Config{
				Content: s.content, UploadStall: 20 * time.Millisecond,
				Wrap: func(rt http.RoundTripper) http.RoundTripper {
					return stuck{wire{s, rt}, at.method, at.tail, left, mark}
				},
			})
			r := vim.StartRequest{Token: vim.Token{ID: uuid.NewString(), Generation: 1}, Kind: vim.SoftwareImage, Owner: uuid.NewString(), Spec: s.newImage(t, true)}
			res, err := d.Start(t.Context(), s.conn, r)
			if err != nil {
				t.Fatal(err)
			}
			d.Idle() // for ever, as it was
			if f.row("images", res.ID) != nil {
				t.Error("the image whose upload was broken off is there")
			}
		})
	}
}

// However long an upload takes, it goes on as long as something moves.
func TestAnUploadThatIsSlowGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const patience = time.Minute
		ctx, read, end := openstack.Watched(t.Context(), patience, func() (int, error) { <-time.After(50 * time.Second); return 1, nil })
		defer end()
		for range 100 {
			if _, err := read.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
		}
		if ctx.Err() != nil {
			t.Fatalf("broken off after more than an hour in which something moved: %v", context.Cause(ctx))
		}
		<-time.After(patience + time.Second)
		if !errors.Is(context.Cause(ctx), openstack.ErrStalled) {
			t.Errorf("%v after nothing has moved for longer than it may", context.Cause(ctx))
		}
	})
}
