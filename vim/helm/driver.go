package helm

import (
	"context"
	"net/http"
	"time"

	helmkube "helm.sh/helm/v4/pkg/kube"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/kubernetes"
	"github.com/vnfm/vnfm/vim/kubernetes/kube"
)

// Type is the vimType of the driver.
const Type = "ETSINFV.HELM.V_3"

// Config is what a driver is made with.
type Config struct {
	// Charts returns the files below a path in a package, by their paths from there; of a path that is a file itself, by "". They have at
	// most so many bytes together. NotFound when there are none.
	Charts func(ctx context.Context, packageID, path string, most int64) (map[string][]byte, error)
	// Patience is how long a pod may be unable to start before the release has failed; 0 means kubernetes.DefaultPatience.
	Patience time.Duration
	// Hooks is how long the hooks of a release may take, each; 0 means DefaultHooks.
	Hooks time.Duration
	// Answer is how long a call waits for what Helm does, before it answers that it goes on; 0 means DefaultAnswer.
	Answer time.Duration
	// Now is the clock that times of the cluster are compared with; nil means time.Now.
	Now func() time.Time
	// MaxAnswerBytes bounds an answer of a cluster; 0 means vim.DefaultMaxAnswerBytes.
	MaxAnswerBytes int64
	// Wrap puts something between the driver and the network; nil: nothing.
	Wrap func(http.RoundTripper) http.RoundTripper
}

// The defaults of a Config.
const (
	DefaultHooks  = 5 * time.Minute
	DefaultAnswer = 5 * time.Second
)

// Driver drives releases, and objects by the driver of these.
type Driver struct {
	cfg      Config
	objects  *kubernetes.Driver
	clusters *kube.Clusters
	patience kube.Patience
	works    works
}

var (
	_ vim.Driver   = (*Driver)(nil)
	_ vim.Observer = (*Driver)(nil)
)

// New returns a driver.
func New(c Config) *Driver {
	if c.Patience == 0 {
		c.Patience = kubernetes.DefaultPatience
	}
	if c.Hooks == 0 {
		c.Hooks = DefaultHooks
	}
	if c.Answer == 0 {
		c.Answer = DefaultAnswer
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	helmkube.ManagedFieldsManager = kube.FieldManager // else it is the name of the program's file
	return &Driver{
		cfg: c, clusters: kube.NewClusters(Type, c.MaxAnswerBytes, c.Wrap), patience: kube.Patience{For: c.Patience, Now: c.Now}, works: newWorks(),
		objects: kubernetes.New(kubernetes.Config{Type: Type, Patience: c.Patience, Now: c.Now, MaxAnswerBytes: c.MaxAnswerBytes, Wrap: c.Wrap}),
	}
}

// Runs returns charts, and objects beside them.
func (*Driver) Runs() []vim.Form { return []vim.Form{vim.Objects, vim.Charts} }

// InPlace returns what Change can change of a release, or of an object.
func (*Driver) InPlace() vim.InPlace {
	return vim.InPlace{vim.Unit: {vim.AttributeReplicas, vim.AttributeCounts, vim.AttributeValues, vim.AttributeObjects, vim.AttributeGone}}
}

// Start installs the release, once per token, or goes on with an install that was left half done.
func (d *Driver) Start(ctx context.Context, conn vim.Connection, r vim.StartRequest) (vim.Resource, error) {
	const op = "start"
	if _, ok := vim.ChartOf(r.Spec.Unit); !ok {
		return d.objects.Start(ctx, conn, r) //nolint:wrapcheck // an Error of that driver
	}
	c, err := d.cluster(conn)
	if err != nil {
		return vim.Resource{}, err
	}
	if err := ctx.Err(); err != nil {
		return vim.Resource{}, errorOf(op, releaseName(r.Token), err)
	}
	w, err := d.wish(ctx, c, op, r.Token, r.Owner, 1, r.Spec)
	if err != nil {
		return vim.Resource{}, err
	}
	ended, err := d.run(ctx, c, op, r.Token, func(ctx context.Context) error { return d.install(ctx, c, w) })
	switch {
	case err != nil:
		return vim.Resource{}, err
	case !ended:
		return underWay(r.Token, r.Owner, w.at, 1), nil
	}
	return d.find(ctx, c, op, r.Token)
}

// underWay is what is known of a release that Helm is at work on.
func underWay(t vim.Token, owner string, at kube.Ref, revision int) vim.Resource {
	return vim.Resource{Token: t, Kind: vim.Unit, ID: at.String(), Owner: owner, Name: at.Name, Type: vim.KindRelease, Revision: revision}
}

// Change upgrades a release to what it is to be. Pods that are not to be there go first: the revision is on the release last.
func (d *Driver) Change(ctx context.Context, conn vim.Connection, r vim.ChangeRequest) (vim.Resource, error) {
	const op = "change"
	_, was := vim.ChartOf(r.From.Unit)
	_, is := vim.ChartOf(r.To.Unit)
	switch {
	case !was && !is:
		return d.objects.Change(ctx, conn, r) //nolint:wrapcheck // an Error of that driver
	case was != is:
		return vim.Resource{}, &vim.Error{Op: op, Resource: r.ID, Class: message.Permanent, Hint: "a change cannot make a release of an object, nor an object of a release"}
	}
	c, err := d.cluster(conn)
	if err != nil {
		return vim.Resource{}, err
	}
	for _, a := range vim.Differences(r.From, r.To) {
		if !d.InPlace().Can(r.Kind, a) && a != vim.AttributeName {
			return vim.Resource{}, &vim.Error{Op: op, Resource: r.ID, Class: message.Permanent, Hint: "the " + string(a) + " of a release cannot be changed where it stands"}
		}
	}
	if err := ctx.Err(); err != nil {
		return vim.Resource{}, errorOf(op, r.ID, err)
	}
	m, err := c.Marker(ctx, op, r.Token)
	if err != nil {
		return vim.Resource{}, err //nolint:wrapcheck // an Error of ours
	}
	if m.Object.String() != r.ID {
		return vim.Resource{}, &vim.Error{Op: op, Resource: r.ID, Class: message.NotFound, Hint: "there is no such release"}
	}
	w, err := d.wish(ctx, c, op, r.Token, r.Owner, r.Revision, r.To)
	if err != nil {
		return vim.Resource{}, err
	}
	if !w.at.Same(m.Object) {
		return vim.Resource{}, &vim.Error{Op: op, Resource: r.ID, Class: message.Permanent, Hint: "a change cannot move a release to another namespace: " + w.at.String()}
	}
	differs := vim.Differences(r.From, r.To)
	w.onlyPods = len(differs) == 1 && differs[0] == vim.AttributeGone
	ended, err := d.run(ctx, c, op, r.Token, func(ctx context.Context) error { return d.upgrade(ctx, c, w, r.To.Unit.Gone) })
	switch {
	case err != nil:
		return vim.Resource{}, err
	case !ended:
		return underWay(r.Token, r.Owner, w.at, r.Revision-1), nil
	}
	return d.find(ctx, c, op, r.Token)
}

// Poll looks at a release by its id. An install that nobody is at work on goes on.
func (d *Driver) Poll(ctx context.Context, conn vim.Connection, want vim.Kind, id string) (vim.Resource, error) {
	const op = "poll"
	at, ok := kube.ParseRef(id)
	if !ok || at.Kind != releaseKind || want != vim.Unit {
		return d.objects.Poll(ctx, conn, want, id) //nolint:wrapcheck // an Error of that driver
	}
	c, err := d.cluster(conn)
	if err != nil {
		return vim.Resource{}, err
	}
	h, err := c.history(ctx, op, at)
	if err != nil {
		return vim.Resource{}, err
	}
	if !h.ours() {
		return vim.Resource{}, missing(op, id)
	}
	if w := d.works.of(c, h.token); w != nil {
		return d.working(h, w), nil
	}
	if h.deployed == nil && h.pending() { // its process has ended
		if _, err := d.run(ctx, c, "start", h.token, func(ctx context.Context) error { return d.resume(ctx, c, h) }); err != nil {
			return vim.Resource{}, err
		}
		return d.find(ctx, c, op, h.token)
	}
	return d.seen(ctx, c, op, h, false)
}

// working is what is known of a release that is being worked on, or on which the last work has failed.
func (d *Driver) working(h *history, w *work) vim.Resource {
	revision := 0
	if h.deployed != nil {
		revision = revisionOf(h.deployed)
	}
	r := underWay(h.token, h.owner(), h.at, revision)
	if err, ended := w.result(); ended {
		r.Failed = err
	}
	return r
}

func missing(op, what string) *vim.Error {
	return &vim.Error{Op: op, Resource: what, Class: message.NotFound, Hint: "there is no such release"}
}

// Find looks a release up by its token. An install that nobody is at work on has made none yet.
func (d *Driver) Find(ctx context.Context, conn vim.Connection, want vim.Kind, token vim.Token) (vim.Resource, error) {
	const op = "find"
	c, err := d.cluster(conn)
	if err != nil {
		return vim.Resource{}, err
	}
	if want != vim.Unit {
		return vim.Resource{}, missing(op, token.String())
	}
	return d.find(ctx, c, op, token)
}

func (d *Driver) find(ctx context.Context, c *cluster, op string, token vim.Token) (vim.Resource, error) {
	m, err := c.Marker(ctx, op, token)
	if err != nil {
		return vim.Resource{}, err //nolint:wrapcheck // an Error of ours
	}
	if m.Object.Kind != releaseKind {
		return d.objects.Find(ctx, c.Connection, vim.Unit, token) //nolint:wrapcheck // an Error of that driver
	}
	h, err := c.history(ctx, op, m.Object)
	if err != nil {
		return vim.Resource{}, err
	}
	switch w := d.works.of(c, token); {
	case h.token != token:
		return vim.Resource{}, missing(op, token.String())
	case w != nil && !w.failed():
		return d.working(h, w), nil
	case h.deployed == nil && !h.going():
		return vim.Resource{}, missing(op, token.String())
	}
	return d.seen(ctx, c, op, h, true)
}

// Release uninstalls what carries the token; done is false until its objects and their pods are gone.
func (d *Driver) Release(ctx context.Context, conn vim.Connection, want vim.Kind, token vim.Token) (bool, error) {
	const op = "release"
	c, err := d.cluster(conn)
	if err != nil {
		return false, err
	}
	if want != vim.Unit {
		return true, nil
	}
	m, err := c.Marker(ctx, op, token)
	switch {
	case vim.ClassOf(err) == message.NotFound:
		return true, nil
	case err != nil:
		return false, err //nolint:wrapcheck // an Error of ours
	case m.Object.Kind != releaseKind:
		return d.objects.Release(ctx, conn, want, token) //nolint:wrapcheck // an Error of that driver
	}
	if w := d.works.of(c, token); w != nil && w.op != op && !w.failed() {
		return false, nil // it is not broken off
	}
	gone := false
	ended, err := d.run(ctx, c, op, token, func(ctx context.Context) error {
		var err error
		gone, err = d.uninstall(ctx, c, m.Object, token)
		return err
	})
	if err != nil || !ended || !gone {
		return false, err
	}
	return true, nil
}

// Assets tells the zones of the cluster's nodes, where the connection may see nodes.
func (d *Driver) Assets(ctx context.Context, conn vim.Connection) (vim.Assets, error) {
	c, err := d.cluster(conn)
	if err != nil {
		return vim.Assets{}, err
	}
	return c.Zones(ctx, "assets") //nolint:wrapcheck // an Error of ours
}
