package rest

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/api/decode"
)

// grace is how long a body may take, and an answer, before its rate counts; largeBody is from how many bytes on a body needs a
// place among the large ones.
const (
	grace     = 10 * time.Second
	largeBody = 256 << 10
)

// lastWord is how long the rest of a body that nobody reads is waited for: when it comes the connection can go on, else it ends
// with the answer.
const lastWord = 100 * time.Millisecond

// readBody checks the form of the body and reads it, or leaves it to the handler.
func (c *Call) readBody(w http.ResponseWriter, m Method) error {
	limit := c.Server.MaxBody
	switch {
	case m.Stream:
		limit = c.Server.MaxPackage
	case m.Small || m.Body == nil:
		limit = c.Server.MaxSmallBody
	}
	c.Request.Body = http.MaxBytesReader(w, c.Request.Body, limit)
	if m.Body != nil {
		media, _, err := mime.ParseMediaType(c.Request.Header.Get("Content-Type"))
		if err != nil || !slices.Contains(m.Body, media) {
			return &httpError{
				status: http.StatusUnsupportedMediaType,
				detail: fmt.Sprintf("The Content-Type must be %s.", strings.Join(m.Body, " or ")),
				header: http.Header{"Accept": {strings.Join(m.Body, ", ")}},
			}
		}
	}
	if coding := c.Request.Header.Get("Content-Encoding"); m.Body != nil && coding != "" && !strings.EqualFold(coding, "identity") {
		return &httpError{
			status: http.StatusUnsupportedMediaType, detail: "The body must have no Content-Encoding.",
			header: http.Header{"Accept-Encoding": {"identity"}},
		}
	}
	if m.Stream {
		return nil
	}
	large := &room{Reader: c.Request.Body, enter: func() error {
		leave, err := c.Server.LargeBodies.Take(c.caller())
		if err == nil {
			c.leave = append(c.leave, leave)
		}
		return err //nolint:wrapcheck // has its kind
	}}
	var err error
	if m.Body != nil {
		if c.Body, err = decode.Read(large, c.Server.Form); err != nil { // the caller is known, and hears why once it has sent all
			_, _ = io.Copy(io.Discard, c.Request.Body)
		}
	} else {
		c.Body, err = io.ReadAll(large)
	}
	return unread(err)
}

// unread is the error of a body that could not be read.
func unread(err error) error {
	var tooLarge *http.MaxBytesError
	var known *vnfm.Error
	switch {
	case err == nil, errors.As(err, &tooLarge), errors.As(err, &known):
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &httpError{status: http.StatusRequestTimeout, detail: "The body did not come in time."}
	}
	return vnfm.Errorf(vnfm.Invalid, "The body could not be read to its end.")
}

// room reads a body, and enters before it reads more than a small one is.
type room struct {
	io.Reader
	enter func() error // nil once entered
	n     int
}

func (r *room) Read(p []byte) (int, error) {
	if r.n > largeBody && r.enter != nil {
		if err := r.enter(); err != nil {
			return 0, err
		}
		r.enter = nil
	}
	n, err := r.Reader.Read(p)
	r.n += n
	return n, err //nolint:wrapcheck // a reader
}

// paced is the body of a request, which has to come within a time and, on average, at a rate: whoever sends slowly holds a
// place that is others' too.
type paced struct {
	io.ReadCloser
	conn  *http.ResponseController
	until time.Time // no later than this; zero: as the server bounds it
	rate  int64     // bytes per second; 0: any
	begun time.Time // the first read
	n     int64
	whole bool // it was read to its end
}

// pace bounds how slowly a request's body may come, and how long the rest of one that nobody reads is waited for.
func (a *Server) pace(w http.ResponseWriter, r *http.Request) http.ResponseWriter {
	p := &paced{ReadCloser: r.Body, conn: http.NewResponseController(w), rate: a.MinRate, whole: r.Body == nil || r.Body == http.NoBody}
	r.Body = p
	return &hasty{ResponseWriter: w, body: p}
}

// within bounds the time for the whole body; 0: as the server bounds it.
func (p *paced) within(limit time.Duration) {
	if limit > 0 {
		p.until = time.Now().Add(limit)
	}
}

func (p *paced) Read(b []byte) (int, error) {
	if p.begun.IsZero() {
		p.begun = time.Now()
	}
	deadline := p.until
	if p.rate > 0 {
		if at := p.begun.Add(grace + time.Duration(p.n)*time.Second/time.Duration(p.rate)); deadline.IsZero() || at.Before(deadline) {
			deadline = at
		}
	}
	if !deadline.IsZero() {
		_ = p.conn.SetReadDeadline(deadline) // where it cannot be set, the server's bound stands
	}
	n, err := p.ReadCloser.Read(b)
	p.n += int64(n)
	if errors.Is(err, io.EOF) {
		p.whole = true
		_ = p.conn.SetReadDeadline(time.Time{}) // nothing more is awaited: a long answer is not cut off
	}
	return n, err //nolint:wrapcheck // a reader
}

// hasty is where the answer goes. The server reads the rest of a body before it sends an answer, so that the connection can be
// used again: whoever is refused for its headers must not get to hold it with a body.
type hasty struct {
	http.ResponseWriter
	body  *paced
	begun bool
}

func (h *hasty) WriteHeader(status int) {
	h.hurry()
	h.ResponseWriter.WriteHeader(status)
}

func (h *hasty) Write(b []byte) (int, error) {
	h.hurry()
	return h.ResponseWriter.Write(b) //nolint:wrapcheck // a writer
}

// Unwrap lets http.ResponseController find what it needs.
func (h *hasty) Unwrap() http.ResponseWriter { return h.ResponseWriter }

func (h *hasty) hurry() {
	if !h.begun && !h.body.whole {
		_ = h.body.conn.SetReadDeadline(time.Now().Add(lastWord))
	}
	h.begun = true
}

// patient bounds how slowly an answer may be taken.
func (a *Server) patient(w http.ResponseWriter, size int) {
	if a.MinRate > 0 {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(grace + time.Duration(size)*time.Second/time.Duration(a.MinRate)))
	}
}
