package openstack

import (
	"context"
	"strconv"
	"strings"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// flavours are made for a VNF where the connection allows it. A flavour's id is chosen by whoever makes it: it is of the project and the token, since flavours belong to no
// project. Servers keep what their flavour was: it goes with the VNF.
type flavours struct{}

const idFlavour = "vnfm-"

// ours reports whether a flavour was made by the driver: no other VNF is to have it.
func (f flavourDoc) ours() bool { return strings.HasPrefix(f.ID, idFlavour) }

func (c call) flavourID(t vim.Token) string {
	return idFlavour + c.project.ID + "-" + t.ID + "-" + strconv.Itoa(t.Generation)
}

// item reads a flavour of this project; its name has the token, and the owner.
func (f flavourDoc) item(c call) (item, bool) {
	x, given, ok := marksOfGroup(f.Name)
	if !ok || f.ID != c.flavourID(x.token) {
		return item{}, false
	}
	return item{doc: f, Resource: vim.Resource{
		Token: x.token, Kind: vim.ComputeFlavour, ID: f.ID, Owner: x.owner, Name: given, Revision: 1, Type: "OS::Nova::Flavor", Ready: true,
	}}, true
}

func (x flavours) find(ctx context.Context, c call, t vim.Token) ([]item, error) {
	if _, err := c.client(ctx, compute); err != nil { // from here on the project is known
		return nil, c.errorOf(compute, err)
	}
	it, err := x.get(ctx, c, c.flavourID(t))
	if err != nil || it == nil {
		return nil, err
	}
	return []item{*it}, nil
}

func (flavours) get(ctx context.Context, c call, id string) (*item, error) {
	if _, err := c.client(ctx, compute); err != nil {
		return nil, c.errorOf(compute, err)
	}
	var out struct{ Flavor flavourDoc }
	if err := c.get(ctx, compute, "flavors/"+escaped(id), nil, &out); err != nil {
		return absent(err)
	}
	if it, ok := out.Flavor.item(c); ok {
		return &it, nil
	}
	return nil, nil //nolint:nilnil // none of ours
}

func (flavours) create(ctx context.Context, c call, r vim.StartRequest) (string, error) {
	spec := r.Spec.Flavour
	if spec.VCPUs <= 0 || spec.MemoryBytes <= 0 {
		return "", c.fail(message.Permanent, "a flavour has CPUs and memory")
	}
	id := c.flavourID(r.Token)
	err := c.post(ctx, compute, "flavors", object{"flavor": object{
		"id": id, "name": marks{r.Token, r.Owner, 1}.groupName(r.Spec.Name), "vcpus": spec.VCPUs, "ram": (spec.MemoryBytes + 1<<20 - 1) >> 20, "disk": gibs(spec.DiskBytes),
	}}, nil)
	if vim.ClassOf(err) == message.Transient && strings.Contains(vim.HintOf(err), "already exists") { // another process was first
		return id, nil
	}
	return id, err
}

func (flavours) change(_ context.Context, c call, it *item, r vim.ChangeRequest) (vim.Resource, error) {
	return unchanged(c, it, r)
}

func (flavours) remove(ctx context.Context, c call, it *item) (bool, error) {
	_, err := c.remove(ctx, compute, "flavors/"+escaped(it.ID))
	return err == nil, err
}

func (flavours) rest(context.Context, call, vim.Token, bool) error { return nil }

// listFlavours is the list of those that were made for this project.
func listFlavours(ctx context.Context, c call, owner, marker string) (batch, error) {
	var out struct {
		Flavors []flavourDoc `json:"flavors"`
		Links   []link       `json:"flavors_links"`
	}
	if err := c.get(ctx, compute, "flavors/detail", from(marker), &out); err != nil {
		return batch{}, err
	}
	var b batch
	for _, f := range out.Flavors {
		if it, ok := f.item(c); ok && (owner == "" || it.Owner == owner) {
			b.items = append(b.items, it)
		}
		b.next = f.ID
	}
	if len(out.Links) == 0 {
		b.next = ""
	}
	return b, nil
}
