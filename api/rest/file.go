package rest

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// File is something that is answered with as it is, not as JSON: whole, or a part of it (RFC 9110 §14).
type File struct {
	Type string // media type
	Name string // that a browser would keep it under; "": none
	// Tag names the content, so that equal tags are equal bytes. Modified is when it came to be.
	Tag      string
	Modified time.Time
	Size     int64 // -1: it is made while it is sent
	// Ranged: a part of it may be asked for.
	Ranged bool
	// Write writes length bytes from an offset on, or all of them where there is no size. It is called once the head of the answer is
	// sent: an error breaks it off.
	Write func(w io.Writer, offset, length int64) error
	// Done is called when the file is needed no more; nil: nothing is to be done.
	Done func()
}

// partSize is how much of a file is sent at once, in bytes: the time that a client may take counts for each anew.
const partSize = 64 << 10

// File answers with a file: 200, 206 for one range of it, 304, 412 or 416, as the request's conditions have it (RFC 9110 §13.2.2).
// Several ranges at once are answered with the whole. It takes the file over.
func (c *Call) File(f File) (*Answer, error) {
	done := f.Done
	if done == nil {
		done = func() {}
	}
	r, tag := c.Request, `"`+f.Tag+`"`
	head := http.Header{"Etag": {tag}, "Last-Modified": {f.Modified.UTC().Format(http.TimeFormat)}}
	switch status := conditions(r, tag, f.Modified); status {
	case http.StatusNotModified:
		done()
		return &Answer{status: status, Header: head}, nil
	case http.StatusPreconditionFailed:
		done()
		return nil, &httpError{status: status, detail: "The content is not the one that the request is for; its ETag is " + tag + ".", header: head}
	}
	head.Set("Content-Type", f.Type)
	head.Set("Accept-Ranges", "none")
	if f.Name != "" {
		head.Set("Content-Disposition", "attachment; filename="+strconv.Quote(ascii(f.Name)))
	}
	a := &Answer{status: http.StatusOK, Header: head}
	offset, length := int64(0), f.Size
	if f.Ranged {
		head.Set("Accept-Ranges", "bytes")
		from, to, kind := rangeOf(r, tag, f.Modified, f.Size)
		switch kind {
		case outside:
			done()
			return nil, &httpError{
				status: http.StatusRequestedRangeNotSatisfiable, detail: fmt.Sprintf("The content has %d bytes, and none of the range asked for.", f.Size),
				header: http.Header{"Content-Range": {fmt.Sprintf("bytes */%d", f.Size)}},
			}
		case part:
			offset, length, a.status = from, to-from+1, http.StatusPartialContent
			head.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to, f.Size))
		case whole:
		}
	}
	if length >= 0 {
		head.Set("Content-Length", strconv.FormatInt(length, 10))
	}
	a.Follow = func(w http.ResponseWriter) {
		defer done()
		if r.Method == http.MethodHead {
			return
		}
		if err := f.Write(&parts{w: w, server: c.Server}, offset, length); err != nil && c.Ctx.Err() == nil {
			c.Server.Log.WarnContext(c.Ctx, "file broke off", "path", r.URL.Path, "error", err)
			panic(http.ErrAbortHandler) // so that what was sent does not look whole
		}
	}
	return a, nil
}

// ascii returns a name without what a header cannot have.
func ascii(name string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' || r == '/' {
			return '_'
		}
		return r
	}, name)
}

// conditions evaluates a request's conditions about what has a tag and a time, in the order that RFC 9110 §13.2.2 gives. It returns the
// status of the answer that they make of it, 200 when the request goes on.
func conditions(r *http.Request, tag string, modified time.Time) int {
	modified = modified.Truncate(time.Second)
	if match := r.Header.Get("If-Match"); match != "" {
		if !oneOf(match, tag, false) {
			return http.StatusPreconditionFailed
		}
	} else if t, err := http.ParseTime(r.Header.Get("If-Unmodified-Since")); err == nil && modified.After(t) {
		return http.StatusPreconditionFailed
	}
	if match := r.Header.Get("If-None-Match"); match != "" {
		if oneOf(match, tag, true) {
			return http.StatusNotModified
		}
	} else if t, err := http.ParseTime(r.Header.Get("If-Modified-Since")); err == nil && !modified.After(t) {
		return http.StatusNotModified
	}
	return http.StatusOK
}

// oneOf says whether a list of tags names one, or any.
func oneOf(list, tag string, weak bool) bool {
	for one := range strings.SplitSeq(list, ",") {
		one = strings.TrimSpace(one)
		if weak {
			one = strings.TrimPrefix(one, "W/")
		}
		if one == "*" || one == tag {
			return true
		}
	}
	return false
}

// covered is how much of a file a request wants.
type covered int

const (
	whole covered = iota
	part
	outside
)

// rangeOf reads the Range of a request, first and last byte. What is no range of bytes, several of them, or for another content than
// there is (If-Range) means all.
func rangeOf(r *http.Request, tag string, modified time.Time, size int64) (from, to int64, kind covered) {
	text, is := strings.CutPrefix(r.Header.Get("Range"), "bytes=")
	if !is || strings.Contains(text, ",") || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return 0, 0, whole
	}
	if only := r.Header.Get("If-Range"); only != "" && only != tag {
		if t, err := http.ParseTime(only); err != nil || !t.Equal(modified.Truncate(time.Second)) {
			return 0, 0, whole
		}
	}
	first, last, ok := strings.Cut(strings.TrimSpace(text), "-")
	a, errA := strconv.ParseUint(first, 10, 63)
	b, errB := strconv.ParseUint(last, 10, 63)
	from, to = int64(a), int64(b) //nolint:gosec // of 63 bits
	switch {
	case !ok || first == "" && errB != nil || first != "" && errA != nil || last != "" && errB != nil || first != "" && last != "" && to < from:
		return 0, 0, whole // not well-formed: it is as if it were not there
	case first == "": // the last so many bytes
		if to == 0 || size == 0 {
			return 0, 0, outside
		}
		return max(0, size-to), size - 1, part
	case from >= size:
		return 0, 0, outside
	case last == "":
		to = size - 1
	}
	return from, min(to, size-1), part
}

// parts writes to a client that may take its time for each part, but not for ever.
type parts struct {
	w      http.ResponseWriter
	server *Server
}

func (p *parts) Write(b []byte) (n int, err error) {
	for len(b) > 0 && err == nil {
		p.server.patient(p.w, partSize)
		var m int
		m, err = p.w.Write(b[:min(len(b), partSize)])
		n, b = n+m, b[m:]
	}
	return n, err //nolint:wrapcheck // a writer hands on what it gets
}
