package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/vnfm/vnfm/sol"
)

// served is the versions of each ETSI API, the newest last.
var served = map[string][]string{
	"/vnflcm":  {"2.3.0"},
	"/vnfpkgm": {"2.4.0"},
}

// negotiate returns the version a request is answered in, "" for resources that are not ETSI's. The error is for a
// version that is not served; the version returned with it is the newest.
func negotiate(r *http.Request) (string, error) {
	root, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	versions := served["/"+root]
	if versions == nil {
		return "", nil
	}
	newest := versions[len(versions)-1]
	want, _, _ := strings.Cut(r.Header.Get("Version"), "-impl")
	switch {
	case want == "":
		return newest, nil
	case slices.Contains(versions, want):
		return want, nil
	}
	return newest, &httpError{
		status: http.StatusNotAcceptable,
		detail: "Version " + want + " of this API is not served; served are " + strings.Join(versions, ", ") + ".",
	}
}

// versions answers with the ApiVersionInformation of an API.
func versions(root string) handler {
	info := sol.ApiVersionInformation{UriPrefix: root + "/v2"}
	for _, v := range served[root] {
		info.ApiVersions = append(info.ApiVersions, sol.ApiVersion{Version: v})
	}
	return func(*call) (*answer, error) { return respond(http.StatusOK).json(info), nil }
}
