// Package console serves the program that browsers run, at /ui/. It owns the archive made of ui/ (`make ui`), which is embedded and
// served from memory: compressed as it is, with its tags, and nothing but it. It knows HTTP and nothing of the VNF manager: the
// browser's program is a client of the public API like any other.
//
// It promises that a page loads nothing from another site and runs no script but its own (Content-Security-Policy), and that it sets
// no cookie.
package console

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"html"
	"io"
	"mime"
	"net/http"
	"path"
	"regexp"
	"strings"
	"time"
)

//go:embed console.zip
var archive []byte

// Config says where the console is served.
type Config struct {
	// Prefix is the path under which clients reach the server's root, without a slash at its end; "": the root.
	Prefix string
	// Connect are the origins, beside its own, that a page may send requests to.
	Connect []string
}

// Handler serves GET and HEAD of / and of all below /ui.
type Handler struct {
	prefix, connect string
	page            string // the page, with its marks
	files           map[string]*file
}

// file is one file of the archive, in the two forms in which it is served.
type file struct {
	kind           string // media type
	plain, gzipped []byte
	tag            string // of the content, without quotes
	lasting        bool   // its name changes with its content
}

// Root is where the console is.
const Root = "/ui/"

const indexPage = "index.html"

// The marks in the page for what is known only when it is served.
const (
	nonceMark = "__NONCE__"
	baseMark  = "__BASE__"
)

// hashed are the names that Vite gives to what it makes.
var hashed = regexp.MustCompile(`^assets/.*-[\w-]{8}\.\w+$`)

// New reads the archive. An error says that the program was built with a broken one.
func New(c Config) (*Handler, error) {
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return nil, fmt.Errorf("read the console's archive: %w", err)
	}
	h := &Handler{prefix: c.Prefix, connect: strings.Join(append([]string{"'self'"}, c.Connect...), " "), files: map[string]*file{}}
	for _, f := range z.File {
		one, err := read(f)
		if err != nil {
			return nil, fmt.Errorf("read %s of the console's archive: %w", f.Name, err)
		}
		h.files[f.Name] = one
	}
	if h.files[indexPage] == nil {
		return nil, fmt.Errorf("the console's archive has no %s", indexPage)
	}
	h.page = string(h.files[indexPage].plain)
	delete(h.files, indexPage)
	return h, nil
}

// read reads an entry. Its deflated bytes with the frame of RFC 1952 around them are its gzip form.
func read(f *zip.File) (*file, error) {
	raw, err := f.OpenRaw()
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	deflated, err := io.ReadAll(raw)
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	out := &file{kind: mime.TypeByExtension(path.Ext(f.Name)), lasting: hashed.MatchString(f.Name)}
	if out.plain, err = io.ReadAll(flate.NewReader(bytes.NewReader(deflated))); err != nil {
		return nil, fmt.Errorf("inflate: %w", err)
	}
	sum := sha256.Sum256(out.plain)
	out.tag = hex.EncodeToString(sum[:12])
	const noTimeNoSystem = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
	out.gzipped = append([]byte(noTimeNoSystem), deflated...)
	out.gzipped = binary.LittleEndian.AppendUint32(out.gzipped, f.CRC32)
	out.gzipped = binary.LittleEndian.AppendUint32(out.gzipped, uint32(len(out.plain))) //nolint:gosec // RFC 1952: modulo 2^32
	return out, nil
}

// ServeHTTP serves a file of the archive, or the page: what is below /ui/ and no file is an address within it.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, below := strings.CutPrefix(r.URL.Path, Root)
	if !below {
		http.Redirect(w, r, h.prefix+Root, http.StatusFound)
		return
	}
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Cross-Origin-Opener-Policy", "same-origin")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	f := h.files[name]
	switch {
	case f != nil:
		f.serve(w, r)
	case strings.HasPrefix(name, "assets/"):
		http.Error(w, "The console has no such file. It was renewed since: load the page again.", http.StatusNotFound)
	default:
		h.servePage(w, r)
	}
}

// servePage serves the page with a nonce of its own, by which the style elements that its scripts make are known.
func (h *Handler) servePage(w http.ResponseWriter, r *http.Request) {
	var random [16]byte
	_, _ = rand.Read(random[:]) // it never fails
	nonce := base64.RawURLEncoding.EncodeToString(random[:])
	policy := "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-" + nonce + "'; img-src 'self' data:; font-src 'self'; connect-src " + h.connect +
		"; manifest-src 'self'; base-uri 'self'; form-action 'none'; frame-ancestors 'none'"
	w.Header().Set("Content-Security-Policy", policy)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	page := strings.NewReplacer(nonceMark, nonce, baseMark, html.EscapeString(h.prefix+Root)).Replace(h.page)
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(page))
}

func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", f.kind)
	w.Header().Set("Cache-Control", "no-cache")
	if f.lasting {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	w.Header().Set("Vary", "Accept-Encoding")
	content, tag := f.plain, f.tag
	if takesGzip(r) {
		content, tag = f.gzipped, f.tag+"-gzip"
		w.Header().Set("Content-Encoding", "gzip")
	}
	w.Header().Set("ETag", `"`+tag+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

// takesGzip says whether a client takes gzip (RFC 9110 §12.5.3).
func takesGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		coding, weight, weighed := strings.Cut(part, ";")
		if strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			return !weighed || strings.Trim(strings.TrimPrefix(strings.TrimSpace(weight), "q="), "0.") != ""
		}
	}
	return false
}
