package api_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/vnfm/vnfm/access"
	"github.com/vnfm/vnfm/api"
	"github.com/vnfm/vnfm/api/decode"
	"github.com/vnfm/vnfm/vnf"
)

// wire is a connection on which a test writes what it likes.
type wire struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func (w *world) wire() *wire {
	w.t.Helper()
	var d net.Dialer
	c, err := d.DialContext(w.t.Context(), "tcp", strings.TrimPrefix(w.http.URL, "http://"))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	return &wire{w.t, c, bufio.NewReader(c)}
}

func (c *wire) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, text); err != nil {
		c.t.Fatal(err)
	}
}

// answer reads the next answer and returns its status, and whether the connection ends with it.
func (c *wire) answer() (status int, ends bool) {
	c.t.Helper()
	r, err := http.ReadResponse(c.in, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, r.Body)
	_ = r.Body.Close()
	return r.StatusCode, r.Close
}

// Who is refused for the headers hears it at once, on every path, and does not hold a connection with a body that does not
// come; nobody reads it.
func TestARefusalDoesNotWaitForTheBody(t *testing.T) {
	w := newWorld(t, func(c *api.Config) {
		c.Authenticate = access.First(access.NoOtherToken)
		c.Metrics = http.NotFoundHandler()
	})
	for path, want := range map[string]int{
		vnfs: 401, vnfs + "/x/instantiate": 401, pkgs + "/x/package_content": 401, "/nothing": 404, vnfs + "/../x": 404, "/vnflcm/api_versions": 405, "/metrics": 405,
	} {
		for _, length := range []string{"Content-Length: 1000", "Content-Length: 100000000", "Transfer-Encoding: chunked"} {
			c := w.wire()
			began := time.Now()
			method := "POST"
			if strings.HasSuffix(path, "content") {
				method = "PUT"
			}
			c.send(method + " " + path + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/zip\r\n" + length + "\r\n\r\n1")
			status, ends := c.answer()
			if took := time.Since(began); status != want || !ends || took > 5*time.Second {
				t.Errorf("%s %s: status %d after %v, connection ends: %v", path, length, status, took, ends)
			}
		}
	}
}

// A refusal ends its connection only where the rest of the body would have to be waited for.
func TestARefusedRequestLeavesItsConnection(t *testing.T) {
	strangers := newWorld(t, func(c *api.Config) { c.Authenticate = access.First(access.NoOtherToken) })
	known := newWorld(t)
	body := `{"vnfdId":"x"}`
	post := func(path, body string, headers ...string) string {
		return "POST " + path + " HTTP/1.1\r\nHost: x\r\n" + strings.Join(append(headers, fmt.Sprintf("Content-Length: %d", len(body))), "\r\n") + "\r\n\r\n" + body
	}
	const typed = "Content-Type: application/json"
	for name, c := range map[string]struct {
		w    *world
		sent string
		want int
	}{
		"no token":             {strangers, post(vnfs, body, typed), 401},
		"a token not known":    {strangers, post(vnfs, body, typed, "Authorization: Bearer x"), 401},
		"a long body":          {strangers, post(vnfs, strings.Repeat(" ", 100_000), typed), 401},
		"nothing there":        {known, post("/nothing", body, typed), 404},
		"another method":       {known, "DELETE " + vnfs + " HTTP/1.1\r\nHost: x\r\n\r\n", 405},
		"not acceptable":       {known, post(vnfs, body, typed, "Accept: text/html"), 406},
		"of another type":      {known, post(vnfs, body, "Content-Type: text/plain"), 415},
		"no JSON":              {known, post(vnfs, "{", typed), 400},
		"wrong at the start":   {known, post(vnfs, `{"a":1,"a":2`+strings.Repeat(" ", 10_000), typed), 400},
		"too much of it":       {known, post(vnfs, `{"a":[`+strings.Repeat("{},", 2_000_000)+`{}]}`, typed), 413},
		"an attribute missing": {known, post(vnfs, "{}", typed), 400},
		"no body":              {known, "GET " + vnfs + "/x HTTP/1.1\r\nHost: x\r\n\r\n", 404},
	} {
		on := c.w.wire()
		for range 2 { // the second shows that the first was read as it was meant
			on.send(c.sent)
			if status, ends := on.answer(); status != c.want || ends {
				t.Errorf("%s: status %d, connection ends: %v", name, status, ends)
				break
			}
		}
	}
}

// Whoever sends "Expect: 100-continue" is not asked for a body that is refused by its headers.
func TestARefusedBodyIsNotAskedFor(t *testing.T) {
	w := newWorld(t, func(c *api.Config) { c.Authenticate = access.First(access.NoOtherToken) })
	c := w.wire()
	c.send("POST " + vnfs + " HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n")
	if status, ends := c.answer(); status != 401 || !ends {
		t.Errorf("status %d, connection ends: %v", status, ends)
	}
}

// What a body costs is bounded by what is in it, not by its length alone.
func TestABodyOfNamesIsCheap(t *testing.T) {
	w := newWorld(t)
	w.lenient = true
	var b strings.Builder
	b.WriteString(`{"vnfdId":"x","metadata":{`)
	for i := range 750_000 {
		fmt.Fprintf(&b, `"n%d":0,`, i)
	}
	b.WriteString(`"z":0}}`)
	for name, body := range map[string]string{
		"names": b.String(), "values": `{"vnfdId":"x","metadata":{"a":[` + strings.Repeat("0,", 3_000_000) + `0]}}`,
		"objects": `{"vnfdId":"x","metadata":{"a":[` + strings.Repeat("{},", 2_000_000) + `0]}}`,
	} {
		used, allocated := processorTime(t), allocation()
		w.do("POST", vnfs, body).want(413, "http-json-")
		used, allocated = processorTime(t)-used, allocation()-allocated
		if used > 2*time.Second || allocated > 64<<20 {
			t.Errorf("%s: %d bytes cost %v and %d bytes of memory", name, len(body), used, allocated)
		}
	}
}

func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func allocation() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// Each limit of a body is its setting, and says so.
func TestLimitsOfABodyAreSettings(t *testing.T) {
	w := newWorld(t, func(c *api.Config) {
		c.Form, c.MaxSmallBody = decode.Limits{Names: 5, Values: 8, Depth: 3, Text: 300}, 100
	})
	w.lenient = true
	const cancel = "/vnflcm/v2/vnf_lcm_op_occs/x/cancel"
	for _, c := range []struct {
		path, body string
		status     int
		text       string
	}{
		{vnfs, `{"vnfdId":"x","metadata":{"a":1,"b":2,"c":3}}`, 201, ""},
		{vnfs, `{"vnfdId":"x","metadata":{"a":1,"b":2,"c":3,"d":4}}`, 413, "http-json-names"},
		{vnfs, `{"vnfdId":"x","metadata":{"a":[1,2,3,4,5,6]}}`, 413, "http-json-values"},
		{vnfs, `{"vnfdId":"x","metadata":{"a":[[1]]}}`, 400, "http-json-depth"},
		{vnfs, `{"vnfdId":"` + strings.Repeat("x", 200) + `"}`, 201, ""},
		{vnfs, `{"vnfdId":"x","vnfInstanceName":"` + strings.Repeat("x", 301) + `"}`, 413, "http-json-text"},
		{vnfs, `{"vnfdId":"x","metadata":{"a":["` + strings.Repeat("x", 301) + `"]}}`, 413, `"attribute":"/metadata/a/0"`},
		{cancel, `{"cancelMode":"` + strings.Repeat("x", 200) + `"}`, 413, "larger"},
	} {
		if r := w.do("POST", c.path, c.body); r.status != c.status || !strings.Contains(r.body, c.text) {
			t.Errorf("%s %.80s: %d %s", c.path, c.body, r.status, r.body)
		}
	}
}

// An empty Accept admits as much as none.
func TestAnEmptyAcceptIsAny(t *testing.T) {
	w := newWorld(t)
	for _, accept := range []string{"", " ", "*/*"} {
		w.do("GET", vnfs, "", "Accept", accept).want(200)
	}
	w.do("GET", vnfs, "", "Accept", "text/html").want(406)
}

// What comes through the front as it must not is refused before anything else, recorded, and health is answered all the same.
func TestTheFrontIsAskedFirst(t *testing.T) {
	front, err := access.NewFront(true, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(c *api.Config) { c.Front = front })
	w.do("GET", vnfs, "").want(200)
	for _, path := range []string{vnfs, "/nothing", "/vnflcm/api_versions", "/metrics"} {
		w.do("GET", path, "", "X-Forwarded-For", "192.0.2.1").want(401, "proxy", "api-token-file")
		w.do("POST", path, newID, "Origin", "http://evil.example").want(403, "another site")
	}
	w.do("GET", "/healthz", "", "Via", "1.1 probe").want(200)
	if !strings.Contains(w.log.String(), "request denied") {
		t.Error("it is not logged")
	}
}

// Event streams have places of their own: however many there are, requests are served; and no reader has all of them.
func TestFollowersTakeNoPlacesOfRequests(t *testing.T) {
	who := "a"
	w := newLive(t, func(c *apiConfig) {
		c.Requests = &access.Places{All: 2, What: "requests"}
		c.Followers = &access.Places{All: 8, Each: 3, Shared: true, What: "event streams"}
		c.Authenticate = func(*http.Request) (*access.Caller, error) {
			return &access.Caller{Name: who, Roles: []access.Role{access.Admin}}, nil
		}
	})
	w.on("i", &vnf.InstanceCreated{ID: "i"})
	streams := []*listener{w.listen(own+"/events", ""), w.listen(own+"/vnf_instances/i/events", ""), w.listen(own+"/events", "")}
	if _, problem := w.tryToListen(own+"/events", ""); !strings.HasPrefix(problem, "429") || !strings.Contains(problem, "Retry-After") {
		t.Errorf("a fourth: %q", problem)
	}
	for range 5 {
		w.do("GET", vnfs, "").want(200)
	}
	who = "b"
	streams = append(streams, w.listen(own+"/events", ""))
	w.do("GET", vnfs, "").want(200)
	streams[0].leave() // its place is free once the server has noticed
	who = "a"
	for begun := time.Now(); ; {
		l, problem := w.tryToListen(own+"/events", "")
		if l != nil {
			l.leave()
			break
		}
		if !strings.HasPrefix(problem, "429") || time.Since(begun) > 20*time.Second {
			t.Fatal(problem)
		}
	}
	w.watcher.Stop() // lets the streams end
	for _, l := range streams[1:] {
		for l.next() != nil { //nolint:revive // to its end
		}
	}
}

// A caller whose requests do not end takes half of the places, and the others are served.
func TestNoCallerTakesAllPlaces(t *testing.T) {
	var who atomic.Value
	w := newWorld(t, func(c *api.Config) {
		c.Requests = &access.Places{All: 4, Shared: true, What: "requests"}
		c.Authenticate = func(*http.Request) (*access.Caller, error) {
			return &access.Caller{Name: who.Load().(string), Roles: []access.Role{access.Admin}}, nil //nolint:forcetypeassert // a string
		}
	})
	who.Store("slow")
	for range 2 {
		c := w.wire()
		c.send("POST " + vnfs + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{")
	}
	for begun := time.Now(); w.do("GET", vnfs, "").status != 429; { // until both are there
		if time.Since(begun) > 20*time.Second {
			t.Fatal("a third is served")
		}
	}
	who.Store("other")
	w.do("GET", vnfs, "").want(200)
}

// Large bodies have few places: memory is what they cost.
func TestLargeBodiesHavePlacesOfTheirOwn(t *testing.T) {
	places := &access.Places{All: 1, What: "requests with large bodies"}
	w := newWorld(t, func(c *api.Config) { c.LargeBodies = places })
	large := `{"vnfdId":"v","metadata":{"a":"` + strings.Repeat("x", 250_000) + `","b":"` + strings.Repeat("x", 150_000)
	c := w.wire()
	c.send("POST " + vnfs + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 500000\r\n\r\n" + large)
	for begun := time.Now(); places.Taken() == 0; runtime.Gosched() {
		if time.Since(begun) > 20*time.Second {
			t.Fatal("a large body takes no place")
		}
	}
	w.do("POST", vnfs, large+`"}}`).want(503)
	w.do("POST", vnfs, newID).want(201)
	c.send(strings.Repeat("x", 500_000-len(large)-3) + `"}}`)
	if status, _ := c.answer(); status != 201 {
		t.Errorf("the first: %d", status)
	}
	w.do("POST", vnfs, large+`"}}`).want(201)
}
