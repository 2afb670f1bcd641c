package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/vnfm/vnfm/client"
	"github.com/vnfm/vnfm/cmd/vnfm/screen"
	"github.com/vnfm/vnfm/cmd/vnfm/show"
	"github.com/vnfm/vnfm/sol"
)

type vnfCmd struct {
	Create      vnfCreate      `cmd:"" help:"Create a VNF instance."`
	Instantiate vnfInstantiate `cmd:"" help:"Instantiate a VNF and watch it."`
	Modify      vnfModify      `cmd:"" help:"Modify the name, description, properties or VIM connections of a VNF."`
	Scale       vnfScale       `cmd:"" help:"Scale a VNF out or in by steps of an aspect, and watch it."`
	ScaleTo     vnfScaleTo     `cmd:"" help:"Scale a VNF to a level, and watch it."`
	Heal        vnfHeal        `cmd:"" help:"Heal a VNF, or some of its VNFCs, and watch it."`
	Drift       vnfDrift       `cmd:"" help:"Compare a VNF with its VIMs: what is missing, changed or orphaned there."`
	Sync        vnfSync        `cmd:"" help:"Compare a VNF with its VIMs and, with --repair, make it what its records say, and watch it."`
	Flavour     vnfFlavour     `cmd:"" help:"Give a VNF another deployment flavour, and watch it."`
	Upgrade     vnfUpgrade     `cmd:"" help:"Change a VNF to another package, and watch it."`
	Connect     vnfConnect     `cmd:"" help:"Connect a VNF to the outside in another way, and watch it."`
	Operate     vnfOperate     `cmd:"" help:"Start or stop a VNF, or some of its VNFCs, and watch it."`
	Snapshot    vnfSnapshot    `cmd:"" help:"Take a snapshot of a VNF, and watch it."`
	Revert      vnfRevert      `cmd:"" help:"Make a VNF what it was at a snapshot, and watch it."`
	Terminate   vnfTerminate   `cmd:"" help:"Terminate a VNF and watch it."`
	Delete      vnfDelete      `cmd:"" help:"Delete a VNF instance that is not instantiated."`
	List        vnfList        `cmd:"" help:"List VNF instances."`
	Show        vnfShow        `cmd:"" help:"Show a VNF instance with its resources."`
	Events      vnfEvents      `cmd:"" help:"List every event of a VNF: when, who, why."`
	History     vnfHistory     `cmd:"" help:"Tell what happened to a VNF, or show what it was at a time."`
	Diff        vnfDiff        `cmd:"" help:"Show what changed in a VNF between two times."`
	Cleanup     vnfCleanup     `cmd:"" help:"Release what failed operations left behind."`
}

type vnfCreate struct {
	Vnfd        string            `required:"" help:"vnfdId, package id or product name." placeholder:"VNFD" predictor:"package"`
	Name        string            `help:"Name of the instance." placeholder:"NAME"`
	Description string            `help:"Description of the instance." placeholder:"TEXT"`
	Metadata    map[string]string `help:"Metadata, repeatable." placeholder:"KEY=VALUE"`
}

func (c *vnfCreate) Run(s *session) error {
	vnfdID, err := s.vnfdID(c.Vnfd)
	if err != nil {
		return err
	}
	metadata := sol.KeyValuePairs{}
	for k, v := range c.Metadata {
		metadata[k] = jsonOrString(v)
	}
	v, err := s.CreateVnf(s.ctx, sol.CreateVnfRequest{
		VnfdId: vnfdID, VnfInstanceName: c.Name, VnfInstanceDescription: c.Description, Metadata: metadata,
	})
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(v, func(w io.Writer) { show.Vnf(w, v) })
}

// vnfdID finds the vnfdId of the package that a word means.
func (s *session) vnfdID(word string) (string, error) {
	p, err := s.packageOf(word)
	if err != nil {
		return "", err
	}
	return p.VnfdId, nil
}

// packageOf finds the package that a word means: its id, its vnfdId, or its product where that is unambiguous.
func (s *session) packageOf(word string) (*sol.VnfPkgInfo, error) {
	all, err := s.Packages(s.ctx, client.Query{Fields: "vnfdId,vnfProductName"})
	if err != nil {
		return nil, err //nolint:wrapcheck // of the client
	}
	if len(all) == 0 {
		return nil, usagef("there is no package; onboard one first: vnfm package onboard FILE")
	}
	id, err := pick("package", word, packageNames(all))
	if err != nil {
		return nil, err
	}
	return &all[slices.IndexFunc(all, func(p sol.VnfPkgInfo) bool { return p.Id == id })], nil
}

type vnfInstantiate struct {
	Vnf      string   `arg:"" help:"Id or name." predictor:"vnf"`
	Flavour  string   `help:"Deployment flavour; needed without --file." placeholder:"ID"`
	Level    string   `help:"Instantiation level; default: the flavour's." placeholder:"ID"`
	ExtLink  []string `sep:"none" help:"External network to connect to, repeatable. Parts: id, network (the VIM's id), cpd (repeatable), vim, config (name of the connection point's configuration), subnet (repeatable), and for each subnet ip (repeatable): an address, or ipv4 or ipv6 for one that the VIM chooses." placeholder:"id=…,network=…,cpd=…"`
	Vim      []string `sep:"none" help:"VIM connection to use, repeatable: each part goes to one that runs it; default: where its external links are, else the default one." placeholder:"ID" predictor:"vim"`
	Param    []string `sep:"none" help:"Additional parameter, repeatable; the value is JSON or a string." placeholder:"KEY=VALUE" secret:""`
	Language string   `help:"Localization language." placeholder:"TAG"`
	fileRequest
	begin
}

// Help is examples.
func (*vnfInstantiate) Help() string {
	return `Examples:
  vnfm vnf instantiate fw1 --flavour standard --dry-run
  vnfm vnf instantiate fw1 --flavour standard --level busy --param hostname=fw1
  vnfm vnf instantiate fw1 --flavour standard --ext-link id=out,network=public,cpd=gateway_outside
  vnfm vnf instantiate gw --flavour hybrid --vim openstack --vim cluster
  vnfm vnf instantiate fw1 --file request.json --no-wait`
}

func (c *vnfInstantiate) Run(s *session) error {
	var request sol.InstantiateVnfRequest
	if _, err := c.into(s, &request); err != nil {
		return err
	}
	request.FlavourId = cmp.Or(c.Flavour, request.FlavourId)
	request.InstantiationLevelId = cmp.Or(c.Level, request.InstantiationLevelId)
	request.LocalizationLanguage = cmp.Or(c.Language, request.LocalizationLanguage)
	if request.FlavourId == "" {
		return usagef("--flavour says which deployment flavour it is to have; vnfm package show tells which there are")
	}
	if err := laidOver(c.ExtLink, c.Param, &request.ExtVirtualLinks, &request.AdditionalParams); err != nil {
		return err
	}
	for i, word := range c.Vim {
		id, err := s.vimID(word)
		if err != nil {
			return err
		}
		v, err := s.Vim(s.ctx, id)
		if err != nil {
			return err //nolint:wrapcheck // of the client
		}
		if i == 0 {
			request.VimConnectionInfo = map[string]sol.VimConnectionInfo{}
		}
		request.VimConnectionInfo[v.Id] = sol.VimConnectionInfo{VimId: v.VimId, VimType: v.VimType}
	}
	id, err := s.vnfID(c.Vnf)
	if err != nil {
		return err
	}
	return start(s, c.begin, id, sol.PlanInstantiate, request, s.Instantiate)
}

// jsonOrString takes a value as JSON when it is some, else as a string.
func jsonOrString(v string) json.RawMessage {
	if json.Valid([]byte(v)) {
		return json.RawMessage(v)
	}
	b, _ := json.Marshal(v) // a string
	return b
}

// deleted reports a deletion.
func (s *session) deleted(id string, err error) error {
	if err != nil {
		return err
	}
	return s.show(map[string]string{"deleted": id}, func(w io.Writer) { _, _ = fmt.Fprintln(w, id, "deleted") })
}

type vnfDelete struct {
	vnfs
	sure
}

// Help is examples.
func (*vnfDelete) Help() string {
	return `Examples:
  vnfm vnf delete fw1 fw2
  vnfm vnf delete --all --match "(eq,instantiationState,NOT_INSTANTIATED)" --yes`
}

func (c *vnfDelete) Run(s *session) error {
	all, err := c.chosen(s)
	if err != nil {
		return err
	}
	if err := s.confirmAll(c.sure, c.All, "Delete", "VNF", labels(all)); err != nil {
		return err
	}
	return each(s, all, ref.label, func(v ref) error { return s.deleted(v.id, s.DeleteVnf(s.ctx, v.id)) })
}

type vnfEvents struct {
	Vnf  string `arg:"" help:"Id or name; a deleted instance by its id only." predictor:"vnf"`
	Data bool   `help:"Print what each event says, too."`
}

func (c *vnfEvents) Run(s *session) error {
	id, err := s.vnfID(c.Vnf)
	if err != nil {
		id = c.Vnf // it may be deleted
	}
	events, evErr := s.Events(s.ctx, id)
	if evErr != nil {
		if err != nil {
			return err
		}
		return evErr //nolint:wrapcheck // of the client
	}
	return s.show(events, func(w io.Writer) {
		on := screen.Of(w)
		short := func(id string) string {
			if !on.Terminal || on.Form.Wide() {
				return id
			}
			return shortOf(id)
		}
		columns := []screen.Column[sol.VnfEvent]{
			{Head: "WHEN", Of: func(e *sol.VnfEvent) any { return screen.State(on.Stamp(e.Time)) }},
			{Head: "STREAM", Of: func(e *sol.VnfEvent) any { return short(e.Stream) }, Drop: 3},
			{Head: "VERSION", Of: func(e *sol.VnfEvent) any { return e.Version }, Drop: 2},
			{Head: "EVENT", Of: func(e *sol.VnfEvent) any { return e.Type }, Least: 24},
			{Head: "WHO", Of: func(e *sol.VnfEvent) any { return e.Actor }, Drop: 1},
			{Head: "COMMAND", Of: func(e *sol.VnfEvent) any { return e.Command }, Drop: 4},
			{Head: "CORRELATION", Of: func(e *sol.VnfEvent) any { return short(e.CorrelationId) }, Drop: 5},
			{Head: "CAUSE", Of: func(e *sol.VnfEvent) any { return short(e.CausationId) }, Drop: 6},
		}
		if c.Data {
			columns = append(columns, screen.Column[sol.VnfEvent]{Head: "DATA", Of: func(e *sol.VnfEvent) any { return screen.Compact(e.Data) }})
		}
		_ = screen.List(on, &screen.Listing{}, events, columns) // of columns that there are
	})
}

type vnfCleanup struct {
	vnfs
	NoWait bool `help:"Return when it has begun."`
}

// Help is examples.
func (*vnfCleanup) Help() string {
	return `Examples:
  vnfm vnf cleanup fw1
  vnfm vnf cleanup --all --no-wait`
}

func (c *vnfCleanup) Run(s *session) error {
	all, err := c.chosen(s)
	if err != nil {
		return err
	}
	return each(s, all, ref.label, func(v ref) error {
		id, err := s.Cleanup(s.ctx, v.id)
		if err != nil {
			return err //nolint:wrapcheck // of the client
		}
		if c.NoWait {
			return s.show(sol.Cleanup{SagaId: id}, func(w io.Writer) { _, _ = fmt.Fprintf(w, "cleanup began: saga %s (vnfm op saga %s)\n", id, id) })
		}
		return s.cleaned(v, id)
	})
}

// cleaned waits for a cleanup to end.
func (s *session) cleaned(v ref, id string) error {
	g, err := s.WaitSaga(s.ctx, id, s.poll, nil)
	if s.ctx.Err() != nil {
		return &interrupted{how: "no longer watching; the cleanup goes on: vnfm op saga " + id, cause: context.Cause(s.ctx)}
	}
	if err != nil {
		return fmt.Errorf("cleanup %s: %w", id, err)
	}
	if err := s.show(g, func(w io.Writer) {
		_, _ = fmt.Fprintf(w, "%s cleanup %s %s in %s\n", v.label(), id, screen.Colour(g.State), screen.Elapsed(g.Started, g.Updated))
	}); err != nil {
		return err
	}
	if g.State != "COMPLETED" {
		return &failed{"the cleanup is " + g.State + "; vnfm op saga " + id + " says why"}
	}
	return nil
}

// shortOf is enough of an id, or of a stream's name, to tell it from others by eye.
func shortOf(id string) string {
	prefix, rest, ok := strings.Cut(id, "-")
	if ok && len(prefix) < 8 { // a stream: its prefix and the beginning of its id
		return prefix + "-" + screen.Short(rest)
	}
	return screen.Short(id)
}
