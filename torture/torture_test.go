package main

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A third of a minute on SQLite, so that the tool is known to work. Minutes of it are for make torture.
func TestTorture(t *testing.T) {
	out := t.TempDir()
	var said strings.Builder
	found, err := torture(t.Context(), options{minutes: 1.0 / 3, backends: sqlite, seed: 7, out: out, clients: 4}, &said)
	if err != nil || found > 0 {
		t.Fatalf("%d violations, %v\n%s", found, err, &said)
	}
	for _, name := range []string{"report.txt", "report.html"} {
		b, err := os.ReadFile(filepath.Join(out, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"kill -9", "INSTANTIATE COMPLETED", "duplicate requests suppressed", "irst commit, median"} {
			if !strings.Contains(strings.ToLower(string(b)), strings.ToLower(want)) {
				t.Errorf("%s does not tell of %q:\n%s", name, want, b)
			}
		}
	}
}

// What the judge compares it also tells apart: something only at the VIM, only in the records, and under another id.
func TestJudgeFindsLeaksAndLosses(t *testing.T) {
	for name, c := range map[string]struct {
		held, written map[string]resource
		want          string
	}{
		"equal":   {map[string]resource{"a:1": {"sim-1", "x", "v"}}, map[string]resource{"a:1": {"sim-1", "x", "v"}}, ""},
		"leak":    {map[string]resource{"a:1": {"sim-1", "x", "v"}}, nil, "is not in the records"},
		"loss":    {nil, map[string]resource{"a:1": {"sim-1", "x", "v"}}, "not at sim-1"},
		"another": {map[string]resource{"a:1": {"sim-1", "x", "v"}}, map[string]resource{"a:1": {"sim-1", "y", "v"}}, "as {sim-1 y v}"},
	} {
		t.Run(name, func(t *testing.T) {
			j := &judge{injector: &injector{book: newBook()}}
			j.compare("the records", c.held, c.written)
			if got := strings.Join(j.book.violations, "\n"); (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestHistoryOfWhatIsWrong: a report repeats what the logs of all nodes tell of a VNF that a violation names, in the order of time, and nothing of others.
func TestHistoryOfWhatIsWrong(t *testing.T) {
	dir, id, other := t.TempDir(), "d040cd40-09f8-56cc-af4c-1dfb902baf17", "a91e0981-f935-4c7b-ba15-f738dea0c700"
	for name, text := range map[string]string{
		"vnfmd-1.log": "time=3 vnf_id=" + id + "\ntime=4 vnf_id=" + other + "\n=== started\n",
		"vnfmd-2.log": "time=1 token=" + id + ":1\ntime=5 vnf_id=" + id + strings.Repeat("x", 2*mostWidth),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := histories(dir, []string{"I2: " + id + ":1 is not at sim-1", "I1: not at rest"})
	if err != nil || len(got) != 3 || got[0] != "time=1 token="+id+":1" || !strings.HasPrefix(got[2], "time=5") || len(got[2]) != mostWidth {
		t.Errorf("%v, %v", got, err)
	}
}

// Each finding of the program's own audit is a violation, and so is what it could not look at. Seen failing with either left out.
func TestJudgeCountsWhatTheAuditFinds(t *testing.T) {
	said := `{"findings":[{"check":"vim-missing","where":"network n1"},{"check":"vnf-locked","where":"operation o1"}],"unmade":[{"check":"vim-orphaned","reason":"away"}]}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != own+"/audit" {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, said)
	}))
	defer server.Close()
	book := newBook()
	j := &judge{injector: &injector{book: book, caller: newCaller([]string{server.URL}, rand.New(rand.NewPCG(1, 1)), book)}}
	if err := j.audited(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := strings.Join(book.violations, "\n")
	if len(book.violations) != 3 || !strings.Contains(got, "network n1") || !strings.Contains(got, "vnf-locked") || !strings.Contains(got, "away") {
		t.Errorf("got %s", got)
	}
}

// A VNF is known from its creation to its deletion, and an operation from its acceptance.
func TestBookKnowsWhatWasAnswered(t *testing.T) {
	b := newBook()
	b.answered(request{method: "POST", path: instances}, answer{status: 201, location: "http://h" + instances + "/v1"})
	before := b.lastEffect()
	b.answered(request{method: "POST", path: instances + "/v1/instantiate"}, answer{status: 202, location: "http://h" + opOccs + "/o1", replayed: true})
	if b.vnf("v1").op != "o1" || b.ops["o1"] != "v1" {
		t.Errorf("the operation is not known: %+v, %v", b.vnf("v1"), b.ops)
	}
	if !b.lastEffect().Equal(before) || time.Since(before) < 0 {
		t.Error("a replayed answer counts as a commit")
	}
	b.answered(request{method: "DELETE", path: instances + "/v1"}, answer{status: 204})
	if all := b.all(); len(all) != 1 || !all[0].deleted {
		t.Errorf("the deletion is not known: %+v", all)
	}
}

// A network carries bytes, keeps them on their way, breaks connections and takes no new ones, and is a good one again.
func TestNetwork(t *testing.T) {
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = echo.Close() }()
	go func() {
		for {
			c, err := echo.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); _ = c.Close() }()
		}
	}()
	p, err := newProxy("127.0.0.1:0", "tcp", echo.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	dial := func() net.Conn {
		c, err := net.Dial("tcp", p.addr())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	says := func(c net.Conn, word string, within time.Duration) error {
		_ = c.SetDeadline(time.Now().Add(within))
		if _, err := io.WriteString(c, word); err != nil {
			return err
		}
		got := make([]byte, len(word))
		_, err := io.ReadFull(c, got)
		return err
	}
	c := dial()
	if err := says(c, "a", time.Minute); err != nil {
		t.Fatal(err)
	}
	p.hold()
	if err := says(c, "b", 50*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("while packets are lost: %v", err)
	}
	p.mend()
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	if got := make([]byte, 1); true {
		if _, err := io.ReadFull(c, got); err != nil || got[0] != 'b' {
			t.Errorf("what was on its way: %q, %v", got, err)
		}
	}
	p.sever()
	if err := says(c, "c", time.Minute); err == nil {
		t.Error("a connection survived the cut")
	}
	if err := says(dial(), "d", time.Minute); err == nil {
		t.Error("a connection was made through the cut")
	}
	p.mend()
	p.slow(time.Millisecond)
	if err := says(dial(), "e", time.Minute); err != nil {
		t.Error(err)
	}
	if err := p.close(); err != nil {
		t.Error(err)
	}
}
