package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/saga"
)

// Collector reads what operators watch when it is asked: what waits, what is stuck, what this node holds. A scrape reads
// a few counts and, where a consumer is behind, the messages it has not passed since the scrape before. A database that
// does not answer in time costs the scrape its figures, nothing else.
type Collector struct {
	timeout time.Duration
	log     *slog.Logger
	mu      sync.Mutex // one scrape at a time: they share what was passed
	watched []*watched
}

// Database is one database whose state is read.
type Database struct {
	Name  string
	Store interface {
		Counts(ctx context.Context, sagaStates []string) (eventstore.Counts, error)
		Now(ctx context.Context) (time.Time, error)
		Timeouts(ctx context.Context, lanes []int, by time.Time, limit int) ([]eventstore.Timeout, error)
		Leases(ctx context.Context) (eventstore.Leases, error)
		Census(ctx context.Context) (eventstore.Census, error)
	}
	Lanes   func() map[string]int // that this node holds, by role
	Waiting func() int            // works at the committer
	// Outbox is the one its consumers read; outbox.Feed serves most of it from memory.
	Outbox interface {
		Head(lane int) int64
		Read(ctx context.Context, lane int, after int64, limit int) ([]eventstore.OutboxRecord, error)
	}
	Consumers []Consumer
}

// Consumer is one consumer of a database's outbox.
type Consumer struct {
	Name    string
	Topic   string // "": it reads all of them
	Cursors interface {
		Cursors(ctx context.Context, consumer string) ([eventstore.Lanes]eventstore.Position, error)
	}
}

// watched is a database with how far the outbox was looked through for each consumer: behind it there is nothing of its
// topic that its cursor has not passed.
type watched struct {
	Database
	census  eventstore.Census
	counted time.Time // when the census was made
	passed  map[string]*[eventstore.Lanes]int64
}

var _ prometheus.Collector = (*Collector)(nil)

// glance bounds the messages read of one lane for one consumer in a scrape.
const glance = 64

//nolint:gochecknoglobals // descriptions of metrics do not change
var (
	sagasDesc  = prometheus.NewDesc("vnfm_saga_instances", "Sagas that have not ended, by state. STUCK and HELD wait for an operator.", []string{"state"}, nil)
	parkedDesc = prometheus.NewDesc("vnfm_inbox_parked_messages", "Messages that could not be handled and wait for an operator, or for a newer program, by consumer.", []string{"consumer"}, nil)
	oldestDesc = prometheus.NewDesc("vnfm_outbox_oldest_seconds", "Age of the oldest message that a consumer has not handled; 0: none waits.", []string{"consumer"}, nil)
	behindDesc = prometheus.NewDesc("vnfm_outbox_waiting_lanes", "Lanes in which a message waits for a consumer.", []string{"consumer"}, nil)
	dueDesc    = prometheus.NewDesc("vnfm_timer_due", "Timeouts that are due and have not been fired, by database; 1000 at most.", []string{"database"}, nil)
	nodesDesc  = prometheus.NewDesc("vnfm_lease_nodes", "Nodes that live, by database.", []string{"database"}, nil)
	bareDesc   = prometheus.NewDesc("vnfm_lease_lanes_without_owner", "Lanes that no node that lives has, of the roles that some node has, by database.", []string{"database"}, nil)
	lanesDesc  = prometheus.NewDesc("vnfm_lease_lanes", "Lanes that this node holds, by database and role.", []string{"database", "role"}, nil)
	queueDesc  = prometheus.NewDesc("vnfm_eventstore_waiting_works", "Changes that wait for their transaction, by database.", []string{"database"}, nil)
	vnfsDesc   = prometheus.NewDesc("vnfm_lcm_instances", "VNF instances, by instantiation state; counted twice a minute at most.", []string{"state"}, nil)
	opsDesc    = prometheus.NewDesc("vnfm_lcm_operations", "Operation occurrences, by state; counted twice a minute at most.", []string{"state"}, nil)
	sizeDesc   = prometheus.NewDesc("vnfm_eventstore_size_bytes", "Bytes that the database takes, by database.", []string{"database"}, nil)
	upDesc     = prometheus.NewDesc("vnfm_eventstore_up", "1 when the database answered this scrape, by database.", []string{"database"}, nil)
)

// NewCollector returns a collector that watches nothing yet. Timeout bounds the reading of each database in a scrape.
func NewCollector(timeout time.Duration, log *slog.Logger) *Collector {
	return &Collector{timeout: timeout, log: log}
}

// Watch adds a database; only before the collector is registered.
func (c *Collector) Watch(d Database) {
	w := &watched{Database: d, passed: map[string]*[eventstore.Lanes]int64{}}
	for _, r := range d.Consumers {
		w.passed[r.Name] = &[eventstore.Lanes]int64{}
	}
	c.watched = append(c.watched, w)
}

// Describe sends the descriptions of all metrics.
func (c *Collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{sagasDesc, parkedDesc, oldestDesc, behindDesc, dueDesc, nodesDesc, bareDesc, lanesDesc, queueDesc, upDesc, vnfsDesc, opsDesc, sizeDesc} {
		out <- d
	}
}

// Collect reads and sends all metrics.
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	parked := map[string]int{}
	sagas := map[string]int{}
	for _, w := range c.watched {
		for role, n := range w.Lanes() {
			gauge(out, lanesDesc, float64(n), w.Name, role)
		}
		gauge(out, queueDesc, float64(w.Waiting()), w.Name)
		ctx, cancel := context.WithTimeout(context.Background(), c.timeout)
		r, err := w.read(ctx)
		cancel()
		r.send(out, sagas, parked)
		up := 1.0
		if err != nil {
			up = 0
			c.log.WarnContext(ctx, "metrics not read", "database", w.Name, "error", err)
		}
		gauge(out, upDesc, up, w.Name)
	}
	for state, n := range sagas {
		gauge(out, sagasDesc, float64(n), state)
	}
	for consumer, n := range parked {
		gauge(out, parkedDesc, float64(n), consumer)
	}
}

func gauge(out chan<- prometheus.Metric, d *prometheus.Desc, v float64, labels ...string) {
	out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

// Reading is what operators watch of one database.
type Reading struct {
	Database string
	Leases   eventstore.Leases
	Sagas    map[string]int // that have not ended, by state
	Parked   map[string]int // messages, by consumer
	Lags     []Lag
	Due      int // timeouts that are due and have not been fired; maxDue at most
	Census   eventstore.Census
}

// Lag is how far a consumer is behind.
type Lag struct {
	Consumer, Topic string
	Lanes           int           // in which a message waits for it
	Oldest          time.Duration // age of the oldest; 0: none waits
}

// censusEvery is how long a census is good for: it walks all views.
const censusEvery = 30 * time.Second

// maxDue bounds the due timeouts that are counted.
const maxDue = 1000

// Bare counts the lanes that no node that lives has, of the roles that some node has.
func (r *Reading) Bare() int {
	roles := map[string]bool{}
	for i := range r.Leases.Nodes {
		for _, role := range r.Leases.Nodes[i].Roles {
			roles[role] = true
		}
	}
	n := len(roles) * eventstore.Lanes
	for _, h := range r.Leases.Held {
		if roles[h.Role] {
			n--
		}
	}
	return n
}

// send sends what was read, and adds the counts to those of all databases. What was not read is not sent.
func (r *Reading) send(out chan<- prometheus.Metric, sagas, parked map[string]int) {
	if r == nil {
		return
	}
	for state, n := range r.Sagas {
		sagas[state] += n
	}
	for consumer, n := range r.Parked {
		parked[consumer] += n
	}
	for _, l := range r.Lags {
		gauge(out, behindDesc, float64(l.Lanes), l.Consumer)
		gauge(out, oldestDesc, l.Oldest.Seconds(), l.Consumer)
	}
	for of, n := range r.Census.Views {
		switch of.Kind {
		case readmodel.KindVnf:
			gauge(out, vnfsDesc, float64(n), of.State)
		case readmodel.KindOpOcc:
			gauge(out, opsDesc, float64(n), of.State)
		}
	}
	gauge(out, sizeDesc, float64(r.Census.Bytes), r.Database)
	gauge(out, dueDesc, float64(r.Due), r.Database)
	gauge(out, nodesDesc, float64(len(r.Leases.Nodes)), r.Database)
	gauge(out, bareDesc, float64(r.Bare()), r.Database)
}

// Read reads all databases: what a scrape reads, for people.
func (c *Collector) Read(ctx context.Context) ([]*Reading, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []*Reading
	for _, w := range c.watched {
		r, err := w.read(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the state of the %s database: %w", w.Name, err)
		}
		out = append(out, r)
	}
	return out, nil
}

// read reads one database.
func (w *watched) read(ctx context.Context) (*Reading, error) {
	r := &Reading{Database: w.Name, Sagas: map[string]int{}, Parked: map[string]int{}}
	var unfinished []string
	for _, state := range saga.Unfinished {
		unfinished = append(unfinished, string(state))
	}
	n, err := w.Store.Counts(ctx, unfinished)
	if err != nil {
		return nil, err
	}
	for _, state := range unfinished {
		r.Sagas[state] = n.Sagas[state]
	}
	for _, c := range w.Consumers {
		r.Parked[c.Name] = 0
	}
	for consumer, k := range n.Parked {
		r.Parked[consumer] = k
	}
	now, err := w.Store.Now(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range w.Consumers {
		lanes, oldest, err := w.waiting(ctx, c)
		if err != nil {
			return nil, err
		}
		l := Lag{Consumer: c.Name, Topic: c.Topic, Lanes: lanes}
		if lanes > 0 {
			l.Oldest = max(0, now.Sub(oldest))
		}
		r.Lags = append(r.Lags, l)
	}
	due, err := w.Store.Timeouts(ctx, eventstore.Held(nil), now, maxDue)
	if err != nil {
		return nil, err
	}
	r.Due = len(due)
	if r.Leases, err = w.Store.Leases(ctx); err != nil {
		return r, err
	}
	if w.counted.IsZero() || now.Sub(w.counted) > censusEvery {
		if w.census, err = w.Store.Census(ctx); err != nil {
			return r, err
		}
		w.counted = now
	}
	r.Census = w.census
	return r, nil
}

// waiting returns in how many lanes a message waits for a consumer, and the time of the oldest. A cursor alone does not
// tell: it is not moved for every message of another topic.
func (w *watched) waiting(ctx context.Context, r Consumer) (lanes int, oldest time.Time, err error) {
	at, err := r.Cursors.Cursors(ctx, r.Name)
	if err != nil {
		return 0, oldest, err
	}
	passed := w.passed[r.Name]
	for lane, cursor := range at {
		head := w.Outbox.Head(lane)
		if passed[lane] > head { // the outbox was lost
			passed[lane] = 0
		}
		passed[lane] = max(passed[lane], cursor.Offset)
		if passed[lane] >= head {
			continue
		}
		records, err := w.Outbox.Read(ctx, lane, passed[lane], glance)
		if err != nil {
			return 0, oldest, err
		}
		for _, m := range records {
			if r.Topic == "" || m.Topic == r.Topic {
				lanes++
				if oldest.IsZero() || m.Time.Before(oldest) {
					oldest = m.Time
				}
				break
			}
			passed[lane] = m.Offset
		}
	}
	return lanes, oldest, nil
}
