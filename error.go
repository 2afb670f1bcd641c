package vnfm

import (
	"errors"
	"fmt"
	"strings"
)

// Kind says what went wrong in terms a caller can act on. The edge maps each kind to one HTTP status.
type Kind string

// The kinds, with the HTTP status the API answers with.
const (
	Invalid         Kind = "invalid"         // 400: malformed input
	Unauthenticated Kind = "unauthenticated" // 401
	Forbidden       Kind = "forbidden"       // 403
	NotFound        Kind = "not-found"       // 404
	Conflict        Kind = "conflict"        // 409: not in this state
	Precondition    Kind = "precondition"    // 412: If-Match failed
	TooLarge        Kind = "too-large"       // 413
	Unsupported     Kind = "unsupported"     // 415
	Unprocessable   Kind = "unprocessable"   // 422: well-formed, but cannot be done
	TooMany         Kind = "too-many"        // 429
	Internal        Kind = "internal"        // 500: a defect; its text stays in the log
	Unavailable     Kind = "unavailable"     // 503: try again later
)

// ErrUnknownVersion is the cause, of kind Unavailable, when what was read is of a version that this program does not know:
// a newer program has written it, while both run. Nothing is wrong with it: it waits for a program that knows it.
var ErrUnknownVersion = errors.New("unknown version")

// UnknownVersion makes an error with the cause ErrUnknownVersion; the text says what is of which version.
func UnknownVersion(format string, args ...any) *Error {
	return Wrap(Unavailable, ErrUnknownVersion, format+", which the program of this node does not know", args...)
}

// Error is the error every layer returns. Detail is for the user and says what to do; Err is the cause, for the log.
type Error struct {
	Kind   Kind
	Detail string
	// Attribute is the JSON pointer of the request attribute at fault ("/flavourId"), empty when there is none.
	Attribute string
	// Parameter is the query parameter at fault ("filter"), empty when there is none.
	Parameter string
	Err       error
}

// Error returns the detail followed by the cause.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Detail
	}
	if e.Detail == "" {
		return e.Err.Error()
	}
	if strings.HasSuffix(e.Detail, e.Err.Error()) { // Errorf with %w
		return e.Detail
	}
	return e.Detail + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an error of a kind with a detail for the user. A %w operand becomes the cause as well.
func Errorf(kind Kind, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Kind: kind, Detail: err.Error(), Err: errors.Unwrap(err)}
}

// At returns a copy of the error that names the request attribute at fault by its JSON pointer.
func (e *Error) At(pointer string) *Error {
	c := *e
	c.Attribute = pointer
	return &c
}

// Step returns the name of an attribute as a step of a JSON pointer (RFC 6901 §3), with the slash before it.
func Step(name string) string {
	if !strings.ContainsAny(name, "~/") { // a replacer costs more than most names
		return "/" + name
	}
	return "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

// In returns a copy of the error that names the query parameter at fault.
func (e *Error) In(parameter string) *Error {
	c := *e
	c.Parameter = parameter
	return &c
}

// Wrap gives a cause a kind and a detail for the user.
func Wrap(kind Kind, err error, format string, args ...any) *Error {
	return &Error{Kind: kind, Detail: fmt.Sprintf(format, args...), Err: err}
}

// KindOf returns the kind of the first Error in err's chain, Internal when there is none, and "" for nil.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}
