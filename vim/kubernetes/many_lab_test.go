//go:build kubernetes

package kubernetes_test

import (
	"context"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/kubernetes"
	"github.com/vnfm/vnfm/vim/kubernetes/kubetest"
)

// spent is the processor time of this process.
func spent(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// A comparison of a cluster with the objects of a thousand VNFs lists each kind once, in pages, and looks at nothing one by one; they are watched by as
// many connections as those of one are.
func TestAThousandVnfsAreListedInPages(t *testing.T) {
	l, d := kubetest.New(t, kubernetes.Type), kubernetes.New(kubernetes.Config{})
	made := 0
	var tokens []vim.Token
	t.Cleanup(func() {
		for _, token := range tokens {
			if _, err := d.Release(context.Background(), l.Conn, vim.Unit, token); err != nil {
				t.Error(err)
				return
			}
		}
	})
	const page = 500
	look := func() (found, lists, pages int, took time.Duration) {
		t.Helper()
		before := spent(t)
		calls := l.Counted(func() {
			for after := ""; ; {
				p, err := d.Observe(t.Context(), l.Conn, vim.ListRequest{After: after, Limit: page})
				if err != nil {
					t.Fatal(err)
				}
				for i := range p.Resources {
					found++
					if o := &p.Resources[i]; o.Taken == nil {
						t.Fatalf("%+v", o)
					}
				}
				pages++
				if after = p.Next; after == "" {
					break
				}
			}
		})
		for _, c := range calls {
			if !strings.HasPrefix(c, "GET /") {
				t.Errorf("a comparison calls %s", c)
			}
		}
		return found, len(calls), pages, spent(t) - before
	}
	var lists []int
	for _, n := range []int{1, 100, 1000} {
		for ; made < n; made++ {
			token := vim.Token{ID: uuid.NewString(), Generation: 1}
			tokens = append(tokens, token)
			_, err := d.Start(t.Context(), l.Conn, vim.StartRequest{Token: token, Kind: vim.Unit, Owner: uuid.NewString(), Spec: unit(0, map[string]any{
				"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"generateName": "c-"}, "data": map[string]any{"a": "b"},
			})})
			if err != nil {
				t.Fatal(err)
			}
		}
		found, calls, pages, took := look()
		if found < n { // another test's may be there, too
			t.Errorf("%d VNFs: %d are found", n, found)
		}
		lists = append(lists, calls-pages)
		t.Logf("%d VNFs: %d calls, %d pages, %s of processor time", n, calls, pages, took)
	}
	if lists[2] > lists[0]+2*made/page { // a page more of a kind is a call more, and so is the start of a page
		t.Errorf("calls beside those of pages: %v", lists)
	}
	var heard atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	watches := l.Counted(func() {
		go func() { done <- d.Watch(ctx, l.Conn, func() { heard.Add(1) }) }()
		<-time.After(3 * time.Second)
	})
	before := spent(t)
	<-time.After(5 * time.Second)
	t.Logf("%d VNFs are watched by %d calls; 5 s of it take %s of processor time, and say %d times that something has changed", made, len(watches), spent(t)-before, heard.Load())
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if len(watches) > 3*lists[0]+10 {
		t.Errorf("%d calls to watch, %d kinds", len(watches), lists[0])
	}
}
