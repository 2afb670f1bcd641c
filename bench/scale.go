package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/postgres"
	"github.com/vnfm/vnfm/eventstore/sqlite"
	"github.com/vnfm/vnfm/internal/dbtest"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/samples/shapes"
	"github.com/vnfm/vnfm/vimmanager"
	"github.com/vnfm/vnfm/vnf"
)

// measureScale measures what readers and one instantiate cost on a small database and on a large one, and the rebuild of
// views. The large one holds views and the rows of the VIM manager's ledger: no figure but the rebuild's needs events.
func measureScale(ctx context.Context, t table, cluster *dbtest.Cluster, backend string, instances int, d time.Duration) error {
	rate, each, events, err := measureRebuild(ctx, cluster, backend)
	if err != nil {
		return fmt.Errorf("rebuild: %w", err)
	}
	t.row(backend+": rebuild of all views", fmt.Sprintf("%.0f events/s", rate), fmt.Sprintf("%d events, processor time %.1f µs each (goal ≥ 50000/s)", events, float64(each.Nanoseconds())/1000))
	_ = t.w.Flush()
	var small result
	for _, n := range []int{1000, instances} {
		name := fmt.Sprintf("%s, %d instances, %d operations", backend, n, n*operations)
		r, err := atScale(ctx, t, cluster, backend, n, d, name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		cost := (r.program + r.database) / time.Duration(max(1, len(r.took)))
		note := fmt.Sprintf("processor time %.1f ms", ms(cost))
		if n == 1000 {
			small = r
		} else {
			before := (small.program + small.database) / time.Duration(max(1, len(small.took)))
			note += fmt.Sprintf("; %.2f and %.2f of those at 1000 (goal ≤ 1.20)", float64(r.at(0.5))/float64(small.at(0.5)), float64(cost)/float64(before))
		}
		t.row(name+": instantiate", fmt.Sprintf("p50 %.1f ms", ms(r.at(0.5))), note)
		_ = t.w.Flush()
	}
	return nil
}

// operations is how many operations each instance has had, and resources how many resources it has.
const operations, resources = 10, 10

// standing is the document of a ledger row of a resource that stands, at a connection that no sweep looks at.
func standing(id, vnfID string) json.RawMessage {
	return fmt.Appendf(nil, `{"token":{"id":%q,"generation":1},"kind":"compute","owner":%q,"spec":{"name":%q},"fence":1,`+
		`"resource":{"id":%q,"ready":true},"holders":["%s-reserve"]}`, id, vnfID, id, id, id)
}

// atScale fills a database, runs the program on it, and measures instantiates and queries over HTTP.
func atScale(ctx context.Context, t table, cluster *dbtest.Cluster, backend string, n int, d time.Duration, name string) (result, error) {
	dir, err := os.MkdirTemp("", "vnfm-bench-")
	if err != nil {
		return result{}, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	args := []string{"--listen=127.0.0.1:0", "--data=" + dir, "--log-level=error"}
	var store eventstore.Store
	if backend == "postgresql" {
		where, drop, err := cluster.Database(ctx)
		if err != nil {
			return result{}, err
		}
		defer drop()
		args = append(args, "--database="+where)
		if store, err = postgres.Open(ctx, postgres.Config{URL: where}); err != nil {
			return result{}, err
		}
		begin := time.Now()
		if err = fill(ctx, store, n); err == nil {
			err = cluster.Analyze(ctx, where)
		}
		t.row(name+": filled", time.Since(begin).Round(time.Second).String(), "")
		if err = errors.Join(err, store.Close()); err != nil {
			return result{}, err
		}
	} else {
		if store, err = sqlite.Open(ctx, sqlite.Config{Path: filepath.Join(dir, "vnfm.db")}); err != nil {
			return result{}, err
		}
		if err = errors.Join(fill(ctx, store, n), store.Close()); err != nil {
			return result{}, err
		}
	}
	_ = t.w.Flush()
	csar, flavour := shapes.CSAR(shapes.Web), "simple"
	return serve(ctx, args, 1, flavour, func(l *load) (result, error) {
		r, err := l.run(ctx, cluster, csar, 1, d)
		if err != nil {
			return r, err
		}
		return r, l.queries(ctx, t, name)
	})
}

// lifecycle is what an instance and an operation look like after a real life: ten resources, each reserved and reported.
type lifecycle struct {
	instances *readmodel.Instances
	opoccs    *readmodel.OpOccs
	snapshots readmodel.Snapshots
}

func newLifecycle() (*lifecycle, error) {
	registry, err := aggregate.NewRegistry(readmodel.Forms()...)
	if err != nil {
		return nil, err
	}
	return &lifecycle{readmodel.NewInstances(registry, 1), readmodel.NewOpOccs(registry, 1), readmodel.NewSnapshots(registry, 1)}, nil
}

func (f *lifecycle) instanceEvents(i int, id, op string) []aggregate.Event {
	in := &vnf.InstanceInstantiated{OpID: op, Info: &vnf.InstantiatedInfo{FlavourID: "simple", VnfState: "STARTED"}}
	for r := range resources {
		rid := fmt.Sprintf("%s-%d", id, r)
		in.Resources = append(in.Resources, vnf.Resource{ID: rid, Kind: "compute", Connection: "vim-1", VimID: rid})
		in.Info.Vnfcs = append(in.Info.Vnfcs, vnf.Vnfc{ID: rid, VduID: "vdu", Handle: vnf.Handle{Connection: "vim-1", VimID: rid}, Cps: []vnf.VnfcCp{
			{ID: "cp", CpdID: "cpd", Addresses: vnf.Protocol{MAC: "fa:16:3e:00:00:01", IPs: []vnf.IP{{Type: "IPV4", Address: "10.0.0.1"}}}},
		}})
	}
	return []aggregate.Event{
		&vnf.InstanceCreated{ID: id, Name: fmt.Sprint("fw", i), VnfdID: fmt.Sprint("vnfd-", i%50), VnfdVersion: "1.0", Provider: fmt.Sprint("provider-", i%7),
			ProductName: fmt.Sprint("product-", i%20), SoftwareVersion: fmt.Sprint("2.", i%5), PackageID: fmt.Sprint("pkg-", i%50)},
		&vnf.OperationBegun{OpID: op, Operation: vnf.OpInstantiate, Number: 1}, in,
	}
}

func (f *lifecycle) opEvents(id, vnfID string, operation vnf.Operation) []aggregate.Event {
	started := &vnf.OpStarted{ID: id, VnfID: vnfID, Operation: operation, Number: 1, Policy: "rollback", Params: []byte(`{"flavourId":"simple"}`)}
	events := []aggregate.Event{started, &vnf.OpGranted{}}
	for r := range resources {
		rid := fmt.Sprintf("%s-%d", vnfID, r)
		started.Planned = append(started.Planned, vnf.PlannedStep{Step: "compute", ID: rid, Kind: "compute", Name: rid})
		events = append(events, &vnf.OpProgressed{Items: []vnf.ProgressMade{{Step: "compute", ID: rid, State: vnf.ProgressRunning, Attempt: 1}}},
			&vnf.ResourceReserved{ID: rid, Kind: "compute", Handle: vnf.Handle{Connection: "vim-1", VimID: rid},
				Vnfc: &vnf.AffectedVnfc{ID: rid, VduID: "vdu", Change: vnf.Added, Handle: vnf.Handle{Connection: "vim-1", VimID: rid}}},
			&vnf.OpProgressed{Items: []vnf.ProgressMade{{Step: "compute", ID: rid, State: vnf.ProgressDone, Attempt: 1}}})
	}
	return append(events, &vnf.OpCompleted{})
}

// write writes one commit made outside any work's state: everything in it is new.
func write(ctx context.Context, store eventstore.Store, key string, c *eventstore.Commit) error {
	results, err := store.Execute(ctx, []*eventstore.Work{{Keys: []string{key}, Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) { return c, nil }}})
	if err != nil {
		return err
	}
	return results[0].Err
}

// fill writes the views of instances and their operations, as folding their events gives them, and what the VIM manager's
// ledger has of their resources, many in a transaction.
func fill(ctx context.Context, store eventstore.Store, n int) error {
	f, err := newLifecycle()
	if err != nil {
		return err
	}
	l := &eventstore.Loaded{Now: time.Now().UTC().Truncate(time.Microsecond)}
	c := &eventstore.Commit{}
	add := func(w eventstore.ViewWrite) error {
		if c.Views = append(c.Views, w); len(c.Views) < 1000 {
			return nil
		}
		full := c
		c = &eventstore.Commit{}
		return write(ctx, store, "fill", full)
	}
	model := &eventstore.Commit{}
	if err := errors.Join(
		f.instances.Append(l, model, "model", eventstore.Metadata{}, f.instanceEvents(0, "model", "op")...),
		f.opoccs.Append(l, model, "op", eventstore.Metadata{}, f.opEvents("op", "model", vnf.OpInstantiate)...),
	); err != nil {
		return err
	}
	in, err := f.instances.Read(l, model, "model")
	if err != nil {
		return err
	}
	op, err := f.opoccs.Read(l, model, "op")
	if err != nil {
		return err
	}
	for i := range n {
		v, o := in.Value, op.Value
		v.ID, v.Name, v.VnfdID, v.PackageID = uuid.NewString(), fmt.Sprint("fw", i), fmt.Sprint("vnfd-", i%50), fmt.Sprint("pkg-", i%50)
		v.Provider, v.ProductName = fmt.Sprint("provider-", i%7), fmt.Sprint("product-", i%20)
		if i%10 == 0 {
			v.State, v.Info = vnf.NotInstantiated, nil
		}
		for r := range resources {
			id := fmt.Sprintf("%s-%d", v.ID, r)
			c.Records = append(c.Records, eventstore.RecordWrite{Record: eventstore.Record{
				Table: eventstore.TableVimResources, ID: id + "/1", Key: v.ID, Group: "vim-1", State: vimmanager.Active, Doc: standing(id, v.ID),
			}})
		}
		if err := add(readmodel.InstanceView(&v)); err != nil {
			return err
		}
		for k := range operations {
			o.ID, o.VnfID = uuid.NewString(), v.ID
			o.Started = l.Now.Add(-time.Duration(i*operations+k) * time.Second)
			o.StateEntered, o.Operation, o.State = o.Started.Add(time.Minute), vnf.OpInstantiate, vnf.Completed
			if k%3 == 1 {
				o.Operation = vnf.OpTerminate
			}
			if (i*operations+k)%1000 == 7 {
				o.State = vnf.FailedTemp
			}
			if err := add(readmodel.OpOccView(&o)); err != nil {
				return err
			}
		}
	}
	return write(ctx, store, "fill", c)
}

// measureRebuild writes the events of instances with one operation each and rebuilds the views from them. each is the
// processor time of one event.
func measureRebuild(ctx context.Context, cluster *dbtest.Cluster, backend string) (rate float64, each time.Duration, events int, err error) {
	store, _, done, err := open(ctx, cluster, backend)
	if err != nil {
		return 0, 0, 0, err
	}
	defer done()
	f, err := newLifecycle()
	if err != nil {
		return 0, 0, 0, err
	}
	l := &eventstore.Loaded{Now: time.Now().UTC().Truncate(time.Microsecond)}
	const instances, together = 6000, 50
	for i := 0; i < instances; i += together {
		c := &eventstore.Commit{}
		for k := range together {
			id, op := uuid.NewString(), uuid.NewString()
			in, of := f.instanceEvents(i+k, id, op), f.opEvents(op, id, vnf.OpInstantiate)
			events += len(in) + len(of)
			if err := errors.Join(f.instances.Append(l, c, id, eventstore.Metadata{Actor: "bench"}, in...),
				f.opoccs.Append(l, c, op, eventstore.Metadata{Actor: "bench"}, of...)); err != nil {
				return 0, 0, 0, err
			}
		}
		c.Snapshots = nil
		if err := write(ctx, store, fmt.Sprint("fill", i), c); err != nil {
			return 0, 0, 0, err
		}
	}
	begin, used := time.Now(), processorTime()+cluster.CPU()
	if err := readmodel.Rebuild(ctx, store, readmodel.Sources(f.instances, f.opoccs, f.snapshots)...); err != nil {
		return 0, 0, 0, err
	}
	used = processorTime() + cluster.CPU() - used
	return float64(events) / time.Since(begin).Seconds(), used / time.Duration(events), events, nil
}

// queries measures what readers ask.
func (l *load) queries(ctx context.Context, t table, name string) error {
	const vnfs, ops = "/vnflcm/v2/vnf_instances", "/vnflcm/v2/vnf_lcm_op_occs"
	ids, err := l.sample(ctx, vnfs)
	if err != nil {
		return err
	}
	opIDs, err := l.sample(ctx, ops)
	if err != nil {
		return err
	}
	filter := func(path, text string) []string { return []string{path + "?filter=" + url.QueryEscape(text)} }
	under := func(path string, ids []string) (out []string) {
		for _, id := range ids {
			out = append(out, path+"/"+id)
		}
		return out
	}
	for _, q := range []struct {
		what  string
		paths []string
		goal  float64
	}{
		{"GET one instance", under(vnfs, ids), 5},
		{"GET one operation", under(ops, opIDs), 5},
		{"page, INSTANTIATED of one vnfdId", filter(vnfs, "(eq,instantiationState,INSTANTIATED);(eq,vnfdId,vnfd-7)"), 20},
		{"page, provider and product", filter(vnfs, "(eq,vnfProvider,provider-3);(eq,vnfProductName,product-11)"), 20},
		{"page, name contains, INSTANTIATED", filter(vnfs, "(cont,vnfInstanceName,99);(eq,instantiationState,INSTANTIATED)"), 20},
		{"page, operations FAILED_TEMP of one kind", filter(ops, "(eq,operationState,FAILED_TEMP);(eq,operation,TERMINATE)"), 20},
		{"page, operations of a VNF, COMPLETED", filter(ops, "(eq,operationState,COMPLETED);(eq,vnfInstanceId,"+ids[0]+")"), 20},
		{"page, operations of the last hour, TERMINATE", filter(ops, "(gt,startTime,"+time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)+");(eq,operation,TERMINATE)"), 20},
		{"page, operations COMPLETED, TERMINATE", filter(ops, "(eq,operationState,COMPLETED);(eq,operation,TERMINATE)"), 20},
	} {
		var took []time.Duration
		for i := range 60 {
			begin := time.Now()
			if err := l.fetch(ctx, q.paths[i%len(q.paths)]); err != nil {
				return err
			}
			took = append(took, time.Since(begin))
		}
		slices.Sort(took)
		t.row(name+": "+q.what, fmt.Sprintf("p50 %.1f ms", ms(took[len(took)/2])), fmt.Sprintf("p95 %.1f ms (goal p50 < %.0f ms)", ms(took[len(took)*95/100]), q.goal))
		_ = t.w.Flush()
	}
	return nil
}

func (l *load) sample(ctx context.Context, path string) ([]string, error) {
	var entries []struct{ ID string }
	if _, err := l.call(ctx, http.MethodGet, path+"?fields=id", nil, &entries); err != nil {
		return nil, err
	}
	ids := make([]string, len(entries))
	for i, e := range entries {
		ids[i] = e.ID
	}
	return ids, nil
}

// fetch reads an answer to its end.
func (l *load) fetch(ctx context.Context, path string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.url+path, nil)
	if err != nil {
		return err
	}
	res, err := l.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", path, res.Status)
	}
	return nil
}
