package api_test

import (
	"strings"
	"testing"

	"github.com/vnfm/vnfm/api"
	"github.com/vnfm/vnfm/sol"
)

// TestEveryOlderVersionIsServed: clients send the version of the release that they were made for. Every version of a major,
// from its first to the newest here, is served by every API, and the answer says which it is; what is above or of another major
// is refused. Seen failing with only the newest served.
func TestEveryOlderVersionIsServed(t *testing.T) {
	w := newWorld(t)
	for root, newest := range api.Roots() {
		major, minor := newest[:1], int(newest[2]-'0')
		path := root + map[bool]string{true: "/vnf_instances", false: "/vnf_packages"}[strings.HasPrefix(root, "/vnflcm/")]
		for m := range minor + 1 {
			of := major + "." + string(rune('0'+m))
			asked := []string{of + ".0", of + ".0-impl:etsi.org:ETSI_NFV_OpenAPI:1", of + ".0+build.5", of + ".0-rc1"}
			if m < minor {
				asked = append(asked, of+".7")
			}
			for _, version := range asked {
				got := w.do("GET", path, "", "Version", version)
				if got.status != 200 || got.header.Get("Version") != of+".0" {
					t.Errorf("%s in version %s: %d in version %s", path, version, got.status, got.header.Get("Version"))
				}
			}
		}
		above := major + "." + string(rune('0'+minor+1)) + ".0"
		for _, version := range []string{above, newest[:4] + "1", "9.0.0", "0.9.0", "3.0.0-impl:acme:nfvo:1", major, major + ".0", major + ".00.0", major + ".0.0.0", "v" + major + ".0.0", "-1.0.0", major + ".x.0"} {
			got := w.do("GET", path, "", "Version", version)
			if got.status != 406 || got.header.Get("Version") != newest || !strings.Contains(got.body, major+".0.0 to "+newest) {
				t.Errorf("%s in version %s: %d in version %s: %s", path, version, got.status, got.header.Get("Version"), got.body)
			}
		}
		var listed sol.ApiVersionInformation
		w.do("GET", root+"/api_versions", "").want(200, `"isDeprecated":false`, `"isDeprecated":true`).json(&listed)
		for i, v := range listed.ApiVersions {
			if want := major + "." + string(rune('0'+i)) + ".0"; v.Version != want || v.IsDeprecated != (want != newest) {
				t.Errorf("%s lists %+v, want %s", root, v, want)
			}
		}
		if len(listed.ApiVersions) != minor+1 {
			t.Errorf("%s lists %d versions", root, len(listed.ApiVersions))
		}
	}
}

// TestAReplayIsInTheVersionOfItsRequest: what an Idempotency-Key stored says the version that was asked.
func TestAReplayIsInTheVersionOfItsRequest(t *testing.T) {
	w := newWorld(t)
	for range 2 {
		r := w.do("POST", vnfs, newID, "Idempotency-Key", "k", "Version", "2.1.0").want(201)
		if got := r.header.Get("Version"); got != "2.1.0" {
			t.Errorf("answered in version %s", got)
		}
	}
}
