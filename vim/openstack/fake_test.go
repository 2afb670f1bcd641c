package openstack_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/openstack"
)

// fake is a cloud that answers as Zed does, as far as the driver asks. What takes time at a cloud takes a tick here.
type fake struct {
	t        *testing.T
	url      string
	mu       sync.Mutex
	clock    int
	due      []func() // what happens at the next tick
	tables   map[string][]obj
	logins   int
	tokens   map[string]bool
	most     int  // of what Neutron gives at once (pagination_max_limit); 0: all
	deferred bool // Nova keeps what is deleted for a while (reclaim_instance_interval)
	deaf     bool // guests do not stop when they are asked to
	quota    map[string]int
	mux      *http.ServeMux
}

type obj = map[string]any

const (
	fakeProject  = "5f3d1bd3c0484a8a9f4b8a1f0b7d4d11"
	fakePassword = "s3cret-of-the-fake"
)

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{t: t, tables: map[string][]obj{}, tokens: map[string]bool{}, quota: map[string]int{}, mux: http.NewServeMux()}
	f.keystone()
	f.nova()
	f.neutron()
	f.securityRules()
	f.cinder()
	f.glance()
	f.limits()
	srv := httptest.NewServer(f.mux)
	t.Cleanup(srv.Close)
	f.url = srv.URL
	for _, n := range []string{"m1.tiny", "m1.small", "m1.huge"} {
		f.add("flavors", obj{"name": n, "vcpus": 1, "ram": 512, "disk": 1})
	}
	for _, n := range []string{"cirros", "cirros-2"} {
		f.add("images", obj{"name": n, "status": "active", "size": 65536, "checksum": "d41d8", "os_hash_algo": "sha512", "os_hash_value": "abc-" + n})
	}
	f.add("security-groups", obj{"name": "default", "description": "Default security group", "project_id": fakeProject, "security_group_rules": []any{}})
	mgmt := f.add("networks", obj{"name": "mgmt", "description": "", "mtu": 1450, "status": "ACTIVE", "project_id": fakeProject})
	f.add("subnets", obj{"name": "mgmt-subnet", "description": "", "network_id": mgmt["id"], "ip_version": 4, "cidr": "10.10.0.0/16", "project_id": fakeProject})
	f.add("networks", obj{"name": "public", "description": "", "mtu": 1500, "router:external": true, "status": "ACTIVE", "project_id": "another"})
	return f
}

// site is the fake as the suite sees it.
func (f *fake) site() *site {
	return &site{
		conn: f.connection(nil), flavour: f.id("flavors", "m1.tiny"), otherFlavour: f.id("flavors", "m1.small"),
		image: f.id("images", "cirros"), otherImg: f.id("images", "cirros-2"), mgmt: f.id("networks", "mgmt"), mgmtSubnet: f.id("subnets", "mgmt-subnet"),
		wait: f.tick, polls: 60, expire: f.expire, ignore: func(*testing.T) { f.lock(func() { f.deaf = true }) },
		full: func(t *testing.T) {
			f.lock(func() { f.quota["network"] = 0 })
			t.Cleanup(func() { f.lock(func() { delete(f.quota, "network") }) })
		},
	}
}

func (f *fake) connection(access map[string]string) vim.Connection {
	a := map[string]json.RawMessage{}
	if access == nil {
		access = map[string]string{"username": "vnfm", "password": fakePassword, "project": "nfv", "projectDomain": "Default", "userDomain": "Default", "region": "RegionOne"}
	}
	for k, v := range access {
		a[k] = vim.Encode(v)
	}
	return vim.Connection{ID: "fake", Type: openstack.Type, InterfaceInfo: map[string]json.RawMessage{"endpoint": vim.Encode(f.url + "/identity/v3")}, AccessInfo: a}
}

func (f *fake) lock(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
}

// tick lets what was begun end.
func (f *fake) tick() {
	f.lock(func() {
		f.clock++
		due := f.due
		f.due = nil
		for _, d := range due {
			d()
		}
	})
}

func (f *fake) later(do func()) { f.due = append(f.due, do) }

func (f *fake) now() string {
	return time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC).Add(time.Duration(f.clock) * time.Second).Format("2006-01-02T15:04:05Z")
}

func (f *fake) add(table string, o obj) obj {
	o["id"] = uuid.NewString()
	o["created_at"], o["created"] = f.now(), f.now()
	f.tables[table] = append(f.tables[table], o)
	return o
}

func (f *fake) row(table, id string) obj {
	for _, o := range f.tables[table] {
		if o["id"] == id {
			return o
		}
	}
	return nil
}

func (f *fake) drop(table, id string) {
	f.tables[table] = slices.DeleteFunc(f.tables[table], func(o obj) bool { return o["id"] == id })
}

func (f *fake) id(table, name string) string {
	for _, o := range f.tables[table] {
		if o["name"] == name {
			return str(o, "id")
		}
	}
	f.t.Fatalf("no %s %s", table, name)
	return ""
}

func str(o obj, k string) string { s, _ := o[k].(string); return s }
func num(o obj, k string) int64 {
	switch n := o[k].(type) {
	case float64:
		return int64(n)
	case int64:
		return n
	case int:
		return int64(n)
	}
	return 0
}
func sub(o obj, k string) obj { s, _ := o[k].(map[string]any); return s }
func list(o obj, k string) []any {
	s, _ := o[k].([]any)
	return s
}

// refusal is an answer that is an error.
type refusal struct {
	code int
	body any
}

// on serves a method and path; the answer of do is sent with a code, or a refusal.
func (f *fake) on(pattern string, code int, do func(r *http.Request, in obj) any) {
	f.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		var in obj
		if r.ContentLength != 0 {
			_ = json.NewDecoder(r.Body).Decode(&in)
		}
		var out any
		if !strings.HasSuffix(r.URL.Path, "/auth/tokens") && !f.tokens[r.Header.Get("X-Auth-Token")] {
			out = refusal{http.StatusUnauthorized, obj{"error": obj{"code": 401, "title": "Unauthorized", "message": "The request you have made requires authentication."}}}
		} else {
			out = do(r, in)
		}
		if no, ok := out.(refusal); ok {
			code, out := no.code, no.body
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(code)
			_ = json.NewEncoder(w).Encode(out)
			return
		}
		if tok, ok := out.(issued); ok {
			w.Header().Set("X-Subject-Token", string(tok))
			out = f.catalogue()
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		if out != nil {
			_ = json.NewEncoder(w).Encode(out)
		}
	})
}

// paged returns a page of a table as a service does: filtered by what the query names, in an order, from a marker.
func paged(rows []obj, q url.Values, by func(a, b obj) int, keep func(o obj) bool) ([]obj, bool) {
	var out []obj
	for _, o := range rows {
		if keep(o) {
			out = append(out, o)
		}
	}
	if by != nil {
		slices.SortStableFunc(out, by)
	}
	if m := q.Get("marker"); m != "" {
		i := slices.IndexFunc(out, func(o obj) bool { return o["id"] == m })
		out = out[i+1:]
	}
	if n, err := strconv.Atoi(q.Get("limit")); err == nil && n < len(out) {
		return out[:n], true
	}
	return out, false
}

// astray reports whether a page is to begin behind something that is not there.
func (f *fake) astray(table string, q url.Values) bool {
	return q.Get("marker") != "" && f.row(table, q.Get("marker")) == nil
}

func newest(a, b obj) int { return cmp.Compare(str(b, "created_at"), str(a, "created_at")) }
func byID(a, b obj) int   { return cmp.Compare(str(a, "id"), str(b, "id")) }

// issued is a token of Keystone.
type issued string

func (f *fake) keystone() {
	f.on("POST /identity/v3/auth/tokens", http.StatusCreated, func(_ *http.Request, in obj) any {
		f.logins++
		id := sub(sub(in, "auth"), "identity")
		user := sub(sub(id, "password"), "user")
		app := sub(id, "application_credential")
		if str(user, "password") != fakePassword && str(app, "secret") != fakePassword {
			return refusal{http.StatusUnauthorized, obj{"error": obj{"code": 401, "title": "Unauthorized", "message": "The request you have made requires authentication."}}}
		}
		if user != nil && (str(sub(user, "domain"), "id") != "default" || str(sub(sub(sub(in, "auth"), "scope"), "project"), "name") != "nfv") {
			return refusal{http.StatusUnauthorized, obj{"error": obj{"code": 401, "title": "Unauthorized", "message": "The request you have made requires authentication."}}}
		}
		tok := uuid.NewString()
		f.tokens[tok] = true
		return issued(tok)
	})
	f.on("GET /identity/v3/auth/catalog", http.StatusOK, func(*http.Request, obj) any {
		return obj{"catalog": sub(f.catalogue(), "token")["catalog"]}
	})
}

func (f *fake) catalogue() obj {
	at := func(kind, path string) obj {
		return obj{"type": kind, "name": kind, "id": kind, "endpoints": []obj{
			{"id": kind + "1", "interface": "public", "region": "RegionOne", "region_id": "RegionOne", "url": f.url + path},
		}}
	}
	return obj{"token": obj{
		"project": obj{"id": fakeProject, "name": "nfv", "domain": obj{"id": "default", "name": "Default"}}, "methods": []string{"password"},
		"expires_at": "2036-01-01T00:00:00.000000Z", "issued_at": "2026-01-01T00:00:00.000000Z",
		"catalog": []obj{at("compute", "/compute/v2.1"), at("network", "/network"), at("volumev3", "/volume/v3/"+fakeProject), at("image", "/image")},
	}}
}

// expire makes Keystone's tokens so far worth nothing.
func (f *fake) expire() { f.lock(func() { f.tokens = map[string]bool{} }) }

func (f *fake) glance() {
	f.on("GET /image/v2/images", http.StatusOK, func(r *http.Request, _ obj) any {
		q := r.URL.Query()
		if f.astray("images", q) {
			return badRequest("marker [" + q.Get("marker") + "] not found")
		}
		page, more := paged(f.tables["images"], q, newest, func(o obj) bool {
			for k := range q {
				if slices.Contains([]string{"marker", "limit", "sort"}, k) {
					continue
				}
				if fmt.Sprint(o[k]) != q.Get(k) && (k != "name" || q.Get(k) != `in:"`+str(o, "name")+`"`) {
					return false
				}
			}
			return true
		})
		out := obj{"images": page, "first": "/v2/images"}
		if more {
			out["next"] = "/v2/images?marker=" + str(page[len(page)-1], "id")
		}
		return out
	})
	f.on("GET /image/v2/images/{id}", http.StatusOK, func(r *http.Request, _ obj) any {
		if o := f.row("images", r.PathValue("id")); o != nil {
			return o
		}
		return refusal{http.StatusNotFound, "<html>404 Not Found</html>"}
	})
	f.on("DELETE /image/v2/images/{id}", http.StatusNoContent, func(r *http.Request, _ obj) any {
		o := f.row("images", r.PathValue("id"))
		switch {
		case o == nil:
			return refusal{http.StatusNotFound, "<html>404 Not Found</html>"}
		case o["protected"] == true:
			return refusal{http.StatusForbidden, "<html>403 Forbidden: image is protected and cannot be deleted.</html>"}
		}
		f.drop("images", r.PathValue("id"))
		return nil
	})
	f.images()
}
