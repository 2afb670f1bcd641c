package openstack

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// images are those that are uploaded from VNF packages. One image of a content serves all VNFs that ask for it: each has a tag on it with its token and owner, and
// the release of the last one deletes it. That two processes do this at once without anything between them is what protected is for: Glance deletes no image that is. Who
// takes the last tag away unprotects first and looks at the tags then; who puts a tag there looks after that whether the image is protected. So one of two sees the other, or both.
type images struct{}

const (
	markImage   = "image" // the value of mark at an image that was uploaded
	propMark    = "vnfm"  // the properties of an image: see imageDoc
	propLeaving = "vnfm_leaving"
	propFailed  = "vnfm_failed"
)

// mostUsers is how many VNFs share an image: Glance allows 128 tags unless it is told otherwise. More get another image.
const mostUsers = 120

// use is a tag of a VNF on an image.
type use struct {
	token vim.Token
	owner string
}

func (u use) tag() string { return tagToken + u.token.String() + "@" + u.owner }

func useOf(tag string) (use, bool) {
	text, ours := strings.CutPrefix(tag, tagToken)
	tok, owner, whole := strings.Cut(text, "@")
	t, err := vim.ParseToken(tok)
	return use{t, owner}, ours && whole && err == nil && owner != ""
}

// uses are the VNFs that have an image. What somebody makes of a server inherits the properties of its image, and no tags: it has none.
func (i imageDoc) uses() []use {
	var out []use
	for _, t := range i.Tags {
		if u, ok := useOf(t); ok && i.Mark == markImage {
			out = append(out, u)
		}
	}
	return out
}

// shared is the item of each VNF that has an image.
func (i imageDoc) shared() []item {
	var out []item
	for _, u := range i.uses() {
		it := item{doc: i, created: i.Created, Resource: vim.Resource{
			Token: u.token, Kind: vim.SoftwareImage, ID: i.ID, Owner: u.owner, Name: i.Name, Revision: 1, Type: "OS::Glance::Image",
			Ready: i.Status == "active" && i.Protected,
		}}
		switch {
		case i.Broken != "":
			it.Failed = &vim.Error{Op: "poll", Resource: i.ID, Class: message.Permanent, Hint: i.Broken}
		case i.Status == "killed", i.Status == "deactivated":
			it.Failed = &vim.Error{Op: "poll", Resource: i.ID, Class: message.Permanent, Hint: "the image is in the status " + i.Status}
		case i.Status == "deleted", i.Status == "pending_delete":
			it.going = true
		}
		out = append(out, it)
	}
	return out
}

// uploaded reads the project's images that were uploaded, those that a query names.
func (c call) uploaded(ctx context.Context, query url.Values) ([]imageDoc, error) {
	if _, err := c.client(ctx, image); err != nil { // from here on the project is known
		return nil, c.errorOf(image, err)
	}
	query.Set(propMark, markImage)
	query.Set("sort", "created_at:asc")
	if c.project.ID != "" {
		query.Set("owner", c.project.ID)
	}
	var out []imageDoc
	for {
		page, err := c.images(ctx, query)
		if err != nil {
			return nil, err
		}
		if out = append(out, page...); len(page) < pageSize {
			return out, nil
		}
		query.Set("marker", page[len(page)-1].ID)
	}
}

func (images) find(ctx context.Context, c call, t vim.Token) ([]item, error) {
	all, err := c.uploaded(ctx, from(""))
	var out []item
	for _, i := range all {
		for _, it := range i.shared() {
			if it.Token == t {
				out = append(out, it)
			}
		}
	}
	return out, err
}

// get looks at an image, and goes on with what stands still: an upload that nobody here is at, and a release that was given up.
func (images) get(ctx context.Context, c call, id string) (*item, error) {
	var i imageDoc
	if err := c.get(ctx, image, "images/"+escaped(id), nil, &i); err != nil {
		return absent(err)
	}
	uses := i.uses()
	if len(uses) == 0 {
		return nil, nil //nolint:nilnil // none of ours
	}
	if !i.Protected && !slices.ContainsFunc(uses, func(u use) bool { return u.token.String() == i.Leaving }) { // who left has not come to deleting it
		if err := c.protect(ctx, &i); err != nil {
			return nil, err
		}
	}
	if i.Status == "queued" && i.Broken == "" {
		c.upload(ctx, i)
	}
	all := i.shared()
	return &all[0], nil
}

// protect has an image stay that was about to be deleted.
func (c call) protect(ctx context.Context, i *imageDoc) error {
	ops := []object{{"op": "replace", "path": "/protected", "value": true}}
	if i.Leaving != "" {
		ops = append(ops, object{"op": "remove", "path": "/" + propLeaving})
	}
	return c.patchImage(ctx, i.ID, ops, i)
}

func (c call) patchImage(ctx context.Context, id string, ops []object, out *imageDoc) error {
	client, err := c.client(ctx, image)
	if err != nil {
		return c.errorOf(image, err)
	}
	var doc imageDoc
	_, err = client.Request(ctx, http.MethodPatch, client.ServiceURL("images/"+escaped(id)), &gophercloud.RequestOpts{ //nolint:bodyclose // the client has read and closed it
		OkCodes: good(), JSONBody: ops, JSONResponse: &doc, MoreHeaders: map[string]string{"Content-Type": "application/openstack-images-v2.1-json-patch"},
	})
	if err != nil {
		return c.errorOf(image, err)
	}
	if out != nil {
		*out = doc
	}
	return nil
}

// create gives a VNF the image of a content: one that is there, else one that is made and uploaded beside this call.
func (x images) create(ctx context.Context, c call, r vim.StartRequest) (string, error) {
	spec := *r.Spec.Image
	if c.driver.cfg.Content == nil {
		return "", c.fail(message.Permanent, "the site lacks the image "+r.Spec.Name+", and this program uploads none")
	}
	done, err := c.driver.turns.take(ctx, c, c.ID+"/image "+spec.Content()) // two VNFs at once: one image
	if err != nil {
		return "", err
	}
	defer done()
	u := use{r.Token, r.Owner}
	there, err := c.ofContent(ctx, spec)
	if err != nil {
		return "", err
	}
	if len(there) > 0 {
		return there[0].ID, c.join(ctx, there[0].ID, u)
	}
	var made imageDoc
	in := object{
		"name": fitting(r.Spec.Name, maxName), "disk_format": diskFormat(spec), "container_format": containerFormat(spec), "visibility": "private", "protected": true,
		"min_disk": gibs(spec.MinDiskBytes), "min_ram": spec.MinRAMBytes >> 20, "tags": []string{u.tag()},
		propMark: markImage, "vnfm_content": fitting(spec.Content(), maxName), "vnfm_package": spec.Package, "vnfm_path": spec.Path,
	}
	if err := c.post(ctx, image, "images", in, &made); err != nil {
		return "", err
	}
	// another process may have made one at the same time: the older stays
	if there, err = c.ofContent(ctx, spec); err == nil && len(there) > 0 && there[0].ID != made.ID {
		if err := c.join(ctx, there[0].ID, u); err != nil {
			return "", err
		}
		mine := made.shared()
		_, err := x.remove(ctx, c, &mine[0])
		return there[0].ID, err
	}
	c.upload(ctx, made)
	return made.ID, nil
}

// ofContent are the images of a content that can be shared, the oldest first.
func (c call) ofContent(ctx context.Context, spec vim.ImageSpec) ([]imageDoc, error) {
	q := from("")
	q.Set("vnfm_content", fitting(spec.Content(), maxName))
	all, err := c.uploaded(ctx, q)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(i imageDoc) bool {
		uses := len(i.uses())
		return uses == 0 || uses >= mostUsers || i.Broken != "" || !i.Protected || i.Status != "active" && i.Status != "queued" && i.Status != "saving"
	})
	slices.SortStableFunc(all, func(a, b imageDoc) int { return strings.Compare(a.Created+a.ID, b.Created+b.ID) })
	return all, nil
}

// join puts the tag of a VNF on an image. Whether that stays is seen when it is polled.
func (c call) join(ctx context.Context, id string, u use) error {
	return c.put(ctx, image, "images/"+escaped(id)+"/tags/"+escaped(u.tag()), nil, nil)
}

// diskFormat is what Glance is told that an image is; SOL001 has the same words.
func diskFormat(s vim.ImageSpec) string {
	if f := strings.ToLower(s.Format); f != "" {
		return f
	}
	for _, ending := range []string{"qcow2", "vmdk", "vdi", "vhd", "iso"} {
		if strings.HasSuffix(strings.ToLower(s.Path), "."+ending) {
			return ending
		}
	}
	return "raw"
}

func containerFormat(s vim.ImageSpec) string {
	if f := strings.ToLower(s.Container); f != "" {
		return f
	}
	return "bare"
}

func (images) change(_ context.Context, c call, it *item, r vim.ChangeRequest) (vim.Resource, error) {
	return unchanged(c, it, r)
}

// remove takes a VNF's tag from an image, and the image away with the last one.
func (images) remove(ctx context.Context, c call, it *item) (bool, error) {
	i, _ := it.doc.(imageDoc)
	mine := use{it.Token, it.Owner}
	others := func() bool { return slices.ContainsFunc(i.uses(), func(u use) bool { return u != mine }) }
	path := "images/" + escaped(it.ID)
	if !others() {
		op := "replace"
		if i.Leaving == "" {
			op = "add"
		}
		ops := []object{{"op": "replace", "path": "/protected", "value": false}, {"op": op, "path": "/" + propLeaving, "value": it.Token.String()}}
		if err := c.patchImage(ctx, it.ID, ops, nil); err != nil {
			return vim.ClassOf(err) == message.NotFound, unless(err, message.NotFound)
		}
		if err := c.get(ctx, image, path, nil, &i); err != nil {
			return vim.ClassOf(err) == message.NotFound, unless(err, message.NotFound)
		}
	}
	if !others() {
		_, err := c.remove(ctx, image, path)
		return err == nil, err
	}
	if i.Leaving == it.Token.String() { // somebody came in between
		if err := c.protect(ctx, &i); err != nil {
			return false, err
		}
	}
	_, err := c.remove(ctx, image, path+"/tags/"+escaped(mine.tag()))
	return err == nil, err
}

// unless is an error that is not of a class.
func unless(err error, class message.Class) error {
	if vim.ClassOf(err) == class {
		return nil
	}
	return err
}

func (images) rest(context.Context, call, vim.Token, bool) error { return nil }

// listUploaded is the list of what VNFs have of uploaded images: an image is an entry for each, and a page may end between two of these. All are read, and cut.
func listUploaded(ctx context.Context, c call, owner, marker string) (batch, error) {
	all, err := c.uploaded(ctx, from(""))
	if err != nil {
		return batch{}, err
	}
	var b batch
	for _, i := range all {
		for _, it := range i.shared() {
			if it.marker() > marker && (owner == "" || it.Owner == owner) {
				b.items = append(b.items, it)
			}
		}
	}
	slices.SortFunc(b.items, func(x, y item) int { return strings.Compare(x.marker(), y.marker()) })
	return b, nil
}
