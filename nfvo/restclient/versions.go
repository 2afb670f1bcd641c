package restclient

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/sol"
)

// newest are the versions of the APIs that we speak, by their roots (SOL003 v3.7.1 §9.2, §10.2, §12.2). A newer minor version
// only adds to an older one (SOL013 v3.7.1 §9.1.2).
var newest = map[string]string{grantRoot: "1.7.0", packageRoot: "2.4.0", snapshotRoot: "1.2.0"}

// rootOf is the root of the API that a path is of.
func rootOf(path string) string {
	for root := range newest {
		if strings.HasPrefix(path, root+"/") {
			return root
		}
	}
	return grantRoot
}

// version is what an API is asked for: the newest that we speak, or that the orchestrator was found to serve.
func (c *Client) version(root string) string {
	if v, ok := c.agreed.Load(root); ok {
		return v.(string) //nolint:forcetypeassert // only strings are stored
	}
	return newest[root]
}

// agree asks an orchestrator that does not serve the version we asked for which ones it serves (SOL013 v3.7.1 §9.3), and remembers the
// newest that is not newer than ours, else its oldest. It reports whether that is another one.
func (c *Client) agree(ctx context.Context, refused error, root string) bool {
	var e *nfvo.Error
	if !errors.As(refused, &e) || e.Status != http.StatusNotAcceptable {
		return false
	}
	res, err := c.once(ctx, call{method: http.MethodGet, path: root + "/api_versions"}) //nolint:bodyclose // read closes it
	if err != nil {
		return false
	}
	var has sol.ApiVersionInformation
	if _, err := read(res, &has); err != nil {
		return false
	}
	major, best := semver.Major("v"+newest[root]), ""
	for _, v := range has.ApiVersions {
		text, _, _ := strings.Cut(v.Version, "-") // what follows names an implementation
		if x := "v" + text; !semver.IsValid(x) || semver.Major(x) != major {
			continue
		}
		if best == "" || better("v"+text, "v"+best, "v"+newest[root]) {
			best = text
		}
	}
	if best == "" || best == c.version(root) {
		return false
	}
	c.agreed.Store(root, best)
	return true
}

// better says whether a version is to be preferred to another: the newest up to ours, or else the oldest.
func better(a, b, ours string) bool {
	if semver.Compare(b, ours) > 0 {
		return semver.Compare(a, b) < 0
	}
	return semver.Compare(a, ours) <= 0 && semver.Compare(a, b) > 0
}
