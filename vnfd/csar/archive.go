package csar

import (
	"archive/zip"
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
	stop    func() error
	entries []*entry // files, in the archive's order
	byName  map[string]*entry
	byBase  map[string][]string // last part of a name to names
	folders map[string]bool     // "." is one
	read    int64               // bytes inflated by the pass over all files
	again   int64               // bytes inflated once more, for signatures
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
func openArchive(r io.ReaderAt, size int64, limits vnfd.Limits, stop func() error, p *vnfd.Problems) (*archive, error) {
	src := &source{r: r, size: size, budget: 1<<20 + int64(limits.Files)*512, capped: true}
	z, err := zip.NewReader(src, size)
	src.capped = false
	if err != nil {
		return nil, notAnArchive(src, size, limits, err)
	}
	if len(z.File) > limits.Files {
		return nil, vnfd.Exceeded("files", "zip-bomb", vnfd.Position{}, "the archive has %d entries, more than %d", len(z.File), limits.Files)
	}
	a := &archive{src: src, size: size, limits: limits, stop: stop, byName: map[string]*entry{}, byBase: map[string][]string{}, folders: map[string]bool{}}
	for _, f := range z.File {
		if err := a.check(f); err != nil {
			p.Add(err)
			continue
		}
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		name := path.Clean(f.Name)
		if a.byName[name] != nil {
			p.Failf("duplicate-file", vnfd.Position{File: vnfd.Printable(name)}, "the archive holds this file twice")
			continue
		}
		e := &entry{name: name, zip: f}
		a.entries = append(a.entries, e)
		a.byName[name] = e
		a.byBase[path.Base(name)] = append(a.byBase[path.Base(name)], name)
		for dir := path.Dir(name); !a.folders[dir]; dir = path.Dir(dir) { // "." is its own parent
			a.folders[dir] = true
		}
	}
	return a, p.Err()
}

// notAnArchive says why a directory could not be read.
func notAnArchive(src *source, size int64, limits vnfd.Limits, err error) error {
	if src.err != nil {
		return fmt.Errorf("read archive: %w", src.err)
	}
	if errors.Is(err, errDirectory) {
		return vnfd.Exceeded("files", "zip-bomb", vnfd.Position{}, "the archive's directory is larger than %d entries can need", limits.Files)
	}
	head := make([]byte, min(size, sniffed))
	n, err := src.ReadAt(head, 0)
	if src.err != nil {
		return fmt.Errorf("read archive: %w", err)
	}
	head = head[:n]
	if strings.HasPrefix(string(head), "PK\x03\x04") {
		return &vnfd.Error{Rule: "truncated-zip", Text: fmt.Sprintf("the archive of %d bytes is cut short or damaged: its directory cannot be read", size)}
	}
	return &vnfd.Error{Rule: "not-a-zip", Text: "the file is not a zip archive, which a VNF package is (SOL004 §4.1): it " + looksLike(head)}
}

// check says what is wrong with a name before anything is made of it.
func (a *archive) check(f *zip.File) error {
	at := vnfd.Position{File: vnfd.Printable(f.Name)}
	if len(f.Name) > a.limits.NameBytes {
		return vnfd.Exceeded("name-bytes", "too-large", at, "the name of the file is %d bytes long, more than %d", len(f.Name), a.limits.NameBytes)
	}
	if n := strings.Count(f.Name, "/"); n > a.limits.NameDepth {
		return vnfd.Exceeded("name-depth", "too-large", at, "the file is %d folders deep, more than %d", n, a.limits.NameDepth)
	}
	if rule, text := checkEntry(f); rule != "" {
		return &vnfd.Error{Rule: rule, Text: text, At: at}
	}
	return nil
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

// Named returns the files whose last part is a name.
func (a *archive) Named(base string) []string { return a.byBase[base] }

// Content reads a whole small file of at most so many bytes, the limit of a name.
func (a *archive) Content(name string, most int64, limit string) ([]byte, error) {
	e := a.byName[name]
	r, err := e.zip.Open()
	if err != nil {
		return nil, a.damaged(e, err)
	}
	defer r.Close() //nolint:errcheck // only read
	data, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil {
		return nil, a.damaged(e, err)
	}
	if int64(len(data)) > most {
		return nil, vnfd.Exceeded(limit, "too-large", vnfd.Position{File: name}, "the file is larger than %d bytes", most)
	}
	return data, nil
}

// sum inflates a file into the hashes and returns its size, under the limits of the whole archive.
func (a *archive) sum(e *entry, hashes ...hash.Hash) (int64, error) {
	return a.inflate(e, &a.read, func(part []byte) {
		for _, h := range hashes {
			_, _ = h.Write(part) // never fails
		}
	})
}

// sumAgain inflates a file once more, as often as files have signatures.
func (a *archive) sumAgain(name string, h hash.Hash) error {
	_, err := a.inflate(a.byName[name], &a.again, func(part []byte) { _, _ = h.Write(part) })
	return err
}

func (a *archive) inflate(e *entry, total *int64, take func(part []byte)) (int64, error) {
	r, err := e.zip.Open()
	if err != nil {
		return 0, a.damaged(e, err)
	}
	defer r.Close() //nolint:errcheck // only read
	at := vnfd.Position{File: e.name}
	buf := make([]byte, 64<<10)
	var size int64
	for {
		n, err := r.Read(buf)
		size += int64(n)
		*total += int64(n)
		switch {
		case *total > a.limits.TotalBytes:
			return 0, vnfd.Exceeded("total-bytes", "zip-bomb", at, "the files expand to more than %d bytes", a.limits.TotalBytes)
		case *total > ratioFloor && *total/a.limits.Ratio > a.size:
			return 0, vnfd.Exceeded("ratio", "zip-bomb", at, "the files expand to more than %d times the size of the archive", a.limits.Ratio)
		case a.stop != nil:
			if err := a.stop(); err != nil {
				return 0, err
			}
		}
		take(buf[:n])
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
