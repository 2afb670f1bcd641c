package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/vnfm/vnfm/sol"
)

type snapshotCmd struct {
	List   snapshotList   `cmd:"" help:"List snapshots of VNFs."`
	Show   snapshotShow   `cmd:"" help:"Show a snapshot with what it has of each VNFC."`
	Delete snapshotDelete `cmd:"" help:"Delete a snapshot, and release what stands at VIMs for it."`
}

type vnfSnapshot struct {
	Vnf   string   `arg:"" help:"Id or name."`
	Vnfc  string   `help:"Id of the VNFC that alone it is taken of." placeholder:"ID"`
	Into  string   `help:"Snapshot resource to take it into, an empty one; default: a new one." placeholder:"ID"`
	Data  []string `sep:"none" help:"User-defined data of the snapshot, repeatable; the value is JSON or a string." placeholder:"KEY=VALUE"`
	Param []string `sep:"none" help:"Additional parameter, repeatable; the value is JSON or a string." placeholder:"KEY=VALUE" secret:""`
	begin
}

func (c *vnfSnapshot) Run(s *session) error {
	request := sol.CreateVnfSnapshotRequest{VnfSnapshotInfoId: c.Into, VnfcInstanceId: c.Vnfc}
	var err error
	if request.UserDefinedData, err = pairs("data", c.Data); err != nil {
		return err
	}
	if request.AdditionalParams, err = pairs("param", c.Param); err != nil {
		return err
	}
	id, err := s.vnfID(c.Vnf)
	if err != nil {
		return err
	}
	if c.Into == "" {
		info, err := s.CreateSnapshotInfo(s.ctx, sol.CreateVnfSnapshotInfoRequest{})
		if err != nil {
			return err //nolint:wrapcheck // of the client
		}
		request.VnfSnapshotInfoId = info.Id
		_, _ = fmt.Fprintln(s.err, "snapshot", info.Id)
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
	Vnf      string   `arg:"" help:"Id or name."`
	Snapshot string   `arg:"" help:"Id of the snapshot, or its beginning."`
	Vnfc     string   `help:"Id of the VNFC that alone is reverted." placeholder:"ID"`
	Param    []string `sep:"none" help:"Additional parameter, repeatable; the value is JSON or a string." placeholder:"KEY=VALUE" secret:""`
	begin
}

func (c *vnfRevert) Run(s *session) error {
	params, err := pairs("param", c.Param)
	if err != nil {
		return err
	}
	id, err := s.vnfID(c.Vnf)
	if err != nil {
		return err
	}
	snapshot, err := s.snapshotID(c.Snapshot)
	if err != nil {
		return err
	}
	request := sol.RevertToVnfSnapshotRequest{VnfSnapshotInfoId: snapshot, VnfcInstanceId: c.Vnfc, AdditionalParams: params}
	return start(s, c.begin, id, sol.PlanRevertToSnapshot, request, s.RevertToSnapshot)
}

// snapshotID finds the snapshot that a word means.
func (s *session) snapshotID(word string) (string, error) {
	all, err := s.Snapshots(s.ctx)
	if err != nil {
		return "", err //nolint:wrapcheck // of the client
	}
	names := make([]named, len(all))
	for i := range all {
		names[i] = named{id: all[i].Id}
	}
	return pick("snapshot", word, names)
}

type snapshotList struct{ narrowed }

func (c *snapshotList) Run(s *session) error {
	all, err := s.Snapshots(s.ctx, c.query())
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(all, func(w io.Writer) {
		var rows [][]string
		for _, x := range all {
			row := []string{x.Id, "empty", "", "", "", x.VnfSnapshotPkgId}
			if t := x.VnfSnapshot; t != nil {
				row = []string{x.Id, "taken", t.VnfInstanceId, stamp(t.CreationFinishedAt), strconv.Itoa(len(t.VnfcSnapshots)), x.VnfSnapshotPkgId}
			}
			rows = append(rows, row)
		}
		table(w, []string{"ID", "STATE", "VNF", "TAKEN", "VNFCS", "PACKAGE"}, rows)
	})
}

type snapshotShow struct {
	Snapshot string `arg:"" help:"Id of the snapshot, or its beginning."`
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
		fields(w, "id", x.Id, "package", x.VnfSnapshotPkgId, "state", "empty")
		return
	}
	var data []string
	for _, key := range slices.Sorted(maps.Keys(t.UserDefinedData)) {
		data = append(data, key+"="+compact(t.UserDefinedData[key]))
	}
	fields(w, "id", x.Id, "package", x.VnfSnapshotPkgId, "VNF", t.VnfInstanceId, "vnfdId", t.VnfdId, "begun", stamp(t.CreationStartedAt),
		"taken", stamp(t.CreationFinishedAt), "data", strings.Join(data, ", "))
	vdus := map[string]string{}
	if t.VnfInstance != nil && t.VnfInstance.InstantiatedVnfInfo != nil {
		for _, c := range t.VnfInstance.InstantiatedVnfInfo.VnfcResourceInfo {
			vdus[c.Id] = c.VduId
		}
	}
	var rows [][]string
	for _, c := range t.VnfcSnapshots {
		if r := c.ComputeSnapshotResource; r != nil {
			rows = append(rows, []string{vdus[c.VnfcInstanceId], first(c.VnfcInstanceId), "machine", r.ResourceId, r.VimConnectionId})
		}
		for _, st := range c.StorageSnapshotResources {
			if r := st.StorageSnapshotResource; r != nil {
				rows = append(rows, []string{vdus[c.VnfcInstanceId], first(c.VnfcInstanceId), "storage", r.ResourceId, r.VimConnectionId})
			}
		}
	}
	if len(rows) > 0 {
		heading(w, "Snapshots at VIMs")
		table(w, []string{"VDU", "VNFC", "OF", "RESOURCE", "VIM"}, rows)
	}
}

type snapshotDelete struct {
	Snapshot string `arg:"" help:"Id of the snapshot, or its beginning."`
}

func (c *snapshotDelete) Run(s *session) error {
	id, err := s.snapshotID(c.Snapshot)
	if err != nil {
		return err
	}
	return s.deleted(id, s.DeleteSnapshot(s.ctx, id))
}
