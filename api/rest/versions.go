package rest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	v1 "github.com/vnfm/vnfm/api/v1"
	"github.com/vnfm/vnfm/sol"
)

// Served is the ETSI APIs that are served: the root of each major version and the newest version of that major. A newer minor
// version only adds to an older one (SOL013 v3.7.1 §9.1.2), so that every one from x.0.0 to the newest is served.
var Served = []struct {
	Root   string // name and major version
	Newest string
}{
	{v1.Root, "1.3.0"},
	{LcmRoot, "2.3.0"},
	{v1.PkgRoot, "1.3.0"},
	{PkgRoot, "2.4.0"},
}

// version is a version of an API.
type version struct{ major, minor, patch int }

func (v version) String() string { return fmt.Sprintf("%d.%d.%d", v.major, v.minor, v.patch) }

func (v version) less(w version) bool {
	if v.major != w.major {
		return v.major < w.major
	}
	return v.minor < w.minor || v.minor == w.minor && v.patch < w.patch
}

// parseVersion reads MAJOR.MINOR.PATCH; what follows behind "-" or "+" names an implementation and is not looked at (SOL013
// v3.7.1 §9.1.2).
func parseVersion(text string) (v version, ok bool) {
	if i := strings.IndexAny(text, "-+"); i >= 0 {
		text = text[:i]
	}
	parts := strings.Split(text, ".")
	numbers := []*int{&v.major, &v.minor, &v.patch}
	if len(parts) != len(numbers) {
		return v, false
	}
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 31)
		if err != nil || strconv.FormatUint(n, 10) != part { // no leading zeros
			return v, false
		}
		*numbers[i] = int(n)
	}
	return v, true
}

// versionsOf returns the versions listed at a path of an ETSI API, the newest last: those of its major version, or of all
// where the path is of none. nil: it is no path of an ETSI API.
func versionsOf(path string) []version {
	var all []version
	for _, s := range Served {
		newest, _ := parseVersion(s.Newest)
		var minors []version
		for minor := range newest.minor + 1 {
			minors = append(minors, version{newest.major, minor, 0})
		}
		if newest.patch > 0 {
			minors = append(minors, newest)
		}
		if strings.HasPrefix(path, s.Root+"/") {
			return minors
		}
		if name, _, _ := strings.Cut(s.Root[1:], "/"); strings.HasPrefix(path, "/"+name+"/") {
			all = append(all, minors...)
		}
	}
	return all
}

// negotiate returns the version that a request is answered in, "" for resources that are not ETSI's: of the listed ones, the
// newest that is not newer than what is asked for. The error is for a version that is not served; the version returned with
// it is the newest.
func negotiate(r *http.Request) (string, error) {
	versions := versionsOf(r.URL.Path)
	if versions == nil {
		return "", nil
	}
	newest := versions[len(versions)-1]
	text := r.Header.Get("Version")
	if text == "" {
		return newest.String(), nil
	}
	want, ok := parseVersion(text)
	if ok && !newest.less(want) {
		for i := len(versions) - 1; i >= 0; i-- {
			if v := versions[i]; v.major == want.major && !want.less(v) {
				return v.String(), nil
			}
		}
	}
	return newest.String(), &httpError{
		status: http.StatusNotAcceptable,
		detail: fmt.Sprintf("Version %s of this API is not served; served are %s to %s.", text, versions[0], newest),
	}
}

// VersionRoutes are the resources that list the versions: of each major version of each API, and of each API.
func VersionRoutes() map[string]Route {
	routes := map[string]Route{}
	for _, s := range Served {
		name, _, _ := strings.Cut(s.Root[1:], "/")
		for _, root := range []string{s.Root, "/" + name} {
			routes[root+"/api_versions"] = Get(listVersions(root))
		}
	}
	return routes
}

// listVersions answers with the ApiVersionInformation of one major version of an API, or of all (SOL013 v3.7.1 §9.3). All but
// the newest of a major version are deprecated: they are served, and a client should move on.
func listVersions(root string) Handler {
	info := sol.ApiVersionInformation{UriPrefix: root}
	versions := versionsOf(root + "/")
	for i, v := range versions {
		newest := i == len(versions)-1 || versions[i+1].major != v.major
		info.ApiVersions = append(info.ApiVersions, sol.ApiVersion{Version: v.String(), IsDeprecated: !newest})
	}
	return func(*Call) (*Answer, error) { return Respond(http.StatusOK).JSON(info), nil }
}
