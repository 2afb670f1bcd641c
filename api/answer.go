package api

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// answer is a whole answer before it is written, so that it can be stored with its effect and replayed.
type answer struct {
	status int
	header http.Header
	body   []byte
	// follow, when set, writes the body as it comes into being, and returns when there is no more.
	follow func(w http.ResponseWriter)
}

func respond(status int) *answer { return &answer{status: status, header: http.Header{}} }

// json sets a JSON body. Our wire types always marshal.
func (a *answer) json(v any) *answer {
	body, err := json.Marshal(v)
	if err != nil {
		return problem(err)
	}
	a.header.Set("Content-Type", "application/json")
	a.body = body
	return a
}

func (a *answer) location(uri string) *answer {
	a.header.Set("Location", uri)
	return a
}

func (a *answer) etag(revision int64) *answer {
	a.header.Set("ETag", etagOf(revision))
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
func (a *answer) unchanged(ifNoneMatch string) bool {
	have := a.header.Get("ETag")
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

func (a *answer) write(w http.ResponseWriter, r *http.Request) {
	for k, v := range a.header {
		w.Header()[k] = v
	}
	if a.follow != nil {
		w.WriteHeader(a.status)
		a.follow(w)
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
