package nfvomanager

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/vim"
)

// policy decides grants by what one site offers.
type policy struct {
	registry vim.Registry
	drivers  map[string]vim.Driver
	gate     Gate
}

// Decide decides one request as our own policy does, by what the sites of a registry offer. Errors are Unprocessable for what cannot be granted, and those of the drivers.
func Decide(ctx context.Context, registry vim.Registry, drivers map[string]vim.Driver, req nfvo.GrantRequest) (nfvo.Grant, error) {
	return policy{registry, drivers, nil}.grant(ctx, req)
}

// grant decides one request. Its errors are the request's fault (Unprocessable), or the driver's.
func (p policy) grant(ctx context.Context, req nfvo.GrantRequest) (nfvo.Grant, error) {
	g := nfvo.Grant{ID: req.OpOccID, Local: true, Infos: []nfvo.GrantInfo{}}
	formIn := formsIn(&req)
	for _, d := range slices.Concat(req.Remove, req.Update) {
		info := nfvo.GrantInfo{DefinitionID: d.ID}
		if d.Resource != nil {
			info.Connection = d.Resource.Connection
		} else {
			var err error
			if info.Connection, err = p.place(ctx, &req, formIn(d)); err != nil {
				return g, err
			}
		}
		g.Infos = append(g.Infos, info)
	}
	if slices.ContainsFunc(req.Add, func(d nfvo.ResourceDefinition) bool { return d.Snapshot != nil && d.Snapshot.Package }) {
		return g, vnfm.Errorf(vnfm.Unprocessable, "The VNF snapshot is of a snapshot package: only an NFVO knows the snapshots that VIMs have of it, and this VNFM grants by itself.")
	}
	if len(req.Add)+len(req.Temp)+len(req.Computes)+len(req.Images)+len(req.UncoveredExtCps) == 0 {
		return g, nil // nothing new: no site need be asked
	}
	sites, s, err := p.sites(ctx, &req)
	if err != nil {
		return g, err
	}
	for _, x := range sites {
		g.Describe(x.conn.ID, nfvo.VimConnection(x.conn.Described()))
	}
	zones, err := placed(req, s.assets.Zones)
	if err != nil {
		return g, err
	}
	for _, d := range slices.Concat(req.Add, req.Temp) {
		at, zone := sites[formIn(d)].conn.ID, zones[d.ID]
		if of := ofSnapshot(d); of != "" && of != at { // a snapshot is where what it is of is, and what is made of it where the snapshot is
			at, zone = of, ""
		}
		g.Infos = append(g.Infos, nfvo.GrantInfo{DefinitionID: d.ID, Connection: at, Zone: zone})
		if zone != "" && !slices.ContainsFunc(g.Zones, func(z nfvo.Zone) bool { return z.ID == zone }) {
			g.Zones = append(g.Zones, nfvo.Zone{ID: zone, ZoneID: zone, Connection: s.conn.ID})
		}
	}
	for _, need := range req.Computes {
		if need.NoBoot {
			return g, vnfm.Errorf(vnfm.Unprocessable, "VDU %s has nothing to boot from: its descriptor gives it neither an image nor a storage with one.", need.VduID)
		}
		f, warning, err := s.flavour(ctx, need)
		if err != nil {
			return g, err
		}
		if f == "" {
			g.MakeFlavours = append(g.MakeFlavours, need.VduID)
			continue
		}
		if warning != "" {
			g.Warnings = append(g.Warnings, warning)
		}
		g.Flavours = append(g.Flavours, nfvo.VimAsset{ID: need.VduID, VimAssetID: f, Connection: s.conn.ID})
	}
	for _, need := range req.Images {
		id, err := s.image(ctx, need)
		if err != nil {
			return g, err
		}
		if id == "" {
			g.MakeImages = append(g.MakeImages, need.ID)
			continue
		}
		g.Images = append(g.Images, nfvo.VimAsset{ID: need.ID, VimAssetID: id, Connection: s.conn.ID})
	}
	for _, cpd := range req.UncoveredExtCps {
		if s.assets.ExternalNetwork == "" {
			return g, vnfm.Errorf(vnfm.Unprocessable, "No external virtual link covers the external connection point %s, and VIM connection %s has no default external network.", cpd, s.conn.ID)
		}
		g.ExtNetworks = append(g.ExtNetworks, nfvo.ExtNetwork{CpdID: cpd, NetworkID: s.assets.ExternalNetwork, Connection: s.conn.ID})
		g.Warnings = append(g.Warnings, fmt.Sprintf("The external connection point %s is covered by no external virtual link; it is connected to the default external network %s of VIM connection %s.", cpd, s.assets.ExternalNetwork, s.conn.ID))
	}
	return g, nil
}

// formOf is the form of what a definition is about.
func formOf(d nfvo.ResourceDefinition) vim.Form { return cmp.Or(vim.Form(d.Form), vim.Machines) }

// formsIn tells the form by which what a definition of a request is about finds its VIM. The objects of a VNF find each other by name: those
// beside charts are where the charts are.
func formsIn(req *nfvo.GrantRequest) func(nfvo.ResourceDefinition) vim.Form {
	charts := slices.ContainsFunc(slices.Concat(req.Add, req.Temp), func(d nfvo.ResourceDefinition) bool { return formOf(d) == vim.Charts })
	return func(d nfvo.ResourceDefinition) vim.Form {
		if f := formOf(d); f != vim.Objects || !charts {
			return f
		}
		return vim.Charts
	}
}

// place returns the connection at which what has a form is to be.
func (p policy) place(ctx context.Context, req *nfvo.GrantRequest, f vim.Form) (string, error) {
	places := vim.Places{
		VnfID: req.VnfID, Wanted: req.DefaultConnection, Others: req.Connections, Named: req.Named,
	}
	at, err := places.Of(ctx, f, p.registry, vim.FormsOf(p.drivers))
	return at, err //nolint:wrapcheck // an Error of ours, or the registry's
}

// sites are where what a request adds is to be, by its form, and the one at which images, flavours and external networks are looked for:
// that of the machines, where there are any.
func (p policy) sites(ctx context.Context, req *nfvo.GrantRequest) (map[vim.Form]site, site, error) {
	forms, formIn := []vim.Form{}, formsIn(req)
	if len(req.Computes)+len(req.Images) > 0 || len(req.UncoveredExtCps) > 0 && !slices.ContainsFunc(req.Add, func(d nfvo.ResourceDefinition) bool { return d.Form != "" }) {
		forms = append(forms, vim.Machines)
	}
	for _, d := range slices.Concat(req.Add, req.Temp) {
		forms = append(forms, formIn(d))
	}
	out, main := map[vim.Form]site{}, site{}
	for _, f := range forms {
		if _, there := out[f]; there {
			continue
		}
		at, err := p.place(ctx, req, f)
		if err != nil {
			return nil, main, err
		}
		s, err := p.site(ctx, req.VnfID, at)
		if err != nil {
			return nil, main, err
		}
		if out[f] = s; len(out) == 1 || f == vim.Machines {
			main = s
		}
	}
	return out, main, nil
}

// ofSnapshot is the VIM connection that what is snapshotted, or the snapshot something is made of, is at; "" of anything else.
func ofSnapshot(d nfvo.ResourceDefinition) string {
	switch {
	case d.Snapshot == nil:
		return ""
	case d.Snapshot.Of != nil:
		return d.Snapshot.Of.Connection
	case d.Snapshot.From != nil:
		return d.Snapshot.From.Connection
	}
	return ""
}

// site is one VIM connection with what it offers.
type site struct {
	conn   vim.Connection
	assets vim.Assets
	finder vim.AssetFinder // nil when the driver lists everything
	gate   Gate
}

// ask makes one call to a site, within the limits of its connection.
func ask[T any](ctx context.Context, s site, call func() (T, error)) (T, error) {
	if s.gate == nil {
		return call()
	}
	ended := s.gate.Begin(s.conn)
	out, err := call()
	ended(ctx, err)
	if until, ok := s.gate.Wait(s.conn.ID, err); ok {
		return out, &held{s.conn.ID, until}
	}
	return out, err
}

func (p policy) site(ctx context.Context, vnfID, id string) (site, error) {
	if id == "" {
		return site{}, vnfm.Errorf(vnfm.Unprocessable, "There is no VIM connection: the request names none and none is the default.")
	}
	conn, err := p.registry.Connection(ctx, vnfID, id)
	if vnfm.KindOf(err) == vnfm.NotFound {
		return site{}, vnfm.Errorf(vnfm.Unprocessable, "There is no VIM connection %s.", id)
	}
	if err != nil {
		return site{}, err
	}
	if conn.Disabled {
		return site{}, vnfm.Errorf(vnfm.Unprocessable, "VIM connection %s is disabled.", id)
	}
	d := p.drivers[conn.Type]
	if d == nil {
		return site{}, vnfm.Errorf(vnfm.Unprocessable, "VIM connection %s has type %s, for which there is no driver.", id, conn.Type)
	}
	s := site{conn: conn, gate: p.gate}
	s.finder, _ = d.(vim.AssetFinder)
	if p.gate != nil {
		until, ok, err := p.gate.Free(ctx, conn.ID)
		if err != nil {
			return site{}, err //nolint:wrapcheck // says what it was about
		}
		if !ok {
			return site{}, &held{conn.ID, until}
		}
	}
	if s.assets, err = ask(ctx, s, func() (vim.Assets, error) { return d.Assets(ctx, conn) }); err != nil {
		return site{}, err
	}
	return s, nil
}

// flavour returns the id of the flavour for a need, with a warning when it is not the one named; "" when it is to be made.
func (s site) flavour(ctx context.Context, need nfvo.ComputeNeed) (id, warning string, err error) {
	if need.FlavourName != "" {
		if s.finder != nil {
			f, err := ask(ctx, s, func() (vim.Flavour, error) { return s.finder.FindFlavour(ctx, s.conn, need.FlavourName) })
			if err == nil || vim.ClassOf(err) != message.NotFound {
				return f.ID, "", err
			}
		}
		for _, f := range s.assets.Flavours {
			if f.Name == need.FlavourName {
				return f.ID, "", nil
			}
		}
	}
	if need.VCPUs > 0 && need.MemoryBytes > 0 && slices.Contains(s.assets.Makes, vim.ComputeFlavour) && !slices.ContainsFunc(s.assets.Flavours, func(f vim.Flavour) bool {
		return need.FlavourName == "" && f.VCPUs == need.VCPUs && f.MemoryBytes == need.MemoryBytes && f.DiskBytes == need.DiskBytes
	}) {
		return "", "", nil
	}
	var best *vim.Flavour
	sized := need.VCPUs > 0 || need.MemoryBytes > 0
	for i, f := range s.assets.Flavours {
		if sized && f.VCPUs >= need.VCPUs && f.MemoryBytes >= need.MemoryBytes && f.DiskBytes >= need.DiskBytes && (best == nil || smaller(f, *best)) {
			best = &s.assets.Flavours[i]
		}
	}
	switch {
	case best == nil && need.FlavourName != "":
		return "", "", vnfm.Errorf(vnfm.Unprocessable, "VIM connection %s has no flavour %s, which VDU %s names, and none that fits it.", s.conn.ID, need.FlavourName, need.VduID)
	case best == nil:
		return "", "", vnfm.Errorf(vnfm.Unprocessable, "VIM connection %s has no flavour that fits VDU %s: %d vCPUs, %d bytes of memory, %d bytes of disk.", s.conn.ID, need.VduID, need.VCPUs, need.MemoryBytes, need.DiskBytes)
	case need.FlavourName != "":
		warning = fmt.Sprintf("VIM connection %s has no flavour %s; VDU %s gets %s, the smallest that fits.", s.conn.ID, need.FlavourName, need.VduID, best.Name)
	}
	return best.ID, warning, nil
}

// smaller orders flavours by what is scarce: memory, then CPUs, then disk; by name in the end.
func smaller(a, b vim.Flavour) bool {
	return cmp.Or(cmp.Compare(a.MemoryBytes, b.MemoryBytes), cmp.Compare(a.VCPUs, b.VCPUs), cmp.Compare(a.DiskBytes, b.DiskBytes),
		strings.Compare(a.Name, b.Name)) < 0
}

// image returns the id of the image for a need; "" when it is to be made of the file in the VNF package. An image of the right name with another checksum of the same algorithm
// is another image.
func (s site) image(ctx context.Context, need nfvo.ImageNeed) (string, error) {
	if s.finder != nil {
		i, err := ask(ctx, s, func() (vim.Image, error) { return s.finder.FindImage(ctx, s.conn, need.Name, need.Checksum) })
		if err == nil || vim.ClassOf(err) != message.NotFound {
			return i.ID, err
		}
	}
	for _, i := range s.assets.Images {
		if need.Checksum != "" && strings.EqualFold(i.Checksum, need.Checksum) {
			return i.ID, nil
		}
	}
	for _, i := range s.assets.Images {
		if need.Name != "" && i.Name == need.Name && !contradict(i.Checksum, need.Checksum) {
			return i.ID, nil
		}
	}
	if need.Package && slices.Contains(s.assets.Makes, vim.SoftwareImage) {
		return "", nil
	}
	return "", vnfm.Errorf(vnfm.Unprocessable, "VIM connection %s has no image %s (%s), which %s needs.", s.conn.ID, need.Name, cmp.Or(need.Checksum, "no checksum"), need.ID)
}

// contradict reports whether two checksums of one algorithm differ.
func contradict(a, b string) bool {
	x, _, okA := strings.Cut(a, ":")
	y, _, okB := strings.Cut(b, ":")
	return okA && okB && strings.EqualFold(x, y) && !strings.EqualFold(a, b)
}
