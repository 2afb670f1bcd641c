package rest

import (
	"net/http"
	"slices"
	"strings"

	v1 "github.com/vnfm/vnfm/api/v1"
	"github.com/vnfm/vnfm/sol"
)

// Served is the versions of each ETSI API by its root, the newest last.
var Served = []struct {
	Root     string // name and major version
	Versions []string
}{
	{v1.Root, []string{"1.3.0"}},
	{LcmRoot, []string{"2.3.0"}},
	{PkgRoot, []string{"2.4.0"}},
}

// VersionsOf returns the versions served at a path of an ETSI API, the newest last: those of its major version, or of all
// where the path is of none. nil: it is no path of an ETSI API.
func VersionsOf(path string) []string {
	var all []string
	for _, s := range Served {
		if strings.HasPrefix(path, s.Root+"/") {
			return s.Versions
		}
		if name, _, _ := strings.Cut(s.Root[1:], "/"); strings.HasPrefix(path, "/"+name+"/") {
			all = append(all, s.Versions...)
		}
	}
	return all
}

// negotiate returns the version a request is answered in, "" for resources that are not ETSI's. The error is for a
// version that is not served; the version returned with it is the newest.
func negotiate(r *http.Request) (string, error) {
	versions := VersionsOf(r.URL.Path)
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

// Versions answers with the ApiVersionInformation of one major version of an API, or of all (SOL013 v3.7.1 §9.3).
func Versions(root string) Handler {
	info := sol.ApiVersionInformation{UriPrefix: root}
	for _, v := range VersionsOf(root + "/") {
		info.ApiVersions = append(info.ApiVersions, sol.ApiVersion{Version: v})
	}
	return func(*Call) (*Answer, error) { return Respond(http.StatusOK).JSON(info), nil }
}
