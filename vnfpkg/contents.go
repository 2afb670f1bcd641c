package vnfpkg

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/vnfd/csar"
)

// listing is what is kept of a package's files, in a blob beside its content.
type listing struct {
	Entry string      `json:"entry"`
	Files []csar.File `json:"files"`
}

// listingKey names the blob with the listing of a content.
func listingKey(content string) string { return content + "-files" }

// Contents is the content of an onboarded package, open to be read. It is not for several callers at once.
type Contents struct {
	SHA256 string    // of all of it, hex
	Since  time.Time // when the package was onboarded: it does not change after that
	Entry  string    // path of the VNFD's entry definition
	Files  []csar.File

	whole content
	size  int64
	files *csar.Content // nil until a file is asked for
	limit csar.Options
}

// Contents opens the content of a package. The caller closes it. Returns NotFound; Conflict unless it is ONBOARDED.
func (s *Service) Contents(ctx context.Context, id string) (*Contents, error) {
	p, err := s.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if p.Onboarding != StateOnboarded {
		return nil, vnfm.Errorf(vnfm.Conflict, "The VNF package is %s; only of one that is ONBOARDED there is content to read.", p.Onboarding)
	}
	whole, size, err := s.open(ctx, p.Blob)
	if err != nil {
		return nil, s.gone(ctx, p, err)
	}
	c := &Contents{SHA256: p.SHA256, Since: p.Onboarded, whole: whole, size: size, limit: csar.Options{Limits: s.cfg.Limits, Spool: spooled}}
	l, err := s.listing(ctx, p)
	if err != nil {
		_ = whole.Close()
		return nil, err
	}
	c.Entry, c.Files = l.Entry, l.Files
	return c, nil
}

// gone says why content cannot be opened: a package that was deleted meanwhile is not found.
func (s *Service) gone(ctx context.Context, p *Package, err error) error {
	if vnfm.KindOf(err) != vnfm.NotFound {
		return vnfm.Wrap(vnfm.Unavailable, err, "The content of the VNF package cannot be read now.")
	}
	if _, gone := s.Get(ctx, p.ID); gone != nil {
		return gone
	}
	return vnfm.Wrap(vnfm.Internal, err, "the content of package %s is gone from the store", p.ID)
}

// listing returns what is kept of a package's files. That of a package onboarded by an older program is made now.
func (s *Service) listing(ctx context.Context, p *Package) (*listing, error) {
	l := &listing{}
	r, err := s.cfg.Blobs.Get(ctx, listingKey(p.Blob))
	switch {
	case vnfm.KindOf(err) == vnfm.NotFound:
		found, err := s.read(ctx, p)
		if err != nil {
			return nil, fmt.Errorf("list the files of package %s: %w", p.ID, err)
		}
		l.Entry, l.Files = found.Entry, found.Files
		return l, s.putListing(ctx, p, l)
	case err != nil:
		return nil, vnfm.Wrap(vnfm.Unavailable, err, "The files of the VNF package cannot be listed now.")
	}
	defer r.Close() //nolint:errcheck // only read
	if err := json.NewDecoder(r).Decode(l); err != nil {
		return nil, vnfm.Wrap(vnfm.Internal, err, "read the listing of package %s", p.ID)
	}
	return l, nil
}

func (s *Service) putListing(ctx context.Context, p *Package, l *listing) error {
	data, err := json.Marshal(l)
	if err != nil {
		return vnfm.Wrap(vnfm.Internal, err, "encode the listing of package %s", p.ID)
	}
	if err := s.cfg.Blobs.Put(ctx, listingKey(p.Blob), bytes.NewReader(data)); err != nil {
		return vnfm.Wrap(vnfm.Unavailable, err, "store the listing of package %s", p.ID)
	}
	return nil
}

// Size is that of all content, in bytes.
func (c *Contents) Size() int64 { return c.size }

// Whole reads all content, or a part of it.
func (c *Contents) Whole(offset, length int64) io.Reader {
	return io.NewSectionReader(c.whole, offset, length)
}

// Listed returns what is known of a file of the package, by its whole path; nil when there is none.
func (c *Contents) Listed(path string) *csar.File {
	if i := slices.IndexFunc(c.Files, func(f csar.File) bool { return f.Path == path }); i >= 0 {
		return &c.Files[i]
	}
	return nil
}

// Open reads one file from a place on. Of a compressed one what is before that is read, too.
func (c *Contents) Open(path string, offset int64) (io.ReadCloser, error) {
	if c.files == nil {
		var err error
		if c.files, err = csar.OpenContent(c.whole, c.size, c.limit); err != nil {
			return nil, fmt.Errorf("open the package: %w", err)
		}
	}
	r, err := c.files.Open(path)
	if err != nil {
		return nil, err //nolint:wrapcheck // has its kind
	}
	if _, err := io.CopyN(io.Discard, r, offset); err != nil {
		_ = r.Close()
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return r, nil
}

// Close ends the reading.
func (c *Contents) Close() {
	if c.files != nil {
		c.files.Close()
	}
	_ = c.whole.Close()
}

// Tree returns the files below a path of an onboarded package, by their paths from there, of which there are at most so many bytes in all; of
// a path that is a file itself, that one, by "". Returns NotFound when there are none, Unprocessable when they are larger.
func (s *Service) Tree(ctx context.Context, packageID, path string, most int64) (map[string][]byte, error) {
	c, err := s.Contents(ctx, packageID)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	out := map[string][]byte{}
	for i := range c.Files {
		name, below := strings.CutPrefix(c.Files[i].Path, strings.TrimSuffix(path, "/")+"/")
		if c.Files[i].Path == path {
			name, below = "", true
		}
		if !below || strings.HasSuffix(c.Files[i].Path, "/") {
			continue
		}
		if out[name], err = c.read(c.Files[i].Path, most); err != nil {
			return nil, err
		}
		most -= int64(len(out[name]))
	}
	if len(out) == 0 {
		return nil, vnfm.Errorf(vnfm.NotFound, "the VNF package has no file %s", path)
	}
	return out, nil
}

// Open opens a file of an onboarded package, to be read from its beginning. Returns NotFound when it has none of this path.
func (s *Service) Open(ctx context.Context, packageID, path string) (io.ReadCloser, error) {
	c, err := s.Contents(ctx, packageID)
	if err != nil {
		return nil, err
	}
	if c.Listed(path) == nil {
		c.Close()
		return nil, vnfm.Errorf(vnfm.NotFound, "the VNF package has no file %s", path)
	}
	r, err := c.Open(path, 0)
	if err != nil {
		c.Close()
		return nil, err
	}
	return &opened{r, c}, nil
}

// opened is a file that closes the content it is read from.
type opened struct {
	io.ReadCloser
	content *Contents
}

// Close ends the reading.
func (o *opened) Close() error {
	err := o.ReadCloser.Close()
	o.content.Close()
	return err //nolint:wrapcheck // of the file
}

// File returns a file of an onboarded package. Returns NotFound when it has none of this path, Unprocessable when it is larger than a
// number of bytes.
func (s *Service) File(ctx context.Context, packageID, path string, most int64) ([]byte, error) {
	c, err := s.Contents(ctx, packageID)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if c.Listed(path) == nil {
		return nil, vnfm.Errorf(vnfm.NotFound, "the VNF package has no file %s", path)
	}
	return c.read(path, most)
}

// read reads a file whole.
func (c *Contents) read(path string, most int64) ([]byte, error) {
	r, err := c.Open(path, 0)
	if err != nil {
		return nil, err
	}
	defer r.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil {
		return nil, vnfm.Wrap(vnfm.Unavailable, err, "the file %s of the VNF package cannot be read now", path)
	}
	if int64(len(text)) > most {
		return nil, vnfm.Errorf(vnfm.Unprocessable, "the file %s of the VNF package is larger than %d bytes", path, most)
	}
	return text, nil
}
