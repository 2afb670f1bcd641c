package openstack_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// content is what a path of a package holds: bytes that are made of the path.
func (s *site) content(_ context.Context, packageID, path string) (io.ReadCloser, error) {
	if packageID != "package" {
		return nil, vnfm.Errorf(vnfm.NotFound, "there is no package %s", packageID)
	}
	return io.NopCloser(bytes.NewReader(imageBytes(path))), nil
}

func imageBytes(path string) []byte { return bytes.Repeat([]byte(path), 100_000) }

func (s *site) newImage(_ *testing.T, right bool) vim.Spec {
	path := "Files/images/" + uuid.NewString() + ".raw"
	sum := sha256.Sum256(imageBytes(path))
	if !right {
		sum[0]++
	}
	return vim.Spec{Name: "uploaded", Image: &vim.ImageSpec{Package: "package", Path: path, Checksum: "sha-256:" + hex.EncodeToString(sum[:])}}
}

// Of two of one token the older stays; and a VNF more than an image has room for gets another one.
func TestImagesOfOneTokenAndOfManyUsers(t *testing.T) {
	f := newFake(t)
	s := f.site()
	d := s.driver()
	r := vim.StartRequest{Token: vim.Token{ID: uuid.NewString(), Generation: 1}, Kind: vim.SoftwareImage, Owner: uuid.NewString(), Spec: s.newImage(t, true)}
	a, err := d.Start(t.Context(), s.conn, r)
	if err != nil {
		t.Fatal(err)
	}
	d.Idle()
	copied := maps.Clone(f.row("images", a.ID))
	f.tick()
	younger := f.add("images", copied)
	if got, err := d.Find(t.Context(), s.conn, r.Kind, r.Token); err != nil || got.ID != a.ID || f.row("images", str(younger, "id")) != nil {
		t.Errorf("%+v, %v; the younger: %v", got, err, f.row("images", str(younger, "id")))
	}
	for range 119 {
		row := f.row("images", a.ID)
		row["tags"] = append(list(row, "tags"), "vnfm:"+uuid.NewString()+":1@somebody")
	}
	more := r
	more.Token.ID = uuid.NewString()
	if b, err := d.Start(t.Context(), s.conn, more); err != nil || b.ID == a.ID {
		t.Errorf("%+v, %v", b, err)
	}
	d.Idle()
}

// Whoever leaves and whoever comes at the same time see each other, wherever one of them dies.
func TestAnImageIsLeftAndJoinedAtTheSameTime(t *testing.T) {
	f := newFake(t)
	s := f.site()
	d := s.driver()
	leaves := vim.StartRequest{Token: vim.Token{ID: uuid.NewString(), Generation: 1}, Kind: vim.SoftwareImage, Owner: uuid.NewString(), Spec: s.newImage(t, true)}
	comes := leaves
	comes.Token.ID, comes.Owner = uuid.NewString(), uuid.NewString()
	res, err := d.Start(t.Context(), s.conn, leaves)
	if err != nil {
		t.Fatal(err)
	}
	d.Idle()
	look := func() vim.Resource {
		got, err := d.Poll(t.Context(), s.conn, vim.SoftwareImage, res.ID)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	// the release dies before it looks at the tags: who comes waits, and the release, repeated, lets it have the image
	row := f.row("images", res.ID)
	row["protected"], row["vnfm_leaving"] = false, leaves.Token.String()
	row["tags"] = append(list(row, "tags"), "vnfm:"+comes.Token.String()+"@"+comes.Owner)
	if look().Ready {
		t.Error("an image is taken for ready that is about to be deleted")
	}
	if done, err := d.Release(t.Context(), s.conn, vim.SoftwareImage, leaves.Token); !done || err != nil {
		t.Fatalf("release: %v, %v", done, err)
	}
	if !look().Ready || row["protected"] != true || row["vnfm_leaving"] != nil {
		t.Errorf("after the release, repeated: %v", row)
	}
	// it dies when it has taken its tag away, and not protected the image again: who comes does that
	row["protected"], row["vnfm_leaving"] = false, leaves.Token.String()
	if !look().Ready || row["protected"] != true {
		t.Errorf("after a poll: %v", row)
	}
	// who left is asked to leave once more, late
	if done, err := d.Release(t.Context(), s.conn, vim.SoftwareImage, leaves.Token); !done || err != nil || f.row("images", res.ID) == nil {
		t.Errorf("a late release: %v, %v", done, err)
	}
	if done, err := d.Release(t.Context(), s.conn, vim.SoftwareImage, comes.Token); !done || err != nil || f.row("images", res.ID) != nil {
		t.Errorf("the last release: %v, %v", done, err)
	}
}

// Flavours are made where the connection says so, once per token, and nobody else's machines get them.
func TestFlavoursAreMade(t *testing.T) {
	f := newFake(t)
	s := f.site()
	conn := s.conn
	conn.Extra = map[string]json.RawMessage{"makeFlavours": json.RawMessage("true")}
	d := s.driver()
	if a, err := d.Assets(t.Context(), s.conn); err != nil || !slices.Equal(a.Makes, []vim.Kind{vim.SoftwareImage}) {
		t.Errorf("%+v, %v", a, err)
	}
	if a, err := d.Assets(t.Context(), conn); err != nil || !slices.Equal(a.Makes, []vim.Kind{vim.SoftwareImage, vim.ComputeFlavour}) {
		t.Errorf("%+v, %v", a, err)
	}
	r := vim.StartRequest{
		Token: vim.Token{ID: uuid.NewString(), Generation: 1}, Kind: vim.ComputeFlavour, Owner: uuid.NewString(),
		Spec: vim.Spec{Name: "vdu", Flavour: &vim.FlavourSpec{VCPUs: 3, MemoryBytes: 3 << 30, DiskBytes: 5 << 30}},
	}
	a, err := d.Start(t.Context(), conn, r)
	if err != nil || !a.Ready || a.Owner != r.Owner {
		t.Fatalf("%+v, %v", a, err)
	}
	if b, err := d.Start(t.Context(), conn, r); err != nil || b.ID != a.ID {
		t.Errorf("%+v, %v", b, err)
	}
	if assets, err := d.Assets(t.Context(), conn); err != nil || slices.ContainsFunc(assets.Flavours, func(x vim.Flavour) bool { return x.ID == a.ID }) {
		t.Errorf("%+v, %v", assets.Flavours, err)
	}
	if l, err := d.List(t.Context(), conn, vim.ListRequest{Owner: r.Owner}); err != nil || len(l.Resources) != 1 || l.Resources[0].Token != r.Token {
		t.Errorf("%+v, %v", l, err)
	}
	for range 2 {
		if done, err := d.Release(t.Context(), conn, r.Kind, r.Token); !done || err != nil {
			t.Errorf("%v, %v", done, err)
		}
	}
	if _, err := d.Find(t.Context(), conn, r.Kind, r.Token); vim.ClassOf(err) != message.NotFound {
		t.Error(err)
	}
}
