package vim

import (
	"errors"
	"io"
	"mime"
	"net/http"
)

// DefaultMaxAnswerBytes bounds an answer of a VIM: lists come in pages.
const DefaultMaxAnswerBytes = 64 << 20

var (
	// ErrLongAnswer says that a VIM's answer has no end, as far as anybody wants to read it.
	ErrLongAnswer = errors.New("the answer is longer than vim-answer-bytes")
	// ErrNoAPI says that something answers that is not the VIM's API: a proxy, or a web server under the endpoint's address.
	ErrNoAPI = errors.New("what answers is a web page, not an API")
)

// Answers is a way through the network that takes no answer as one that is longer than so many bytes, or a web page in place of what was asked for. Streams of what changes (watches of Kubernetes) have no length.
type Answers struct {
	Next http.RoundTripper
	Max  int64 // 0 means DefaultMaxAnswerBytes
}

// RoundTrip implements http.RoundTripper.
func (a Answers) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := a.Next.RoundTrip(r)
	if err != nil {
		return resp, err //nolint:wrapcheck // the network's
	}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	// Refusals are told by their codes, and redirections followed. What is done may be answered by nothing, in the form of a page (OpenStack's releases).
	if kind == "text/html" && r.Method == http.MethodGet && resp.StatusCode == http.StatusOK {
		_ = resp.Body.Close() // nobody reads it
		return nil, ErrNoAPI
	}
	if watch := r.URL.Query().Get("watch"); resp.StatusCode != http.StatusSwitchingProtocols && watch != "true" && watch != "1" {
		left := a.Max
		if left <= 0 {
			left = DefaultMaxAnswerBytes
		}
		resp.Body = &short{resp.Body, left}
	}
	return resp, nil
}

// short is an answer that ends in an error when it is too long: one that was cut off might be read as a whole.
type short struct {
	io.ReadCloser
	left int64
}

// Read implements io.Reader.
func (s *short) Read(p []byte) (int, error) {
	if s.left < 0 {
		return 0, ErrLongAnswer
	}
	if int64(len(p)) > s.left+1 {
		p = p[:s.left+1]
	}
	n, err := s.ReadCloser.Read(p)
	if s.left -= int64(n); s.left < 0 {
		return n - 1, ErrLongAnswer
	}
	return n, err //nolint:wrapcheck // io.EOF
}
