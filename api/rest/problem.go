package rest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/access"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/sol"
)

// statusOf is the one table from kinds of errors to HTTP.
var statusOf = map[vnfm.Kind]int{
	vnfm.Invalid:         http.StatusBadRequest,
	vnfm.Unauthenticated: http.StatusUnauthorized,
	vnfm.Forbidden:       http.StatusForbidden,
	vnfm.NotFound:        http.StatusNotFound,
	vnfm.Conflict:        http.StatusConflict,
	vnfm.Precondition:    http.StatusPreconditionFailed,
	vnfm.TooLarge:        http.StatusRequestEntityTooLarge,
	vnfm.Unsupported:     http.StatusUnsupportedMediaType,
	vnfm.Unprocessable:   http.StatusUnprocessableEntity,
	vnfm.TooMany:         http.StatusTooManyRequests,
	vnfm.Internal:        http.StatusInternalServerError,
	vnfm.Unavailable:     http.StatusServiceUnavailable,
}

// httpError is an error only HTTP knows: a status without a kind, or headers beside it.
type httpError struct {
	status int
	detail string
	header http.Header
}

func (e *httpError) Error() string { return e.detail }

// problem turns an error into its answer. The text of an internal error is replaced.
func problem(err error) *Answer {
	p := sol.ProblemDetails{Status: http.StatusInternalServerError, Detail: "An internal error occurred; the server's log has it."}
	header := http.Header{}
	var known *vnfm.Error
	var special *httpError
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &special):
		p.Status, p.Detail, header = special.status, special.detail, special.header.Clone()
	case errors.As(err, &tooLarge):
		p.Status, p.Detail = http.StatusRequestEntityTooLarge, "The body is larger than this server accepts."
	case errors.As(err, &known) && known.Kind != vnfm.Internal:
		if status, ok := statusOf[known.Kind]; ok {
			p.Status, p.Detail, p.Attribute, p.Parameter = status, known.Detail, known.Attribute, known.Parameter
		}
	case errors.Is(err, eventstore.ErrUnavailable), errors.Is(err, eventstore.ErrVersion),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		p.Status, p.Detail = http.StatusServiceUnavailable, "The request could not be carried out now; send it again."
	case errors.Is(err, eventstore.ErrDamaged):
		p.Detail = "The server's database is damaged, and what this needs of it cannot be read. GET /readyz and vnfm audit say more; its operator has to restore it."
	case errors.Is(err, eventstore.ErrIdempotencyKeyUsed):
		p.Status, p.Detail = http.StatusConflict, "Another request with this Idempotency-Key was carried out."
	case errors.Is(err, eventstore.ErrNameTaken):
		p.Status, p.Detail = http.StatusConflict, "The name is taken."
	}
	p.Title = http.StatusText(p.Status)
	if p.Detail == "" { // SOL013 v3.7.1 §6.3 wants one
		p.Detail = p.Title + "."
	}
	p.Attribute = shortPointer(p.Attribute)
	for _, at := range []string{p.Attribute, p.Parameter} {
		if !strings.Contains(p.Detail, strings.TrimPrefix(at, "/")) {
			p.Detail = at + ": " + p.Detail
		}
	}
	if len(p.Detail) > maxDetail {
		p.Detail = strings.ToValidUTF8(p.Detail[:maxDetail], "") + "…"
	}
	if header == nil {
		header = http.Header{}
	}
	again := p.Status == http.StatusServiceUnavailable || p.Status == http.StatusTooManyRequests
	if again && header.Get("Retry-After") == "" {
		header.Set("Retry-After", "1")
	}
	var denied *access.DeniedError
	if errors.As(err, &denied) {
		header.Set("WWW-Authenticate", denied.Challenge())
	}
	header.Set("Content-Type", "application/problem+json")
	body, _ := json.Marshal(p) // a struct of strings and numbers
	return &Answer{status: p.Status, Header: header, body: body}
}

// maxDetail bounds the text and the pointer of an error in bytes: what a client sent is quoted in them.
const maxDetail = 2048

// shortPointer returns a pointer, or as much of it as there is room for: that of what the attribute is in.
func shortPointer(pointer string) string {
	for len(pointer) > maxDetail {
		pointer = pointer[:max(0, strings.LastIndexByte(pointer, '/'))]
	}
	return pointer
}

// BadQuery is the error of a query parameter that cannot be read.
func BadQuery(parameter, format string, args ...any) error {
	return vnfm.Errorf(vnfm.Invalid, format, args...).In(parameter)
}

// inQuery returns an error about the value of a query parameter as one that names the parameter.
func inQuery(err error, parameter string) error {
	var known *vnfm.Error
	if !errors.As(err, &known) {
		return err
	}
	return known.In(parameter)
}

func NotFound(what, id string) error {
	return vnfm.Errorf(vnfm.NotFound, "There is no %s %q.", what, id)
}
