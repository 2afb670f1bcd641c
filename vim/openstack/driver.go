package openstack

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// Config is what a driver is made with. The zero value is one.
type Config struct {
	// MaxAnswerBytes bounds an answer of a cloud; 0 means vim.DefaultMaxAnswerBytes.
	MaxAnswerBytes int64
	// Content opens a file of a VNF package, to be read once from its beginning; nil: images are not uploaded. Errors: NotFound when there is none.
	Content func(ctx context.Context, packageID, path string) (io.ReadCloser, error)
	// UploadStall is how long nothing of an image that is uploaded may move, before the upload is broken off; 0 means DefaultUploadStall.
	UploadStall time.Duration
	// Wrap puts something between the driver and the network; nil: nothing.
	Wrap func(http.RoundTripper) http.RoundTripper
}

// DefaultUploadStall is long enough for a store that writes all of an image once it has come.
const DefaultUploadStall = 5 * time.Minute

// Driver drives clouds.
type Driver struct {
	cfg    Config
	mu     sync.Mutex
	clouds map[[32]byte]*cloud // clients only: what they know is asked for again
	turns  turns
	// uploads are of images, by connection and image: what this process does beside the calls.
	uploads sync.Map
}

var (
	_ vim.Driver      = (*Driver)(nil)
	_ vim.AssetFinder = (*Driver)(nil)
)

// New returns a driver.
func New(c Config) *Driver {
	if c.UploadStall <= 0 {
		c.UploadStall = DefaultUploadStall
	}
	return &Driver{cfg: c, clouds: map[[32]byte]*cloud{}}
}

// item is something of ours at a cloud.
type item struct {
	vim.Resource
	created string // when, as the cloud writes it: texts that sort as the times do
	going   bool   // it is being deleted
	doc     any    // what the kind wants to know again
}

// kind is what is done with one kind of resource. Errors are *vim.Error.
type kind interface {
	// find returns everything that bears a token.
	find(ctx context.Context, c call, t vim.Token) ([]item, error)
	// get returns what has an id, nil when it is not there or none of ours.
	get(ctx context.Context, c call, id string) (*item, error)
	// create makes one, and returns its id.
	create(ctx context.Context, c call, r vim.StartRequest) (id string, err error)
	// change does the next step of a change, and returns what is known then.
	change(ctx context.Context, c call, it *item, r vim.ChangeRequest) (vim.Resource, error)
	// remove deletes one; gone says that nothing of it is left.
	remove(ctx context.Context, c call, it *item) (gone bool, err error)
	// rest deletes what belongs to a token and has no kind of its own, once nothing else bears it. found is false when nothing did.
	rest(ctx context.Context, c call, t vim.Token, found bool) error
}

// kinds are those that OpenStack has.
//
//nolint:gochecknoglobals // data
var kinds = map[vim.Kind]kind{
	vim.Compute: servers{}, vim.ServerGroup: groups{}, vim.Network: networks{}, vim.Subnet: subnets{}, vim.Port: ports{},
	vim.Volume: volumes{}, vim.Snapshot: snapshots{}, vim.SoftwareImage: images{}, vim.ComputeFlavour: flavours{},
}

// of begins an operation on a kind.
func (d *Driver) of(conn vim.Connection, op string, k vim.Kind, what string) (call, kind, error) {
	c, err := d.cloud(conn)
	if err != nil {
		return call{}, nil, err
	}
	x := call{cloud: c, driver: d, op: op, what: what}
	if kinds[k] == nil {
		return x, nil, x.fail(message.Permanent, "OpenStack has no "+string(k))
	}
	return x, kinds[k], nil
}

// Runs returns machines alone.
func (*Driver) Runs() []vim.Form { return []vim.Form{vim.Machines} }

// InPlace returns what Change can change of a resource that stands.
func (*Driver) InPlace() vim.InPlace {
	return vim.InPlace{
		vim.Compute: {
			vim.AttributeName, vim.AttributePower, vim.AttributePorts, vim.AttributeVolumes, vim.AttributeMetadata, vim.AttributeFlavour,
			vim.AttributeImage,
		},
		vim.Port:    {vim.AttributeName, vim.AttributeAddresses, vim.AttributeSecurityRules, vim.AttributeShared},
		vim.Volume:  {vim.AttributeName, vim.AttributeSize},
		vim.Network: {vim.AttributeName, vim.AttributeMTU, vim.AttributeRootBitRate, vim.AttributeLeafBitRate},
		vim.Subnet:  {vim.AttributeName, vim.AttributeDHCP},
	}
}

// Start creates a resource, once per token: what bears the token is looked for before and after.
func (d *Driver) Start(ctx context.Context, conn vim.Connection, r vim.StartRequest) (vim.Resource, error) {
	c, k, err := d.of(conn, "start", r.Kind, r.Token.String())
	if err != nil {
		return vim.Resource{}, err
	}
	if !specified(r.Kind, r.Spec) {
		return vim.Resource{}, c.fail(message.Permanent, "no specification of a "+string(r.Kind))
	}
	done, err := d.turns.take(ctx, c, conn.ID+"/"+r.Token.String())
	if err != nil {
		return vim.Resource{}, err
	}
	defer done()
	items, err := k.find(ctx, c, r.Token)
	if err != nil {
		return vim.Resource{}, err
	}
	if it := eldest(items); it != nil {
		return c.only(ctx, k, it, items)
	}
	if len(items) > 0 {
		return vim.Resource{}, c.fail(message.Transient, "what bears the token is being deleted")
	}
	if err := c.placed(ctx, r.Spec.Placement); err != nil {
		return vim.Resource{}, err
	}
	id, err := k.create(ctx, c, r)
	if err != nil {
		return vim.Resource{}, err
	}
	if items, err = k.find(ctx, c, r.Token); err == nil {
		if it := eldest(items); it != nil {
			return c.only(ctx, k, it, items)
		}
	}
	// it was made, and a look at it failed or does not show it yet: it is polled
	return vim.Resource{Token: r.Token, Kind: r.Kind, ID: id, Owner: r.Owner, Name: r.Spec.Name, Revision: 1}, nil
}

// placed refuses a grant that puts a resource into another project: a connection has one.
func (c call) placed(ctx context.Context, p *vim.Placement) error {
	if p == nil || p.Group == "" {
		return nil
	}
	if _, err := c.client(ctx, compute); err != nil {
		return c.errorOf(compute, err)
	}
	if p.Group != c.project.ID && p.Group != c.project.Name && c.project.ID != "" {
		return c.fail(message.Permanent, "the grant puts it into the project "+p.Group+", and the connection "+c.ID+" works in the project "+c.project.Name+
			": register a connection for that project")
	}
	return nil
}

// eldest returns the one of several that stays: the oldest that is not being deleted; nil when there is none.
func eldest(items []item) *item {
	slices.SortStableFunc(items, func(a, b item) int { return cmp.Or(cmp.Compare(a.created, b.created), cmp.Compare(a.ID, b.ID)) })
	for i := range items {
		if !items[i].going {
			return &items[i]
		}
	}
	return nil
}

// only deletes all that bear a token but the one that stays, and returns that.
func (c call) only(ctx context.Context, k kind, stays *item, items []item) (vim.Resource, error) {
	for i := range items {
		if x := &items[i]; x.ID != stays.ID && !x.going {
			if _, err := k.remove(ctx, c, x); err != nil {
				return vim.Resource{}, err
			}
		}
	}
	return stays.Resource, nil
}

// Change does the next step of a change.
func (d *Driver) Change(ctx context.Context, conn vim.Connection, r vim.ChangeRequest) (vim.Resource, error) {
	c, k, err := d.of(conn, "change", r.Kind, r.Token.String())
	if err != nil {
		return vim.Resource{}, err
	}
	if !specified(r.Kind, r.To) {
		return vim.Resource{}, c.fail(message.Permanent, "no specification of a "+string(r.Kind))
	}
	for _, a := range vim.Differences(r.From, r.To) {
		if !d.InPlace().Can(r.Kind, a) {
			return vim.Resource{}, c.fail(message.Permanent, fmt.Sprintf("the %s of a %s that stands cannot be changed", a, r.Kind))
		}
	}
	done, err := d.turns.take(ctx, c, conn.ID+"/"+r.Token.String())
	if err != nil {
		return vim.Resource{}, err
	}
	defer done()
	it, err := k.get(ctx, c, r.ID)
	switch {
	case err != nil:
		return vim.Resource{}, err
	case it == nil || it.Token != r.Token:
		return vim.Resource{}, c.fail(message.NotFound, "there is no such "+string(r.Kind))
	case it.going:
		return vim.Resource{}, c.fail(message.Transient, "it is being deleted")
	case it.Failed != nil:
		return vim.Resource{}, c.fail(message.Permanent, "it has failed: "+it.Failed.Hint)
	}
	return k.change(ctx, c, it, r)
}

// Poll looks at a resource by its id.
func (d *Driver) Poll(ctx context.Context, conn vim.Connection, kind vim.Kind, id string) (vim.Resource, error) {
	c, k, err := d.of(conn, "poll", kind, id)
	if err != nil {
		return vim.Resource{}, err
	}
	it, err := k.get(ctx, c, id)
	if err != nil {
		return vim.Resource{}, err
	}
	if it == nil {
		return vim.Resource{}, c.fail(message.NotFound, "there is no such "+string(kind))
	}
	return it.Resource, nil
}

// Find looks a resource up by its token. Of several the oldest stays, and the others go.
func (d *Driver) Find(ctx context.Context, conn vim.Connection, kind vim.Kind, token vim.Token) (vim.Resource, error) {
	c, k, err := d.of(conn, "find", kind, token.String())
	if err != nil {
		return vim.Resource{}, err
	}
	items, err := k.find(ctx, c, token)
	if err != nil {
		return vim.Resource{}, err
	}
	it := eldest(items)
	if it == nil {
		return vim.Resource{}, c.fail(message.NotFound, "nothing bears this token")
	}
	return c.only(ctx, k, it, items)
}

// Release deletes everything that bears a token; done is false until nothing does.
func (d *Driver) Release(ctx context.Context, conn vim.Connection, kind vim.Kind, token vim.Token) (bool, error) {
	c, k, err := d.of(conn, "release", kind, token.String())
	if err != nil {
		return false, err
	}
	done, err := d.turns.take(ctx, c, conn.ID+"/"+token.String())
	if err != nil {
		return false, err
	}
	defer done()
	items, err := k.find(ctx, c, token)
	if err != nil {
		return false, err
	}
	left := false
	for i := range items {
		gone := false
		if !items[i].going {
			if gone, err = k.remove(ctx, c, &items[i]); err != nil {
				return false, err
			}
		}
		left = left || !gone
	}
	if left {
		return false, nil
	}
	if err := k.rest(ctx, c, token, len(items) > 0); err != nil {
		return false, err
	}
	return true, nil
}

// specified reports whether a specification is one of a kind.
func specified(k vim.Kind, s vim.Spec) bool {
	return map[vim.Kind]bool{
		vim.Compute: s.Compute != nil, vim.Port: s.Port != nil, vim.Network: s.Network != nil, vim.Subnet: s.Subnet != nil,
		vim.Volume: s.Volume != nil, vim.ServerGroup: s.ServerGroup != nil, vim.Snapshot: s.Snapshot != nil,
		vim.SoftwareImage: s.Image != nil, vim.ComputeFlavour: s.Flavour != nil,
	}[k]
}

// turns has calls about one token one after the other: OpenStack would make a resource for each.
type turns struct {
	mu  sync.Mutex
	all map[string]*turn
}

type turn struct {
	free chan struct{}
	n    int // how many want it
}

// take waits for one's turn, and returns what ends it.
func (t *turns) take(ctx context.Context, c call, key string) (done func(), err error) {
	t.mu.Lock()
	if t.all == nil {
		t.all = map[string]*turn{}
	}
	x := t.all[key]
	if x == nil {
		x = &turn{free: make(chan struct{}, 1)}
		t.all[key] = x
	}
	x.n++
	t.mu.Unlock()
	leave := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if x.n--; x.n == 0 {
			delete(t.all, key)
		}
	}
	if ctx.Err() == nil {
		select {
		case x.free <- struct{}{}:
			return func() { <-x.free; leave() }, nil
		case <-ctx.Done():
		}
	}
	leave()
	return nil, c.errorOf(compute, ctx.Err())
}
