//go:build broker

package server_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kgo"
)

// load begins and ends VNFs one after the other until it is stopped; then it returns how many.
func load(p *program, worker int) (stop func() int) {
	ctx, cancel := context.WithCancel(context.Background())
	var n int
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			vnf := p.create(fmt.Sprintf("load-%d-%d", worker, n))
			p.run(vnf, "instantiate", instantiate)
			p.run(vnf, "terminate", terminate)
			n++
		}
	})
	return func() int {
		cancel()
		wg.Wait()
		return n
	}
}

// While operations run, nodes are started that are set to the one and to the other. Every operation ends, none of the VIM's resources is
// made twice or left, and the topic of events has each event, in order.
func TestBrokerIsFedByRelayAndCaptureInTurn(t *testing.T) {
	c := newCapture(t, "turn")
	vims, args := shared(t)
	one := startProgram(t, c.args("polling", args...)...)
	stops := []func() int{load(one, 1), load(one, 2)}
	two := startProgram(t, c.args("cdc", args...)...)
	c.start(two)
	c.publishes(two, true)
	c.publishes(one, true)
	if err := two.stop(); err != nil {
		t.Fatal(err)
	}
	two = startProgram(t, c.args("polling", args...)...)
	c.publishes(two, false)
	c.publishes(one, false)
	if err := two.stop(); err != nil {
		t.Fatal(err)
	}
	two = startProgram(t, c.args("cdc", args...)...)
	c.begin(two)
	c.publishes(two, true)
	c.publishes(one, true)
	done := 0
	for _, stop := range stops {
		done += stop()
	}
	if left := vims.Inventory(); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	c.sent(one)
	c.complete()
	t.Logf("%d VNFs came and went", done)
}

// begin has a connector whose slot was removed begin with the one that is made: what it remembers is of the one before.
func (c *capture) begin(p *program) {
	c.t.Helper()
	c.must(p, "PUT", "/connectors/"+c.name+"/stop", nil)
	c.must(p, "DELETE", "/connectors/"+c.name+"/offsets", nil)
	c.made(p)
	c.must(p, "PUT", "/connectors/"+c.name+"/resume", nil)
}

// complete compares the topic of events with the log: each event of a VNF or operation is there, as it was written, in the order of its
// lane, and what comes twice comes behind itself. It returns how many do.
func (c *capture) complete() (twice int) {
	t := c.t
	t.Helper()
	type event struct{ lane, off, key, id, kind, stream, data, outbox string }
	rows, err := c.db.Query(t.Context(), `select lane::text, off::text, key, id, type, stream, convert_from(coalesce(data, large), 'utf8'),
		(select id from outbox_identity order by no desc limit 1) from events where stream like 'vnf-%' or stream like 'opocc-%' order by events.lane, events.off`)
	if err != nil {
		t.Fatal(err)
	}
	written, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (e event, err error) {
		return e, r.Scan(&e.lane, &e.off, &e.key, &e.id, &e.kind, &e.stream, &e.data, &e.outbox)
	})
	if err != nil {
		t.Fatal(err)
	}
	topic := c.prefix + "vnf.events"
	cl, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(c.brokers, ",")...), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	read := map[string][]event{} // by lane, in order
	seen := map[string]int64{}
	n := 0
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for n < len(written) {
		fetches := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			break
		}
		fetches.EachRecord(func(r *kgo.Record) {
			h := map[string]string{}
			for _, x := range r.Headers {
				h[x.Key] = string(x.Value)
			}
			e := event{fmt.Sprint(r.Partition), h["ce_sequence"], string(r.Key), h["ce_id"], h["ce_type"], h["ce_subject"], string(r.Value), h["ce_outbox"]}
			var off int64
			if _, err := fmt.Sscan(e.off, &off); err != nil {
				t.Errorf("ce_sequence %q", e.off)
			}
			if h["ce_specversion"] != "1.0" || h["content-type"] != "application/json" {
				t.Errorf("no CloudEvent in JSON: %v", h)
			}
			if off <= seen[e.lane] {
				twice++
				return
			}
			seen[e.lane] = off
			read[e.lane] = append(read[e.lane], e)
			n++
		})
	}
	wrong := 0
	for _, w := range written {
		if len(read[w.lane]) == 0 || read[w.lane][0] != w {
			if wrong++; wrong < 4 {
				t.Errorf("lane %s, event %s: written %+v, read %+v", w.lane, w.off, w, first(read[w.lane]))
			}
			continue
		}
		read[w.lane] = read[w.lane][1:]
	}
	if wrong > 0 || len(written) == 0 {
		t.Errorf("%d of %d events are not where they should be in the topic", wrong, len(written))
	}
	t.Logf("%d events, %d of them twice", len(written), twice)
	return twice
}

func first[T any](list []T) (v T) {
	if len(list) > 0 {
		v = list[0]
	}
	return v
}

// However the slot is lost, the relays publish what is missing, and the connector takes over again when it begins anew.
func TestBrokerMissesNothingWhenTheSlotIsLost(t *testing.T) {
	c := newCapture(t, "slot")
	p := startProgram(t, c.args("cdc")...)
	c.start(p)
	c.publishes(p, true)
	for _, loss := range []struct {
		name string
		sql  []string
	}{
		{"dropped", []string{"select pg_drop_replication_slot($slot)"}},
		{"made anew", []string{"select pg_drop_replication_slot($slot)", "select pg_create_logical_replication_slot($slot, 'pgoutput')"}},
		{"given up", []string{
			"alter system set max_slot_wal_keep_size = '1MB'", "select pg_reload_conf()",
			"select pg_logical_emit_message(false, 'fill', repeat('x', 1000000)) from generate_series(1, 40)", "select pg_switch_wal()", "checkpoint",
			"select pg_logical_emit_message(false, 'fill', repeat('x', 1000000)) from generate_series(1, 40)", "select pg_switch_wal()", "checkpoint",
		}},
	} {
		vnf := p.create("before-it-is-" + loss.name)
		p.run(vnf, "instantiate", instantiate)
		c.must(p, "PUT", "/connectors/"+c.name+"/stop", nil)
		p.await("nobody who reads the slot", func() bool {
			return strings.Contains(p.metrics(), `vnfm_publish_slot_active{database="main"} 0`)
		})
		op := p.begin(vnf, "terminate", terminate) // its commands are in the log of the database alone
		for _, q := range loss.sql {
			if _, err := c.db.Exec(t.Context(), strings.ReplaceAll(q, "$slot", "'"+c.name+"'")); err != nil {
				t.Fatalf("%s: %v", q, err)
			}
		}
		c.publishes(p, false)
		p.completed(op)
		for _, q := range []string{"alter system reset max_slot_wal_keep_size", "select pg_reload_conf()"} {
			if _, err := c.db.Exec(t.Context(), q); err != nil {
				t.Fatal(err)
			}
		}
		c.begin(p)
		c.publishes(p, true)
	}
	if left := p.inventory(); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	c.sent(p)
	c.complete()
}
