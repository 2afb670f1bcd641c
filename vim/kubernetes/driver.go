package kubernetes

import (
	"context"
	"net/http"
	"strings"
	"time"

	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/vnfm/vnfm/lru"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/kubernetes/kube"
)

// Config is what a driver is made with. The zero value is one.
type Config struct {
	// Patience is how long a pod may be unable to start before the resource has failed; 0 means DefaultPatience.
	Patience time.Duration
	// Now is the clock that times of the cluster are compared with; nil means time.Now.
	Now func() time.Time
	// Type is the vimType of the connections; "" means Type.
	Type string
	// Trials is how many bytes are used to remember what clusters said they would make of manifests; 0 means DefaultTrials.
	Trials int64
	// MaxAnswerBytes bounds an answer of a cluster; 0 means vim.DefaultMaxAnswerBytes.
	MaxAnswerBytes int64
	// Wrap puts something between the driver and the network; nil: nothing.
	Wrap func(http.RoundTripper) http.RoundTripper
}

// Type is the vimType of the driver.
const Type = "ETSINFV.KUBERNETES.V_1"

// DefaultPatience is how long a pod may be unable to start.
const DefaultPatience = time.Minute

// DefaultTrials is enough for some 50,000 objects.
const DefaultTrials = 16 << 20

// Driver drives clusters.
type Driver struct {
	clusters *kube.Clusters
	patience kube.Patience
	trials   *trials
}

// cluster is a connection with its clients.
type cluster struct {
	*kube.Cluster
	trials *trials
}

func (d *Driver) cluster(conn vim.Connection) (*cluster, error) {
	c, err := d.clusters.Of(conn)
	if err != nil {
		return nil, err //nolint:wrapcheck // an Error of ours
	}
	return &cluster{c, d.trials}, nil
}

var _ vim.Driver = (*Driver)(nil)

// New returns a driver.
func New(c Config) *Driver {
	if c.Patience == 0 {
		c.Patience = DefaultPatience
	}
	if c.Trials == 0 {
		c.Trials = DefaultTrials
	}
	if c.Type == "" {
		c.Type = Type
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Driver{
		clusters: kube.NewClusters(c.Type, c.MaxAnswerBytes, c.Wrap), patience: kube.Patience{For: c.Patience, Now: c.Now},
		trials: &trials{known: lru.New[tried](c.Trials), now: c.Now},
	}
}

// Runs returns objects alone.
func (*Driver) Runs() []vim.Form { return []vim.Form{vim.Objects} }

// InPlace returns what Change can change of an object. That a kind does not bear the change of a field is said by the cluster.
func (*Driver) InPlace() vim.InPlace {
	return vim.InPlace{vim.Unit: {vim.AttributeReplicas, vim.AttributeObjects, vim.AttributeGone}}
}

// Start creates the object, once per token.
func (d *Driver) Start(ctx context.Context, conn vim.Connection, r vim.StartRequest) (vim.Resource, error) {
	const op = "start"
	c, err := d.cluster(conn)
	if err != nil {
		return vim.Resource{}, err
	}
	if err := ctx.Err(); err != nil {
		return vim.Resource{}, kube.ErrorOf(op, kube.Ref{Name: r.Token.String()}, err)
	}
	u, k, err := c.prepare(op, r.Token, r.Owner, 1, r.Spec)
	if err != nil {
		return vim.Resource{}, err
	}
	at := kube.RefOf(u)
	if at.Name == "" { // a question has no name
		at.Name = kube.Short(r.Token.String(), 10)
	}
	m, err := c.Mark(ctx, op, r.Token, r.Owner, at)
	if err != nil {
		return vim.Resource{}, err
	}
	made, err := c.In(k, at.Namespace).Create(ctx, u, metav1.CreateOptions{FieldManager: kube.FieldManager, FieldValidation: metav1.FieldValidationStrict})
	switch {
	case kerrors.IsAlreadyExists(err):
		made, err = c.In(k, at.Namespace).Get(ctx, at.Name, metav1.GetOptions{})
		if err != nil { // it goes, or went meanwhile
			return vim.Resource{}, &vim.Error{Op: op, Resource: at.String(), Class: message.Transient, Hint: "it was there, and is not any more", Err: err}
		}
		if t, owner, _, ours := bears(made); !ours || t != r.Token {
			return vim.Resource{}, c.failed(ctx, op, r.Token, held(op, at, owner, made))
		}
	case err != nil:
		return vim.Resource{}, c.failed(ctx, op, r.Token, kube.ErrorOf(op, at, err))
	case !k.Kept():
		return asked(r.Token, r.Owner, at, m.UID), nil
	}
	return d.seen(ctx, c, op, made)
}

// failed takes the marker away after a call of which nothing stands.
func (c *cluster) failed(ctx context.Context, op string, t vim.Token, err *vim.Error) error {
	if err.Class == message.UnknownOutcome {
		return err
	}
	if gone := c.Unmark(ctx, op, t); gone != nil {
		return &vim.Error{Op: op, Resource: err.Resource, Class: message.UnknownOutcome, Hint: err.Hint + "; and its marker could not be removed", Err: gone}
	}
	return err
}

// held is the error about an object that somebody else has.
func held(op string, at kube.Ref, owner string, u *unstructured.Unstructured) *vim.Error {
	hint := "there is a " + at.Kind.Kind + " of this name already, which the VNF Manager has not made"
	if owner != "" {
		hint = "there is a " + at.Kind.Kind + " of this name already, made for the VNF " + owner
	} else if who := managers(u); who != "" {
		hint += " but " + who
	}
	return &vim.Error{Op: op, Resource: at.String(), Class: message.Exists, Hint: hint}
}

// managers names who manages the fields of an object.
func managers(u *unstructured.Unstructured) string {
	var out []string
	for _, m := range u.GetManagedFields() {
		if m.Manager != "" && m.Subresource == "" {
			out = append(out, m.Manager)
		}
	}
	return strings.Join(out, ", ")
}

// asked is what stands of an object that is only created.
func asked(t vim.Token, owner string, at kube.Ref, uid string) vim.Resource {
	return vim.Resource{
		Token: t, Kind: vim.Unit, ID: at.ID(uid + "." + kube.TokenLabel(t)), Owner: owner, Name: at.Name, Type: at.Kind.Kind, Ready: true,
	}
}

// Poll looks at an object by its id.
func (d *Driver) Poll(ctx context.Context, conn vim.Connection, want vim.Kind, id string) (vim.Resource, error) {
	const op = "poll"
	c, err := d.cluster(conn)
	if err != nil {
		return vim.Resource{}, err
	}
	at, uid, ok := kube.ParseID(id)
	missing := &vim.Error{Op: op, Resource: id, Class: message.NotFound, Hint: "there is no such object"}
	if !ok || want != vim.Unit {
		return vim.Resource{}, missing
	}
	k, err := c.Kind(at.Kind)
	if err != nil {
		return vim.Resource{}, kube.ErrorOf(op, at, err)
	}
	if !k.Kept() { // its marker stands for it
		_, tok, _ := strings.Cut(uid, ".")
		i := strings.LastIndexByte(tok, '.')
		t, err := vim.ParseToken(tok[:max(i, 0)] + ":" + tok[i+1:])
		if err != nil {
			return vim.Resource{}, missing
		}
		return d.Find(ctx, conn, want, t)
	}
	u, err := c.In(k, at.Namespace).Get(ctx, at.Name, metav1.GetOptions{})
	if err != nil {
		return vim.Resource{}, kube.ErrorOf(op, at, err)
	}
	if _, _, _, ours := bears(u); !ours || string(u.GetUID()) != uid {
		return vim.Resource{}, missing
	}
	return d.seen(ctx, c, op, u)
}

// Find looks an object up by its token.
func (d *Driver) Find(ctx context.Context, conn vim.Connection, want vim.Kind, token vim.Token) (vim.Resource, error) {
	const op = "find"
	c, err := d.cluster(conn)
	if err != nil {
		return vim.Resource{}, err
	}
	missing := &vim.Error{Op: op, Resource: token.String(), Class: message.NotFound, Hint: "nothing carries this token"}
	if want != vim.Unit {
		return vim.Resource{}, missing
	}
	m, err := c.Marker(ctx, op, token)
	if err != nil {
		return vim.Resource{}, err
	}
	u, k, err := c.marked(ctx, op, m, token)
	switch {
	case err != nil:
		return vim.Resource{}, err
	case !k.Kept():
		return asked(token, m.Owner, m.Object, m.UID), nil
	case u == nil:
		return vim.Resource{}, missing
	}
	return d.seen(ctx, c, op, u)
}

// marked returns the object that a marker leads to, nil when there is none that bears the token, and its kind.
func (c *cluster) marked(ctx context.Context, op string, m *kube.Marker, t vim.Token) (*unstructured.Unstructured, *kube.Kind, error) {
	k, err := c.Kind(m.Object.Kind)
	if err != nil {
		return nil, nil, kube.ErrorOf(op, m.Object, err)
	}
	if !k.Kept() {
		return nil, k, nil
	}
	u, err := c.In(k, m.Object.Namespace).Get(ctx, m.Object.Name, metav1.GetOptions{})
	switch {
	case kerrors.IsNotFound(err):
		return nil, k, nil
	case err != nil:
		return nil, nil, kube.ErrorOf(op, m.Object, err)
	}
	if has, _, _, ours := bears(u); !ours || has != t {
		return nil, k, nil
	}
	return u, k, nil
}

// Release deletes the object that bears a token; done is false until it is gone, and what it made with it.
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
	if vim.ClassOf(err) == message.NotFound {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	u, k, err := c.marked(ctx, op, m, token)
	switch {
	case vim.ClassOf(err) == message.NotFound: // the kind is gone, and so are its objects
		u = nil
	case err != nil:
		return false, err
	case u != nil && u.GetDeletionTimestamp() != nil:
		return false, nil
	}
	if u != nil {
		if err := c.unused(ctx, op, u); err != nil {
			return false, err
		}
		c.trials.forget(c.ID, string(u.GetUID()))
		objects := c.In(k, m.Object.Namespace)
		err := objects.Delete(ctx, m.Object.Name, kube.Deletion(string(u.GetUID()), kube.Template(m.Object) != nil))
		if err != nil && !kerrors.IsNotFound(err) && !kerrors.IsConflict(err) { // a conflict: it is another object by now
			return false, kube.ErrorOf(op, m.Object, err)
		}
		if u, _, err = c.marked(ctx, op, m, token); err != nil || u != nil {
			return false, err
		}
	}
	if err := c.Unmark(ctx, op, token); err != nil {
		return false, err
	}
	return true, nil
}

// Assets tells the zones of the cluster's nodes, where the connection may see nodes.
func (d *Driver) Assets(ctx context.Context, conn vim.Connection) (vim.Assets, error) {
	const op = "assets"
	c, err := d.cluster(conn)
	if err != nil {
		return vim.Assets{}, err
	}
	return c.Zones(ctx, op)
}
