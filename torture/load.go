package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/vnfm/vnfm/samples"
	"github.com/vnfm/vnfm/samples/shapes"
	"github.com/vnfm/vnfm/sol"
)

const (
	instances = "/vnflcm/v2/vnf_instances"
	opOccs    = "/vnflcm/v2/vnf_lcm_op_occs"
	own       = "/vnfm/v1"
)

// choices are the flavours and levels of the sample package.
var choices = []map[string]any{
	{"flavourId": "standard"},
	{"flavourId": "standard", "instantiationLevelId": "basic"},
	{"flavourId": "standard", "instantiationLevelId": "basic"},
	{"flavourId": "redundant"},
	{"flavourId": "redundant"},
	{"flavourId": "redundant", "instantiationLevelId": "two_pairs"},
	{"flavourId": "redundant", "instantiationLevelId": "two_pairs"},
	{"flavourId": "standard", "instantiationLevelId": "busy"},
}

// client is one who works with VNFs: mostly its own, now and then those of others.
type client struct {
	caller
	name   string
	vnfs   []string
	made   int
	finish context.Context //nolint:containedctx // changes begun are seen through until this ends
}

// newCaller returns a caller with connections of its own.
func newCaller(urls []string, rng *rand.Rand, b *book) caller {
	return caller{urls: urls, http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}, rng: rng, book: b}
}

// run works until the context ends.
func (c *client) run(ctx context.Context) {
	for ctx.Err() == nil {
		c.step()
		pause(ctx, time.Duration(5+c.rng.IntN(60))*time.Millisecond)
	}
}

// step does one thing.
func (c *client) step() {
	if len(c.vnfs) < 3 {
		c.create()
		return
	}
	at := c.rng.IntN(len(c.vnfs))
	id := c.vnfs[at]
	if all := c.book.all(); c.rng.IntN(10) == 0 {
		id = all[c.rng.IntN(len(all))].id
	}
	before := c.book.vnf(id)
	if before.deleted || before.deleting > 0 {
		if id == c.vnfs[at] {
			c.vnfs = append(c.vnfs[:at], c.vnfs[at+1:]...)
		}
		return
	}
	var in sol.VnfInstance
	switch code := c.get(c.finish, instances+"/"+id, &in); {
	case code == http.StatusNotFound && c.book.vnf(id).deleting == 0:
		c.book.violation("I7: VNF %s was created, and now it is not there", id)
	case code != http.StatusOK:
	case in.Links.Instantiate != nil:
		c.idle(&in)
	case in.Links.Terminate != nil:
		c.work(&in)
	default:
		c.tend(before.op)
	}
}

func (c *client) create() {
	c.made++
	vnfd := samples.VnfdID
	if c.rng.IntN(4) == 0 {
		vnfd = containersID
	}
	a, ok := c.change(c.finish, http.MethodPost, instances, map[string]any{
		"vnfdId": vnfd, "vnfInstanceName": fmt.Sprintf("%s-%d", c.name, c.made),
	})
	if ok && a.ok() {
		c.vnfs = append(c.vnfs, tail(a.location))
	}
}

// idle works with a VNF that is not instantiated.
func (c *client) idle(in *sol.VnfInstance) {
	id := in.Id
	switch n := c.rng.IntN(10); {
	case n < 7 && ofContainers(in):
		c.change(c.finish, http.MethodPost, instances+"/"+id+"/instantiate", c.contained("flavourId", c.rng.IntN(2) == 0))
	case n < 7:
		c.change(c.finish, http.MethodPost, instances+"/"+id+"/instantiate", choices[c.rng.IntN(len(choices))])
	case n < 8:
		c.cleanup(id)
	default:
		c.remove(id)
	}
}

// work works with a VNF that is instantiated.
func (c *client) work(in *sol.VnfInstance) {
	var task string
	body := map[string]any{}
	switch n := c.rng.IntN(25); {
	case n >= 23:
		c.aboutSnapshots(in)
		return
	case n == 22:
		c.sync(in.Id)
		return
	case n >= 20:
		task, body = "change_vnfpkg", c.upgrade(in)
	case n < 6, len(in.InstantiatedVnfInfo.VnfcInfo) == 0: // a termination that was given up leaves none
		c.terminate(in.Id)
		return
	case n < 11:
		task, body = "scale", c.scaling(in)
	case n < 13:
		task, body = "scale_to_level", c.level(in)
	case n < 15:
		task, body = "operate", c.power()
	case n < 16 && !ofContainers(in):
		task, body = "change_ext_conn", c.connection(in)
	case n < 17:
		task, body = "change_flavour", c.flavour(in)
	case n < 19:
		task = "heal"
		if c.rng.IntN(3) > 0 {
			body["vnfcInstanceId"] = c.some(in)
		}
	default:
		c.change(c.finish, http.MethodPatch, instances+"/"+in.Id, map[string]any{"metadata": map[string]any{"note": c.rng.IntN(100)}})
		return
	}
	c.change(c.finish, http.MethodPost, instances+"/"+in.Id+"/"+task, body)
}

// scaling asks for a step of an aspect, out or in, as there is room for it.
func (c *client) scaling(in *sol.VnfInstance) map[string]any {
	status := in.InstantiatedVnfInfo.ScaleStatus
	at := status[c.rng.IntN(len(status))]
	kind := "SCALE_OUT"
	most := slices.IndexFunc(in.InstantiatedVnfInfo.MaxScaleLevels, func(m sol.ScaleInfo) bool { return m.AspectId == at.AspectId })
	if at.ScaleLevel > 0 && (c.rng.IntN(2) == 0 || at.ScaleLevel == in.InstantiatedVnfInfo.MaxScaleLevels[most].ScaleLevel) {
		kind = "SCALE_IN"
	}
	return map[string]any{"type": kind, "aspectId": at.AspectId}
}

// level asks for a level of the flavour.
func (c *client) level(in *sol.VnfInstance) map[string]any {
	if ofContainers(in) {
		return map[string]any{"scaleInfo": []any{map[string]any{"aspectId": shapes.Fronts, "scaleLevel": c.rng.IntN(3)}}}
	}
	levels := []string{"one_pair", "two_pairs"}
	if in.InstantiatedVnfInfo.FlavourId == "standard" {
		levels = []string{"basic", "busy"}
	}
	return map[string]any{"instantiationLevelId": levels[c.rng.IntN(len(levels))]}
}

// connection asks for a connection point to be connected to a network of the site, with an address that its VIM chooses.
func (c *client) connection(in *sol.VnfInstance) map[string]any {
	all := in.InstantiatedVnfInfo.ExtCpInfo
	if len(all) == 0 {
		return map[string]any{"extVirtualLinks": []any{}} // refused
	}
	e := all[c.rng.IntN(len(all))]
	network := fmt.Sprintf("outside-%d", c.rng.IntN(3))
	config := map[string]any{"cpProtocolData": []any{map[string]any{
		"layerProtocol": "IP_OVER_ETHERNET", "ipOverEthernet": map[string]any{"ipAddresses": []any{map[string]any{"type": "IPV4", "numDynamicAddresses": 1}}},
	}}}
	return map[string]any{"extVirtualLinks": []any{map[string]any{
		"id": "link-" + network, "resourceId": network, "extCps": []any{map[string]any{"cpdId": e.CpdId, "cpConfig": map[string]any{e.CpConfigId: config}}},
	}}}
}

// flavour asks for the other flavour.
func (c *client) flavour(in *sol.VnfInstance) map[string]any {
	if ofContainers(in) {
		return c.contained("newFlavourId", in.InstantiatedVnfInfo.FlavourId == shapes.Large)
	}
	if in.InstantiatedVnfInfo.FlavourId == "standard" {
		return map[string]any{"newFlavourId": "redundant"}
	}
	return map[string]any{"newFlavourId": "standard"}
}

// power asks for the whole VNF to be started or stopped.
func (c *client) power() map[string]any {
	switch c.rng.IntN(3) {
	case 0:
		return map[string]any{"changeStateTo": "STOPPED", "stopType": "FORCEFUL"}
	case 1:
		return map[string]any{"changeStateTo": "STOPPED", "stopType": "GRACEFUL", "gracefulStopTimeout": c.rng.IntN(2)}
	}
	return map[string]any{"changeStateTo": "STARTED"}
}

// some names one VNFC.
func (c *client) some(in *sol.VnfInstance) []string {
	all := in.InstantiatedVnfInfo.VnfcInfo
	return []string{all[c.rng.IntN(len(all))].Id}
}

// remove asks for a VNF to be deleted. What is left of it may forbid that.
func (c *client) remove(id string) {
	c.book.deleting(id, 1)
	if a, ok := c.change(c.finish, http.MethodDelete, instances+"/"+id, nil); ok && !a.ok() {
		c.book.deleting(id, -1)
	}
}

func (c *client) cleanup(id string) {
	c.change(c.finish, http.MethodPost, own+"/vnf_instances/"+id+"/cleanup", nil)
}

func (c *client) terminate(id string) {
	body := map[string]any{"terminationType": "FORCEFUL"}
	if c.rng.IntN(2) == 0 {
		body = map[string]any{"terminationType": "GRACEFUL", "gracefulTerminationTimeout": c.rng.IntN(2)}
	}
	c.change(c.finish, http.MethodPost, instances+"/"+id+"/terminate", body)
}

// tend looks after an operation that is under way: where its links allow it, it decides about a failure, or cancels.
func (c *client) tend(op string) {
	if op == "" {
		return // of another client, that does not know of it yet
	}
	var o sol.VnfLcmOpOcc
	switch c.get(c.finish, opOccs+"/"+op, &o) {
	case http.StatusOK:
	case http.StatusNotFound:
		c.book.violation("I7: operation %s was accepted, and now it is not there", op)
		return
	default:
		return
	}
	var tasks []string
	for i, link := range []*sol.Link{o.Links.Retry, o.Links.Rollback, o.Links.Fail} {
		if link != nil {
			tasks = append(tasks, []string{"retry", "rollback", "fail"}[i])
		}
	}
	switch {
	case len(tasks) > 0:
		task := tasks[c.rng.IntN(len(tasks))]
		a, ok := c.change(c.finish, http.MethodPost, opOccs+"/"+op+"/"+task, nil)
		if ok && a.ok() && task == "fail" {
			c.cleanup(o.VnfInstanceId)
		}
	case o.Links.Cancel != nil && c.rng.IntN(40) == 0:
		mode := []string{"GRACEFUL", "FORCEFUL"}[c.rng.IntN(2)]
		c.change(c.finish, http.MethodPost, opOccs+"/"+op+"/cancel", map[string]any{"cancelMode": mode})
	}
}
