package sim

import (
	"context"
	"slices"
	"strings"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// ExternalNetwork is the id of every simulated site's default external network.
const ExternalNetwork = "external"

const (
	mib = int64(1) << 20
	gib = int64(1) << 30
)

// flavours are those a site lists, smallest first. Any other name is a flavour, too.
var flavours = []vim.Flavour{
	{ID: "m1.tiny", Name: "m1.tiny", VCPUs: 1, MemoryBytes: 512 * mib, DiskBytes: 1 * gib},
	{ID: "m1.small", Name: "m1.small", VCPUs: 1, MemoryBytes: 2 * gib, DiskBytes: 20 * gib},
	{ID: "m1.medium", Name: "m1.medium", VCPUs: 2, MemoryBytes: 4 * gib, DiskBytes: 40 * gib},
	{ID: "m1.large", Name: "m1.large", VCPUs: 4, MemoryBytes: 8 * gib, DiskBytes: 80 * gib},
	{ID: "m1.xlarge", Name: "m1.xlarge", VCPUs: 8, MemoryBytes: 16 * gib, DiskBytes: 160 * gib},
	{ID: "m1.2xlarge", Name: "m1.2xlarge", VCPUs: 16, MemoryBytes: 64 * gib, DiskBytes: 640 * gib},
	{ID: "m1.16xlarge", Name: "m1.16xlarge", VCPUs: 128, MemoryBytes: 1024 * gib, DiskBytes: 10240 * gib},
}

// Assets returns what a simulated site lists. No rule applies to it. Images are not listed: see FindImage.
func (s *Sim) Assets(_ context.Context, conn vim.Connection) (vim.Assets, error) {
	c := call{op: "assets", what: conn.ID}
	if conn.Type != Type {
		return vim.Assets{}, c.fail(message.Permanent, "not a connection to the simulator: type "+conn.Type)
	}
	b := s.Behaviour()
	a := vim.Assets{Zones: slices.Clone(zoneNames), Images: []vim.Image{}, Makes: []vim.Kind{vim.SoftwareImage}}
	if vim.Text(conn.Extra, "makeFlavours") == "true" {
		a.Makes = append(a.Makes, vim.ComputeFlavour)
	}
	for _, f := range flavours {
		if !b.absent(f.Name) {
			a.Flavours = append(a.Flavours, f)
		}
	}
	if !b.absent(ExternalNetwork) {
		a.ExternalNetwork = ExternalNetwork
	}
	return a, nil
}

// Zones are the zones of every simulated site.
func Zones() []string { return slices.Clone(zoneNames) }

// FindFlavour returns the flavour of a name; every name but an absent one is a flavour.
func (s *Sim) FindFlavour(_ context.Context, _ vim.Connection, name string) (vim.Flavour, error) {
	c := call{op: "assets", what: name}
	if name == "" || s.Behaviour().absent(name) {
		return vim.Flavour{}, c.fail(message.NotFound, "there is no such flavour")
	}
	for _, f := range flavours {
		if f.Name == name {
			return f, nil
		}
	}
	return vim.Flavour{ID: name, Name: name, VCPUs: 1, MemoryBytes: gib, DiskBytes: gib}, nil
}

// FindImage returns the image with a checksum, else with a name; every image but an absent one is there.
func (s *Sim) FindImage(_ context.Context, _ vim.Connection, name, checksum string) (vim.Image, error) {
	c := call{op: "assets", what: name}
	label := name
	if label == "" {
		label = checksum
	}
	if label == "" || s.Behaviour().absent(name, checksum, imagePrefix+label) {
		return vim.Image{}, c.fail(message.NotFound, "there is no such image")
	}
	return vim.Image{ID: imagePrefix + label, Name: name, Checksum: checksum}, nil
}

// imagePrefix begins every image's id; the image's name follows, so that an id can be held against the absent ones.
const imagePrefix = "image-"

func imageName(id string) string { return strings.TrimPrefix(id, imagePrefix) }
