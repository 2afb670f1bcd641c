package vnfpkg_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/samples"
	"github.com/vnfm/vnfm/vnfd/csar"
	"github.com/vnfm/vnfm/vnfpkg"
)

// onboarded returns a package with the sample's content.
func (w *world) onboarded() *vnfpkg.Package {
	w.t.Helper()
	id := w.create()
	w.upload(id, samples.CSAR())
	w.process()
	return w.get(id)
}

func all(t *testing.T, r io.Reader, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// The content of a package is read as it came, in whole, in parts, and file by file, wherever blobs are kept. Seen failing with the
// offset into a file not skipped.
func TestContents(t *testing.T) {
	for _, streams := range []bool{false, true} {
		w := newWorld(t)
		w.blobs.streams = streams
		p := w.onboarded()
		c, err := w.Contents(t.Context(), p.ID)
		if err != nil {
			t.Fatal(err)
		}
		whole := samples.CSAR()
		if c.SHA256 != p.SHA256 || c.Size() != int64(len(whole)) || !c.Since.Equal(epoch) || c.Entry != "Definitions/firewall.yaml" || len(c.Files) != 9 {
			t.Errorf("%+v", c)
		}
		if got := all(t, c.Whole(0, c.Size()), nil); got != string(whole) {
			t.Error("the content is not what was uploaded")
		}
		if got := all(t, c.Whole(100, 50), nil); got != string(whole[100:150]) {
			t.Errorf("a part is %q", got)
		}
		const log = "ChangeLog.txt"
		r, err := c.Open(log, 0)
		text := all(t, r, err)
		if f := c.Listed(log); f == nil || f.Class != csar.ClassHistory || int64(len(text)) != f.Size || f.Size < 10 {
			t.Errorf("%s: %+v, %q", log, f, text)
		}
		r, err = c.Open(log, 7)
		if got := all(t, r, err); got != text[7:] {
			t.Errorf("from the 7th byte on: %q", got)
		}
		for _, path := range []string{"", "..", "../x", "/etc/passwd", "ChangeLog", "Files"} {
			if c.Listed(path) != nil {
				t.Errorf("%q is listed", path)
			}
			_, err := c.Open(path, 0)
			wantKind(t, err, vnfm.NotFound)
		}
		c.Close()
	}
}

// Only an onboarded package has content to be read. Seen failing with content of what is being processed.
func TestContentsOfNoOnboardedPackage(t *testing.T) {
	w := newWorld(t)
	contents := func(id string, kind vnfm.Kind) {
		t.Helper()
		c, err := w.Contents(t.Context(), id)
		if wantKind(t, err, kind); c != nil {
			t.Errorf("%+v", c)
		}
	}
	contents("nothing", vnfm.NotFound)
	id := w.create()
	contents(id, vnfm.Conflict)
	w.upload(id, samples.CSAR())
	contents(id, vnfm.Conflict) // PROCESSING
	w.process()
	c, err := w.Contents(t.Context(), id)
	w.fatal(err)
	_, err = w.Patch(t.Context(), id, vnfpkg.Change{OperationalState: vnfpkg.Disabled}, by)
	w.fatal(err)
	w.fatal(w.Delete(t.Context(), id, by)) // while it is read
	c.Close()
	contents(id, vnfm.NotFound)
	if left := w.blobs.contents(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	bad := w.create()
	w.upload(bad, []byte("PK"))
	w.process()
	contents(bad, vnfm.Conflict) // ERROR
}

// The files of a package that an older program onboarded are listed when somebody asks, once. A listing that cannot be read or
// written now is tried again. Seen failing with the listing made each time.
func TestFilesOfAnOlderPackage(t *testing.T) {
	w := newWorld(t)
	p := w.onboarded()
	c, err := w.Contents(t.Context(), p.ID)
	w.fatal(err)
	files := c.Files
	c.Close()
	w.fatal(w.blobs.Delete(t.Context(), p.Blob+"-files"))
	away := errors.New("away")
	for _, broken := range []string{"put", "get"} {
		w.blobs.fault = func(call string) error {
			if call == broken {
				return away
			}
			return nil
		}
		_, err := w.Contents(t.Context(), p.ID)
		wantKind(t, err, vnfm.Unavailable)
	}
	puts := 0
	w.blobs.fault = func(call string) error {
		if call == "put" {
			puts++
		}
		return nil
	}
	for range 2 {
		c, err := w.Contents(t.Context(), p.ID)
		w.fatal(err)
		if !slices.Equal(c.Files, files) || c.Entry != "Definitions/firewall.yaml" {
			t.Errorf("%+v", c)
		}
		c.Close()
	}
	if puts != 1 {
		t.Errorf("listed %d times", puts)
	}
}

// Content that the store has lost is the server's fault, and said so.
func TestContentsThatAreLost(t *testing.T) {
	w := newWorld(t)
	p := w.onboarded()
	w.fatal(w.blobs.Delete(context.Background(), p.Blob))
	_, err := w.Contents(t.Context(), p.ID)
	wantKind(t, err, vnfm.Internal)
	w.fatal(w.blobs.Put(t.Context(), p.Blob, bytes.NewReader([]byte("damaged"))))
	c, err := w.Contents(t.Context(), p.ID)
	w.fatal(err)
	defer c.Close()
	if _, err := c.Open("ChangeLog.txt", 0); err == nil || vnfm.KindOf(err) == vnfm.NotFound {
		t.Errorf("%v", err)
	}
}

func (w *world) fatal(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}
