package helm

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/metadata"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/kubernetes/kube"
)

var secrets = schema.GroupVersionResource{Version: "v1", Resource: "secrets"} //nolint:gochecknoglobals // data

// releases begins the places of pages that list releases; objects are listed before them.
const releases = "releases "

var _ vim.Watcher = (*Driver)(nil)

// Watch watches the objects of all kinds that bear our mark, those of releases among them.
func (d *Driver) Watch(ctx context.Context, conn vim.Connection, changed func()) error {
	return d.objects.Watch(ctx, conn, changed) //nolint:wrapcheck // an Error of that driver
}

// List returns a page of what bears a token: the objects, then the releases, by the labels of Helm's Secrets.
func (d *Driver) List(ctx context.Context, conn vim.Connection, r vim.ListRequest) (vim.ListPage, error) {
	after, ok := strings.CutPrefix(r.After, releases)
	if !ok {
		page, err := d.objects.List(ctx, conn, r)
		if err == nil && page.Next == "" {
			page.Next = releases
		}
		if err != nil || len(page.Resources) > 0 || page.Next != releases {
			return page, err //nolint:wrapcheck // an Error of that driver
		}
		after = ""
	}
	c, err := d.cluster(conn)
	if err != nil {
		return vim.ListPage{}, err
	}
	all, err := c.releases(ctx, r.Owner)
	if err != nil {
		return vim.ListPage{}, err
	}
	page := vim.ListPage{Resources: []vim.Resource{}}
	limit := kube.PageSize
	if r.Limit > 0 {
		limit = min(limit, r.Limit)
	}
	for _, x := range all {
		switch {
		case x.ID <= after:
			continue
		case len(page.Resources) == limit:
			page.Next = releases + page.Resources[limit-1].ID
			return page, nil
		}
		page.Resources = append(page.Resources, x)
	}
	return page, nil
}

// releases lists releases by what the metadata of Helm's Secrets say, in order of id.
func (c *cluster) releases(ctx context.Context, owner string) ([]vim.Resource, error) {
	const op = "list"
	what := kube.Ref{Kind: releaseKind, Name: "*"}
	client, err := metadata.NewForConfigAndClient(c.Config, c.HTTP)
	if err != nil {
		return nil, kube.ErrorOf(op, what, err)
	}
	selector := "owner=helm," + kube.LabelToken
	if owner != "" {
		selector += "," + kube.LabelOwner + "=" + kube.Label(owner)
	}
	type found struct {
		vim.Resource
		version, deployed int
	}
	by := map[string]*found{}
	for o := (metav1.ListOptions{LabelSelector: selector, Limit: kube.PageSize}); ; {
		l, err := client.Resource(secrets).List(ctx, o)
		if kube.Forbidden(err) { // what may not be listed is not searched
			return nil, nil
		}
		if err != nil {
			return nil, kube.ErrorOf(op, what, err)
		}
		for i := range l.Items {
			x := &l.Items[i]
			t, ok := labelled(x.Labels[kube.LabelToken])
			if !ok || releaseName(t) != x.Labels["name"] {
				continue
			}
			version, _ := strconv.Atoi(x.Labels["version"]) // Helm's own
			at := kube.Ref{Kind: releaseKind, Namespace: x.Namespace, Name: x.Labels["name"]}
			f := by[at.String()]
			if f == nil {
				f = &found{Resource: underWay(t, x.Labels[kube.LabelOwner], at, 0)}
				by[at.String()] = f
			}
			status := x.Labels["status"]
			if version >= f.version {
				f.version, f.Ready = version, status == "deployed"
			}
			if n, err := strconv.Atoi(x.Labels[LabelRevision]); err == nil && status == "deployed" && version >= f.deployed {
				f.deployed, f.Revision = version, n
			}
		}
		if o.Continue = l.GetContinue(); o.Continue == "" {
			break
		}
	}
	out := make([]vim.Resource, 0, len(by))
	for _, f := range by {
		out = append(out, f.Resource)
	}
	slices.SortFunc(out, func(a, b vim.Resource) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
}

// Observe is List, with how many pods the workloads of a release are to have, and whether somebody has upgraded it to something else.
func (d *Driver) Observe(ctx context.Context, conn vim.Connection, r vim.ListRequest) (vim.ObservedPage, error) {
	const op = "observe"
	if !strings.HasPrefix(r.After, releases) {
		page, err := d.objects.Observe(ctx, conn, r)
		if err == nil && page.Next == "" {
			page.Next = releases
		}
		if err != nil || len(page.Resources) > 0 || page.Next != releases {
			return page, err //nolint:wrapcheck // an Error of that driver
		}
		r.After = releases
	}
	page, err := d.List(ctx, conn, r)
	if err != nil {
		return vim.ObservedPage{}, err
	}
	c, err := d.cluster(conn)
	if err != nil {
		return vim.ObservedPage{}, err
	}
	out := vim.ObservedPage{Resources: []vim.Observed{}, Next: page.Next}
	for _, x := range page.Resources {
		at, _ := kube.ParseRef(x.ID) // List made it
		o, err := d.observed(ctx, c, op, at, x)
		switch {
		case vim.ClassOf(err) == message.NotFound: // it went meanwhile
		case err != nil:
			return vim.ObservedPage{}, err
		default:
			out.Resources = append(out.Resources, o)
		}
	}
	return out, nil
}

// observed looks at one release.
func (d *Driver) observed(ctx context.Context, c *cluster, op string, at kube.Ref, x vim.Resource) (vim.Observed, error) {
	h, err := c.history(ctx, op, at)
	if err != nil {
		return vim.Observed{}, err
	}
	if h.token != x.Token {
		return vim.Observed{}, missing(op, at.String())
	}
	o := vim.Observed{Resource: x}
	if o.Resource, err = d.seen(ctx, c, op, h, true); err != nil || h.deployed == nil || d.works.of(c, h.token) != nil {
		return o, err
	}
	parts, err := c.parts(ctx, op, h, true)
	if err != nil {
		return vim.Observed{}, err
	}
	u := unitOf(h.deployed)
	spec := &vim.UnitSpec{Counts: map[string]int{}}
	o.Spec.Unit, o.About = spec, []vim.Attribute{vim.AttributeCounts}
	for vdu, n := range u.Counts {
		spec.Counts[vdu] = n
	}
	about := func(a vim.Attribute) {
		if !slices.Contains(o.About, a) {
			o.About = append(o.About, a)
		}
	}
	for i := range parts {
		p := &parts[i]
		vdu := u.vduOf(p.at)
		switch {
		case p.live == nil: // that there is another is no secret
			spec.Objects = vim.Encode("not all there")
			about(vim.AttributeObjects)
		case vdu != "" && kube.Counted(p.at) && !kube.Autoscaled(p.live): // what an autoscaler has set is as it should be
			spec.Counts[vdu] = kube.Wanted(p.live)
			if kube.Wanted(p.live) != u.Counts[vdu] {
				o.Author(vim.AttributeCounts, kube.Author(p.live, "spec", "replicas"))
			}
		}
	}
	if h.deployed.Labels[LabelValues] != valuesDigest(h.deployed.Config) {
		spec.Values = vim.Encode("others")
		about(vim.AttributeValues)
	}
	if h.deployed.Labels[LabelChart] != chartDigest(h.deployed.Chart) {
		spec.Objects = vim.Encode("another chart")
		about(vim.AttributeObjects)
	}
	return o, nil
}
