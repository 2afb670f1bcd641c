package vnflcm

import (
	"cmp"
	"net/netip"

	"github.com/vnfm/vnfm/api/rest"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vnf"
)

// VnfInstance shows an instance as SOL003 has it.
func VnfInstance(in *vnf.Instance, base string) *sol.VnfInstance {
	out := &sol.VnfInstance{
		Id: in.ID, VnfInstanceName: in.Name, VnfInstanceDescription: in.Description,
		VnfdId: in.VnfdID, VnfProvider: in.Provider, VnfProductName: in.ProductName,
		VnfSoftwareVersion: in.SoftwareVersion, VnfdVersion: in.VnfdVersion,
		VnfConfigurableProperties: in.Configurable, Extensions: in.Extensions, Metadata: in.Metadata,
		InstantiationState: string(in.State),
		Links:              instanceLinks(base+rest.LcmRoot, in),
	}
	out.VimConnectionInfo = vimConnectionInfo(in.Connections)
	if in.Info != nil {
		out.InstantiatedVnfInfo = instantiatedInfo(in)
	}
	return out
}

// instanceLinks are the links of an instance, below the root of the interface.
func instanceLinks(root string, in *vnf.Instance) sol.VnfInstanceLinks {
	self := root + "/vnf_instances/" + in.ID
	out := sol.VnfInstanceLinks{Self: sol.Link{Href: self}}
	// A task's link is there while the task is possible: one operation at a time.
	if in.Operation == "" {
		switch in.State {
		case vnf.NotInstantiated:
			out.Instantiate = &sol.Link{Href: self + "/instantiate"}
		case vnf.Instantiated:
			out.Terminate = &sol.Link{Href: self + "/terminate"}
			out.Heal = &sol.Link{Href: self + "/heal"}
			out.Operate = &sol.Link{Href: self + "/operate"}
			out.ChangeExtConn = &sol.Link{Href: self + "/change_ext_conn"}
			out.ChangeFlavour = &sol.Link{Href: self + "/change_flavour"}
			out.ChangeCurrentVnfPkg = &sol.Link{Href: self + "/change_vnfpkg"}
			out.CreateSnapshot = &sol.Link{Href: self + "/create_snapshot"}
			out.RevertToSnapshot = &sol.Link{Href: self + "/revert_to_snapshot"}
			if in.Scales || in.Info != nil && len(in.Info.MaxScaleLevels) > 0 { // supported by the flavour
				out.Scale = &sol.Link{Href: self + "/scale"}
				out.ScaleToLevel = &sol.Link{Href: self + "/scale_to_level"}
			}
		}
	}
	return out
}

// vimConnectionInfo shows VIM connections, their credentials masked.
func vimConnectionInfo(in map[string]vnf.VimConnection) map[string]sol.VimConnectionInfo {
	var out map[string]sol.VimConnectionInfo
	for id, c := range in {
		if out == nil {
			out = map[string]sol.VimConnectionInfo{}
		}
		out[id] = sol.VimConnectionInfo{
			VimId: c.VimID, VimType: c.Type, InterfaceInfo: c.InterfaceInfo, AccessInfo: c.AccessInfo, Extra: c.Extra,
		}
	}
	return out
}

func instantiatedInfo(v *vnf.Instance) *sol.InstantiatedVnfInfo {
	in, off, of := v.Info, map[string]bool{}, map[string]string{} // of which VNFD, where that is not the instance's
	for i := range v.Resources {
		r := &v.Resources[i]
		off[r.ID] = r.Off
		if r.VnfdID != "" && r.VnfdID != v.VnfdID {
			of[r.ID] = r.VnfdID
		}
	}
	out := &sol.InstantiatedVnfInfo{
		FlavourId: in.FlavourID, VnfState: in.VnfState, LocalizationLanguage: in.Localization,
		ScaleStatus: scaleInfos(in.ScaleStatus), MaxScaleLevels: scaleInfos(in.MaxScaleLevels),
		ExtCpInfo: []sol.VnfExtCpInfo{},
	}
	for _, c := range in.ExtCps {
		out.ExtCpInfo = append(out.ExtCpInfo, sol.VnfExtCpInfo{
			Id: c.ID, CpdId: c.CpdID, CpConfigId: c.ConfigID, CpProtocolInfo: protocolInfo(c.Addresses),
			VnfdId: of[c.LinkPortID], ExtLinkPortId: c.LinkPortID, AssociatedVnfcCpId: c.VnfcCpID, AssociatedVnfVirtualLinkId: c.LinkID,
		})
	}
	for _, v := range in.Vnfcs {
		info := sol.VnfcResourceInfo{
			Id: v.ID, VduId: v.VduID, VnfdId: of[v.ID], ComputeResource: handle(v.Handle), ZoneId: v.Zone, StorageResourceIds: v.Storages,
		}
		for _, cp := range v.Cps {
			info.VnfcCpInfo = append(info.VnfcCpInfo, sol.VnfcCpInfo{
				Id: cp.ID, CpdId: cp.CpdID, VnfExtCpId: cp.ExtCpID, VnfLinkPortId: cp.LinkPortID, ParentCpId: cp.ParentID,
				CpProtocolInfo: protocolInfo(cp.Addresses),
			})
		}
		out.VnfcResourceInfo = append(out.VnfcResourceInfo, info)
		state := in.VnfState
		if off[v.ID] {
			state = "STOPPED"
		}
		out.VnfcInfo = append(out.VnfcInfo, sol.VnfcInfo{Id: v.ID, VduId: v.VduID, VnfdId: of[v.ID], VnfcResourceInfoId: v.ID, VnfcState: state, VnfcConfigurableProperties: v.Configurable})
	}
	for _, l := range in.Links {
		out.VnfVirtualLinkResourceInfo = append(out.VnfVirtualLinkResourceInfo, sol.VnfVirtualLinkResourceInfo{
			Id: l.ID, VnfVirtualLinkDescId: l.LinkID, VnfdId: of[l.ID], NetworkResource: handle(l.Handle), ZoneId: l.Zone,
			VnfLinkPorts: linkPorts(l.Ports),
		})
	}
	for _, s := range in.Storages {
		out.VirtualStorageResourceInfo = append(out.VirtualStorageResourceInfo, sol.VirtualStorageResourceInfo{
			Id: s.ID, VirtualStorageDescId: s.StorageID, VnfdId: of[s.ID], StorageResource: handle(s.Handle), ZoneId: s.Zone,
		})
	}
	out.ExtVirtualLinkInfo = extVirtualLinkInfo(in.ExtLinks)
	for _, l := range in.ExtManaged {
		out.ExtManagedVirtualLinkInfo = append(out.ExtManagedVirtualLinkInfo, sol.ExtManagedVirtualLinkInfo{
			Id: l.ID, VnfVirtualLinkDescId: l.LinkID, NetworkResource: handle(l.Handle), VnfLinkPorts: linkPorts(l.Ports),
		})
	}
	for _, m := range in.Monitoring {
		out.MonitoringParameters = append(out.MonitoringParameters, sol.MonitoringParameter{
			Id: m.ID, Name: m.Name, PerformanceMetric: m.Metric,
		})
	}
	return out
}

// extVirtualLinkInfo shows the external virtual links that a VNF is connected to.
func extVirtualLinkInfo(in []vnf.ExtVirtualLink) []sol.ExtVirtualLinkInfo {
	var out []sol.ExtVirtualLinkInfo
	for _, l := range in {
		info := sol.ExtVirtualLinkInfo{Id: l.ID, ResourceHandle: handle(l.Handle), CurrentVnfExtCpData: []sol.VnfExtCpData{}}
		for _, p := range l.Ports {
			info.ExtLinkPorts = append(info.ExtLinkPorts, sol.ExtLinkPortInfo{
				Id: p.ID, ResourceHandle: handle(p.Handle), CpInstanceId: p.CpID, TrunkResourceId: p.Trunk,
			})
		}
		for _, cp := range l.Cps {
			info.CurrentVnfExtCpData = append(info.CurrentVnfExtCpData, currentExtCpData(cp))
		}
		out = append(out, info)
	}
	return out
}

func scaleInfos(in []vnf.ScaleInfo) []sol.ScaleInfo {
	var out []sol.ScaleInfo
	for _, s := range in {
		out = append(out, sol.ScaleInfo{AspectId: s.AspectID, ScaleLevel: s.Level})
	}
	return out
}

func handle(h vnf.Handle) sol.ResourceHandle {
	return sol.ResourceHandle{
		VimConnectionId: h.Connection, ResourceProviderId: h.Provider, ResourceId: h.VimID, VimLevelResourceType: h.VimType,
	}
}

func linkPorts(in []vnf.LinkPort) []sol.VnfLinkPortInfo {
	var out []sol.VnfLinkPortInfo
	for _, p := range in {
		out = append(out, sol.VnfLinkPortInfo{
			Id: p.ID, ResourceHandle: handle(p.Handle), CpInstanceId: p.CpID, CpInstanceType: p.CpType,
		})
	}
	return out
}

// protocolInfo shows the addresses of a connection point, those of one subnet and kind together.
func protocolInfo(p vnf.Protocol) []sol.CpProtocolInfo {
	info := sol.CpProtocolInfo{LayerProtocol: string(sol.IPOverEthernet)}
	if p.MAC == "" && len(p.IPs) == 0 {
		return []sol.CpProtocolInfo{info}
	}
	eth := &sol.IpOverEthernetAddressInfo{MacAddress: p.MAC}
next:
	for _, ip := range p.IPs {
		for i := range eth.IpAddresses {
			if have := &eth.IpAddresses[i]; have.Type == ip.Type && have.SubnetId == ip.Subnet && have.IsDynamic == ip.Dynamic {
				have.Addresses = append(have.Addresses, ip.Address)
				continue next
			}
		}
		eth.IpAddresses = append(eth.IpAddresses, sol.IpAddressInfo{
			Type: ip.Type, Addresses: []string{ip.Address}, IsDynamic: ip.Dynamic, SubnetId: ip.Subnet,
		})
	}
	info.IpOverEthernet = eth
	return []sol.CpProtocolInfo{info}
}

// currentExtCpData shows how external connection points are connected, as a request would have it.
func currentExtCpData(in vnf.ExtCpData) sol.VnfExtCpData {
	out := sol.VnfExtCpData{CpdId: in.CpdID}
	for id, c := range in.Config {
		if out.CpConfig == nil {
			out.CpConfig = map[string]*sol.VnfExtCpConfig{}
		}
		config := &sol.VnfExtCpConfig{LinkPortId: c.LinkPortID, CreateExtLinkPort: c.CreatePort, ParentCpConfigId: c.Parent}
		ips := addressData(c.Addresses())
		data := sol.CpProtocolData{LayerProtocol: sol.IPOverEthernet}
		if c.MAC != "" || c.SegmentationID != "" || len(ips) > 0 {
			data.IpOverEthernet = &sol.IpOverEthernetAddressData{
				MacAddress: c.MAC, IpAddresses: ips,
				SegmentationType: sol.SegmentationType(c.SegmentationType), SegmentationId: c.SegmentationID,
			}
		}
		if c.LinkPortID == "" || data.IpOverEthernet != nil {
			config.CpProtocolData = []sol.CpProtocolData{data}
		}
		out.CpConfig[id] = config
	}
	return out
}

// addressData shows the addresses of a connection point: those of one subnet, version and kind together.
func addressData(in []vnf.ExtCpIPs) []sol.IpAddressData {
	var out []sol.IpAddressData
	for _, ips := range in {
		for i, fixed := range ips.Fixed {
			kind := sol.IPv4
			if addr, err := netip.ParseAddr(fixed); err == nil && addr.Is6() {
				kind = sol.IPv6
			}
			if n := len(out); i > 0 && out[n-1].Type == kind {
				out[n-1].FixedAddresses = append(out[n-1].FixedAddresses, fixed)
				continue
			}
			out = append(out, sol.IpAddressData{Type: kind, FixedAddresses: []string{fixed}, SubnetId: ips.Subnet})
		}
		if ips.Dynamic > 0 {
			out = append(out, sol.IpAddressData{
				Type: sol.IpType(cmp.Or(ips.Type, string(sol.IPv4))), NumDynamicAddresses: ips.Dynamic, SubnetId: ips.Subnet,
			})
		}
	}
	return out
}
