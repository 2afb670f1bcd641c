package vimmanager_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
)

// What is due of one VNF at once is begun in one commit, and what is answered at once is answered in one: a resource among
// others costs a part of a commit. Before, each cost two beside the one that consumed its command: 2.1 for each of 16.
func TestManyResourcesOfAVnfShareCommits(t *testing.T) {
	for n, most := range map[int]int{1: 3, 4: 4, 16: 6} {
		synctest.Test(t, func(t *testing.T) {
			w := newRunning(t, "")
			w.cfg.PerConnection = 16
			w.process()
			stop := w.run()
			before := w.commits.Load()
			var msgs []message.Message
			for i := range n {
				msgs = append(msgs, w.reserve(fmt.Sprint("r", i), 1, network(i)))
			}
			w.deliver(msgs...)
			for i := range n {
				w.until(fmt.Sprintf("r%d SUCCEEDED", i))
			}
			took := int(w.commits.Load() - before)
			t.Logf("%d resources: %d commits, %.2f each", n, took, float64(took)/float64(n))
			if took > most {
				t.Errorf("%d commits for %d resources, want at most %d", took, n, most)
			}
			stop()
		})
	}
}

// counted counts the commits that a committer writes.
func (r *running) counted(c *eventstore.Commit) {
	r.commits.Add(1)
	r.worker.OnCommit(c)
}
