package server_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/vnfm/vnfm/server"
)

// wire is a connection on which a test writes what it likes.
type wire struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func (p *program) wire() *wire {
	p.t.Helper()
	var d net.Dialer
	c, err := d.DialContext(p.t.Context(), "tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	return &wire{p.t, c, bufio.NewReader(c)}
}

// send writes, and says whether the server still takes it.
func (c *wire) send(text string) bool {
	_, err := io.WriteString(c.conn, text)
	return err == nil
}

// answer returns the status of the next answer, 0 when there is none.
func (c *wire) answer() int {
	r, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, r.Body)
	_ = r.Body.Close()
	return r.StatusCode
}

// However many connections are opened that send nothing, or a header a byte at a time, the server's health and its callers'
// requests are answered, and no request under way is cut off.
func TestIdleConnectionsKeepNobodyOut(t *testing.T) {
	const most = 40
	p := newProgram(t, settings(t, "--data="+t.TempDir(), fmt.Sprintf("--http-connections=%d", most), "--api-token=canary-token"), server.Options{})
	p.token = "canary-token"
	p.start()
	body := `{"vnfdId":"nothing"}`
	working := p.wire()
	working.send("POST /vnflcm/v2/vnf_instances HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer canary-token\r\nContent-Type: application/json\r\n" +
		fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body)) + body[:5])
	p.await("the request under way", func() bool { return strings.Contains(p.metrics(), "vnfm_http_connections ") })
	var idle []*wire
	for i := range 5 * most {
		c := p.wire()
		switch i % 3 {
		case 0:
			c.send("GET /healthz HT")
		case 1:
			c.send("POST /vnflcm/v2/vnf_instances HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n")
		}
		idle = append(idle, c)
	}
	for range 3 {
		c := p.wire()
		if c.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); c.answer() != 200 {
			t.Error("the server's health is not told")
		}
		p.client.CloseIdleConnections()
		p.must(200, "GET", "/vnflcm/v2/vnf_instances", nil)
	}
	if page := p.metrics(); !strings.Contains(page, fmt.Sprintf("vnfm_http_connections %d\n", most)) || strings.Contains(page, "vnfm_http_evicted_connections_total 0\n") {
		t.Errorf("the metrics do not tell of them:\n%s", grep(page, "vnfm_http"))
	}
	working.send(body[5:])
	if status := working.answer(); status != 422 && status != 404 && status != 400 {
		t.Errorf("the request under way: status %d", status)
	}
	_ = idle
}

// grep returns the lines of a text that have a word.
func grep(text, word string) string {
	var out []string
	for line := range strings.Lines(text) {
		if strings.Contains(line, word) {
			out = append(out, line)
		}
	}
	return strings.Join(out, "")
}

// Event streams leave the places of requests alone.
func TestFollowersLeaveRoomForRequests(t *testing.T) {
	p := newProgram(t, settings(t, "--data="+t.TempDir(), "--http-concurrent=4", "--http-followers=20", "--http-caller-followers=6"), server.Options{})
	p.start()
	streams := map[int]int{}
	for range 10 {
		c := p.wire()
		c.send("GET /vnfm/v1/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
		r, err := http.ReadResponse(c.in, nil)
		if err != nil {
			t.Fatal(err)
		}
		streams[r.StatusCode]++
		p.must(200, "GET", "/vnflcm/v2/vnf_instances", nil)
	}
	if streams[200] != 6 || streams[429] != 4 {
		t.Errorf("streams by status: %v", streams)
	}
}
