package main

import (
	"cmp"
	"io"
	"slices"
	"strings"

	"github.com/vnfm/vnfm/client"
	"github.com/vnfm/vnfm/cmd/vnfm/screen"
	"github.com/vnfm/vnfm/cmd/vnfm/show"
	"github.com/vnfm/vnfm/sol"
)

type vnfList struct {
	narrowed
	listing
	Name    string `help:"Only those whose name contains this." placeholder:"TEXT"`
	State   string `help:"Only those in this state: INSTANTIATED, NOT_INSTANTIATED, STARTED or STOPPED." placeholder:"STATE"`
	Trouble bool   `help:"Only those with something wrong: an operation that failed and waits, resources left behind, a cleanup that is stuck, a difference from the records."`
}

// Help is examples.
func (*vnfList) Help() string {
	return `Examples:
  vnfm vnf list --trouble
  vnfm vnf list --state INSTANTIATED --name fw --sort -age --limit 20
  vnfm vnf list --columns name,state,status --watch
  vnfm vnf list -o csv --no-headers
  vnfm vnf list -o 'jsonpath={range [*]}{.id}{"\t"}{.vnfInstanceName}{"\n"}{end}'`
}

var vnfColumns = []screen.Column[show.Glance]{
	{Head: "ID", Of: func(v *show.Glance) any { return v.Id }, Drop: 3},
	{Head: "NAME", Of: func(v *show.Glance) any { return screen.Name(v.VnfInstanceName) }},
	{Head: "PRODUCT", Of: func(v *show.Glance) any { return v.VnfProductName }, Drop: 4},
	{Head: "VERSION", Of: func(v *show.Glance) any { return v.VnfSoftwareVersion }, Wide: true},
	{Head: "STATE", Of: func(v *show.Glance) any { return screen.State(v.InstantiationState) }},
	{Head: "STATUS", Of: func(v *show.Glance) any { return v.Status() }},
	{Head: "VNF STATE", Of: func(v *show.Glance) any { return screen.State(v.VnfState) }, Wide: true},
	{Head: "FLAVOUR", Of: func(v *show.Glance) any { return v.FlavourId }, Wide: true},
	{Head: "VNFCS", Of: func(v *show.Glance) any { return v.Vnfcs }, Drop: 5},
	{Head: "VNFD", Of: func(v *show.Glance) any { return v.VnfdId }, Wide: true},
	{Head: "AGE", Of: func(v *show.Glance) any { return screen.Age(v.Created) }, Drop: 2},
}

func (c *vnfList) Run(s *session) error {
	if s.Form.OfValues() {
		return list(s, &c.listing, nil, func() ([]sol.VnfInstance, error) { return c.instances(s) })
	}
	return list(s, &c.listing, vnfColumns, func() ([]show.Glance, error) { return c.glances(s) })
}

// states are where the instances, and their summaries, have the states that people filter by.
var states = map[string][2]string{
	"INSTANTIATED": {"instantiationState", "instantiationState"}, "NOT_INSTANTIATED": {"instantiationState", "instantiationState"},
	"STARTED": {"instantiatedVnfInfo/vnfState", "vnfState"}, "STOPPED": {"instantiatedVnfInfo/vnfState", "vnfState"},
}

// filter is what --name and --state mean: of instances, and of their summaries.
func (c *vnfList) filter() (instances, summaries string, err error) {
	name := ""
	if c.Name != "" {
		name = "(cont,vnfInstanceName," + quotedValue(c.Name) + ")"
	}
	if c.State == "" {
		return name, name, nil
	}
	state := strings.ToUpper(c.State)
	at, ok := states[state]
	if !ok {
		return "", "", usagef("--state %s: it is INSTANTIATED, NOT_INSTANTIATED, STARTED or STOPPED", c.State)
	}
	return and(name, "(eq,"+at[0]+","+state+")"), and(name, "(eq,"+at[1]+","+state+")"), nil
}

// instances reads what the API answers, whole or the attributes that are asked for.
func (c *vnfList) instances(s *session) ([]sol.VnfInstance, error) {
	filter, _, err := c.filter()
	if err != nil {
		return nil, err
	}
	q := client.Query{Filter: and(c.Filter, filter), Fields: c.Fields, Limit: c.first()}
	if !c.Trouble {
		return s.Vnfs(s.ctx, q) //nolint:wrapcheck // of the client
	}
	wrong, err := c.glances(s)
	if err != nil {
		return nil, err
	}
	out := []sol.VnfInstance{}
	err = chunks(glanceIDs(wrong), func(some []string) error {
		q.Filter = in("id", some)
		all, err := s.Vnfs(s.ctx, q)
		out = append(out, all...)
		return err //nolint:wrapcheck // of the client
	})
	return out, err
}

func glanceIDs(all []show.Glance) []string {
	out := make([]string, len(all))
	for i := range all {
		out[i] = all[i].Id
	}
	return out
}

// glances reads VNFs in few words, with what is wrong or under way.
func (c *vnfList) glances(s *session) ([]show.Glance, error) {
	instances, summaries, err := c.filter()
	if err != nil {
		return nil, err
	}
	var all []sol.VnfSummary
	q := client.Query{Filter: summaries, Sort: "vnfInstanceName", Limit: c.first()}
	if c.Trouble {
		q.Limit = 0 // what is wrong is found out here
	}
	if c.Filter == "" {
		all, err = s.VnfSummaries(s.ctx, q)
	} else { // it may name what summaries have not
		all, err = c.selected(s, and(c.Filter, instances))
	}
	if forbidden(err) {
		return c.plain(s, and(c.Filter, instances))
	}
	if err != nil {
		return nil, err //nolint:wrapcheck // of the client
	}
	out, err := s.glanced(all)
	if err == nil && c.Trouble {
		out = slices.DeleteFunc(out, func(g show.Glance) bool { return !g.Trouble() })
	}
	return out, err
}

// selected reads the summaries of the VNFs that a filter of instances selects, by name; the standard's list has no order of choice.
func (c *vnfList) selected(s *session, filter string) ([]sol.VnfSummary, error) {
	found, err := s.Vnfs(s.ctx, client.Query{Filter: filter, Fields: "vnfInstanceName"})
	if err != nil {
		return nil, err //nolint:wrapcheck // of the client
	}
	slices.SortFunc(found, func(a, b sol.VnfInstance) int {
		return cmp.Or(cmp.Compare(a.VnfInstanceName, b.VnfInstanceName), cmp.Compare(a.Id, b.Id))
	})
	if limit := c.first(); limit > 0 && !c.Trouble {
		found = found[:min(limit, len(found))]
	}
	ids := make([]string, len(found))
	for i := range found {
		ids[i] = found[i].Id
	}
	out := []sol.VnfSummary{}
	err = chunks(ids, func(some []string) error {
		all, err := s.VnfSummaries(s.ctx, client.Query{Filter: in("id", some), Sort: "vnfInstanceName"})
		out = append(out, all...)
		return err //nolint:wrapcheck // of the client
	})
	return out, err
}

// plain is the list for whoever may see nothing but what the standard has.
func (c *vnfList) plain(s *session, filter string) ([]show.Glance, error) {
	if c.Trouble {
		return nil, usagef("--trouble needs the permission site:read; see docs/reference/roles.md")
	}
	all, err := s.Vnfs(s.ctx, client.Query{Filter: filter, Limit: c.first()})
	if err != nil {
		return nil, err //nolint:wrapcheck // of the client
	}
	out := make([]show.Glance, len(all))
	for i, v := range all {
		out[i].VnfSummary = sol.VnfSummary{
			Id: v.Id, VnfInstanceName: v.VnfInstanceName, VnfdId: v.VnfdId, VnfProductName: v.VnfProductName, VnfSoftwareVersion: v.VnfSoftwareVersion,
			InstantiationState: v.InstantiationState,
		}
		if v.InstantiatedVnfInfo != nil {
			out[i].FlavourId, out[i].VnfState, out[i].Vnfcs = v.InstantiatedVnfInfo.FlavourId, v.InstantiatedVnfInfo.VnfState, len(v.InstantiatedVnfInfo.VnfcResourceInfo)
		}
	}
	return out, nil
}

// live is a filter for operations that have not ended.
const live = "(in,operationState,STARTING,PROCESSING,ROLLING_BACK,FAILED_TEMP)"

// glanced adds to summaries what is wrong or under way.
func (s *session) glanced(all []sol.VnfSummary) ([]show.Glance, error) {
	out := make([]show.Glance, len(all))
	busy, cleaning := false, false
	for i, v := range all {
		out[i].VnfSummary = v
		busy = busy || v.OperationUnderWay != ""
		cleaning = cleaning || v.CleanupUnderWay != ""
	}
	if busy {
		ops, err := s.OpOrigins(s.ctx, client.Query{Filter: live})
		if err != nil {
			return nil, err //nolint:wrapcheck // of the client
		}
		by := map[string]*sol.OpOrigin{}
		for i := range ops {
			by[ops[i].VnfLcmOpOccId] = &ops[i]
		}
		for i := range out {
			out[i].Operation = by[out[i].OperationUnderWay]
		}
	}
	if cleaning {
		stuck, err := s.Sagas(s.ctx, "", "STUCK")
		if err != nil {
			return nil, err //nolint:wrapcheck // of the client
		}
		for i := range out {
			out[i].StuckCleanup = slices.ContainsFunc(stuck, func(g sol.Saga) bool { return g.Id == out[i].CleanupUnderWay })
		}
	}
	return out, nil
}

type vnfShow struct {
	Vnf string `arg:"" help:"Id or name." predictor:"vnf"`
}

// Help is examples.
func (*vnfShow) Help() string {
	return `Examples:
  vnfm vnf show fw1
  vnfm vnf show fw1 -o json
  vnfm vnf show fw1 -o 'jsonpath={.instantiatedVnfInfo.vnfcResourceInfo[*].id}'`
}

func (c *vnfShow) Run(s *session) error {
	id, err := s.vnfID(c.Vnf)
	if err != nil {
		return err
	}
	v, err := s.Vnf(s.ctx, id)
	if err != nil || !s.Form.ForPeople() {
		if err == nil {
			err = s.show(v, nil)
		}
		return err //nolint:wrapcheck // of the client
	}
	left, err := s.Leftovers(s.ctx, id)
	if err != nil && !forbidden(err) {
		return err //nolint:wrapcheck // of the client
	}
	ops, err := s.OpOrigins(s.ctx, client.Query{Filter: "(eq,vnfInstanceId," + id + ")", Sort: "-startTime", Limit: 1})
	if err != nil && !forbidden(err) {
		return err //nolint:wrapcheck // of the client
	}
	events, err := s.History(s.ctx, client.KindVnf, id, client.EventQuery{Since: "-24h"})
	if err != nil && !forbidden(err) {
		return err //nolint:wrapcheck // of the client
	}
	about, err := s.VnfSummaries(s.ctx, client.Query{Filter: "(eq,id," + id + ")"})
	if err != nil && !forbidden(err) {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(v, func(w io.Writer) {
		show.Vnf(w, v)
		if len(about) > 0 {
			show.Differs(w, id, about[0].Drift)
		}
		show.Leftovers(w, id, left)
		if len(ops) > 0 {
			show.NewestOperation(w, &ops[0])
		}
		show.LastEvents(w, id, events)
	})
}

type vnfDrift struct {
	Vnf []string `arg:"" help:"Ids or names." predictor:"vnf"`
}

func (c *vnfDrift) Run(s *session) error {
	return each(s, c.Vnf, func(word string) string { return word }, func(word string) error {
		id, err := s.vnfID(word)
		if err != nil {
			return err
		}
		d, err := s.Drift(s.ctx, id)
		if err != nil {
			return err //nolint:wrapcheck // of the client
		}
		return s.show(d, func(w io.Writer) {
			if len(c.Vnf) > 1 {
				screen.Of(w).Heading(word)
			}
			show.Drift(w, d)
		})
	})
}
