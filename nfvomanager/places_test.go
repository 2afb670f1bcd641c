package nfvomanager_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/nfvomanager"
	"github.com/vnfm/vnfm/vim"
)

// only is a site that runs one form.
type only struct {
	listing
	form vim.Form
}

func (o *only) Runs() []vim.Form { return []vim.Form{o.form} }

// A VNF of machines and of containers is granted at two VIMs of two types, each with its own zones, flavours and images; what is scaled
// later is where the VNF is.
func TestMachinesAndContainersAreGrantedAtTheirOwnVims(t *testing.T) {
	machines := &only{form: vim.Machines, listing: listing{assets: vim.Assets{Zones: []string{"z"}, Flavours: []vim.Flavour{{ID: "f", Name: "small"}}}}}
	pods := &only{form: vim.Objects, listing: listing{assets: vim.Assets{Zones: []string{"node-zone"}}}}
	w := newWorld(t, nil)
	w.cfg.Registry = vim.Fixed{{ID: "os", Type: "OS"}, {ID: "k8s", Type: "K8S"}, {ID: "other", Type: "K8S"}}
	w.cfg.Drivers = map[string]vim.Driver{"OS": machines, "K8S": pods}
	w.worker = nfvomanager.NewWorker(w.cfg)
	container := nfvo.ResourceDefinition{ID: "unit", Type: "OSCONTAINER", Form: string(vim.Objects)}
	req := nfvo.GrantRequest{
		VnfID: vnf, Operation: "INSTANTIATE", Connections: []string{"k8s", "os"}, Named: true, Add: append(computes("c1"), container),
		Computes: []nfvo.ComputeNeed{{VduID: "vdu", FlavourName: "small"}},
	}
	at := func(g nfvo.Grant, id string) string { return g.Info(id).Connection }
	g := w.grant(req)
	if at(g, "c1") != "os" || at(g, "unit") != "k8s" || zoneOf(g, "c1") != "z" || zoneOf(g, "unit") != "" || len(g.Flavours) != 1 || g.Flavours[0].Connection != "os" {
		t.Errorf("%+v", g)
	}
	if g.Vims["os"].Type != "OS" || g.Vims["k8s"].Type != "K8S" {
		t.Errorf("%+v", g.Vims)
	}
	machines.asked = 0
	scale := nfvo.GrantRequest{VnfID: vnf, Operation: "SCALE", DefaultConnection: "os", Connections: []string{"other"}, Add: []nfvo.ResourceDefinition{container}}
	if g = w.grant(scale); at(g, "unit") != "other" || machines.asked != 0 {
		t.Errorf("%+v; machines were asked for %d times", g, machines.asked)
	}
	req.Connections, req.Named = nil, false
	w.refused(req, "k8s, other") // which of both?
	req.DefaultConnection = "os" // the VNF's own
	w.refused(req, "k8s, other")
	req.Named = true
	w.refused(req, "os (OS)") // the request names a VIM that does not run them
}

// says is an orchestrator that gives one answer.
type says struct{ nfvo.Answer }

func (s says) Ask(context.Context, json.RawMessage) (nfvo.Answer, error) { return s.Answer, nil }
func (s says) Look(context.Context, string) (nfvo.Answer, error)         { return s.Answer, nil }

// An NFVO that names no VIM for a resource means one that runs it: of those it brings, else of those the request names.
func TestAGrantThatNamesNoVimMeansOneThatRunsTheResource(t *testing.T) {
	for name, tt := range map[string]struct {
		req     nfvo.GrantRequest
		brought map[string]nfvo.ConnectionInfo
		want    string
	}{
		"named by the request": {req: nfvo.GrantRequest{Connections: []string{"k8s", "os"}}, want: "os k8s"},
		"brought": {
			req:     nfvo.GrantRequest{DefaultConnection: "os", Connections: []string{"k8s"}},
			brought: map[string]nfvo.ConnectionInfo{"new": {VimType: "K8S"}}, want: "os new",
		},
		"one for all": {req: nfvo.GrantRequest{DefaultConnection: "os"}, want: "os" + " os"}, // the VIM will say what is wrong with it
	} {
		w := newWorld(t, nil)
		w.cfg.Registry = vim.Fixed{{ID: "os", Type: "OS"}, {ID: "k8s", Type: "K8S"}, {ID: "new", Type: "K8S"}}
		w.cfg.Drivers = map[string]vim.Driver{"OS": &only{form: vim.Machines}, "K8S": &only{form: vim.Objects}}
		w.cfg.Connections = &merged{}
		grant := &nfvo.Grant{ID: "g", Infos: []nfvo.GrantInfo{{DefinitionID: "c1"}, {DefinitionID: "unit"}}}
		w.cfg.Orchestrator = says{nfvo.Answer{VnfID: vnf, OpOccID: "op-1", Grant: grant, Connections: tt.brought}}
		w.worker = nfvomanager.NewWorker(w.cfg)
		tt.req.VnfID, tt.req.OpOccID, tt.req.Operation = vnf, "op-1", "INSTANTIATE"
		tt.req.Add = append(computes("c1"), nfvo.ResourceDefinition{ID: "unit", Type: "OSCONTAINER", Form: string(vim.Objects)})
		in := nfvomanager.NewIntake(nfvomanager.IntakeConfig{GrantTimeout: time.Minute, Body: func(*nfvo.GrantRequest) (json.RawMessage, error) { return json.RawMessage("{}"), nil }})
		w.sendRequest(&in, nfvo.TypeRequestGrant, "c1", tt.req)
		w.run(time.Second)
		if got := grant.Info("c1").Connection + " " + grant.Info("unit").Connection; got != tt.want {
			t.Errorf("%s: at %s, want %s; %+v", name, got, tt.want, w.replies())
		}
	}
}

// The objects of a VNF find each other by name: those beside charts are where the charts are, though a VIM that runs objects alone is named, too.
func TestObjectsBesideChartsAreWhereTheChartsAre(t *testing.T) {
	w := newWorld(t, nil)
	w.cfg.Registry = vim.Fixed{{ID: "k8s", Type: "K8S"}, {ID: "helm", Type: "HELM"}}
	w.cfg.Drivers = map[string]vim.Driver{"K8S": &only{form: vim.Objects}, "HELM": &only{form: vim.Charts}}
	w.worker = nfvomanager.NewWorker(w.cfg)
	g := w.grant(nfvo.GrantRequest{
		VnfID: vnf, Operation: "INSTANTIATE", Connections: []string{"helm", "k8s"}, Named: true,
		Add: []nfvo.ResourceDefinition{{ID: "o", Type: "OSCONTAINER", Form: string(vim.Objects)}, {ID: "c", Type: "OSCONTAINER", Form: string(vim.Charts)}},
	})
	if o, c := g.Info("o").Connection, g.Info("c").Connection; o != "helm" || c != "helm" {
		t.Errorf("objects at %s, charts at %s", o, c)
	}
}

// Flavours and images are looked for at the VIM of the machines, when all that is added is containers, too.
func TestFlavoursAreOfTheVimOfMachines(t *testing.T) {
	w := newWorld(t, nil)
	w.cfg.Registry = vim.Fixed{{ID: "os", Type: "OS"}, {ID: "k8s", Type: "K8S"}}
	w.cfg.Drivers = map[string]vim.Driver{
		"OS": &only{form: vim.Machines, listing: listing{assets: vim.Assets{Flavours: []vim.Flavour{{ID: "f", Name: "small"}}}}}, "K8S": &only{form: vim.Objects},
	}
	w.worker = nfvomanager.NewWorker(w.cfg)
	g := w.grant(nfvo.GrantRequest{
		VnfID: vnf, Operation: "CHANGE_VNFPKG", DefaultConnection: "k8s", Connections: []string{"os"},
		Add:      []nfvo.ResourceDefinition{{ID: "unit", Type: "OSCONTAINER", Form: string(vim.Objects)}},
		Computes: []nfvo.ComputeNeed{{VduID: "vdu", FlavourName: "small"}},
	})
	if len(g.Flavours) != 1 || g.Flavours[0].Connection != "os" || g.Info("unit").Connection != "k8s" {
		t.Errorf("%+v", g)
	}
}

// counted counts what is asked of a registry.
type counted struct {
	vim.Registry
	n int
}

func (c *counted) Connection(ctx context.Context, vnfID, id string) (vim.Connection, error) {
	c.n++
	return c.Registry.Connection(ctx, vnfID, id)
}

func (c *counted) Default(ctx context.Context) (string, error) { c.n++; return c.Registry.Default(ctx) }

func (c *counted) IDs(ctx context.Context) ([]string, error) { c.n++; return c.Registry.IDs(ctx) }

// Where a thousand resources go is asked as often as where one does: once a form. Seen failing in a grant of an orchestrator that names no VIMs.
func TestPlacesAreFoundOnceAForm(t *testing.T) {
	for name, orchestrator := range map[string]bool{"by the local policy": false, "where an orchestrator names none": true} {
		t.Run(name, func(t *testing.T) {
			var asked []int
			for _, n := range []int{1, 100, 1000} {
				req := nfvo.GrantRequest{VnfID: vnf, Operation: "INSTANTIATE", Connections: []string{"os", "k8s"}, Named: true}
				req.OpOccID = "op-1"
				grant := &nfvo.Grant{ID: "g"}
				for i := range n {
					for _, d := range []nfvo.ResourceDefinition{{ID: fmt.Sprint("c", i), Type: "COMPUTE", VduID: "vdu"}, {ID: fmt.Sprint("u", i), Type: "OSCONTAINER", Form: string(vim.Objects)}} {
						req.Add = append(req.Add, d)
						grant.Infos = append(grant.Infos, nfvo.GrantInfo{DefinitionID: d.ID})
					}
				}
				w := newWorld(t, nil)
				c := &counted{Registry: vim.Fixed{{ID: "os", Type: "OS"}, {ID: "k8s", Type: "K8S"}}}
				w.cfg.Registry, w.cfg.Drivers = c, map[string]vim.Driver{"OS": &only{form: vim.Machines}, "K8S": &only{form: vim.Objects}}
				if !orchestrator {
					w.worker = nfvomanager.NewWorker(w.cfg)
					*grant = w.grant(req)
				} else {
					w.cfg.Orchestrator = says{nfvo.Answer{VnfID: vnf, OpOccID: req.OpOccID, Grant: grant}}
					w.worker = nfvomanager.NewWorker(w.cfg)
					in := nfvomanager.NewIntake(nfvomanager.IntakeConfig{GrantTimeout: time.Minute, Body: func(*nfvo.GrantRequest) (json.RawMessage, error) { return json.RawMessage("{}"), nil }})
					w.sendRequest(&in, nfvo.TypeRequestGrant, "c1", req)
					w.run(time.Second)
				}
				if last := fmt.Sprint(n - 1); grant.Info("c"+last).Connection != "os" || grant.Info("u"+last).Connection != "k8s" {
					t.Fatalf("%d: %+v", n, w.replies())
				}
				asked = append(asked, c.n)
			}
			if asked[0] != asked[1] || asked[0] != asked[2] {
				t.Errorf("the registry was asked %v times for 1, 100 and 1,000 resources of each form", asked)
			}
		})
	}
}
