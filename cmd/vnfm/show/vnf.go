package show

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/vnfm/vnfm/cmd/vnfm/screen"
	"github.com/vnfm/vnfm/sol"
)

// Leftovers tells what failed operations left; a VNF is not deleted while there is any.
func Leftovers(w io.Writer, id string, left []sol.Leftover) {
	if len(left) == 0 {
		return
	}
	var rows [][]string
	for _, l := range left {
		rows = append(rows, []string{l.Kind, l.Name, l.ResourceId, l.VimConnectionId})
	}
	screen.Of(w).Heading("Left by failed operations (vnfm vnf cleanup " + id + " releases them)")
	screen.Of(w).Table([]string{"KIND", "NAME", "RESOURCE", "VIM"}, rows)
}

func Vnf(w io.Writer, v *sol.VnfInstance) {
	about := []string{"id", v.Id, "name", v.VnfInstanceName, "description", v.VnfInstanceDescription, "vnfdId", v.VnfdId,
		"product", strings.TrimSpace(v.VnfProductName + " " + v.VnfSoftwareVersion), "provider", v.VnfProvider, "state", screen.Colour(v.InstantiationState)}
	info := v.InstantiatedVnfInfo
	about = append(about, "VIMs", vimsOf(v))
	if info == nil {
		screen.Of(w).Fields(about...)
		values(w, v)
		return
	}
	var levels []string
	for _, l := range info.ScaleStatus {
		levels = append(levels, fmt.Sprintf("%s %d", l.AspectId, l.ScaleLevel))
	}
	screen.Of(w).Fields(append(about, "flavour", info.FlavourId, "VNF state", screen.Colour(info.VnfState), "scale", strings.Join(levels, ", "))...)
	values(w, v)
	vnfcs := map[string]sol.VnfcInfo{}
	for _, c := range info.VnfcInfo {
		vnfcs[c.VnfcResourceInfoId] = c
	}
	var rows [][]string
	for _, c := range info.VnfcResourceInfo {
		var addresses []string
		for _, cp := range c.VnfcCpInfo {
			addresses = append(addresses, cp.CpdId+" "+addressesOf(cp.CpProtocolInfo))
		}
		is := vnfcs[c.Id]
		rows = append(rows, []string{c.VduId, is.Id, screen.Colour(is.VnfcState), c.ComputeResource.ResourceId, c.ComputeResource.VimConnectionId, c.ZoneId, strings.Join(addresses, ", ")})
	}
	screen.Of(w).Heading("VNFCs")
	screen.Of(w).Table([]string{"VDU", "VNFC", "STATE", "RESOURCE", "VIM", "ZONE", "CONNECTION POINTS"}, rows)
	rows = nil
	for _, l := range info.VnfVirtualLinkResourceInfo {
		rows = append(rows, []string{"network", l.VnfVirtualLinkDescId, l.NetworkResource.ResourceId, strconv.Itoa(len(l.VnfLinkPorts))})
	}
	for _, st := range info.VirtualStorageResourceInfo {
		rows = append(rows, []string{"storage", st.VirtualStorageDescId, st.StorageResource.ResourceId, ""})
	}
	if len(rows) > 0 {
		screen.Of(w).Heading("Networks and storages")
		screen.Of(w).Table([]string{"KIND", "IN THE VNFD", "RESOURCE", "PORTS"}, rows)
	}
	rows = nil
	for _, cp := range info.ExtCpInfo {
		rows = append(rows, []string{cp.CpdId, cp.Id, addressesOf(cp.CpProtocolInfo)})
	}
	if len(rows) > 0 {
		screen.Of(w).Heading("External connection points")
		screen.Of(w).Table([]string{"CPD", "ID", "ADDRESSES"}, rows)
	}
}

func addressesOf(info []sol.CpProtocolInfo) string {
	var out []string
	for _, p := range info {
		if p.IpOverEthernet == nil {
			continue
		}
		for _, ip := range p.IpOverEthernet.IpAddresses {
			out = append(out, ip.Addresses...)
		}
		if len(p.IpOverEthernet.IpAddresses) == 0 {
			out = append(out, p.IpOverEthernet.MacAddress)
		}
	}
	return strings.Join(out, " ")
}

// vimsOf are the VIM connections of a VNF.
func vimsOf(v *sol.VnfInstance) string {
	var out []string
	for _, id := range slices.Sorted(maps.Keys(v.VimConnectionInfo)) {
		out = append(out, strings.TrimSpace(id+" "+v.VimConnectionInfo[id].VimType))
	}
	return strings.Join(out, ", ")
}

// values prints what people gave a VNF: metadata, extensions and configurable properties.
func values(w io.Writer, v *sol.VnfInstance) {
	properties := v.VnfConfigurableProperties
	for _, part := range []struct {
		title string
		all   sol.KeyValuePairs
	}{{"Metadata", v.Metadata}, {"Extensions", v.Extensions}, {"Configurable properties", properties}} {
		if len(part.all) == 0 {
			continue
		}
		var rows [][]string
		for _, key := range slices.Sorted(maps.Keys(part.all)) {
			rows = append(rows, []string{key, screen.Compact(part.all[key])})
		}
		screen.Of(w).Heading(part.title)
		screen.Of(w).Table([]string{"KEY", "VALUE"}, rows)
	}
}
