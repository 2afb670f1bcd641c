package vnflcm

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/api/decode"
	"github.com/vnfm/vnfm/api/rest"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/secret"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vnf"
)

// SnapshotRoutes are the VNF snapshot resources (SOL003 v3.7.1 §5.4.23 and §5.4.24). SOL003 v2.6.1 has none.
func (a *API) SnapshotRoutes() map[string]rest.Route {
	const root = rest.LcmRoot + "/vnf_snapshots"
	return map[string]rest.Route{
		root:           rest.With(rest.Post(a.createSnapshotInfo, rest.JSONType), rest.Get(a.listSnapshots, rest.ListQuery...)),
		root + "/{id}": rest.With(rest.Get(a.showSnapshot), rest.Patch(a.modifySnapshot, rest.MergeType, rest.JSONType), rest.Remove(a.deleteSnapshot)),

		root + "/{id}/vnf_state_snapshot": {http.MethodGet: {Do: a.showVnfState, Types: []string{rest.AnyType}}},
	}
}

// showVnfState answers for the file of a VNF's own state (SOL003 v3.7.1 §5.4.25.3.2). Snapshots have the disks of VNFCs; VNFs are not asked for
// files, so that there is none.
func (a *API) showVnfState(c *rest.Call) (*rest.Answer, error) {
	s, err := findSnapshot(c)
	switch {
	case err != nil:
		return nil, err
	case s.taken == nil && len(s.info.Extracted) == 0:
		return nil, vnfm.Errorf(vnfm.Conflict, "no snapshot was taken into the VNF snapshot %s yet", c.ID)
	case s.taken == nil:
		return nil, vnfm.Errorf(vnfm.NotFound, "the VNF snapshot %s is of a snapshot package: the NFVO has the file of its VNF state, if it has one", c.ID)
	}
	return nil, vnfm.Errorf(vnfm.NotFound, "the VNF snapshot %s has no file of VNF state: it has the disks of its VNFCs", c.ID)
}

const snapshotWord = "VNF snapshot"

func snapshotURI(base, id string) string { return base + rest.LcmRoot + "/vnf_snapshots/" + id }

// vnfSnapshots is the collection (default list: SOL003 v3.7.1 §5.4.23.3.2).
var vnfSnapshots = rest.Collection{
	Kind: readmodel.KindSnapshotInfo, Entry: reflect.TypeFor[sol.VnfSnapshotInfo](),
	Defaults: []string{"vnfSnapshot/vnfInstance", "vnfSnapshot/vnfcSnapshots"},
	Paths:    map[string]string{"id": "id", "vnfSnapshotPkgId": "vnfSnapshotPkgId", "vnfSnapshot": "", "_links": ""},
}

// snapshot is a VnfSnapshotInfo with what was taken into it, as readers see it.
type snapshot struct {
	info  vnf.SnapshotInfo
	taken *vnf.Snapshot
}

// revision is what changes whenever a reader sees another snapshot.
func (s *snapshot) revision() int64 {
	if s.taken == nil {
		return s.info.Version
	}
	return s.info.Version + s.taken.Version
}

// takenInto reads what was taken into snapshot resources.
func takenInto(c *rest.Call, infos []vnf.SnapshotInfo) ([]*snapshot, error) {
	var load eventstore.Load
	for _, i := range infos {
		for _, id := range lcm.SnapshotIDs(i.ID) {
			load.Views = append(load.Views, eventstore.ViewRef{Kind: readmodel.KindSnapshot, ID: id})
		}
	}
	l := &eventstore.Loaded{}
	if len(load.Views) > 0 {
		var err error
		if l, err = c.Server.Views.Load(c.Ctx, load); err != nil {
			return nil, fmt.Errorf("read snapshots: %w", err)
		}
	}
	out := make([]*snapshot, len(infos))
	for i := range infos {
		out[i] = &snapshot{info: infos[i]}
		for _, id := range lcm.SnapshotIDs(infos[i].ID) {
			row := l.Views[eventstore.ViewRef{Kind: readmodel.KindSnapshot, ID: id}]
			if row == nil {
				continue // there was no such attempt, or nothing came of it
			}
			out[i].taken = &vnf.Snapshot{}
			if err := json.Unmarshal(row.Doc, out[i].taken); err != nil {
				return nil, fmt.Errorf("read the snapshot %s: %w", row.ID, err)
			}
		}
	}
	return out, nil
}

// findSnapshot reads one; NotFound when there is none.
func findSnapshot(c *rest.Call) (*snapshot, error) {
	var info vnf.SnapshotInfo
	if _, err := c.View(readmodel.KindSnapshotInfo, c.ID, snapshotWord, &info); err != nil {
		return nil, err
	}
	found, err := takenInto(c, []vnf.SnapshotInfo{info})
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

func (a *API) listSnapshots(c *rest.Call) (*rest.Answer, error) {
	return rest.List(c, &vnfSnapshots, func(rows []eventstore.View) ([]*sol.VnfSnapshotInfo, error) {
		infos := make([]vnf.SnapshotInfo, len(rows))
		for i, r := range rows {
			if err := json.Unmarshal(r.Doc, &infos[i]); err != nil {
				return nil, fmt.Errorf("%s: %w", r.ID, err)
			}
		}
		found, err := takenInto(c, infos)
		if err != nil {
			return nil, err
		}
		out := make([]*sol.VnfSnapshotInfo, len(found))
		for i, s := range found {
			out[i] = vnfSnapshotInfo(s, c.Base)
		}
		return out, nil
	})
}

func (a *API) showSnapshot(c *rest.Call) (*rest.Answer, error) {
	s, err := findSnapshot(c)
	if err != nil {
		return nil, err
	}
	return rest.Respond(http.StatusOK).JSON(vnfSnapshotInfo(s, c.Base)).ETag(s.revision()), nil
}

func (a *API) createSnapshotInfo(c *rest.Call) (*rest.Answer, error) {
	var body sol.CreateVnfSnapshotInfoRequest
	if err := decode.Into(c.Body, &body); err != nil {
		return nil, err
	}
	command, err := extractedSnapshot(body.VnfSnapshotPkgId, body.VnfSnapshot)
	if err != nil {
		return nil, err
	}
	return rest.Effect(c, func(by request.Info) (*vnf.SnapshotInfo, error) {
		return a.LCM.CreateSnapshotInfo(c.Ctx, *command, by)
	}, func(s *vnf.SnapshotInfo) *rest.Answer {
		return rest.Respond(http.StatusCreated).JSON(vnfSnapshotInfo(&snapshot{info: *s}, c.Base)).Location(snapshotURI(c.Base, s.ID)).ETag(s.Version)
	})
}

// modifySnapshot notes what an NFVO extracts from a snapshot package (SOL003 v3.7.1 §5.4.24.3.4). Null is the same as absent: neither can be removed.
func (a *API) modifySnapshot(c *rest.Call) (*rest.Answer, error) {
	var body sol.VnfSnapshotInfoModifications
	if err := decode.Into(c.Body, &body); err != nil {
		return nil, err
	}
	command, err := extractedSnapshot(body.VnfSnapshotPkgId, body.VnfSnapshot)
	if err != nil {
		return nil, err
	}
	if command.PackageID == "" && command.Snapshot == nil {
		return nil, decode.Wrong("", "changes nothing: vnfSnapshotPkgId or vnfSnapshot is needed")
	}
	s, err := findSnapshot(c)
	if err != nil {
		return nil, err
	}
	if err := c.IfMatch(s.revision()); err != nil {
		return nil, err
	}
	return rest.Effect(c, func(by request.Info) (*vnf.SnapshotInfo, error) {
		return a.LCM.ModifySnapshotInfo(c.Ctx, c.ID, *command, by)
	}, func(s *vnf.SnapshotInfo) *rest.Answer {
		return rest.Respond(http.StatusOK).JSON(body).ETag(s.Version)
	})
}

func (a *API) deleteSnapshot(c *rest.Call) (*rest.Answer, error) {
	s, err := findSnapshot(c)
	if err != nil {
		return nil, err
	}
	if err := c.IfMatch(s.revision()); err != nil {
		return nil, err
	}
	return rest.Effect(c, func(by request.Info) (any, error) {
		return nil, a.LCM.DeleteSnapshot(c.Ctx, c.ID, by)
	}, func(any) *rest.Answer { return rest.Respond(http.StatusNoContent) })
}

// extractedSnapshot reads what a request says of a snapshot package.
func extractedSnapshot(packageID string, raw json.RawMessage) (*lcm.ExtractedSnapshot, error) {
	out := &lcm.ExtractedSnapshot{PackageID: packageID}
	if len(raw) == 0 || decode.IsNull(raw) {
		return out, nil
	}
	const at = "/vnfSnapshot"
	var needed struct { // of VnfSnapshot
		Id            string `json:"id"`            //nolint:revive // as in package sol
		VnfInstanceId string `json:"vnfInstanceId"` //nolint:revive // as in package sol
		VnfdId        string `json:"vnfdId"`        //nolint:revive // as in package sol
		VnfcSnapshots []struct {
			Id             string `json:"id"`             //nolint:revive // as in package sol
			VnfcInstanceId string `json:"vnfcInstanceId"` //nolint:revive // as in package sol
		} `json:"vnfcSnapshots"`
	}
	if err := decode.Value(raw, reflect.ValueOf(&needed).Elem(), at); err != nil {
		return nil, err
	}
	var s sol.VnfSnapshot
	switch {
	case len(needed.VnfcSnapshots) == 0:
		return nil, decode.Wrong(at+"/vnfcSnapshots", "must have at least one entry")
	case json.Unmarshal(raw, &s) != nil:
		return nil, decode.Wrong(at, "must be a VnfSnapshot")
	}
	out.Snapshot = secret.Masked(raw)
	return out, nil
}

// vnfSnapshotInfo shows a snapshot resource as SOL003 has it.
func vnfSnapshotInfo(s *snapshot, base string) *sol.VnfSnapshotInfo {
	out := &sol.VnfSnapshotInfo{
		Id: s.info.ID, VnfSnapshotPkgId: s.info.PackageID, Links: sol.VnfSnapshotInfoLinks{Self: sol.Link{Href: snapshotURI(base, s.info.ID)}},
	}
	t := s.taken
	if t == nil {
		var extracted sol.VnfSnapshot
		if len(s.info.Extracted) > 0 && json.Unmarshal(s.info.Extracted, &extracted) == nil {
			out.VnfSnapshot = &extracted
		}
		return out
	}
	out.Links.TakenFrom = &sol.Link{Href: VnfURI(base, t.VnfID)}
	out.VnfSnapshot = &sol.VnfSnapshot{
		Id: t.ID, VnfInstanceId: t.VnfID, VnfdId: t.VnfdID, CreationStartedAt: t.Started, CreationFinishedAt: t.Finished, UserDefinedData: t.UserData,
		VnfInstance: VnfInstance(t.Vnf, base), VnfcSnapshots: []sol.VnfcSnapshotInfo{},
	}
	of := func(id string) *sol.ResourceHandle {
		r := t.Resource(id)
		if r == nil {
			return nil
		}
		h := handle(vnf.Handle{Connection: r.Connection, VimID: r.VimID, VimType: r.VimType})
		return &h
	}
	for _, c := range t.Vnfcs {
		x := sol.VnfcSnapshotInfo{
			Id: c.ID, VnfcInstanceId: c.VnfcID, VnfcResourceInfoId: c.VnfcID, CreationStartedAt: t.Started, CreationFinishedAt: t.Finished,
			ComputeSnapshotResource: of(c.Compute),
		}
		for _, st := range c.Storages {
			x.StorageSnapshotResources = append(x.StorageSnapshotResources, sol.StorageSnapshotResource{
				StorageResourceId: st.Storage, StorageSnapshotResource: of(st.Snapshot),
			})
		}
		out.VnfSnapshot.VnfcSnapshots = append(out.VnfSnapshot.VnfcSnapshots, x)
	}
	return out
}

// CreateSnapshotCommand reads a CreateVnfSnapshotRequest. What is wrong with it is Invalid and names the attribute.
func CreateSnapshotCommand(raw []byte) (*lcm.CreateSnapshot, error) {
	var body sol.CreateVnfSnapshotRequest
	if err := decode.Into(raw, &body); err != nil {
		return nil, err
	}
	return &lcm.CreateSnapshot{
		InfoID: body.VnfSnapshotInfoId, VnfcID: body.VnfcInstanceId, UserData: body.UserDefinedData, AdditionalParams: paramsOf(body.AdditionalParams), Params: secret.Masked(raw),
	}, nil
}

// RevertToSnapshotCommand reads a RevertToVnfSnapshotRequest. What is wrong with it is Invalid and names the attribute.
func RevertToSnapshotCommand(raw []byte) (*lcm.RevertToSnapshot, error) {
	var body sol.RevertToVnfSnapshotRequest
	if err := decode.Into(raw, &body); err != nil {
		return nil, err
	}
	return &lcm.RevertToSnapshot{
		InfoID: body.VnfSnapshotInfoId, VnfcID: body.VnfcInstanceId, VnfcSnapshotID: body.VnfcSnapshotInfoId,
		AdditionalParams: paramsOf(body.AdditionalParams), Params: secret.Masked(raw),
	}, nil
}

// createSnapshot begins the CREATE_SNAPSHOT operation (SOL003 v3.7.1 §5.4.21.3.1).
func (a *API) createSnapshot(c *rest.Call) (*rest.Answer, error) {
	command, err := CreateSnapshotCommand(c.Body)
	if err != nil {
		return nil, err
	}
	return rest.Effect(c, func(by request.Info) (*vnf.OpOcc, error) {
		return a.LCM.CreateSnapshot(c.Ctx, c.ID, *command, by)
	}, Started(c))
}

// revertToSnapshot begins the REVERT_TO_SNAPSHOT operation (SOL003 v3.7.1 §5.4.22.3.1).
func (a *API) revertToSnapshot(c *rest.Call) (*rest.Answer, error) {
	command, err := RevertToSnapshotCommand(c.Body)
	if err != nil {
		return nil, err
	}
	return rest.Effect(c, func(by request.Info) (*vnf.OpOcc, error) {
		return a.LCM.RevertToSnapshot(c.Ctx, c.ID, *command, by)
	}, Started(c))
}
