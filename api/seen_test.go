package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/access"
	"github.com/vnfm/vnfm/api"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/notify"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vnf"
)

// names lists the names of all members of a JSON document, but for those within clients' own maps.
func names(t *testing.T, doc string) (out []string) {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(doc), &v); err != nil {
		t.Fatalf("%v: %.300s", err, doc)
	}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for name, inner := range v {
				out = append(out, name)
				if name != "metadata" && name != "extensions" && name != "additionalParams" && name != "vnfConfigurableProperties" {
					walk(inner)
				}
			}
		case []any:
			for _, inner := range v {
				walk(inner)
			}
		}
	}
	walk(v)
	return out
}

// changing is one caller, an administrator until it becomes something else.
func changing() (being access.Authenticator, become func(access.Role)) {
	role := access.Admin
	return func(*http.Request) (*access.Caller, error) {
		return &access.Caller{Name: "who", Roles: []access.Role{role}}, nil
	}, func(r access.Role) { role = r }
}

// placed is an instance with everything that is not for element managers, in every place where it may be.
func placed(w *whole) {
	w.ids["vnf_instances"], w.ids["vnf_lcm_op_occs"] = "i2", "o2"
	in := full("i2")
	in.Metadata["zoneId"] = []byte(`"a client's own word"`)
	w.put(readmodel.KindVnf, "vnf-", "i2", "i2", "", 1, in)
	op := failed("o2", "i2")
	op.Params = []byte(`{"flavourId":"f","vimConnectionInfo":{"a":{"vimType":"T"}},"additionalParams":{"vimConnectionInfo":"mine"},"n":12345678901234567890}`)
	op.State, op.Operation = vnf.Completed, vnf.OpModifyInfo
	op.Changes.Vnfcs.At(0).Zone, op.Changes.Links.At(0).Zone = "z", "z"
	op.ChangedInfo = &vnf.ChangedInfo{Connections: map[string]vnf.VimConnection{"a": {Type: "T"}}}
	w.put(readmodel.KindOpOcc, "opocc-", "o2", "i2", "i2", 1, op)
}

// What is not for a caller's reference point is in no answer of any route, whatever its type, and is in those of everybody else;
// nor does any way round lead to it: filters, selectors, pages, history, streams, and requests that set it. Seen failing with the
// narrowing of answers left out, and with the tag of one type.
func TestEveryRoleSeesWhatIsItsOwnOnEveryWayOut(t *testing.T) {
	hidden := sol.Hidden(sol.VeVnfm)
	being, become := changing()
	for _, role := range access.Roles() {
		become(access.Admin)
		w := newWhole(t, func(c *api.Config) { c.Authenticate = being })
		placed(w)
		become(role)
		seen := map[string]bool{}
		for _, r := range w.routes {
			if r.Method != http.MethodGet || r.Stream || r.Pattern == own+"/openapi.json" { // which names all, and says nothing of any VNF
				continue
			}
			for _, way := range []string{"", "?all_fields", "?exclude_default", "?at=2030-01-01T00:00:00Z"} {
				if parameter, _, _ := strings.Cut(strings.TrimPrefix(way, "?"), "="); way != "" && !slices.Contains(r.Query, parameter) {
					continue
				}
				got := w.send(t, r.Method, w.of(r.Pattern)+way, "")
				if got.status != 200 || !strings.Contains(got.header.Get("Content-Type"), "json") {
					continue
				}
				for _, n := range names(t, got.body) {
					if slices.Contains(hidden, n) {
						seen[n] = true
						if role == access.EM {
							t.Errorf("%s sees %s at %s%s: %.400s", role, n, r.Pattern, way, got.body)
						}
					}
				}
			}
			if r.Tail && role == access.EM {
				w.send(t, r.Method, w.of(r.Pattern), "", "Accept", "text/event-stream").taken(403)
			}
		}
		if role != access.EM {
			for _, n := range hidden {
				if n != "vimConnectionInfoDeleteIds" && !seen[n] {
					t.Errorf("%s sees no %s anywhere", role, n)
				}
			}
			continue
		}
		own := w.send(t, "GET", vnfs+"/i2", "").taken(200)
		if !strings.Contains(own.body, `"zoneId":"a client's own word"`) {
			t.Errorf("an element manager does not see its own words: %s", own.body)
		}
		for _, n := range hidden {
			w.send(t, "GET", vnfs+"?filter=(eq,"+n+"/a/vimType,T)", "").taken(403)
			w.send(t, "GET", vnfs+"?fields="+n, "").taken(403)
			w.send(t, "GET", ops+"?exclude_fields="+n, "").taken(403)
			w.send(t, "POST", vnfs+"/i2/instantiate", `{"flavourId":"f","`+n+`":{"a":{"vimType":"T"}}}`).taken(403)
			w.send(t, "PATCH", vnfs+"/i2", `{"`+n+`":{"a":{"vimType":"T"}}}`).taken(403)
		}
	}
}

// An answer that was stored for one role is seen as the role that asks again sees it.
func TestAStoredAnswerIsSeenByTheRoleThatAsksAgain(t *testing.T) {
	being, become := changing()
	w := newWhole(t, func(c *api.Config) { c.Authenticate = being })
	become(access.NFVO)
	w.cases.made = func(in *vnf.Instance) { in.Connections = map[string]vnf.VimConnection{"a": {Type: "T"}} }
	first := w.send(t, "POST", vnfs, newID, "Idempotency-Key", "k").taken(201)
	if !strings.Contains(first.body, "vimConnectionInfo") {
		t.Fatalf("nothing to be seen: %s", first.body)
	}
	become(access.EM)
	if again := w.send(t, "POST", vnfs, newID, "Idempotency-Key", "k").taken(201); strings.Contains(again.body, "vimConnectionInfo") {
		t.Errorf("seen: %s", again.body)
	}
}

// Subscribers are told no more than they are shown: a subscription has the reference point of its owner.
func TestSubscriptionsHaveTheReferencePointOfTheirOwner(t *testing.T) {
	being, become := changing()
	for _, role := range []access.Role{access.NFVO, access.EM, access.Operator} {
		become(access.Admin)
		w := newWhole(t, func(c *api.Config) { c.Authenticate = being })
		become(role)
		for _, root := range []string{"/vnflcm/v2", "/vnflcm/v1"} {
			location := w.send(t, "POST", root+"/subscriptions", fmt.Sprintf(`{"callbackUri":"http://nfvo.example/%s"}`, role)).taken(201).header.Get("Location")
			var s notify.Subscription
			ref := eventstore.ViewRef{Kind: notify.KindSubscription, ID: location[strings.LastIndex(location, "/")+1:]}
			l, err := w.store.Load(t.Context(), eventstore.Load{Views: []eventstore.ViewRef{ref}})
			if err != nil || json.Unmarshal(l.Views[ref].Doc, &s) != nil {
				t.Fatal(err)
			}
			if want := map[bool]sol.Point{true: sol.VeVnfm}[role == access.EM]; s.Point != want {
				t.Errorf("%s, %s: its reference point is %q", role, root, s.Point)
			}
		}
	}
}
