package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vnfm/vnfm/client"
	"github.com/vnfm/vnfm/cmd/vnfm/screen"
	"github.com/vnfm/vnfm/cmd/vnfm/show"
	"github.com/vnfm/vnfm/sol"
)

type opList struct {
	narrowed
	listing
	Vnf   string `help:"Of this VNF only: id or name." placeholder:"VNF" predictor:"vnf"`
	State string `help:"Only those in this state, e.g. FAILED_TEMP; STUCK and others of cleanups." placeholder:"STATE"`
}

// Help is examples.
func (*opList) Help() string {
	return `Examples:
  vnfm op list --vnf fw1
  vnfm op list --state FAILED_TEMP --columns id,operation,vnf,error
  vnfm op list --sort -started --limit 10`
}

// work is an operation, or a cleanup, in one line.
type work struct {
	id, operation, state, by, vnf, vnfID, reason string
	done, resources                              int
	started, ended                               time.Time
}

var opColumns = []screen.Column[work]{
	{Head: "ID", Of: func(o *work) any { return o.id }},
	{Head: "OPERATION", Of: func(o *work) any { return o.operation }},
	{Head: "STATE", Of: func(o *work) any { return screen.State(o.state) }},
	{Head: "DONE", Of: func(o *work) any {
		if o.resources == 0 {
			return ""
		}
		return fmt.Sprintf("%d/%d", o.done, o.resources)
	}, Drop: 4},
	{Head: "VNF", Of: func(o *work) any { return screen.Name(cmp.Or(o.vnf, o.vnfID)) }},
	{Head: "AGE", Of: func(o *work) any { return screen.Age(o.started) }, Drop: 2},
	{Head: "STARTED", Of: func(o *work) any { return o.started }, Wide: true},
	{Head: "ENDED", Of: func(o *work) any { return o.ended }, Wide: true},
	{Head: "BY", Of: func(o *work) any { return o.by }, Drop: 3},
	{Head: "VNF ID", Of: func(o *work) any { return o.vnfID }, Wide: true},
	{Head: "ERROR", Of: func(o *work) any { return screen.Alarm{Text: o.reason, Bad: true} }, Drop: 1},
}

func (c *opList) Run(s *session) error {
	vnf := ""
	if c.Vnf != "" {
		id, err := s.vnfID(c.Vnf)
		if err != nil {
			return err
		}
		vnf = id
	}
	var filters []string
	if vnf != "" {
		filters = append(filters, "(eq,vnfInstanceId,"+vnf+")")
	}
	if c.State != "" {
		if known := slices.Concat(opStates, unclean); !slices.Contains(known, strings.ToUpper(c.State)) {
			return usagef("--state %s: it is one of %s; or, of a cleanup, %s", c.State, strings.Join(opStates, ", "), strings.Join(unclean, ", "))
		}
		filters = append(filters, "(eq,operationState,"+strings.ToUpper(c.State)+")")
	}
	filter := and(append(filters, c.Filter)...)
	if s.Form.OfValues() {
		return list(s, &c.listing, nil, func() ([]show.Operation, error) { return c.operations(s, filter) })
	}
	return list(s, &c.listing, opColumns, func() ([]work, error) { return c.works(s, vnf, filter) })
}

// operations reads what the API answers, with who began each.
func (c *opList) operations(s *session, filter string) ([]show.Operation, error) {
	all, err := s.Ops(s.ctx, client.Query{Filter: filter, Fields: c.Fields, Limit: c.first()})
	if err != nil {
		return nil, err //nolint:wrapcheck // of the client
	}
	slices.SortStableFunc(all, func(a, b sol.VnfLcmOpOcc) int {
		return cmp.Or(a.StartTime.Compare(b.StartTime), cmp.Compare(a.Id, b.Id))
	})
	by := map[string]string{}
	if origins, err := s.OpOrigins(s.ctx, client.Query{Filter: originFilter(filter)}); err == nil { // whoever may not see it sees the rest
		for _, o := range origins {
			by[o.VnfLcmOpOccId] = o.StartedBy
		}
	}
	ops := make([]show.Operation, len(all))
	for i, o := range all {
		ops[i] = show.Operation{VnfLcmOpOcc: o, StartedBy: by[o.Id]}
	}
	return ops, nil
}

// originFilter is a filter of operations where it can be one of our own list of them, too; else "", for all.
func originFilter(filter string) string {
	for _, term := range strings.Split(filter, ";") {
		_, rest, _ := strings.Cut(term, ",")
		name, _, _ := strings.Cut(rest, ",")
		if !slices.Contains([]string{"", "vnfInstanceId", "operation", "operationState", "startTime", "stateEnteredTime"}, name) {
			return ""
		}
	}
	return filter
}

// works reads operations and cleanups in few words, the newest last.
func (c *opList) works(s *session, vnf, filter string) ([]work, error) {
	q := client.Query{Filter: filter, Limit: c.first(), Sort: "-startTime"}
	var out []work
	origins, err := []sol.OpOrigin(nil), error(nil)
	if c.Filter == "" || originFilter(filter) != "" {
		origins, err = s.OpOrigins(s.ctx, q)
	}
	if forbidden(err) || c.Filter != "" && originFilter(filter) == "" {
		q.Sort, q.Fields = "", "error"
		ops, err := s.Ops(s.ctx, q)
		if err != nil {
			return nil, err //nolint:wrapcheck // of the client
		}
		for _, o := range ops {
			w := work{id: o.Id, operation: o.Operation, state: o.OperationState, vnfID: o.VnfInstanceId, started: o.StartTime}
			if o.Error != nil {
				w.reason = o.Error.Detail
			}
			out = append(out, w)
		}
	} else if err != nil {
		return nil, err //nolint:wrapcheck // of the client
	}
	for _, o := range origins {
		out = append(out, work{
			id: o.VnfLcmOpOccId, operation: o.Operation, state: o.OperationState, by: o.StartedBy, vnfID: o.VnfInstanceId, reason: o.Reason, done: o.Done,
			resources: o.Resources, started: o.StartTime, ended: o.EndTime,
		})
	}
	if c.Filter == "" {
		cleanups, err := s.cleanups(vnf, c.State)
		if err != nil && !forbidden(err) {
			return nil, err
		}
		out = append(out, cleanups...)
	}
	ids := make([]string, len(out))
	for i := range out {
		ids[i] = out[i].vnfID
	}
	names, err := s.vnfNames(ids)
	if err != nil {
		return nil, err
	}
	for i := range out {
		out[i].vnf = names[out[i].vnfID]
	}
	slices.SortStableFunc(out, func(a, b work) int { return cmp.Or(a.started.Compare(b.started), cmp.Compare(a.id, b.id)) })
	return out, nil
}

// opStates are the states of operations.
var opStates = []string{"STARTING", "PROCESSING", "COMPLETED", "FAILED_TEMP", "FAILED", "ROLLING_BACK", "ROLLED_BACK"}

// unclean are the states of sagas that have not ended well.
var unclean = []string{"RUNNING", "SETTLING", "HELD", "COMPENSATING", "STUCK", "ABANDONED"}

// cleanups reads the cleanups that are under way, or failed.
func (s *session) cleanups(vnf, state string) ([]work, error) {
	found := make([][]sol.Saga, len(unclean))
	g, ctx := errgroup.WithContext(s.ctx)
	for i, in := range unclean {
		if state != "" && !strings.EqualFold(state, in) {
			continue
		}
		g.Go(func() (err error) {
			found[i], err = s.Sagas(ctx, vnf, in)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err //nolint:wrapcheck // of the client
	}
	var out []work
	for _, saga := range slices.Concat(found...) {
		if saga.Type != "cleanup" {
			continue
		}
		w := work{id: saga.Id, operation: "cleanup", state: saga.State, vnfID: saga.VnfId, started: saga.Started}
		if saga.Cause != nil {
			w.reason = saga.Cause.Reason
		}
		out = append(out, w)
	}
	return out, nil
}
