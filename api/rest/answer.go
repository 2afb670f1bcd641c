package rest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Answer is a whole answer before it is written, so that it can be stored with its effect and replayed.
type Answer struct {
	status int
	Header http.Header
	body   []byte
	inForm bool // the body is in the version of the request already
	idle   bool // nothing was done, so that there is no kept answer
	// follow, when set, writes the body as it comes into being, and returns when there is no more.
	Follow func(w http.ResponseWriter)
}

func Respond(status int) *Answer { return &Answer{status: status, Header: http.Header{}} }

// JSON sets a JSON body. Our wire types always marshal.
func (a *Answer) JSON(v any) *Answer {
	body, err := json.Marshal(v)
	if err != nil {
		return problem(err)
	}
	a.Header.Set("Content-Type", "application/json")
	a.body = body
	return a
}

func (a *Answer) Location(uri string) *Answer {
	a.Header.Set("Location", uri)
	return a
}

// Idle says that the request found nothing to do. An equal request may have done it.
func (a *Answer) Idle() *Answer {
	a.idle = true
	return a
}

func (a *Answer) ETag(revision int64) *Answer {
	a.Header.Set("ETag", etagOf(revision))
	return a
}

func etagOf(revision int64) string { return `"` + strconv.FormatInt(revision, 10) + `"` }

// matches says whether an If-Match header names a revision.
func matches(ifMatch string, revision int64) bool {
	for tag := range strings.SplitSeq(ifMatch, ",") {
		if tag = strings.TrimSpace(tag); tag == "*" || tag == etagOf(revision) {
			return true
		}
	}
	return false
}

// unchanged says whether an If-None-Match header names what the answer shows (RFC 9110 §13.1.2: compared weakly).
func (a *Answer) unchanged(ifNoneMatch string) bool {
	have := a.Header.Get("ETag")
	if ifNoneMatch == "" || have == "" || a.status != http.StatusOK {
		return false
	}
	for tag := range strings.SplitSeq(ifNoneMatch, ",") {
		if tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/"); tag == "*" || tag == have {
			return true
		}
	}
	return false
}

// spelled are names of headers as the specifications write them, where Go writes them in another way. A client may look for them so,
// though case does not matter (RFC 9110 §5.1).
var spelled = map[string]string{"Etag": "ETag", "Www-Authenticate": "WWW-Authenticate"}

func (a *Answer) write(w http.ResponseWriter, r *http.Request) {
	for k, v := range a.Header {
		if s := spelled[k]; s != "" {
			k = s
		}
		w.Header()[k] = v
	}
	if (a.status == http.StatusOK || a.status == http.StatusCreated) && w.Header().Get("Accept-Ranges") == "" { // RFC 9110 §14.3
		w.Header().Set("Accept-Ranges", "none")
	}
	if a.Follow != nil {
		w.WriteHeader(a.status)
		a.Follow(w)
		return
	}
	if a.status != http.StatusNoContent && a.status != http.StatusNotModified {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(a.body) // the client has gone; there is nobody to tell
	}
}

// Encode marshals what was decoded from JSON before.
func Encode(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("api: a wire type does not marshal: %v", err))
	}
	return b
}
