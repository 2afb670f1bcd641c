package openstack

import (
	"context"
	"net/url"
	"strconv"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// volumes are Cinder's volumes.
type volumes struct{}

type volumeDoc struct {
	ID       string            `json:"id"`
	Name     string            `json:"name"`
	Status   string            `json:"status"`
	Size     int64             `json:"size"` // GiB
	Zone     string            `json:"availability_zone"`
	Type     string            `json:"volume_type"`
	Created  string            `json:"created_at"`
	Metadata map[string]string `json:"metadata"`
	Image    map[string]any    `json:"volume_image_metadata"`
	Source   string            `json:"source_volid"`
}

const gib = 1 << 30

// errorDeleting is the status of a volume that the storage could not delete.
const errorDeleting = "error_deleting"

// kindSnapshot is the value of keyKind at a volume that is a snapshot of another.
const kindSnapshot = "snapshot"

func (v volumeDoc) item() (item, bool) {
	x, ok := marksIn(v.Metadata)
	if !ok {
		return item{}, false
	}
	it := item{doc: v, created: v.Created, going: v.Status == "deleting", Resource: vim.Resource{
		Token: x.token, Kind: vim.Volume, ID: v.ID, Owner: x.owner, Name: v.Name, Revision: x.revision, Zone: v.Zone, Type: "OS::Cinder::Volume",
	}}
	if v.Metadata[keyKind] == kindSnapshot {
		it.Kind = vim.Snapshot
	}
	switch v.Status {
	case "available", "in-use", "reserved", "attaching", "detaching", "maintenance", "backing-up":
		it.Ready = true
	case "error", "error_restoring", "error_extending", "error_managing":
		it.Failed = &vim.Error{Op: "poll", Resource: v.ID, Class: message.Permanent, Hint: "the volume is in the status " + v.Status +
			": Cinder's scheduler found no place for it, or the storage refused it"}
	case errorDeleting:
		it.Failed = &vim.Error{Op: "poll", Resource: v.ID, Class: message.Permanent, Hint: "the storage could not delete the volume"}
	}
	return it, true
}

// volumesOf looks for volumes by metadata; those that are snapshots, or those that are not.
func (c call) volumesOf(ctx context.Context, key, value string, snapshots bool) ([]item, error) {
	var page struct{ Volumes []volumeDoc }
	if err := c.get(ctx, storage, "volumes/detail", url.Values{"metadata": {"{'" + key + "':'" + value + "'}"}}, &page); err != nil {
		return nil, err
	}
	var out []item
	for _, it := range itemsOf(page.Volumes) {
		if (it.Kind == vim.Snapshot) == snapshots {
			out = append(out, it)
		}
	}
	return out, nil
}

func (volumes) find(ctx context.Context, c call, t vim.Token) ([]item, error) {
	return c.volumesOf(ctx, keyToken, t.String(), false)
}

func (c call) volume(ctx context.Context, id string) (*item, error) {
	var out struct{ Volume volumeDoc }
	return itemOf(&out.Volume, c.get(ctx, storage, "volumes/"+escaped(id), nil, &out))
}

func (volumes) get(ctx context.Context, c call, id string) (*item, error) {
	it, err := c.volume(ctx, id)
	if it != nil && it.Kind != vim.Volume {
		return nil, err
	}
	return it, err
}

// sized notes what was asked for where that is no whole number of GiB.
func sized(m map[string]string, spec *vim.VolumeSpec) map[string]string {
	if spec.SizeBytes%gib != 0 {
		m[keyBytes] = strconv.FormatInt(spec.SizeBytes, 10)
	}
	return m
}

// bytes is the size of a volume: what was asked for, when that is what it has.
func (v volumeDoc) bytes() int64 {
	if n, err := strconv.ParseInt(v.Metadata[keyBytes], 10, 64); err == nil && gibs(n) == v.Size {
		return n
	}
	return v.Size * gib
}

// gibs is a size in Cinder's unit: whole GiB, no less than asked for.
func gibs(n int64) int64 { return (n + gib - 1) / gib }

func (volumes) create(ctx context.Context, c call, r vim.StartRequest) (string, error) {
	spec := r.Spec.Volume
	if spec.SizeBytes <= 0 {
		return "", c.fail(message.Permanent, "a volume has a size")
	}
	v := object{
		"name": fitting(r.Spec.Name, maxName), "size": gibs(spec.SizeBytes), "metadata": marks{r.Token, r.Owner, 1}.put(sized(map[string]string{}, spec)),
	}
	if spec.Zone != "" {
		v["availability_zone"] = spec.Zone
	}
	if spec.Type != "" {
		v["volume_type"] = spec.Type
	}
	switch {
	case spec.Snapshot != "":
		v["source_volid"] = spec.Snapshot
	case spec.Image != "":
		v["imageRef"] = spec.Image
	}
	return c.makeVolume(ctx, v)
}

func (c call) makeVolume(ctx context.Context, v object) (string, error) {
	var out struct{ Volume volumeDoc }
	err := c.post(ctx, storage, "volumes", object{"volume": v}, &out)
	return out.Volume.ID, err
}

// change extends a volume, and once that stands renames it.
func (volumes) change(ctx context.Context, c call, it *item, r vim.ChangeRequest) (vim.Resource, error) {
	v := it.doc.(volumeDoc) //nolint:forcetypeassert // get puts it there
	want := gibs(r.To.Volume.SizeBytes)
	switch {
	case !it.Ready:
		return it.Resource, nil
	case want < v.Size:
		return vim.Resource{}, c.fail(message.Permanent, "a volume does not shrink")
	case want > v.Size:
		if err := c.post(ctx, storage, "volumes/"+escaped(it.ID)+"/action", object{"os-extend": object{"new_size": want}}, nil); err != nil {
			return vim.Resource{}, err
		}
		it.Ready = false
		return it.Resource, nil
	}
	meta := without(without(v.Metadata, keyRev), keyBytes)
	var out struct{ Volume volumeDoc }
	in := object{"volume": object{"name": fitting(r.To.Name, maxName), "metadata": marks{it.Token, it.Owner, r.Revision}.put(sized(meta, r.To.Volume))}}
	if err := c.put(ctx, storage, "volumes/"+escaped(it.ID), in, &out); err != nil {
		return vim.Resource{}, err
	}
	return c.stands(&out.Volume)
}

// remove says so when the storage has refused to delete a volume before: it is asked again, and whoever waits is to know.
func (volumes) remove(ctx context.Context, c call, it *item) (bool, error) {
	gone, err := c.remove(ctx, storage, "volumes/"+escaped(it.ID))
	if v, ok := it.doc.(volumeDoc); ok && err == nil && !gone && v.Status == errorDeleting {
		return false, c.fail(message.Transient, "the storage could not delete the volume "+it.ID+" (its status is "+errorDeleting+
			"); it was asked to once more. When it stays so, somebody who runs the cloud must see to it")
	}
	return gone, err
}

func (volumes) rest(context.Context, call, vim.Token, bool) error { return nil }
