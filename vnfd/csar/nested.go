package csar

import (
	"archive/zip"
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/vnfm/vnfm/vnfd"
)

// signedPackage is an archive that holds a CSAR and its signature (SOL004 §5.1, option 2).
type signedPackage struct {
	csar, signature, certificate *entry
}

// signedWhole tells a signed package: a zip that holds one .csar beside its signature and nothing that could be an entry.
func (a *archive) signedWhole() *signedPackage {
	s := &signedPackage{}
	for _, e := range a.entries {
		if strings.Contains(e.name, "/") {
			return nil
		}
		switch ext := strings.ToLower(path.Ext(e.name)); {
		case ext == ".csar" || ext == ".zip":
			if s.csar != nil {
				return nil
			}
			s.csar = e
		case !signatureFile(e.name):
			return nil
		case ext == ".cms" || ext == ".p7" || ext == ".p7s" || ext == ".sig":
			s.signature = e
		default:
			s.certificate = e
		}
	}
	if s.csar == nil {
		return nil
	}
	return s
}

// openSigned verifies the signature of the CSAR in an archive, and reads the CSAR.
func openSigned(a *archive, s *signedPackage, o Options, p *vnfd.Problems) (*Package, error) {
	inner, done, err := a.openInner(s.csar, o)
	if err != nil {
		return nil, err
	}
	defer done()
	j := &judge{Signatures: o.Signatures, problems: p}
	whole, err := j.checkWhole(a, s, inner, o.Stop)
	if err != nil {
		return nil, err
	}
	in, err := openArchive(inner, inner.Size(), o.Limits, o.Stop, p)
	if err != nil {
		return nil, err
	}
	return read(in, o, p, whole, s.signature != nil)
}

// checkWhole verifies option 2. It returns nil when the CSAR is signed by nobody who can be told.
func (j *judge) checkWhole(a *archive, s *signedPackage, inner *io.SectionReader, stop func() error) (*Signature, error) {
	at := vnfd.Position{File: s.csar.name}
	if s.signature == nil {
		j.problems.Findf("not-signed", at, "the archive holds a CSAR and no signature of it; it could be uploaded alone")
		return nil, nil //nolint:nilnil // recorded
	}
	if j.off(at, "the package is, as a whole (SOL004 option 2),") {
		return nil, nil //nolint:nilnil // recorded
	}
	data, err := a.Content(s.signature.name, a.limits.SignatureBytes, "signature-bytes")
	if err != nil {
		return nil, err
	}
	var beside []*x509.Certificate
	file := ""
	if s.certificate != nil {
		file = s.certificate.name
		pem, err := a.Content(file, a.limits.SignatureBytes, "signature-bytes")
		if err != nil {
			return nil, err
		}
		if beside, err = certificates(pem); err != nil {
			j.wrongf("bad-certificate", vnfd.Position{File: file}, "the certificate cannot be read: %s", err)
		}
	}
	signers, trusted, err := j.check(vnfd.Position{File: s.signature.name}, "the CSAR", data, beside, section(inner, a.limits, stop))
	if err != nil || len(signers) == 0 {
		return nil, err
	}
	whole := signers[0].describe(optionCSAR)
	whole.Trusted, whole.Certificate = trusted, file
	return whole, nil
}

// heldBytes bounds a CSAR that is held in memory, because nobody spools it.
const heldBytes = 64 << 20

// openInner makes the CSAR in an archive readable anywhere. One that is stored is read where it is; one that is compressed once
// more is spooled.
func (a *archive) openInner(e *entry, o Options) (*io.SectionReader, func(), error) {
	nothing := func() {}
	at := vnfd.Position{File: e.name}
	most := a.limits.NestedBytes
	tooLarge := func() error {
		return vnfd.Exceeded("nested-bytes", "too-large", at, "the CSAR in the signed package is larger than %d bytes", most)
	}
	size := int64(e.zip.UncompressedSize64) //nolint:gosec // compared as it is
	if e.zip.Method == zip.Store && e.zip.CompressedSize64 == e.zip.UncompressedSize64 && size >= 0 {
		if size > most {
			return nil, nothing, tooLarge()
		}
		offset, err := e.zip.DataOffset()
		if err != nil {
			return nil, nothing, a.damaged(e, err)
		}
		return io.NewSectionReader(a.src, offset, size), nothing, nil
	}
	spool := o.Spool
	if spool == nil {
		spool, most = inBuffer, min(most, heldBytes)
	}
	if bomb := max(a.size*a.limits.Ratio, ratioFloor); bomb < most {
		most = bomb
		tooLarge = func() error {
			return vnfd.Exceeded("ratio", "zip-bomb", at, "the CSAR expands to more than %d times the size of the archive", a.limits.Ratio)
		}
	}
	r, err := e.zip.Open()
	if err != nil {
		return nil, nothing, a.damaged(e, err)
	}
	defer r.Close() //nolint:errcheck // only read
	counted := &counter{r: r, most: most, stop: o.Stop}
	content, err := spool(counted)
	done := func() {
		if content != nil {
			_ = content.Close() // a temporary file
		}
	}
	switch {
	case counted.size > most:
		err = tooLarge()
	case counted.stopped:
		err = counted.err
	case counted.err != nil:
		err = a.damaged(e, counted.err)
	}
	if err != nil {
		done()
		return nil, nothing, err
	}
	return io.NewSectionReader(content, 0, counted.size), done, nil
}

// counter bounds what is read through it, and remembers how it ended.
type counter struct {
	r       io.Reader
	most    int64
	size    int64
	stop    func() error
	stopped bool
	err     error // other than io.EOF
}

var errTooLarge = errors.New("too large")

func (c *counter) Read(p []byte) (int, error) {
	if c.stop != nil {
		if err := c.stop(); err != nil {
			c.err, c.stopped = err, true
			return 0, err
		}
	}
	n, err := c.r.Read(p)
	c.size += int64(n)
	if c.size > c.most {
		return 0, errTooLarge
	}
	if err != nil && !errors.Is(err, io.EOF) {
		c.err = err
	}
	return n, err //nolint:wrapcheck // a reader hands on what it gets
}

// buffer is content held in memory.
type buffer struct{ *bytes.Reader }

// Close does nothing.
func (buffer) Close() error { return nil }

func inBuffer(r io.Reader) (Spooled, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("read the CSAR: %w", err)
	}
	return buffer{bytes.NewReader(data)}, nil
}
