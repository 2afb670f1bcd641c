package openstack

import (
	"context"
	"net/url"
	"strconv"

	"github.com/vnfm/vnfm/vim"
)

// groups are Nova's server groups. They have neither tags nor metadata, and cannot be looked for: all of the project's are read.
type groups struct{}

type groupDoc struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Policies []string `json:"policies"`
}

// groupPage is how many server groups are read at once.
const groupPage = 500

func (g groupDoc) item() (item, bool) {
	x, given, ok := marksOfGroup(g.Name)
	if !ok {
		return item{}, false
	}
	return item{doc: g, Resource: vim.Resource{
		Token: x.token, Kind: vim.ServerGroup, ID: g.ID, Owner: x.owner, Name: given, Revision: 1, Type: "OS::Nova::ServerGroup", Ready: true,
	}}, true
}

func (groups) page(ctx context.Context, c call, offset, limit int) ([]groupDoc, error) {
	var out struct {
		Groups []groupDoc `json:"server_groups"`
	}
	err := c.get(ctx, compute, "os-server-groups", url.Values{"limit": {strconv.Itoa(limit)}, "offset": {strconv.Itoa(offset)}}, &out)
	return out.Groups, err
}

// all returns the project's groups in the order in which they were made.
func (s groups) all(ctx context.Context, c call) (out []groupDoc, err error) {
	for {
		page, err := s.page(ctx, c, len(out), groupPage)
		if err != nil {
			return nil, err
		}
		if out = append(out, page...); len(page) < groupPage {
			return out, nil
		}
	}
}

func (s groups) find(ctx context.Context, c call, t vim.Token) (out []item, err error) {
	all, err := s.all(ctx, c)
	for i, g := range all {
		if it, ok := g.item(); ok && it.Token == t {
			it.created = strconv.Itoa(1_000_000 + i)
			out = append(out, it)
		}
	}
	return out, err
}

func (groups) get(ctx context.Context, c call, id string) (*item, error) {
	var out struct {
		Group groupDoc `json:"server_group"`
	}
	if err := c.get(ctx, compute, "os-server-groups/"+escaped(id), nil, &out); err != nil {
		return absent(err)
	}
	if it, ok := out.Group.item(); ok {
		return &it, nil
	}
	return nil, nil //nolint:nilnil // none of ours
}

func (groups) create(ctx context.Context, c call, r vim.StartRequest) (string, error) {
	policy := "anti-affinity"
	if r.Spec.ServerGroup.Affinity {
		policy = "affinity"
	}
	var out struct {
		Group groupDoc `json:"server_group"`
	}
	in := object{"server_group": object{"name": marks{r.Token, r.Owner, 1}.groupName(r.Spec.Name), "policies": []string{policy}}}
	err := c.post(ctx, compute, "os-server-groups", in, &out)
	return out.Group.ID, err
}

func (groups) change(_ context.Context, c call, it *item, r vim.ChangeRequest) (vim.Resource, error) {
	return unchanged(c, it, r)
}

func (groups) remove(ctx context.Context, c call, it *item) (bool, error) {
	_, err := c.remove(ctx, compute, "os-server-groups/"+escaped(it.ID))
	return err == nil, err
}

func (groups) rest(context.Context, call, vim.Token, bool) error { return nil }
