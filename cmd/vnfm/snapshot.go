package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/vnfm/vnfm/client"
	"github.com/vnfm/vnfm/cmd/vnfm/screen"
	"github.com/vnfm/vnfm/sol"
)

type snapshotCmd struct {
	List   snapshotList   `cmd:"" help:"List snapshots of VNFs."`
	Show   snapshotShow   `cmd:"" help:"Show a snapshot with what it has of each VNFC."`
	Delete snapshotDelete `cmd:"" help:"Delete a snapshot, and release what stands at VIMs for it."`
}

type vnfSnapshot struct {
	Vnf   string   `arg:"" help:"Id or name." predictor:"vnf"`
	Vnfc  string   `help:"Take it of this VNFC alone: its id as vnf show has it, that of its machine, or the beginning of one; or a VDU that has one VNFC." placeholder:"ID"`
	Into  string   `help:"Snapshot resource to take it into, an empty one; default: a new one." placeholder:"ID" predictor:"snapshot"`
	Data  []string `sep:"none" help:"User-defined data of the snapshot, repeatable; the value is JSON or a string." placeholder:"KEY=VALUE"`
	Param []string `sep:"none" help:"Additional parameter, repeatable; the value is JSON or a string." placeholder:"KEY=VALUE" secret:""`
	fileRequest
	begin
}

// Help is examples.
func (*vnfSnapshot) Help() string {
	return `Examples:
  vnfm vnf snapshot fw1 --data why="before the upgrade"`
}

func (c *vnfSnapshot) Run(s *session) error {
	var request sol.CreateVnfSnapshotRequest
	if _, err := c.into(s, &request); err != nil {
		return err
	}
	c.Into = cmp.Or(c.Into, request.VnfSnapshotInfoId)
	data, err := pairs("data", c.Data)
	if err != nil {
		return err
	}
	if data != nil {
		request.UserDefinedData = data
	}
	if err := given(&request.AdditionalParams, c.Param); err != nil {
		return err
	}
	id, err := s.vnfID(c.Vnf)
	if err != nil {
		return err
	}
	if c.Vnfc != "" {
		if request.VnfcInstanceId, err = s.vnfcID(id, c.Vnfc); err != nil {
			return err
		}
	}
	if c.Into == "" {
		info, err := s.CreateSnapshotInfo(s.ctx, sol.CreateVnfSnapshotInfoRequest{})
		if err != nil {
			return err //nolint:wrapcheck // of the client
		}
		request.VnfSnapshotInfoId = info.Id
		_, _ = fmt.Fprintln(s.Err, "snapshot", info.Id)
	} else if request.VnfSnapshotInfoId, err = s.snapshotID(c.Into); err != nil {
		return err
	}
	err = start(s, c.begin, id, sol.PlanCreateSnapshot, request, s.CreateSnapshot)
	if c.Into == "" && (c.DryRun || err != nil) {
		s.discardEmpty(request.VnfSnapshotInfoId)
	}
	return err
}

// discardEmpty deletes a snapshot resource that this command made and nothing was taken into. One that an operation is about, or was, stays: the
// server says so.
func (s *session) discardEmpty(id string) {
	if info, err := s.Snapshot(s.ctx, id); err == nil && info.VnfSnapshot == nil {
		_ = s.DeleteSnapshot(s.ctx, id) // it may be retried into
	}
}

type vnfRevert struct {
	Vnf      string   `arg:"" help:"Id or name." predictor:"vnf"`
	Snapshot string   `arg:"" optional:"" help:"Id of the snapshot, or its beginning; needed without --file." predictor:"snapshot"`
	Vnfc     string   `help:"Revert this VNFC alone; as --vnfc of vnf snapshot." placeholder:"ID"`
	Param    []string `sep:"none" help:"Additional parameter, repeatable; the value is JSON or a string." placeholder:"KEY=VALUE" secret:""`
	sure
	fileRequest
	begin
}

// Help is examples.
func (*vnfRevert) Help() string {
	return `Examples:
  vnfm vnf revert fw1 5ff7c0de --dry-run`
}

func (c *vnfRevert) Run(s *session) error {
	var request sol.RevertToVnfSnapshotRequest
	if _, err := c.into(s, &request); err != nil {
		return err
	}
	if err := given(&request.AdditionalParams, c.Param); err != nil {
		return err
	}
	word := cmp.Or(c.Snapshot, request.VnfSnapshotInfoId)
	if word == "" {
		return usagef("name the <snapshot>; vnfm snapshot list shows those there are")
	}
	id, err := s.vnfID(c.Vnf)
	if err != nil {
		return err
	}
	if request.VnfSnapshotInfoId, err = s.snapshotID(word); err != nil {
		return err
	}
	if c.Vnfc != "" {
		if request.VnfcInstanceId, err = s.vnfcID(id, c.Vnfc); err != nil {
			return err
		}
	}
	if !c.DryRun {
		if err := s.confirm(c.sure, "Revert VNF "+c.Vnf+" to what it was at the snapshot?"); err != nil {
			return err
		}
	}
	return start(s, c.begin, id, sol.PlanRevertToSnapshot, request, s.RevertToSnapshot)
}

// snapshotID finds the snapshot that a word means.
func (s *session) snapshotID(word string) (string, error) {
	all, err := s.Snapshots(s.ctx, client.Query{Fields: "id"})
	if err != nil {
		return "", err //nolint:wrapcheck // of the client
	}
	names := make([]named, len(all))
	for i := range all {
		names[i] = named{id: all[i].Id}
	}
	return pick("snapshot", word, names)
}

type snapshotList struct {
	narrowed
	listing
}

var snapshotColumns = []screen.Column[sol.VnfSnapshotInfo]{
	{Head: "ID", Of: func(v *sol.VnfSnapshotInfo) any { return v.Id }},
	{Head: "STATE", Of: func(v *sol.VnfSnapshotInfo) any { return screen.State(snapshotState(v)) }},
	{Head: "VNF", Of: func(v *sol.VnfSnapshotInfo) any { return snapshotOf(v).VnfInstanceId }},
	{Head: "TAKEN", Of: func(v *sol.VnfSnapshotInfo) any { return snapshotOf(v).CreationFinishedAt }, Drop: 1},
	{Head: "VNFCS", Of: func(v *sol.VnfSnapshotInfo) any { return len(snapshotOf(v).VnfcSnapshots) }, Drop: 2},
	{Head: "PACKAGE", Of: func(v *sol.VnfSnapshotInfo) any { return v.VnfSnapshotPkgId }, Drop: 3},
}

func (c *snapshotList) Run(s *session) error {
	return list(s, &c.listing, snapshotColumns, func() ([]sol.VnfSnapshotInfo, error) {
		return s.Snapshots(s.ctx, c.query(s, &c.listing, ""))
	})
}

// snapshotState says whether a snapshot was taken into a resource.
func snapshotState(x *sol.VnfSnapshotInfo) string {
	if x.VnfSnapshot == nil {
		return "empty"
	}
	return "taken"
}

// snapshotOf is the snapshot of a resource; an empty one, of an empty resource.
func snapshotOf(x *sol.VnfSnapshotInfo) *sol.VnfSnapshot {
	if x.VnfSnapshot == nil {
		return &sol.VnfSnapshot{}
	}
	return x.VnfSnapshot
}

type snapshotShow struct {
	Snapshot string `arg:"" help:"Id of the snapshot, or its beginning." predictor:"snapshot"`
}

func (c *snapshotShow) Run(s *session) error {
	id, err := s.snapshotID(c.Snapshot)
	if err != nil {
		return err
	}
	x, err := s.Snapshot(s.ctx, id)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(x, func(w io.Writer) { printSnapshot(w, x) })
}

func printSnapshot(w io.Writer, x *sol.VnfSnapshotInfo) {
	t := x.VnfSnapshot
	if t == nil {
		screen.Of(w).Fields("id", x.Id, "package", x.VnfSnapshotPkgId, "state", "empty")
		return
	}
	var data []string
	for _, key := range slices.Sorted(maps.Keys(t.UserDefinedData)) {
		data = append(data, key+"="+screen.Compact(t.UserDefinedData[key]))
	}
	screen.Of(w).Fields("id", x.Id, "package", x.VnfSnapshotPkgId, "VNF", t.VnfInstanceId, "vnfdId", t.VnfdId, "begun", screen.Of(w).Stamp(t.CreationStartedAt),
		"taken", screen.Of(w).Stamp(t.CreationFinishedAt), "data", strings.Join(data, ", "))
	vdus := map[string]string{}
	if t.VnfInstance != nil && t.VnfInstance.InstantiatedVnfInfo != nil {
		for _, c := range t.VnfInstance.InstantiatedVnfInfo.VnfcResourceInfo {
			vdus[c.Id] = c.VduId
		}
	}
	var rows [][]string
	for _, c := range t.VnfcSnapshots {
		if r := c.ComputeSnapshotResource; r != nil {
			rows = append(rows, []string{vdus[c.VnfcInstanceId], c.VnfcInstanceId, "machine", r.ResourceId, r.VimConnectionId})
		}
		for _, st := range c.StorageSnapshotResources {
			if r := st.StorageSnapshotResource; r != nil {
				rows = append(rows, []string{vdus[c.VnfcInstanceId], c.VnfcInstanceId, "storage", r.ResourceId, r.VimConnectionId})
			}
		}
	}
	if len(rows) > 0 {
		screen.Of(w).Heading("Snapshots at VIMs")
		screen.Of(w).Table([]string{"VDU", "VNFC", "OF", "RESOURCE", "VIM"}, rows)
	}
}

type snapshotDelete struct {
	Snapshot []string `arg:"" help:"Ids of snapshots, or their beginnings." predictor:"snapshot"`
	sure
}

func (c *snapshotDelete) Run(s *session) error {
	if err := s.confirmAll(c.sure, false, "Delete", "snapshot", c.Snapshot); err != nil {
		return err
	}
	return each(s, c.Snapshot, itself, func(word string) error {
		id, err := s.snapshotID(word)
		if err != nil {
			return err
		}
		return s.deleted(id, s.DeleteSnapshot(s.ctx, id))
	})
}
