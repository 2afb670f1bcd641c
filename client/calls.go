package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"time"

	"github.com/vnfm/vnfm/sol"
)

const (
	vnfs      = "/vnflcm/v2/vnf_instances"
	ops       = "/vnflcm/v2/vnf_lcm_op_occs"
	packages  = "/vnfpkgm/v2/vnf_packages"
	snapshots = "/vnflcm/v2/vnf_snapshots"
	own       = "/vnfm/v1"
)

func at(root, id string, rest ...string) string {
	p := root + "/" + url.PathEscape(id)
	for _, r := range rest {
		p += "/" + r
	}
	return p
}

// CreatePackage makes a VNF package without content.
func (c *Client) CreatePackage(ctx context.Context, userDefinedData sol.KeyValuePairs) (*sol.VnfPkgInfo, error) {
	v := &sol.VnfPkgInfo{}
	_, err := c.do(ctx, jsonCall(http.MethodPost, packages, sol.CreateVnfPkgInfoRequest{UserDefinedData: userDefinedData}), v)
	return v, err
}

// UploadPackage sends the content of a package, a CSAR. open returns it from its beginning, with its size in bytes; it
// is called again when the upload has to be repeated.
func (c *Client) UploadPackage(ctx context.Context, id string, open func() (io.ReadCloser, int64, error)) error {
	_, err := c.do(ctx, call{method: http.MethodPut, path: at(packages, id, "package_content"), media: "application/zip", body: open}, nil)
	return err
}

// WaitPackage polls a package until it is ONBOARDED or in ERROR.
func (c *Client) WaitPackage(ctx context.Context, id string, poll time.Duration) (*sol.VnfPkgInfo, error) {
	for {
		p, err := c.Package(ctx, id)
		if err != nil || p.OnboardingState == "ONBOARDED" || p.OnboardingState == "ERROR" {
			return p, err
		}
		if err := c.Wait(ctx, poll); err != nil {
			return p, err
		}
	}
}

// Packages lists all VNF packages.
func (c *Client) Packages(ctx context.Context, q ...Query) ([]sol.VnfPkgInfo, error) {
	return some[sol.VnfPkgInfo](ctx, c, packages+queryOf(q), limitOf(q))
}

// Package returns one.
func (c *Client) Package(ctx context.Context, id string) (*sol.VnfPkgInfo, error) {
	return get[sol.VnfPkgInfo](ctx, c, at(packages, id))
}

// SetPackageState enables or disables a package.
func (c *Client) SetPackageState(ctx context.Context, id string, state sol.OperationalStateType) error {
	_, err := c.do(ctx, patchCall(at(packages, id), sol.VnfPkgInfoModifications{OperationalState: state}), nil)
	return err
}

// DeletePackage deletes a package that is DISABLED and not in use.
func (c *Client) DeletePackage(ctx context.Context, id string) error {
	_, err := c.do(ctx, call{method: http.MethodDelete, path: at(packages, id)}, nil)
	return err
}

// CreateVnf makes a VNF instance.
func (c *Client) CreateVnf(ctx context.Context, r sol.CreateVnfRequest) (*sol.VnfInstance, error) {
	v := &sol.VnfInstance{}
	_, err := c.do(ctx, jsonCall(http.MethodPost, vnfs, r), v)
	return v, err
}

// Vnfs lists all VNF instances, with all attributes.
func (c *Client) Vnfs(ctx context.Context, q ...Query) ([]sol.VnfInstance, error) {
	return some[sol.VnfInstance](ctx, c, vnfs+queryOf(q), limitOf(q))
}

// Vnf returns one.
func (c *Client) Vnf(ctx context.Context, id string) (*sol.VnfInstance, error) {
	return get[sol.VnfInstance](ctx, c, at(vnfs, id))
}

// DeleteVnf deletes a VNF instance that is not instantiated.
func (c *Client) DeleteVnf(ctx context.Context, id string) error {
	_, err := c.do(ctx, call{method: http.MethodDelete, path: at(vnfs, id)}, nil)
	return err
}

// Instantiate begins to instantiate a VNF and returns the id of the operation occurrence.
func (c *Client) Instantiate(ctx context.Context, id string, r sol.InstantiateVnfRequest) (string, error) {
	return c.begin(ctx, jsonCall(http.MethodPost, at(vnfs, id, "instantiate"), r))
}

// Terminate begins to terminate a VNF and returns the id of the operation occurrence.
func (c *Client) Terminate(ctx context.Context, id string, r sol.TerminateVnfRequest) (string, error) {
	return c.begin(ctx, jsonCall(http.MethodPost, at(vnfs, id, "terminate"), r))
}

// Operate begins to start or stop a VNF, or some of its VNFCs, and returns the id of the operation occurrence.
func (c *Client) Operate(ctx context.Context, id string, r sol.OperateVnfRequest) (string, error) {
	return c.begin(ctx, jsonCall(http.MethodPost, at(vnfs, id, "operate"), r))
}

// Scale begins to scale a VNF by steps of an aspect, and returns the id of the operation occurrence.
func (c *Client) Scale(ctx context.Context, id string, r sol.ScaleVnfRequest) (string, error) {
	return c.begin(ctx, jsonCall(http.MethodPost, at(vnfs, id, "scale"), r))
}

// ScaleToLevel begins to scale a VNF to a level, and returns the id of the operation occurrence.
func (c *Client) ScaleToLevel(ctx context.Context, id string, r sol.ScaleVnfToLevelRequest) (string, error) {
	return c.begin(ctx, jsonCall(http.MethodPost, at(vnfs, id, "scale_to_level"), r))
}

// Heal begins to heal a VNF, or some of its VNFCs, and returns the id of the operation occurrence.
func (c *Client) Heal(ctx context.Context, id string, r sol.HealVnfRequest) (string, error) {
	return c.begin(ctx, jsonCall(http.MethodPost, at(vnfs, id, "heal"), r))
}

// Drift compares a VNF with its VIMs.
func (c *Client) Drift(ctx context.Context, id string) (*sol.Drift, error) {
	return get[sol.Drift](ctx, c, at(own+"/vnf_instances", id, "drift"))
}

// Sync compares a VNF with its VIMs and, where the request says so, begins to repair what differs. It returns the id of the operation
// occurrence, or, when none began, what differs.
func (c *Client) Sync(ctx context.Context, id string, r sol.SyncRequest) (opID string, d *sol.Drift, err error) {
	d = &sol.Drift{}
	header, err := c.do(ctx, jsonCall(http.MethodPost, at(own+"/vnf_instances", id, "sync"), r), d)
	if err != nil {
		return "", nil, err
	}
	if location := header.Get("Location"); location != "" {
		return path.Base(location), nil, nil
	}
	return "", d, nil
}

// ChangeExtConn begins to connect a VNF to the outside in another way, and returns the id of the operation occurrence.
func (c *Client) ChangeExtConn(ctx context.Context, id string, r sol.ChangeExtVnfConnectivityRequest) (string, error) {
	return c.begin(ctx, jsonCall(http.MethodPost, at(vnfs, id, "change_ext_conn"), r))
}

// ChangeFlavour begins to give a VNF another flavour, and returns the id of the operation occurrence.
func (c *Client) ChangeFlavour(ctx context.Context, id string, r sol.ChangeVnfFlavourRequest) (string, error) {
	return c.begin(ctx, jsonCall(http.MethodPost, at(vnfs, id, "change_flavour"), r))
}

// ChangeVnfPkg begins to make a VNF one of another package, and returns the id of the operation occurrence.
func (c *Client) ChangeVnfPkg(ctx context.Context, id string, r sol.ChangeCurrentVnfPkgRequest) (string, error) {
	return c.begin(ctx, jsonCall(http.MethodPost, at(vnfs, id, "change_vnfpkg"), r))
}

// Plan says what an operation would do, without beginning it. request is the body that the operation takes.
func (c *Client) Plan(ctx context.Context, id string, operation sol.PlannedOperation, request any) (*sol.Plan, error) {
	raw, err := json.Marshal(request)
	if err != nil {
		return nil, fmt.Errorf("encode the request: %w", err)
	}
	v := &sol.Plan{}
	_, err = c.do(ctx, jsonCall(http.MethodPost, at(own+"/vnf_instances", id, "plan"), sol.PlanRequest{Operation: operation, Request: raw}), v)
	return v, err
}

// ModifyVnf modifies the information about a VNF and returns the id of the operation occurrence.
func (c *Client) ModifyVnf(ctx context.Context, id string, r sol.VnfInfoModificationRequest) (string, error) {
	return c.begin(ctx, patchCall(at(vnfs, id), r))
}

// patchCall is a call with a merge patch (RFC 7396).
func patchCall(path string, patch any) call {
	q := jsonCall(http.MethodPatch, path, patch)
	q.media = "application/merge-patch+json"
	return q
}

func (c *Client) begin(ctx context.Context, q call) (string, error) {
	header, err := c.do(ctx, q, nil)
	if err != nil {
		return "", err
	}
	return path.Base(header.Get("Location")), nil
}

// Events lists every event of a VNF instance and its operations, in order.
func (c *Client) Events(ctx context.Context, id string) ([]sol.VnfEvent, error) {
	return list[sol.VnfEvent](ctx, c, at(own+"/vnf_instances", id, "events"))
}

// Cleanup releases what failed operations of a VNF left behind and returns the id of the saga that does it.
func (c *Client) Cleanup(ctx context.Context, id string) (string, error) {
	v := sol.Cleanup{}
	_, err := c.do(ctx, call{method: http.MethodPost, path: at(own+"/vnf_instances", id, "cleanup")}, &v)
	return v.SagaId, err
}

// Ops lists all operation occurrences, with all attributes.
func (c *Client) Ops(ctx context.Context, q ...Query) ([]sol.VnfLcmOpOcc, error) {
	return some[sol.VnfLcmOpOcc](ctx, c, ops+queryOf(q), limitOf(q))
}

// Op returns one.
func (c *Client) Op(ctx context.Context, id string) (*sol.VnfLcmOpOcc, error) {
	return get[sol.VnfLcmOpOcc](ctx, c, at(ops, id))
}

// Progress says how far an operation got, per resource.
func (c *Client) Progress(ctx context.Context, id string) (*sol.OpProgress, error) {
	return get[sol.OpProgress](ctx, c, at(own+"/vnf_lcm_op_occs", id, "progress"))
}

// Saga returns the saga behind an operation occurrence, by its id.
func (c *Client) Saga(ctx context.Context, id string) (*sol.Saga, error) {
	return get[sol.Saga](ctx, c, at(own+"/sagas", id))
}

// Grant returns what was asked for an operation, and how it was answered.
func (c *Client) Grant(ctx context.Context, id string) (*sol.OpGrant, error) {
	return get[sol.OpGrant](ctx, c, at(own+"/vnf_lcm_op_occs", id, "grant"))
}

// Retry tries a failed operation again from where it stands.
func (c *Client) Retry(ctx context.Context, id string) error { return c.task(ctx, id, "retry", nil) }

// Rollback undoes a failed operation.
func (c *Client) Rollback(ctx context.Context, id string) error {
	return c.task(ctx, id, "rollback", nil)
}

// Fail declares a failed operation failed for good.
func (c *Client) Fail(ctx context.Context, id string) error { return c.task(ctx, id, "fail", nil) }

// Cancel cancels a running operation.
func (c *Client) Cancel(ctx context.Context, id string, mode sol.CancelModeType) error {
	return c.task(ctx, id, "cancel", sol.CancelMode{CancelMode: mode})
}

// Resolve decides about one resource of an operation whose undo failed for good.
func (c *Client) Resolve(ctx context.Context, id string, r sol.ResolveRequest) error {
	_, err := c.do(ctx, jsonCall(http.MethodPost, at(own, "vnf_lcm_op_occs", id, "resolve"), r), nil)
	return err
}

func (c *Client) task(ctx context.Context, id, task string, body any) error {
	_, err := c.do(ctx, jsonCall(http.MethodPost, at(ops, id, task), body), nil)
	return err
}

// Vims lists the registered VIM connections.
func (c *Client) Vims(ctx context.Context) ([]sol.Vim, error) {
	return list[sol.Vim](ctx, c, own+"/vims")
}

// Vim returns one.
func (c *Client) Vim(ctx context.Context, id string) (*sol.Vim, error) {
	return get[sol.Vim](ctx, c, at(own+"/vims", id))
}

// RegisterVim registers a VIM connection: a sol.VimRequest, or the same as JSON.
func (c *Client) RegisterVim(ctx context.Context, r any) (*sol.Vim, error) {
	v := &sol.Vim{}
	_, err := c.do(ctx, jsonCall(http.MethodPost, own+"/vims", r), v)
	return v, err
}

// PatchVim changes a VIM connection by a merge patch: a sol.VimRequest, or JSON where null is to remove something.
func (c *Client) PatchVim(ctx context.Context, id string, patch any) (*sol.Vim, error) {
	v := &sol.Vim{}
	_, err := c.do(ctx, patchCall(at(own+"/vims", id), patch), v)
	return v, err
}

// DeleteVim deletes a VIM connection that nothing uses.
func (c *Client) DeleteVim(ctx context.Context, id string) error {
	_, err := c.do(ctx, call{method: http.MethodDelete, path: at(own+"/vims", id)}, nil)
	return err
}

// CheckVim asks a VIM what it offers.
func (c *Client) CheckVim(ctx context.Context, id string) (*sol.VimCheck, error) {
	v := &sol.VimCheck{}
	_, err := c.do(ctx, call{method: http.MethodPost, path: at(own+"/vims", id, "check")}, v)
	return v, err
}

// CheckManagement asks an endpoint whether it serves its interfaces; vnf is the VNF whose address is called, where the connection names
// an external connection point.
func (c *Client) CheckManagement(ctx context.Context, id, vnf string) (*sol.ManagementCheck, error) {
	v := &sol.ManagementCheck{}
	path := at(own+"/management_connections", id, "check")
	if vnf != "" {
		path += "?vnf=" + url.QueryEscape(vnf)
	}
	_, err := c.do(ctx, call{method: http.MethodPost, path: path}, v)
	return v, err
}

// ManagementConnections lists how VNFs and element managers are reached.
func (c *Client) ManagementConnections(ctx context.Context) ([]sol.ManagementConnection, error) {
	return list[sol.ManagementConnection](ctx, c, own+"/management_connections")
}

// ManagementConnection returns one.
func (c *Client) ManagementConnection(ctx context.Context, id string) (*sol.ManagementConnection, error) {
	return get[sol.ManagementConnection](ctx, c, at(own+"/management_connections", id))
}

// RegisterManagement registers one: a sol.ManagementConnectionRequest, or the same as JSON.
func (c *Client) RegisterManagement(ctx context.Context, r any) (*sol.ManagementConnection, error) {
	v := &sol.ManagementConnection{}
	_, err := c.do(ctx, jsonCall(http.MethodPost, own+"/management_connections", r), v)
	return v, err
}

// PatchManagement changes one by a merge patch.
func (c *Client) PatchManagement(ctx context.Context, id string, patch any) (*sol.ManagementConnection, error) {
	v := &sol.ManagementConnection{}
	_, err := c.do(ctx, patchCall(at(own+"/management_connections", id), patch), v)
	return v, err
}

// DeleteManagement deletes one.
func (c *Client) DeleteManagement(ctx context.Context, id string) error {
	_, err := c.do(ctx, call{method: http.MethodDelete, path: at(own+"/management_connections", id)}, nil)
	return err
}

// SimTamper changes something at a simulated VIM behind the VNFM's back.
func (c *Client) SimTamper(ctx context.Context, r sol.SimTamper) error {
	_, err := c.do(ctx, jsonCall(http.MethodPost, own+"/sim/tamper", r), nil)
	return err
}

// SimInventory lists what the simulated VIMs hold for VNFs.
func (c *Client) SimInventory(ctx context.Context) ([]sol.SimResource, error) {
	return list[sol.SimResource](ctx, c, own+"/sim/inventory")
}

// SimBehaviour returns how the simulated VIMs behave.
func (c *Client) SimBehaviour(ctx context.Context) (json.RawMessage, error) {
	v, err := get[json.RawMessage](ctx, c, own+"/sim/behaviour")
	if err != nil {
		return nil, err
	}
	return *v, nil
}

// SetSimBehaviour replaces how the simulated VIMs behave and returns what is in force.
func (c *Client) SetSimBehaviour(ctx context.Context, behaviour json.RawMessage) (json.RawMessage, error) {
	var v json.RawMessage
	_, err := c.do(ctx, jsonCall(http.MethodPut, own+"/sim/behaviour", behaviour), &v)
	return v, err
}

// Audit looks at the running system for what must never be; with chain all events are walked, too.
func (c *Client) Audit(ctx context.Context, chain bool) (*sol.LiveAudit, error) {
	return get[sol.LiveAudit](ctx, c, own+"/audit?chain="+strconv.FormatBool(chain))
}

// Verify checks the hash chains and the order of all events.
func (c *Client) Verify(ctx context.Context) (*sol.Audit, error) {
	return get[sol.Audit](ctx, c, own+"/audit/verify")
}

// Cluster tells of the nodes and what they share.
func (c *Client) Cluster(ctx context.Context) (*sol.Cluster, error) {
	return get[sol.Cluster](ctx, c, own+"/cluster")
}

// Redrive has a parked message handled again, with those of its VNF behind it, and returns how many were.
func (c *Client) Redrive(ctx context.Context, id string) (int, error) {
	var out sol.Redriven
	_, err := c.do(ctx, jsonCall(http.MethodPost, at(own, "parked_messages", id, "redrive"), nil), &out)
	return out.Handled, err
}

// SkipParked gives a parked message up for a reason, has those of its VNF behind it handled, and returns how many were.
func (c *Client) SkipParked(ctx context.Context, id, reason string) (int, error) {
	var out sol.Redriven
	_, err := c.do(ctx, jsonCall(http.MethodPost, at(own, "parked_messages", id, "skip"), sol.SkipRequest{Reason: reason}), &out)
	return out.Handled, err
}

// ParkedMessage shows a parked message, with what it says.
func (c *Client) ParkedMessage(ctx context.Context, id string) (*sol.ParkedMessage, error) {
	return get[sol.ParkedMessage](ctx, c, at(own, "parked_messages", id))
}

// Leftovers lists what failed operations of a VNF left at VIMs.
func (c *Client) Leftovers(ctx context.Context, id string) ([]sol.Leftover, error) {
	return list[sol.Leftover](ctx, c, at(own, "vnf_instances", id, "leftovers"))
}

// Parked lists the messages set aside because they could not be handled.
func (c *Client) Parked(ctx context.Context) ([]sol.ParkedMessage, error) {
	return list[sol.ParkedMessage](ctx, c, own+"/parked_messages")
}

// OpOrigins lists operations in few words: who began them, and how far they got.
func (c *Client) OpOrigins(ctx context.Context, q ...Query) ([]sol.OpOrigin, error) {
	return some[sol.OpOrigin](ctx, c, own+"/vnf_lcm_op_occs"+ownQuery(q), limitOf(q))
}

// Denials lists what callers were denied in the last days, the oldest first.
func (c *Client) Denials(ctx context.Context) ([]sol.Denial, error) {
	return list[sol.Denial](ctx, c, own+"/audit/denials")
}
