package openstack

import (
	"context"
	"net/url"
	"strings"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// snapshots are, of a server's own disk, an image; of a volume, another volume: Cinder keeps a volume from being deleted as long as it
// has snapshots, and ours outlive what they are of.
type snapshots struct{}

type imageDoc struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Status   string `json:"status"`
	Created  string `json:"created_at"`
	Checksum string `json:"checksum"` // MD5
	HashAlgo string `json:"os_hash_algo"`
	Hash     string `json:"os_hash_value"`
	Size     int64  `json:"size"`
	Token    string `json:"vnfm_token"`
	Owner    string `json:"vnfm_owner"`

	// of an image that was uploaded
	Mark      string `json:"vnfm"`
	Base      string `json:"base_image_ref"` // of one that Nova made of a server
	Protected bool   `json:"protected"`
	Content   string `json:"vnfm_content"`
	Package   string `json:"vnfm_package"`
	Path      string `json:"vnfm_path"`
	Broken    string `json:"vnfm_failed"` // why it cannot be uploaded
}

// item returns an image that is a snapshot of ours. An image that was made of a server inherits the properties of the one the server
// was made of: only a name that ends with the token tells ours from what somebody took of a server that came of ours.
func (i imageDoc) item() (item, bool) {
	x, ok := marksIn(map[string]string{keyToken: i.Token, keyOwner: i.Owner})
	if !ok || !strings.HasSuffix(i.Name, " "+i.Token) {
		return item{}, false
	}
	given, _, _ := strings.Cut(i.Name, "@"+i.Owner)
	it := item{doc: i, created: i.Created, Resource: vim.Resource{
		Token: x.token, Kind: vim.Snapshot, ID: i.ID, Owner: x.owner, Name: given, Revision: 1, Type: "OS::Glance::Image", Ready: i.Status == "active",
	}}
	switch i.Status {
	case "killed", "deactivated":
		it.Failed = &vim.Error{Op: "poll", Resource: i.ID, Class: message.Permanent, Hint: "the image is in the status " + i.Status}
	case "deleted", "pending_delete":
		it.going = true
	}
	return it, true
}

func (c call) images(ctx context.Context, query url.Values) ([]imageDoc, error) {
	var out struct{ Images []imageDoc }
	err := c.get(ctx, image, "images", query, &out)
	return out.Images, err
}

func (snapshots) find(ctx context.Context, c call, t vim.Token) ([]item, error) {
	images, err := c.images(ctx, url.Values{keyToken: {t.String()}})
	if err != nil {
		return nil, err
	}
	of, err := c.volumesOf(ctx, keyToken, t.String(), true)
	return append(itemsOf(images), of...), err
}

func (snapshots) get(ctx context.Context, c call, id string) (*item, error) {
	var out imageDoc
	it, err := itemOf(&out, c.get(ctx, image, "images/"+escaped(id), nil, &out))
	if err != nil || it != nil {
		return it, err
	}
	if it, err = c.volume(ctx, id); it != nil && it.Kind != vim.Snapshot {
		return nil, err
	}
	return it, err
}

func (snapshots) create(ctx context.Context, c call, r vim.StartRequest) (string, error) {
	spec := r.Spec.Snapshot
	switch {
	case (spec.Compute == "") == (spec.Volume == ""):
		return "", c.fail(message.Permanent, "a snapshot is of a compute or of a volume")
	case spec.Volume != "":
		var of struct{ Volume volumeDoc }
		if err := c.get(ctx, storage, "volumes/"+escaped(spec.Volume), nil, &of); err != nil {
			return "", err
		}
		meta := marks{r.Token, r.Owner, 1}.put(map[string]string{keyKind: kindSnapshot})
		return c.makeVolume(ctx, object{"name": fitting(r.Spec.Name, maxName), "size": of.Volume.Size, "source_volid": spec.Volume, "metadata": meta})
	}
	x := marks{r.Token, r.Owner, 1}
	var out struct {
		Image string `json:"image_id"`
	}
	in := object{"createImage": object{"name": x.groupName(r.Spec.Name), "metadata": x.put(nil)}}
	err := c.post(ctx, compute, "servers/"+escaped(spec.Compute)+"/action", in, &out)
	return out.Image, err
}

func (snapshots) change(_ context.Context, c call, it *item, r vim.ChangeRequest) (vim.Resource, error) {
	return unchanged(c, it, r)
}

func (snapshots) remove(ctx context.Context, c call, it *item) (bool, error) {
	if _, ok := it.doc.(volumeDoc); ok {
		return volumes{}.remove(ctx, c, it)
	}
	_, err := c.remove(ctx, image, "images/"+escaped(it.ID))
	return err == nil, err
}

func (snapshots) rest(context.Context, call, vim.Token, bool) error { return nil }
