package client_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/vnfm/vnfm/client"
)

const file = "0123456789abcdefghij"

// serve answers like a server of a file with a tag; it hangs up after so many bytes of what is asked for, "" of all.
func serve(w http.ResponseWriter, r *http.Request, content, tag string, breakAt int) {
	w.Header().Set("Content-Type", "application/zip")
	w.Header().Set("ETag", tag)
	if breakAt < 0 {
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(content))
		return
	}
	var from int
	status := http.StatusOK
	if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from); err == nil && r.Header.Get("If-Range") == tag {
		status = http.StatusPartialContent
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(content)-1, len(content)))
	} else {
		from = 0
	}
	w.Header().Set("Accept-Ranges", "bytes")
	w.Header().Set("Content-Length", fmt.Sprint(len(content)-from))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, content[from:from+breakAt])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// kept returns where a download goes, and what arrived.
func kept(media *string) (client.Into, *bytes.Buffer) {
	var b bytes.Buffer
	return func(m string) (io.Writer, error) {
		*media += m
		return &b, nil
	}, &b
}

// A download that breaks goes on where it did, as often as it makes progress. Seen failing with the file begun again behind itself, and
// with attempts that brought something counted.
func TestADownloadGoesOn(t *testing.T) {
	s := newServer(t, func(n int, w http.ResponseWriter, r *http.Request) {
		switch {
		case n == 2:
			w.Header().Set("Retry-After", "3")
			w.WriteHeader(http.StatusServiceUnavailable)
		case n < 12: // more often than anything is tried again
			serve(w, r, file, `"t"`, 1)
		default:
			serve(w, r, file, `"t"`, -1)
		}
	})
	var media string
	into, got := kept(&media)
	if err := s.PackageContent(t.Context(), "a/b", into); err != nil || got.String() != file || media != "application/zip" {
		t.Errorf("%q as %s, %v", got, media, err)
	}
	if s.asked()[0] != "GET /vnfpkgm/v2/vnf_packages/a%2Fb/package_content" || len(s.asked()) != 13 || s.waits[2] != 3*time.Second {
		t.Errorf("%v %v", s.asked(), s.waits)
	}
}

// What cannot go on is an error, and never half a file taken for all of it.
func TestADownloadThatCannotGoOn(t *testing.T) {
	for name, answer := range map[string]func(n int, w http.ResponseWriter, r *http.Request){
		"another content": func(n int, w http.ResponseWriter, r *http.Request) {
			serve(w, r, file, fmt.Sprintf(`"%d"`, n), 5-6*min(n, 1))
		},
		"another part": func(n int, w http.ResponseWriter, r *http.Request) {
			if n == 0 {
				serve(w, r, file, `"t"`, 5)
			}
			w.Header().Set("Content-Range", "bytes 7-19/20")
			w.WriteHeader(http.StatusPartialContent)
		},
		"no ranges": func(_ int, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Accept-Ranges", "none")
			w.Header().Set("Content-Length", "20")
			_, _ = io.WriteString(w, file[:5])
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		},
		"refused":     func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusConflict) },
		"no progress": func(_ int, w http.ResponseWriter, _ *http.Request) { hangUp(w) },
	} {
		s := newServer(t, answer)
		var media string
		into, got := kept(&media)
		if err := s.PackageArtifact(t.Context(), "p", "a b/c", into); err == nil || got.Len() > 5 || len(s.asked()) > 6 {
			t.Errorf("%s: %q after %v, %v", name, got, s.asked(), err)
		} else if s.asked()[0] != "GET /vnfpkgm/v2/vnf_packages/p/artifacts/a%20b/c" {
			t.Errorf("%v", s.asked())
		}
	}
	full := errors.New("disk is full")
	s := newServer(t, func(_ int, w http.ResponseWriter, r *http.Request) { serve(w, r, file, `"t"`, -1) })
	if err := s.PackageContent(t.Context(), "p", func(string) (io.Writer, error) { return failing{full}, nil }); !errors.Is(err, full) || len(s.asked()) != 1 {
		t.Errorf("%v after %v", err, s.asked())
	}
	if err := s.PackageContent(t.Context(), "p", func(string) (io.Writer, error) { return nil, full }); !errors.Is(err, full) || len(s.asked()) != 2 {
		t.Errorf("%v after %v", err, s.asked())
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// What is asked for says what the client takes.
func TestFilesAreAskedForAsTheyAre(t *testing.T) {
	var accept []string
	s := newServer(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		accept = append(accept, r.Header.Get("Accept"))
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	})
	var media string
	into, _ := kept(&media)
	for _, get := range []func() error{
		func() error { return s.PackageVnfd(t.Context(), "p", into) }, func() error { return s.PackageManifest(t.Context(), "p", into) },
		func() error { return s.PackageArtifacts(t.Context(), "p", into) },
	} {
		if err := get(); err != nil {
			t.Error(err)
		}
	}
	if strings.Join(accept, "|") != "text/plain, application/zip|text/plain|application/zip" || media != "text/plaintext/plaintext/plain" {
		t.Errorf("%v %s", accept, media)
	}
}
