package client

import (
	"context"
	"net/http"

	"github.com/vnfm/vnfm/sol"
)

// CreateSnapshotInfo makes a resource that a snapshot can be taken into.
func (c *Client) CreateSnapshotInfo(ctx context.Context, r sol.CreateVnfSnapshotInfoRequest) (*sol.VnfSnapshotInfo, error) {
	v := &sol.VnfSnapshotInfo{}
	_, err := c.do(ctx, jsonCall(http.MethodPost, snapshots, r), v)
	return v, err
}

// Snapshots lists all snapshot resources, with all attributes.
func (c *Client) Snapshots(ctx context.Context, q ...Query) ([]sol.VnfSnapshotInfo, error) {
	return some[sol.VnfSnapshotInfo](ctx, c, snapshots+queryOf(q), limitOf(q))
}

// Snapshot returns one.
func (c *Client) Snapshot(ctx context.Context, id string) (*sol.VnfSnapshotInfo, error) {
	return get[sol.VnfSnapshotInfo](ctx, c, at(snapshots, id))
}

// ModifySnapshotInfo notes what an NFVO extracts from a snapshot package.
func (c *Client) ModifySnapshotInfo(ctx context.Context, id string, r sol.VnfSnapshotInfoModifications) error {
	_, err := c.do(ctx, patchCall(at(snapshots, id), r), nil)
	return err
}

// DeleteSnapshot deletes a snapshot that no operation uses.
func (c *Client) DeleteSnapshot(ctx context.Context, id string) error {
	_, err := c.do(ctx, call{method: http.MethodDelete, path: at(snapshots, id)}, nil)
	return err
}

// CreateSnapshot begins to take a snapshot of a VNF, and returns the id of the operation occurrence.
func (c *Client) CreateSnapshot(ctx context.Context, id string, r sol.CreateVnfSnapshotRequest) (string, error) {
	return c.begin(ctx, jsonCall(http.MethodPost, at(vnfs, id, "create_snapshot"), r))
}

// RevertToSnapshot begins to make a VNF what it was at a snapshot, and returns the id of the operation occurrence.
func (c *Client) RevertToSnapshot(ctx context.Context, id string, r sol.RevertToVnfSnapshotRequest) (string, error) {
	return c.begin(ctx, jsonCall(http.MethodPost, at(vnfs, id, "revert_to_snapshot"), r))
}
