package main

import (
	"context"
	"net/http"
	"time"

	"github.com/vnfm/vnfm/samples"
	"github.com/vnfm/vnfm/samples/shapes"
	"github.com/vnfm/vnfm/sol"
)

const (
	snapshots = "/vnflcm/v2/vnf_snapshots"
	packages  = "/vnfpkgm/v2/vnf_packages"
)

// nextID is the VNFD of the other package, that VNFs become one of, and back.
const nextID = "6d2e5b4f-8c2f-4d66-8b63-1f7e8f2b3c41"

// next is the other package: its managers have more memory.
func next() []byte {
	return samples.Changed(nextID, "virtual_mem_size: 1 GiB", "virtual_mem_size: 2 GiB")
}

// onboard puts the other packages beside the sample.
func onboard(ctx context.Context, c *caller) error {
	counts := map[string]int{"front": 1, "back": 1, "cache": 2}
	for _, csar := range [][]byte{next(), shapes.Containers(containersID, 1, counts), shapes.Containers(nextContainersID, 2, counts)} {
		if err := onboardOne(ctx, c, csar); err != nil {
			return err
		}
	}
	return nil
}

func onboardOne(ctx context.Context, c *caller, csar []byte) error {
	a, ok := c.change(ctx, http.MethodPost, packages, map[string]any{})
	if !ok || !a.ok() {
		c.book.violation("the other package is not made: %s", a)
		return ctx.Err()
	}
	content := request{method: http.MethodPut, path: packages + "/" + tail(a.location) + "/package_content", body: csar, media: "application/zip"}
	return poll(ctx, 50*time.Millisecond, "the other package", func() (bool, error) {
		var info sol.VnfPkgInfo
		if c.get(ctx, packages+"/"+tail(a.location), &info); info.OnboardingState == "CREATED" {
			c.send(ctx, content, 5*time.Second)
		}
		return info.OnboardingState == "ONBOARDED", nil
	})
}

// upgrade asks for the package that the VNF is not of, in the one way or the other.
func (c *client) upgrade(in *sol.VnfInstance) map[string]any {
	to := map[string]string{samples.VnfdID: nextID, nextID: samples.VnfdID, containersID: nextContainersID, nextContainersID: containersID}[in.VnfdId]
	body := map[string]any{"vnfdId": to}
	if c.rng.IntN(2) == 0 {
		body["additionalParams"] = map[string]any{"batchSize": 1}
	}
	return body
}

// aboutSnapshots takes a snapshot of a VNF, or of one of its VNFCs, reverts it to one that was taken, or deletes one.
func (c *client) aboutSnapshots(in *sol.VnfInstance) {
	mine := c.book.snapshotsOf(in.Id)
	switch n := c.rng.IntN(4); {
	case len(mine) == 0 || n == 0 && len(mine) < 3:
		a, ok := c.change(c.finish, http.MethodPost, snapshots, map[string]any{})
		if !ok || !a.ok() {
			return
		}
		id := tail(a.location)
		c.book.takes(id, in.Id)
		body := map[string]any{"vnfSnapshotInfoId": id}
		if c.rng.IntN(3) == 0 && len(in.InstantiatedVnfInfo.VnfcInfo) > 0 { // a termination that was given up leaves none
			body["vnfcInstanceId"] = c.some(in)[0]
		}
		c.change(c.finish, http.MethodPost, instances+"/"+in.Id+"/create_snapshot", body)
	case n < 3:
		body := map[string]any{"vnfSnapshotInfoId": mine[c.rng.IntN(len(mine))]}
		if c.rng.IntN(3) == 0 && len(in.InstantiatedVnfInfo.VnfcInfo) > 0 { // a termination that was given up leaves none
			body["vnfcInstanceId"] = c.some(in)[0]
		}
		c.change(c.finish, http.MethodPost, instances+"/"+in.Id+"/revert_to_snapshot", body)
	default:
		c.change(c.finish, http.MethodDelete, snapshots+"/"+mine[c.rng.IntN(len(mine))], nil)
	}
}

// sync asks for a repair of what differs at the VIMs, if anything does.
func (c *client) sync(id string) {
	c.change(c.finish, http.MethodPost, own+"/vnf_instances/"+id+"/sync", map[string]any{"repair": true})
}

// takes notes that a snapshot of a VNF is to be taken into a resource.
func (b *book) takes(id, vnf string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.snapshots[id] = vnf
	b.taken = append(b.taken, id)
}

// snapshotsOf lists the snapshot resources for a VNF, in order of creation; of "" all.
func (b *book) snapshotsOf(vnf string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for _, id := range b.taken {
		if of, there := b.snapshots[id]; there && (vnf == "" || of == vnf) {
			out = append(out, id)
		}
	}
	return out
}

// discardAll deletes every snapshot: with nothing under way each must go.
func (j *judge) discardAll(ctx context.Context) error {
	for _, id := range j.book.snapshotsOf("") {
		if a, ok := j.caller.change(ctx, http.MethodDelete, snapshots+"/"+id, nil); !ok || a.status != http.StatusNoContent {
			j.book.violation("the VNF snapshot %s is not deleted with nothing under way: %s", id, a)
		}
		if _, err := j.quiet(ctx); err != nil { // a VNF's next one waits for the end of the release
			return err
		}
	}
	return nil
}
