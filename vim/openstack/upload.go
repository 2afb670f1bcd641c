package openstack

import (
	"bufio"
	"context"
	"crypto/md5"  //nolint:gosec // what descriptors say
	"crypto/sha1" //nolint:gosec // as above
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// upload sends the content of an image, beside the call that asks for it: it may be many gigabytes. Nobody waits for it but by asking again. Nothing about the image may be changed meanwhile: Glance would write
// its old status with it. Of two that send at once Glance refuses one (409). An image whose upload has broken off is deleted, and whoever asks next makes another: some stores keep what
// came, and take nothing more under that id. What trying again does not mend is noted on the image.
func (c call) upload(ctx context.Context, i imageDoc) {
	key := c.ID + "/" + i.ID
	done := make(chan struct{})
	if _, busy := c.driver.uploads.LoadOrStore(key, done); busy {
		return
	}
	ctx = context.WithoutCancel(ctx) // of the call, which ends before; what is waited for here has bounds of its own
	go func() {
		defer close(done)
		defer c.driver.uploads.Delete(key)
		err := c.send(ctx, i)
		ctx, cancel := context.WithTimeout(ctx, c.driver.aside())
		defer cancel()
		var bad *contentError
		switch {
		case err == nil:
		case errors.Is(err, errStalled):
			c.discard(ctx, i.ID, "queued", "saving") // it was being saved from here, and Glance may not notice that nothing comes any more
		case errors.As(err, &bad):
			c.broken(ctx, i.ID, bad.Error())
		case conflicting(err): // another process sends it
		case vim.ClassOf(err) == message.Permanent, vim.ClassOf(err) == message.Quota:
			c.broken(ctx, i.ID, vim.HintOf(err))
		default:
			c.discard(ctx, i.ID, "queued")
		}
	}()
}

// conflicting reports whether an image is refused since it is being sent, or was.
func conflicting(err error) bool {
	var e *vim.Error
	return errors.As(err, &e) && e.Class == message.Transient && e.RetryAfter == 0
}

// errStalled ends an upload of which nothing has moved for Config.UploadStall.
var errStalled = errors.New("nothing of the image has moved for too long")

// aside is how long a call before or after the content may take.
func (d *Driver) aside() time.Duration { return min(d.cfg.UploadStall, maxAside) }

// maxAside is short, as who logs in has everybody else at the cloud wait.
const maxAside = 30 * time.Second

// watched returns a context that ends with errStalled as its cause when moved is not called for a time. A whole upload has no bound: images are large, and lines slow.
func watched(ctx context.Context, patience time.Duration) (_ context.Context, moved, end func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	t := time.AfterFunc(patience, func() { cancel(errStalled) })
	return ctx, func() { t.Reset(patience) }, func() { t.Stop(); cancel(nil) }
}

// discard deletes an image that has not become whole, in one of the statuses. Where Glance cannot be asked now, the next upload does.
func (c call) discard(ctx context.Context, id string, statuses ...string) {
	var now imageDoc
	if c.get(ctx, image, "images/"+escaped(id), nil, &now) == nil && slices.Contains(statuses, now.Status) {
		_ = c.deleteImage(ctx, id)
	}
}

// broken notes on an image why it cannot be. Where that cannot be noted the next poll tries again.
func (c call) broken(ctx context.Context, id, why string) {
	_ = c.patchImage(ctx, id, []object{{"op": "add", "path": "/" + keyFailed, "value": fitting(why, maxName)}})
}

// contentError is a fault of the package.
type contentError struct{ why string }

// Error says what is wrong.
func (b *contentError) Error() string { return b.why }

// send sends the content of an image. Returns errStalled when nothing has moved for too long, be it in the package or at Glance.
func (c call) send(ctx context.Context, i imageDoc) error {
	whole := ctx
	ctx, moved, end := watched(whole, c.driver.cfg.UploadStall)
	defer end()
	file, err := c.driver.cfg.Content(ctx, i.Package, i.Path)
	switch vnfm.KindOf(err) {
	case "":
	case vnfm.NotFound, vnfm.Unprocessable, vnfm.Invalid:
		return &contentError{"the VNF package has no such image: " + err.Error()}
	default:
		return err //nolint:wrapcheck // only whether it is bad content is asked
	}
	if err != nil {
		return err //nolint:wrapcheck // as above
	}
	defer file.Close() //nolint:errcheck // only read
	body, err := checked(file, i.Content)
	if err != nil {
		return err
	}
	body.moved = moved
	login, cancel := context.WithTimeout(ctx, c.driver.aside())
	client, err := c.client(login, image)
	if cancel(); err != nil {
		return c.errorOf(image, err)
	}
	moved()
	_, err = client.Request(ctx, http.MethodPut, client.ServiceURL("images/"+escaped(i.ID)+"/file"), &gophercloud.RequestOpts{ //nolint:bodyclose // the client has read and closed it
		RawBody: body, OkCodes: good(), MoreHeaders: map[string]string{"Content-Type": "application/octet-stream"},
	})
	if body.bad != nil { // the client tells of it in its own way
		return body.bad
	}
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		return c.errorOf(image, err)
	}
	ctx, cancel = context.WithTimeout(whole, c.driver.aside())
	defer cancel()
	return c.arrived(ctx, i.ID, hex.EncodeToString(body.all.Sum(nil)))
}

// arrived compares what Glance has with what was sent.
func (c call) arrived(ctx context.Context, id, sum string) error {
	var i imageDoc
	if err := c.get(ctx, image, "images/"+escaped(id), nil, &i); err != nil {
		return err
	}
	if i.HashAlgo == "sha512" && i.Hash != "" && i.Hash != sum {
		return &contentError{"Glance has another content than was sent: its SHA-512 is " + i.Hash + ", not " + sum}
	}
	return nil
}

// checking reads a file, and ends in an error in place of its last byte when its checksum is another than the descriptor says: so nobody has taken it for whole.
type checking struct {
	from *bufio.Reader
	sum  hash.Hash // nil: nothing is said
	all  hash.Hash
	want string
	bad  *contentError
	// moved is called for each piece that is taken; nil: nobody asks.
	moved func()
}

// checked wraps a file whose content is named "algorithm:hex".
func checked(file io.Reader, content string) (*checking, error) {
	out := &checking{from: bufio.NewReaderSize(file, 1<<20), all: sha512.New()}
	algo, want, _ := strings.Cut(content, ":")
	if algo == "package" { // the descriptor gives no checksum
		return out, nil
	}
	out.want = strings.ToLower(want)
	switch strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(algo)) {
	case "md5":
		out.sum = md5.New() //nolint:gosec // what descriptors say
	case "sha1":
		out.sum = sha1.New() //nolint:gosec // as above
	case "sha224":
		out.sum = sha256.New224()
	case "sha256":
		out.sum = sha256.New()
	case "sha384":
		out.sum = sha512.New384()
	case "sha512":
		out.sum = sha512.New()
	default:
		return nil, &contentError{"the checksum of the image is of the algorithm " + algo + ", which is not known: sha-256 and sha-512 are"}
	}
	return out, nil
}

// Read implements io.Reader.
func (k *checking) Read(p []byte) (int, error) {
	if k.bad != nil {
		return 0, k.bad
	}
	n, err := k.from.Read(p)
	if n > 0 && k.moved != nil {
		k.moved()
	}
	k.all.Write(p[:n])
	if k.sum != nil {
		k.sum.Write(p[:n])
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return n, err //nolint:wrapcheck // of the package
	}
	ended := err != nil // of a file without content no byte comes before its end
	if !ended {
		_, next := k.from.Peek(1)
		ended = errors.Is(next, io.EOF)
	}
	if ended && k.sum != nil {
		if got := hex.EncodeToString(k.sum.Sum(nil)); got != k.want {
			k.bad = &contentError{fmt.Sprintf("the image in the VNF package is not the one that the descriptor means: its checksum is %s, not %s", got, k.want)}
			return 0, k.bad
		}
	}
	return n, err //nolint:wrapcheck // io.EOF
}
