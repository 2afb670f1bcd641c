package csar

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/vnfm/vnfm/vnfd"
)

const ratioFloor = 16 << 20 // small archives of text compress well; nobody is harmed by 16 MiB

// archive is a zip file read with suspicion: names are checked before anything is opened, and every byte that is
// inflated counts against the limits.
type archive struct {
	src     *source
	size    int64
	limits  vnfd.Limits
	entries []*entry // files, in the archive's order
	byName  map[string]*entry
	read    int64 // bytes inflated by the pass over all files
}

type entry struct {
	name string
	zip  *zip.File
}

// source remembers an error of the reader below, so that a store that is out of reach is not taken for a broken
// package. While the directory is read, budget bounds the bytes: a directory of millions of entries is never held.
type source struct {
	r      io.ReaderAt
	size   int64
	budget int64
	capped bool
	err    error
}

var errDirectory = errors.New("the archive's directory is too large")

func (s *source) ReadAt(p []byte, off int64) (int, error) {
	if s.capped {
		if s.budget -= int64(len(p)); s.budget < 0 {
			return 0, errDirectory
		}
	}
	if off < 0 || off > s.size { // what a forged header points to, not an error of the reader
		return 0, io.EOF
	}
	n, err := s.r.ReadAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err //nolint:wrapcheck // a reader hands on what it gets
}

// openArchive reads the directory and checks every name. All bad names are reported.
func openArchive(r io.ReaderAt, size int64, limits vnfd.Limits, p *vnfd.Problems) (*archive, error) {
	src := &source{r: r, size: size, budget: 1<<20 + int64(limits.Files)*512, capped: true}
	z, err := zip.NewReader(src, size)
	src.capped = false
	if err != nil {
		return nil, notAnArchive(src, size, limits, err)
	}
	if len(z.File) > limits.Files {
		return nil, &vnfd.Error{Rule: "zip-bomb", Text: fmt.Sprintf("the archive has %d entries, more than %d", len(z.File), limits.Files)}
	}
	a := &archive{src: src, size: size, limits: limits, byName: map[string]*entry{}}
	for _, f := range z.File {
		if rule, text := checkEntry(f); rule != "" {
			p.Failf(rule, vnfd.Position{File: vnfd.Printable(f.Name)}, "%s", text)
			continue
		}
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		name := path.Clean(f.Name)
		if a.byName[name] != nil {
			p.Failf("duplicate-file", vnfd.Position{File: name}, "the archive holds this file twice")
			continue
		}
		e := &entry{name: name, zip: f}
		a.entries = append(a.entries, e)
		a.byName[name] = e
	}
	return a, p.Err()
}

// notAnArchive says why a directory could not be read.
func notAnArchive(src *source, size int64, limits vnfd.Limits, err error) error {
	if src.err != nil {
		return fmt.Errorf("read archive: %w", src.err)
	}
	if errors.Is(err, errDirectory) {
		return &vnfd.Error{Rule: "zip-bomb", Text: fmt.Sprintf("the archive's directory is larger than %d entries can need", limits.Files)}
	}
	head := make([]byte, 4)
	n, _ := src.ReadAt(head, 0)
	if src.err != nil {
		return fmt.Errorf("read archive: %w", src.err)
	}
	if n == len(head) && bytes.Equal(head, []byte("PK\x03\x04")) {
		return &vnfd.Error{Rule: "truncated-zip", Text: fmt.Sprintf("the archive of %d bytes is cut short or damaged: its directory cannot be read", size)}
	}
	return &vnfd.Error{Rule: "not-a-zip", Text: "the file is not a zip archive"}
}

func checkEntry(f *zip.File) (rule, text string) {
	switch {
	case f.Name == "" || !utf8.ValidString(f.Name) || strings.ContainsRune(f.Name, 0):
		return "zip-slip", "the archive holds a file without a valid name"
	case strings.Contains(f.Name, `\`):
		return "zip-slip", "the name holds a backslash"
	case strings.HasPrefix(f.Name, "/") || (len(f.Name) > 1 && f.Name[1] == ':'):
		return "zip-slip", "the name is absolute"
	case hasDotDot(f.Name):
		return "zip-slip", "the name holds '..'"
	case f.Mode()&fs.ModeSymlink != 0:
		return "symlink", "the archive holds a symbolic link"
	case f.Mode()&fs.ModeType&^fs.ModeDir != 0:
		return "symlink", "the archive holds something that is neither a file nor a directory"
	case f.Flags&1 != 0:
		return "encrypted", "the file is encrypted"
	}
	return "", ""
}

func hasDotDot(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return true
		}
	}
	return false
}

// Has says whether the archive holds a file.
func (a *archive) Has(name string) bool { return a.byName[name] != nil }

// Content reads a whole small file.
func (a *archive) Content(name string, limit int64) ([]byte, error) {
	e := a.byName[name]
	r, err := e.zip.Open()
	if err != nil {
		return nil, a.damaged(e, err)
	}
	defer r.Close() //nolint:errcheck // only read
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, a.damaged(e, err)
	}
	if int64(len(data)) > limit {
		return nil, &vnfd.Error{Rule: "too-large", Text: fmt.Sprintf("the file is larger than %d bytes", limit), At: vnfd.Position{File: name}}
	}
	return data, nil
}

// sum inflates a file into the hashes and returns its size, under the limits of the whole archive.
func (a *archive) sum(e *entry, hashes ...hash.Hash) (int64, error) {
	r, err := e.zip.Open()
	if err != nil {
		return 0, a.damaged(e, err)
	}
	defer r.Close() //nolint:errcheck // only read
	buf := make([]byte, 64<<10)
	var size int64
	for {
		n, err := r.Read(buf)
		size += int64(n)
		a.read += int64(n)
		if a.read > a.limits.TotalBytes {
			return 0, &vnfd.Error{Rule: "zip-bomb", Text: fmt.Sprintf("the files expand to more than %d bytes", a.limits.TotalBytes), At: vnfd.Position{File: e.name}}
		}
		if a.read > ratioFloor && a.read/a.limits.Ratio > a.size {
			return 0, &vnfd.Error{Rule: "zip-bomb", Text: fmt.Sprintf("the files expand to more than %d times the size of the archive", a.limits.Ratio), At: vnfd.Position{File: e.name}}
		}
		for _, h := range hashes {
			_, _ = h.Write(buf[:n]) // never fails
		}
		if errors.Is(err, io.EOF) {
			return size, nil
		}
		if err != nil {
			return 0, a.damaged(e, err)
		}
	}
}

// damaged turns an error of reading one file into the package's, unless the store below failed.
func (a *archive) damaged(e *entry, err error) error {
	switch {
	case a.src.err != nil:
		return fmt.Errorf("read archive: %w", a.src.err)
	case errors.Is(err, zip.ErrAlgorithm):
		return &vnfd.Error{Rule: "unsupported-compression", Text: "the file is compressed in a way that is not supported", At: vnfd.Position{File: e.name}}
	}
	return &vnfd.Error{Rule: "damaged-file", Text: "the file cannot be read from the archive: " + err.Error(), At: vnfd.Position{File: e.name}}
}
