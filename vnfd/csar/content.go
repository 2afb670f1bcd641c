package csar

import (
	"fmt"
	"io"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/vnfd"
)

// Content is the files of a package, for whoever asks for one of them. It is for packages that Open has read before: nothing but
// names is checked again. Of a package that is signed as a whole it is the files of the CSAR inside.
type Content struct {
	archive *archive
	done    func()
}

// OpenContent opens the files of a package. The caller closes it, and then the reader.
func OpenContent(r io.ReaderAt, size int64, o Options) (*Content, error) {
	o.Limits = o.Limits.WithDefaults()
	p := &vnfd.Problems{Most: o.Limits.Findings}
	a, err := openArchive(r, size, o.Limits, o.Stop, p)
	if err != nil {
		return nil, err
	}
	whole := a.signedWhole()
	if whole == nil {
		return &Content{archive: a, done: func() {}}, nil
	}
	inner, done, err := a.openInner(whole.csar, o)
	if err != nil {
		return nil, err
	}
	in, err := openArchive(inner, inner.Size(), o.Limits, o.Stop, p)
	if err != nil {
		done()
		return nil, err
	}
	return &Content{archive: in, done: done}, nil
}

// Open opens a file by its whole name, as Package.Files has it. Returns NotFound for any other. What is read is at most the size
// that the archive's directory tells, whose sum the reader checks.
func (c *Content) Open(name string) (io.ReadCloser, error) {
	e := c.archive.byName[name]
	if e == nil {
		return nil, vnfm.Errorf(vnfm.NotFound, "The VNF package has no file %s.", vnfd.Quote(name))
	}
	r, err := e.zip.Open()
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, c.archive.damaged(e, err))
	}
	return r, nil
}

// Close gives up what was spooled.
func (c *Content) Close() { c.done() }
