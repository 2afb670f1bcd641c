package notify_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vnfm/vnfm/egress"
	"github.com/vnfm/vnfm/eventstore/memory"
	"github.com/vnfm/vnfm/notify"
)

// hanging is subscribers of which one never answers; its caller gives up after ten seconds.
type hanging struct{ notify.Sender }

func (h hanging) Post(ctx context.Context, to notify.Callback, body []byte) error {
	if !strings.HasSuffix(to.URI, "/hangs") {
		return h.Sender.Post(ctx, to, body)
	}
	select {
	case <-ctx.Done():
	case <-time.After(10 * time.Second):
	}
	return egress.Failure(egress.Timeout, "no answer in time")
}

// The loops themselves, on fake time: a subscriber that hangs keeps only its own waiting, is not asked all the time, and
// keeps nobody from stopping.
func TestRunWithASubscriberThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "memory")
		w.store = memory.New(memory.Config{Now: time.Now})
		w.cfg.Store, w.cfg.Sender, w.cfg.Logger = w.store, hanging{w.subs}, slog.New(slog.DiscardHandler)
		outcomes := make(chan string, 10_000)
		w.cfg.Observe = func(outcome string) { outcomes <- outcome }
		w.clock.now = time.Now()
		w.node = w.start("a")
		w.subscribe(notify.Subscribe{CallbackURI: callback + "/hangs"})
		s := w.subscribe(notify.Subscribe{})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 2)
		go func() { ended <- w.runner.Run(ctx) }()
		go func() { ended <- w.worker.Run(ctx) }()
		for i := range 50 {
			id := fmt.Sprintf("v%d", i)
			w.create(id)
			w.instantiate(id, "op-"+id)
		}
		<-time.After(5 * time.Second)
		w.check(s, callback)
		<-time.After(time.Hour)
		failed := 0
		for len(outcomes) > 0 {
			if <-outcomes == "failed" {
				failed++
			}
		}
		if failed < 30 || failed > 80 {
			t.Errorf("%d attempts in an hour at a subscriber that hangs", failed)
		}
		stop()
		for range 2 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	})
}
