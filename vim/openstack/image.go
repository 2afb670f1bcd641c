package openstack

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// images are those that are uploaded from VNF packages. One image of a content serves all VNFs that ask for it. That a VNF does is a record of its own: an image without content, made by one call with
// the token in it. Glance writes all of an image when anything of it changes, its tags and its status among it, so that nothing about users can stand on the image itself.
//
// protected is the lock: Glance deletes no image that is. Who leaves deletes its record; where it finds an image without any it unprotects that, looks for records after that, and deletes it. Who comes makes its record, and
// protects an image that it finds unprotected after that. So one of two sees the other, and a deletion that comes late is refused.
type images struct{}

const (
	markImage = "image"     // the value of mark at an image that was uploaded
	markUse   = "image-use" // at the record of a VNF that has it
	propMark  = "vnfm"      // the properties: see imageDoc
	keyWhat   = "vnfm_content"
	keyFailed = "vnfm_failed"
)

// content is the image of a content; nil: it was not made.
type content struct{ *imageDoc }

// digest is how a content is named where a name has an end.
func digest(what string) string {
	sum := sha256.Sum256([]byte(what))
	return hex.EncodeToString(sum[:16])
}

// uploadedName ends with what tells an image of ours from one that somebody made of a server: that has the properties of the server's image, and another name.
func uploadedName(given, what string) string {
	tail := " #" + digest(what)
	return fitting(given, maxName-len(tail)) + tail
}

func (i *imageDoc) uploaded() bool {
	return i.Mark == markImage && i.Content != "" && i.Base == "" && strings.HasSuffix(i.Name, " #"+digest(i.Content))
}

// used reads the record of a VNF.
func (i *imageDoc) used() (marks, bool) {
	x, ok := marksIn(map[string]string{keyToken: i.Token, keyOwner: i.Owner})
	return x, ok && i.Mark == markUse && i.Content != "" && strings.HasSuffix(i.Name, " "+i.Token)
}

// item is what a VNF has by its record.
func (i *imageDoc) use(of content) item {
	x, _ := i.used()
	given, _, _ := strings.Cut(i.Name, "@"+i.Owner)
	it := item{doc: *i, created: i.Created, Resource: vim.Resource{
		Token: x.token, Kind: vim.SoftwareImage, Owner: x.owner, Name: given, Revision: 1, Type: "OS::Glance::Image",
	}}
	if of.imageDoc == nil {
		return it
	}
	it.ID, it.Ready = of.ID, of.Status == "active" && of.Protected && of.Broken == ""
	switch {
	case of.Broken != "":
		it.Failed = &vim.Error{Op: "poll", Resource: of.ID, Class: message.Permanent, Hint: of.Broken}
	case of.Status == "killed", of.Status == "deactivated":
		it.Failed = &vim.Error{Op: "poll", Resource: of.ID, Class: message.Permanent, Hint: "the image is in the status " + of.Status}
	}
	return it
}

// look reads the project's images of a mark, those that a query names, the oldest first.
func (c call) looked(ctx context.Context, mark string, query url.Values) ([]imageDoc, error) {
	if _, err := c.client(ctx, image); err != nil { // from here on the project is known
		return nil, c.errorOf(image, err)
	}
	query.Set(propMark, mark)
	query.Set("limit", "500")
	if c.project.ID != "" {
		query.Set("owner", c.project.ID)
	}
	var out []imageDoc
	for {
		page, err := c.images(ctx, query)
		if err != nil {
			return nil, err
		}
		for _, i := range page {
			if _, use := i.used(); use || i.uploaded() {
				out = append(out, i)
			}
		}
		if len(page) < pageSize {
			break
		}
		query.Set("marker", page[len(page)-1].ID)
	}
	slices.SortStableFunc(out, func(a, b imageDoc) int { return cmp.Or(cmp.Compare(a.Created, b.Created), cmp.Compare(a.ID, b.ID)) })
	return out, nil
}

func (c call) uses(ctx context.Context, key, value string) ([]imageDoc, error) {
	return c.looked(ctx, markUse, url.Values{key: {value}})
}

// of returns the image of a content, the oldest of several; one that is being deleted is none.
func (c call) of(ctx context.Context, what string) (content, error) {
	all, err := c.looked(ctx, markImage, url.Values{keyWhat: {what}})
	for i := range all {
		if all[i].Status != "deleted" && all[i].Status != "pending_delete" {
			return content{&all[i]}, err
		}
	}
	return content{}, err
}

// find returns what bears a token, as far as there is an image for it. An image that is about to be deleted stays, for a record came before.
func (images) find(ctx context.Context, c call, t vim.Token) ([]item, error) {
	uses, err := c.uses(ctx, keyToken, t.String())
	if err != nil || len(uses) == 0 {
		return nil, err
	}
	of, err := c.kept(ctx, uses[0].Content)
	if err != nil || of.imageDoc == nil {
		return nil, err
	}
	return []item{uses[0].use(of)}, nil // the others, of a call that came twice, go with the release
}

// kept is the image of a content that somebody has a record of: protected, and with its upload under way.
func (c call) kept(ctx context.Context, what string) (content, error) {
	of, err := c.of(ctx, what)
	if err != nil || of.imageDoc == nil {
		return of, err
	}
	if of.Status == "active" && !of.Protected {
		switch err := c.patchImage(ctx, of.ID, []object{{"op": "replace", "path": "/protected", "value": true}}); vim.ClassOf(err) {
		case "":
			of.Protected = true
		case message.NotFound: // it was deleted before
			return content{}, nil
		default:
			return content{}, err
		}
	}
	if of.Status == "queued" && of.Broken == "" {
		c.upload(ctx, *of.imageDoc)
	}
	return of, nil
}

// get looks at an image, for any of those that have it.
func (images) get(ctx context.Context, c call, id string) (*item, error) {
	var i imageDoc
	if err := c.get(ctx, image, "images/"+escaped(id), nil, &i); err != nil {
		return absent(err)
	}
	if !i.uploaded() {
		return nil, nil //nolint:nilnil // none of ours
	}
	uses, err := c.uses(ctx, keyWhat, i.Content)
	if err != nil || len(uses) == 0 {
		return nil, err
	}
	it := uses[0].use(content{&i})
	return &it, nil
}

func (c call) patchImage(ctx context.Context, id string, ops []object) error {
	client, err := c.client(ctx, image)
	if err != nil {
		return c.errorOf(image, err)
	}
	_, err = client.Request(ctx, http.MethodPatch, client.ServiceURL("images/"+escaped(id)), &gophercloud.RequestOpts{ //nolint:bodyclose // the client has read and closed it
		OkCodes: good(), JSONBody: ops, JSONResponse: &object{}, MoreHeaders: map[string]string{"Content-Type": "application/openstack-images-v2.1-json-patch"},
	})
	if err != nil {
		return c.errorOf(image, err)
	}
	return nil
}

// create makes the record of a VNF, and the image where there is none of its content.
func (images) create(ctx context.Context, c call, r vim.StartRequest) (string, error) {
	spec := *r.Spec.Image
	what := fitting(spec.Content(), maxName)
	if c.driver.cfg.Content == nil {
		return "", c.fail(message.Permanent, "the site lacks the image "+r.Spec.Name+", and this program uploads none")
	}
	done, err := c.driver.turns.take(ctx, c, c.ID+"/image "+what) // of VNFs at once one makes the image
	if err != nil {
		return "", err
	}
	defer done()
	uses, err := c.uses(ctx, keyToken, r.Token.String()) // there may be one whose image is gone
	if err != nil {
		return "", err
	}
	if len(uses) == 0 {
		x := marks{r.Token, r.Owner, 1}
		err := c.post(ctx, image, "images", object{
			"name": x.groupName(r.Spec.Name), "visibility": "private", propMark: markUse, keyToken: r.Token.String(), keyOwner: r.Owner, keyWhat: what,
		}, &object{})
		if err != nil {
			return "", err
		}
	}
	of, err := c.kept(ctx, what)
	if err == nil && of.imageDoc != nil && of.Broken != "" { // of an attempt before, or by the file of another package: whoever has a record of it gets the new one
		err, of = c.deleteImage(ctx, of.ID), content{}
	}
	if err != nil || of.imageDoc != nil {
		return id(of), err
	}
	var made imageDoc
	err = c.post(ctx, image, "images", object{
		"name": uploadedName(r.Spec.Name, what), "disk_format": diskFormat(spec), "container_format": containerFormat(spec), "visibility": "private", "protected": true,
		"min_disk": gibs(spec.MinDiskBytes), "min_ram": spec.MinRAMBytes >> 20, propMark: markImage, keyWhat: what, "vnfm_package": spec.Package, "vnfm_path": spec.Path,
	}, &made)
	if err != nil {
		return "", err
	}
	if of, err = c.of(ctx, what); err == nil && of.imageDoc != nil && of.ID != made.ID { // another process has made one at the same time: the older stays
		return of.ID, c.deleteImage(ctx, made.ID)
	}
	c.upload(ctx, made)
	return made.ID, nil
}

func id(of content) string {
	if of.imageDoc == nil {
		return ""
	}
	return of.ID
}

// deleteImage deletes an image whatever it is protected from. What somebody protects in between stays.
func (c call) deleteImage(ctx context.Context, id string) error {
	err := c.patchImage(ctx, id, []object{{"op": "replace", "path": "/protected", "value": false}})
	if err == nil {
		_, err = c.remove(ctx, image, "images/"+escaped(id))
	}
	if class := vim.ClassOf(err); class == message.NotFound || class == message.Auth && strings.Contains(vim.HintOf(err), "may not do this") {
		return nil
	}
	return err
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

// remove deletes the record of a VNF; the image goes in rest.
func (images) remove(ctx context.Context, c call, it *item) (bool, error) {
	use, _ := it.doc.(imageDoc)
	if use.Mark != markUse {
		return true, nil
	}
	_, err := c.remove(ctx, image, "images/"+escaped(use.ID))
	return err == nil, err
}

// rest deletes further records of a token, and the images of which nobody has a record. A release that died here is repeated, and comes here again.
func (images) rest(ctx context.Context, c call, t vim.Token, _ bool) error {
	mine, err := c.uses(ctx, keyToken, t.String())
	if err != nil {
		return err
	}
	for i := range mine {
		if _, err := c.remove(ctx, image, "images/"+escaped(mine[i].ID)); err != nil {
			return err
		}
	}
	all, err := c.looked(ctx, markImage, url.Values{})
	if err != nil || len(all) == 0 {
		return err
	}
	uses, err := c.looked(ctx, markUse, url.Values{})
	if err != nil {
		return err
	}
	had := map[string]bool{}
	for i := range uses {
		had[uses[i].Content] = true
	}
	for i := range all {
		if had[all[i].Content] {
			continue
		}
		if err := c.unless(ctx, &all[i]); err != nil {
			return err
		}
	}
	return nil
}

// unless deletes an image unless somebody has a record of it by now.
func (c call) unless(ctx context.Context, i *imageDoc) error {
	err := c.patchImage(ctx, i.ID, []object{{"op": "replace", "path": "/protected", "value": false}})
	if vim.ClassOf(err) == message.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	uses, err := c.uses(ctx, keyWhat, i.Content)
	if err != nil {
		return err
	}
	if len(uses) > 0 {
		return c.patchImage(ctx, i.ID, []object{{"op": "replace", "path": "/protected", "value": true}})
	}
	_, err = c.remove(ctx, image, "images/"+escaped(i.ID))
	if vim.ClassOf(err) == message.Auth { // whoever came has protected it
		return nil
	}
	return err
}

// listUploaded is the list of what VNFs have of uploaded images: an image is an entry for each, and a page may end between two of these. All are read, and cut.
func listUploaded(ctx context.Context, c call, owner, marker string) (batch, error) {
	q := url.Values{}
	if owner != "" {
		q.Set(keyOwner, owner)
	}
	uses, err := c.looked(ctx, markUse, q)
	if err != nil || len(uses) == 0 {
		return batch{}, err
	}
	all, err := c.looked(ctx, markImage, url.Values{})
	if err != nil {
		return batch{}, err
	}
	var b batch
	for i := range uses {
		k := slices.IndexFunc(all, func(x imageDoc) bool { return x.Content == uses[i].Content })
		if k < 0 { // a release takes the record away, and somebody who compares finds that the image is missing
			continue
		}
		if it := uses[i].use(content{&all[k]}); it.marker() > marker {
			b.items = append(b.items, it)
		}
	}
	slices.SortFunc(b.items, func(x, y item) int { return strings.Compare(x.marker(), y.marker()) })
	return b, nil
}
