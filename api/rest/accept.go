package rest

import (
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// choose returns which of the media types that an answer may have an Accept header likes best; of equals, the first. ok is false
// when it admits none of them. Where there are no types the answer has no body, and Accept does not matter.
func choose(accept, types []string) (media string, ok bool) {
	if len(types) == 0 || types[0] == AnyType {
		return "", true
	}
	best := 0.0
	for _, t := range types {
		if q := quality(accept, t); q > best {
			media, best = t, q
		}
	}
	return media, best > 0
}

const problemType = "application/problem+json"

// quality is how much an Accept header likes a media type, from 0 (not admitted) to 1: what is said of the nearest range counts
// (RFC 9110 §12.5.1). No header, or an empty one, admits all. Clients made from the OpenAPI documents ask for problems alone
// where these describe nothing else, as with files: that admits all, and with others JSON.
func quality(accept []string, media string) float64 {
	if all := strings.Join(accept, ","); strings.Trim(strings.ReplaceAll(all, problemType, ""), ", ") == "" {
		return 1
	}
	kind, _, _ := strings.Cut(media, "/")
	ranges := []string{media, kind + "/*", "*/*"}
	if media == JSONType {
		ranges = append(ranges, problemType)
	}
	for _, r := range ranges {
		if q, said := saysOf(accept, r); said {
			return q
		}
	}
	return 0
}

// Choose returns which of some media types the client likes best; of equals, the first. The error is that of a client that admits
// none of them.
func (c *Call) Choose(types ...string) (string, error) {
	media, ok := choose(c.Request.Header.Values("Accept"), types)
	if !ok {
		return "", &httpError{status: http.StatusNotAcceptable, detail: fmt.Sprintf("This resource is %s only.", strings.Join(types, " or "))}
	}
	return media, nil
}

// names says whether an Accept header names a media type and admits it.
func names(accept []string, media string) bool {
	q, _ := saysOf(accept, media)
	return q > 0
}

// saysOf returns what an Accept header says of a range of media types, and whether it says anything of it.
func saysOf(accept []string, media string) (q float64, said bool) {
	for _, value := range accept {
		for part := range strings.SplitSeq(value, ",") {
			named, params, err := mime.ParseMediaType(part)
			if named == "*" { // old clients of Java's mean any
				named = "*/*"
			}
			if err != nil || named != media {
				continue
			}
			weight := 1.0
			if text, ok := params["q"]; ok {
				if weight, err = strconv.ParseFloat(text, 64); err != nil || !(weight >= 0 && weight <= 1) {
					weight = 1
				}
			}
			said, q = true, max(q, weight)
		}
	}
	return q, said
}
