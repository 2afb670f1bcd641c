package openstack

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

type flavourDoc struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	CPUs int    `json:"vcpus"`
	RAM  int64  `json:"ram"`  // MiB
	Disk int64  `json:"disk"` // GiB
}

func (f flavourDoc) flavour() vim.Flavour {
	return vim.Flavour{ID: f.ID, Name: f.Name, VCPUs: f.CPUs, MemoryBytes: f.RAM << 20, DiskBytes: f.Disk * gib}
}

func (i imageDoc) image() vim.Image {
	out := vim.Image{ID: i.ID, Name: i.Name, SizeBytes: i.Size}
	switch {
	case i.Hash != "" && i.HashAlgo != "":
		out.Checksum = strings.ToLower(i.HashAlgo + ":" + i.Hash)
	case i.Checksum != "":
		out.Checksum = "md5:" + strings.ToLower(i.Checksum)
	}
	return out
}

// maxAssets bounds how many flavours, and images, are listed.
const maxAssets = 10_000

// flavours calls f with the site's flavours until it returns false.
func (c call) flavours(ctx context.Context, f func(flavourDoc) bool) error {
	marker := ""
	for n := 0; n < maxAssets; {
		var out struct {
			Flavors []flavourDoc `json:"flavors"`
			Links   []link       `json:"flavors_links"`
		}
		if err := c.get(ctx, compute, "flavors/detail", from(marker), &out); err != nil {
			return err
		}
		for _, x := range out.Flavors {
			if !x.ours() && !f(x) {
				return nil
			}
		}
		if n += len(out.Flavors); len(out.Flavors) == 0 || len(out.Flavors) < pageSize && len(out.Links) == 0 {
			return nil
		}
		marker = out.Flavors[len(out.Flavors)-1].ID
	}
	return nil
}

// Assets tells the zones, flavours and images of a site, and its external network where there is one only.
func (d *Driver) Assets(ctx context.Context, conn vim.Connection) (vim.Assets, error) {
	cl, err := d.cloud(conn)
	if err != nil {
		return vim.Assets{}, err
	}
	c := call{cloud: cl, driver: d, op: "assets", what: conn.ID}
	out := vim.Assets{Zones: []string{}, Flavours: []vim.Flavour{}, Images: []vim.Image{}, Makes: c.makes()}
	var zones struct {
		Zones []struct {
			Name  string `json:"zoneName"`
			State struct {
				Available bool `json:"available"`
			} `json:"zoneState"`
		} `json:"availabilityZoneInfo"`
	}
	if err := c.get(ctx, compute, "os-availability-zone", nil, &zones); err != nil {
		return vim.Assets{}, err
	}
	for _, z := range zones.Zones {
		if z.State.Available {
			out.Zones = append(out.Zones, z.Name)
		}
	}
	slices.Sort(out.Zones)
	if err := c.flavours(ctx, func(f flavourDoc) bool { out.Flavours = append(out.Flavours, f.flavour()); return true }); err != nil {
		return vim.Assets{}, err
	}
	for marker := ""; len(out.Images) < maxAssets; {
		q := from(marker)
		q.Set("status", "active")
		page, err := c.images(ctx, q)
		if err != nil {
			return vim.Assets{}, err
		}
		for _, i := range page {
			if i.Mark == "" {
				out.Images = append(out.Images, i.image())
			}
		}
		if len(page) == 0 {
			break
		}
		marker = page[len(page)-1].ID
	}
	var external struct{ Networks []networkDoc }
	if err := c.get(ctx, network, "networks", url.Values{"router:external": {"true"}}, &external); err != nil {
		return vim.Assets{}, err
	}
	if len(external.Networks) == 1 {
		out.ExternalNetwork = external.Networks[0].ID
	}
	return out, nil
}

// FindFlavour returns the flavour with a name, or with an id.
func (d *Driver) FindFlavour(ctx context.Context, conn vim.Connection, name string) (vim.Flavour, error) {
	cl, err := d.cloud(conn)
	if err != nil {
		return vim.Flavour{}, err
	}
	c := call{cloud: cl, driver: d, op: "assets", what: name}
	var byName, byID *flavourDoc
	err = c.flavours(ctx, func(f flavourDoc) bool {
		switch name {
		case f.Name:
			byName = &f
		case f.ID:
			byID = &f
		}
		return byName == nil
	})
	found := cmp.Or(byName, byID)
	switch {
	case err != nil:
		return vim.Flavour{}, err
	case found == nil || name == "":
		return vim.Flavour{}, c.fail(message.NotFound, "the project sees no flavour of this name")
	}
	return found.flavour(), nil
}

// FindImage returns the image with a checksum, else the one with a name; of several the latest.
func (d *Driver) FindImage(ctx context.Context, conn vim.Connection, name, checksum string) (vim.Image, error) {
	cl, err := d.cloud(conn)
	if err != nil {
		return vim.Image{}, err
	}
	c := call{cloud: cl, driver: d, op: "assets", what: cmp.Or(name, checksum)}
	latest := url.Values{"status": {"active"}, "sort": {"created_at:desc"}, "limit": {fewImages}}
	if algo, sum, ok := strings.Cut(checksum, ":"); ok {
		key := "os_hash_value"
		if strings.EqualFold(algo, "md5") {
			key = "checksum"
		}
		q := url.Values{key: {strings.ToLower(sum)}, "status": {"active"}, "limit": {fewImages}}
		if found, err := c.sites(ctx, q); err != nil || len(found) > 0 {
			return first(found), err
		}
	}
	if name != "" {
		latest.Set("name", name)
		if strings.ContainsAny(name, ",:\"") { // which mean something in a filter
			latest.Set("name", "in:\""+strings.ReplaceAll(name, `"`, `\"`)+"\"")
		}
		if found, err := c.sites(ctx, latest); err != nil || len(found) > 0 {
			return first(found), err
		}
	}
	return vim.Image{}, c.fail(message.NotFound, "the project sees no image with this checksum or name")
}

// fewImages is how many images of a name or a checksum are looked at: some may be ours.
const fewImages = "20"

// sites looks for images that are the site's own: what was made for VNFs goes with them.
func (c call) sites(ctx context.Context, query url.Values) ([]imageDoc, error) {
	found, err := c.images(ctx, query)
	return slices.DeleteFunc(found, func(i imageDoc) bool { return i.Mark != "" }), err
}

// makes are the kinds that are made where the site lacks them: images unless the connection says no, flavours where it says so.
func (c call) makes() []vim.Kind {
	var out []vim.Kind
	extra := spellings(c.Extra)
	if c.driver.cfg.Content != nil && extra.text("uploadimages") != "false" {
		out = append(out, vim.SoftwareImage)
	}
	if extra.text("makeflavours") == "true" {
		out = append(out, vim.ComputeFlavour)
	}
	return out
}

func first(found []imageDoc) vim.Image {
	if len(found) == 0 {
		return vim.Image{}
	}
	return found[0].image()
}
