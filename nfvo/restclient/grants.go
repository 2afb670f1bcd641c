package restclient

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/url"
	"path"
	"slices"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/secret"
	"github.com/vnfm/vnfm/sol"
)

// Ask sends a grant request, a body made by RequestBody, and returns the grant, or where it will be (SOL003 v3.7.1
// §9.4.2.3.1). Errors are *nfvo.Error; a malformed grant is of class Permanent.
func (c *Client) Ask(ctx context.Context, body json.RawMessage) (nfvo.Answer, error) {
	res, err := c.do(ctx, call{method: http.MethodPost, path: grantRoot + "/grants", body: body})
	if err != nil {
		return nfvo.Answer{}, err
	}
	return c.answer(res, "")
}

// Look asks for a grant that is decided later, at the Location an Answer gave (SOL003 v3.7.1 §9.4.3.3.2). Errors are as Ask's.
func (c *Client) Look(ctx context.Context, location string) (nfvo.Answer, error) {
	id, err := grantID(location)
	if err != nil {
		return nfvo.Answer{}, err
	}
	// Below our own root, whatever host the Location names: credentials go to the orchestrator of the settings only, and
	// one behind a gateway may not know its own name.
	res, err := c.do(ctx, call{method: http.MethodGet, path: grantRoot + "/grants/" + url.PathEscape(id)})
	if err != nil {
		return nfvo.Answer{}, err
	}
	return c.answer(res, location)
}

// grantID is the last segment of a grant's URI.
func grantID(location string) (string, error) {
	u, err := url.Parse(location)
	if err == nil {
		if id := path.Base(u.Path); id != "." && id != "/" && id != "grants" && id != ".." {
			return id, nil
		}
	}
	return "", &nfvo.Error{Class: message.Permanent, Reason: fmt.Sprintf("the NFVO's Location %q names no grant", clip(location))}
}

func (c *Client) answer(res *http.Response, location string) (nfvo.Answer, error) {
	out := nfvo.Answer{RetryAfter: wait(res)}
	if res.StatusCode == http.StatusAccepted {
		_ = res.Body.Close()
		if out.Location = location; location == "" {
			out.Location = res.Header.Get("Location")
		}
		_, err := grantID(out.Location)
		return out, err
	}
	var g sol.Grant
	raw, err := read(res, &g)
	if err != nil {
		return out, err
	}
	if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusCreated {
		return out, malformed("it came with the status %d", res.StatusCode)
	}
	if out.Grant, err = grant(&g); err != nil {
		return out, err
	}
	for id, info := range g.VimConnectionInfo {
		if out.Connections == nil {
			out.Connections = map[string]nfvo.ConnectionInfo{}
		}
		if info.VimType == "" {
			return out, malformed("vimConnectionInfo/%s has no vimType", id)
		}
		out.Connections[id] = nfvo.ConnectionInfo{
			VimID: info.VimId, VimType: info.VimType, InterfaceInfo: info.InterfaceInfo, AccessInfo: info.AccessInfo, Extra: info.Extra,
		}
	}
	out.VnfID, out.OpOccID, out.Body = g.VnfInstanceId, g.VnfLcmOpOccId, secret.Masked(raw)
	return out, nil
}

func malformed(format string, args ...any) error {
	return &nfvo.Error{Class: message.Permanent, Reason: "malformed grant: " + fmt.Sprintf(format, args...)}
}

// grant reads a grant from the wire.
func grant(g *sol.Grant) (*nfvo.Grant, error) {
	if g.Id == "" {
		return nil, malformed("it has no id")
	}
	out := &nfvo.Grant{ID: g.Id, Href: g.Links.Self.Href, Infos: []nfvo.GrantInfo{}, AdditionalParams: g.AdditionalParams}
	for _, z := range g.Zones {
		out.Zones = append(out.Zones, nfvo.Zone{ID: z.Id, ZoneID: z.ZoneId, Connection: z.VimConnectionId, Provider: z.ResourceProviderId})
	}
	for _, z := range g.ZoneGroups {
		out.ZoneGroups = append(out.ZoneGroups, z.ZoneId)
	}
	for _, i := range slices.Concat(g.AddResources, g.TempResources, g.RemoveResources, g.UpdateResources) {
		out.Infos = append(out.Infos, nfvo.GrantInfo{
			DefinitionID: i.ResourceDefinitionId, Connection: i.VimConnectionId, Zone: i.ZoneId, Reservation: i.ReservationId,
			Group: i.ResourceGroupId, Provider: i.ResourceProviderId,
		})
	}
	if a := g.VimAssets; a != nil {
		for _, f := range a.ComputeResourceFlavours {
			out.Flavours = append(out.Flavours, nfvo.VimAsset{
				ID: f.VnfdVirtualComputeDescId, VimAssetID: f.VimFlavourId, Connection: f.VimConnectionId, Provider: f.ResourceProviderId,
			})
		}
		for _, i := range a.SoftwareImages {
			out.Images = append(out.Images, nfvo.VimAsset{
				ID: i.VnfdSoftwareImageId, VimAssetID: i.VimSoftwareImageId, Connection: i.VimConnectionId, Provider: i.ResourceProviderId,
			})
		}
		for _, s := range a.SnapshotResources {
			out.Snapshots = append(out.Snapshots, nfvo.Snapshot{
				VnfSnapshotID: s.VnfSnapshotId, VnfcSnapshotID: s.VnfcSnapshotId, StorageSnapshotID: s.StorageSnapshotId,
				VimSnapshotID: s.VimSnapshotResourceId, Connection: s.VimConnectionId,
			})
		}
	}
	for _, l := range g.ExtManagedVirtualLinks {
		out.ExtManaged = append(out.ExtManaged, nfvo.ExtManaged{
			ID: l.Id, LinkID: l.VnfVirtualLinkDescId, Connection: l.VimConnectionId, NetworkID: l.ResourceId,
		})
	}
	for i, l := range g.ExtVirtualLinks {
		link, err := extLink(l, fmt.Sprintf("extVirtualLinks/%d", i))
		if err != nil {
			return nil, err
		}
		out.ExtLinks = append(out.ExtLinks, link)
	}
	return out, nil
}

// extLink reads an external link that the grant connects, as far as one can be connected here.
func extLink(l sol.ExtVirtualLinkData, at string) (nfvo.ExtLink, error) {
	out := nfvo.ExtLink{ID: l.Id, Connection: l.VimConnectionId, NetworkID: l.ResourceId}
	for _, p := range l.ExtLinkPorts {
		h := p.ResourceHandle
		out.Ports = append(out.Ports, nfvo.ExtPort{ID: p.Id, Handle: nfvo.ResourceHandle{
			Connection: h.VimConnectionId, ID: h.ResourceId, Type: h.VimLevelResourceType,
		}})
	}
	for _, cp := range l.ExtCps {
		data := nfvo.ExtCpData{CpdID: cp.CpdId, Config: map[string]nfvo.ExtCpConfig{}}
		for _, key := range slices.Sorted(maps.Keys(cp.CpConfig)) {
			if cp.CpConfig[key] == nil {
				return out, malformed("%s: %s: %s is null, and there is nothing to disconnect", at, cp.CpdId, key)
			}
			config, err := cpConfig(*cp.CpConfig[key])
			if err != nil {
				return out, malformed("%s: %s: %s: %v", at, cp.CpdId, key, err)
			}
			if p := config.LinkPortID; p != "" && !slices.ContainsFunc(out.Ports, func(x nfvo.ExtPort) bool { return x.ID == p }) {
				return out, malformed("%s: extLinkPorts has no port %q", at, p)
			}
			data.Config[key] = config
		}
		out.Cps = append(out.Cps, data)
	}
	return out, nil
}

func cpConfig(c sol.VnfExtCpConfig) (nfvo.ExtCpConfig, error) {
	out := nfvo.ExtCpConfig{LinkPortID: c.LinkPortId}
	if c.ParentCpConfigId != "" {
		return out, fmt.Errorf("subports of trunks are not supported")
	}
	for _, p := range c.CpProtocolData {
		if p.IpOverEthernet == nil {
			continue
		}
		out.MAC = p.IpOverEthernet.MacAddress
		for _, ip := range p.IpOverEthernet.IpAddresses {
			if ip.AddressRange != nil {
				return out, fmt.Errorf("address ranges are not supported")
			}
			if n := ip.NumDynamicAddresses; n < 0 || n > math.MaxInt32 {
				return out, fmt.Errorf("numDynamicAddresses is %d", n)
			}
			out.IPs = append(out.IPs, nfvo.ExtCpIPs{
				Type: string(ip.Type), Fixed: ip.FixedAddresses, Dynamic: ip.NumDynamicAddresses, Subnet: ip.SubnetId,
			})
		}
		out.NoIPs = out.MAC != "" && len(out.IPs) == 0
	}
	return out, nil
}
