package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/vnfm/vnfm/sol"
)

type vnfCmd struct {
	Create      vnfCreate      `cmd:"" help:"Create a VNF instance."`
	Instantiate vnfInstantiate `cmd:"" help:"Instantiate a VNF and watch it."`
	Modify      vnfModify      `cmd:"" help:"Modify the name, description, properties or VIM connections of a VNF."`
	Scale       vnfScale       `cmd:"" help:"Scale a VNF out or in by steps of an aspect, and watch it."`
	ScaleTo     vnfScaleTo     `cmd:"" help:"Scale a VNF to a level, and watch it."`
	Heal        vnfHeal        `cmd:"" help:"Heal a VNF, or some of its VNFCs, and watch it."`
	Drift       vnfDrift       `cmd:"" help:"Compare a VNF with its VIMs: what is missing, changed or orphaned there."`
	Sync        vnfSync        `cmd:"" help:"Compare a VNF with its VIMs and, with --repair, make it what its records say, and watch it."`
	Flavour     vnfFlavour     `cmd:"" help:"Give a VNF another deployment flavour, and watch it."`
	Upgrade     vnfUpgrade     `cmd:"" help:"Change a VNF to another package, and watch it."`
	Connect     vnfConnect     `cmd:"" help:"Connect a VNF to the outside in another way, and watch it."`
	Operate     vnfOperate     `cmd:"" help:"Start or stop a VNF, or some of its VNFCs, and watch it."`
	Snapshot    vnfSnapshot    `cmd:"" help:"Take a snapshot of a VNF, and watch it."`
	Revert      vnfRevert      `cmd:"" help:"Make a VNF what it was at a snapshot, and watch it."`
	Terminate   vnfTerminate   `cmd:"" help:"Terminate a VNF and watch it."`
	Delete      vnfDelete      `cmd:"" help:"Delete a VNF instance that is not instantiated."`
	List        vnfList        `cmd:"" help:"List VNF instances."`
	Show        vnfShow        `cmd:"" help:"Show a VNF instance with its resources."`
	Events      vnfEvents      `cmd:"" help:"List every event of a VNF: when, who, why."`
	History     vnfHistory     `cmd:"" help:"Tell what happened to a VNF, or show what it was at a time."`
	Diff        vnfDiff        `cmd:"" help:"Show what changed in a VNF between two times."`
	Cleanup     vnfCleanup     `cmd:"" help:"Release what failed operations left behind."`
}

type vnfCreate struct {
	Vnfd        string            `required:"" help:"vnfdId, package id or product name." placeholder:"VNFD"`
	Name        string            `help:"Name of the instance." placeholder:"NAME"`
	Description string            `help:"Description of the instance." placeholder:"TEXT"`
	Metadata    map[string]string `help:"Metadata, repeatable." placeholder:"KEY=VALUE"`
}

func (c *vnfCreate) Run(s *session) error {
	vnfdID, err := s.vnfdID(c.Vnfd)
	if err != nil {
		return err
	}
	metadata := sol.KeyValuePairs{}
	for k, v := range c.Metadata {
		metadata[k] = jsonOrString(v)
	}
	v, err := s.CreateVnf(s.ctx, sol.CreateVnfRequest{
		VnfdId: vnfdID, VnfInstanceName: c.Name, VnfInstanceDescription: c.Description, Metadata: metadata,
	})
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(v, func(w io.Writer) { printVnf(w, v) })
}

// vnfdID finds the vnfdId of the package that a word means.
func (s *session) vnfdID(word string) (string, error) {
	all, err := s.Packages(s.ctx)
	if err != nil {
		return "", err //nolint:wrapcheck // of the client
	}
	if len(all) == 0 {
		return "", usagef("there is no package; onboard one first: vnfm package onboard FILE")
	}
	id, err := pick("package", word, packageNames(all))
	if err != nil {
		return "", err
	}
	for _, p := range all {
		if p.Id == id {
			return p.VnfdId, nil
		}
	}
	return word, nil
}

type vnfInstantiate struct {
	Vnf      string   `arg:"" help:"Id or name."`
	Flavour  string   `required:"" help:"Deployment flavour." placeholder:"ID"`
	Level    string   `help:"Instantiation level; default: the flavour's." placeholder:"ID"`
	ExtLink  []string `sep:"none" help:"External network to connect to, repeatable. Parts: id, network (the VIM's id), cpd (repeatable), vim, config (name of the connection point's configuration), subnet (repeatable), and for each subnet ip (repeatable): an address, or ipv4 or ipv6 for one that the VIM chooses." placeholder:"id=…,network=…,cpd=…"`
	Vim      string   `help:"VIM connection to use; default: where its external links are, else the default one." placeholder:"ID"`
	Param    []string `sep:"none" help:"Additional parameter, repeatable; the value is JSON or a string." placeholder:"KEY=VALUE" secret:""`
	Language string   `help:"Localization language." placeholder:"TAG"`
	begin
}

func (c *vnfInstantiate) Run(s *session) error {
	request := sol.InstantiateVnfRequest{FlavourId: c.Flavour, InstantiationLevelId: c.Level, LocalizationLanguage: c.Language}
	var err error
	if request.ExtVirtualLinks, err = extLinks("--ext-link", c.ExtLink); err != nil {
		return err
	}
	if request.AdditionalParams, err = pairs("param", c.Param); err != nil {
		return err
	}
	if c.Vim != "" {
		v, err := s.Vim(s.ctx, c.Vim)
		if err != nil {
			return err //nolint:wrapcheck // of the client
		}
		request.VimConnectionInfo = map[string]sol.VimConnectionInfo{v.Id: {VimId: v.VimId, VimType: v.VimType}}
	}
	id, err := s.vnfID(c.Vnf)
	if err != nil {
		return err
	}
	return start(s, c.begin, id, sol.PlanInstantiate, request, s.Instantiate)
}

// extLinks reads the external links of the command line. Links of one id are one link with all their CPDs.
func extLinks(flag string, args []string) ([]sol.ExtVirtualLinkData, error) {
	var links []sol.ExtVirtualLinkData
	for _, arg := range args {
		link := sol.ExtVirtualLinkData{}
		var cpds []string
		var ips []sol.IpAddressData
		config := "1"
		for part := range strings.SplitSeq(arg, ",") {
			key, value, ok := strings.Cut(part, "=")
			if !ok || value == "" {
				return nil, usagef("%s: %q is not KEY=VALUE", flag, part)
			}
			switch key {
			case "id":
				link.Id = value
			case "network":
				link.ResourceId = value
			case "vim":
				link.VimConnectionId = value
			case "cpd":
				cpds = append(cpds, value)
			case "ip":
				ips = addIP(ips, value)
			case "subnet":
				ips = append(ips, sol.IpAddressData{SubnetId: value})
			case "config":
				config = value
			default:
				return nil, usagef("%s: %q is none of id, network, cpd, vim, subnet, ip, config", flag, key)
			}
		}
		if link.ResourceId == "" || len(cpds) == 0 {
			return nil, usagef("%s %q needs network and cpd", flag, arg)
		}
		if link.Id == "" {
			link.Id = "ext-" + link.ResourceId
		}
		for _, cpd := range cpds {
			link.ExtCps = append(link.ExtCps, sol.VnfExtCpData{
				CpdId: cpd, CpConfig: map[string]*sol.VnfExtCpConfig{config: cpConfig(ips)},
			})
		}
		merged := false
		for i := range links {
			if links[i].Id == link.Id {
				links[i].ExtCps = append(links[i].ExtCps, link.ExtCps...)
				merged = true
			}
		}
		if !merged {
			links = append(links, link)
		}
	}
	return links, nil
}

// addIP adds an address to the last subnet, or, where that has addresses of the other version, to it once more.
func addIP(ips []sol.IpAddressData, value string) []sol.IpAddressData {
	kind := sol.IPv4
	if strings.EqualFold(value, "ipv6") || strings.Contains(value, ":") {
		kind = sol.IPv6
	}
	chosen := strings.EqualFold(value, "ipv4") || strings.EqualFold(value, "ipv6")
	if len(ips) == 0 {
		ips = append(ips, sol.IpAddressData{})
	}
	last := &ips[len(ips)-1]
	if last.Type != "" && (last.Type != kind || chosen != (last.NumDynamicAddresses > 0)) {
		ips = append(ips, sol.IpAddressData{SubnetId: last.SubnetId})
		last = &ips[len(ips)-1]
	}
	last.Type = kind
	if chosen {
		last.NumDynamicAddresses++
	} else {
		last.FixedAddresses = append(last.FixedAddresses, value)
	}
	return ips
}

// cpConfig asks for the addresses given, else for one that the VIM chooses.
func cpConfig(ips []sol.IpAddressData) *sol.VnfExtCpConfig {
	if len(ips) == 0 {
		ips = []sol.IpAddressData{{}}
	}
	ips = slices.Clone(ips)
	for i := range ips {
		if ips[i].Type == "" {
			ips[i].Type, ips[i].NumDynamicAddresses = sol.IPv4, 1
		}
	}
	return &sol.VnfExtCpConfig{CpProtocolData: []sol.CpProtocolData{{
		LayerProtocol: sol.IPOverEthernet, IpOverEthernet: &sol.IpOverEthernetAddressData{IpAddresses: ips},
	}}}
}

// jsonOrString takes a value as JSON when it is some, else as a string.
func jsonOrString(v string) json.RawMessage {
	if json.Valid([]byte(v)) {
		return json.RawMessage(v)
	}
	b, _ := json.Marshal(v) // a string
	return b
}

type vnfDelete struct {
	Vnf string `arg:"" help:"Id or name."`
}

func (c *vnfDelete) Run(s *session) error {
	id, err := s.vnfID(c.Vnf)
	if err != nil {
		return err
	}
	return s.deleted(id, s.DeleteVnf(s.ctx, id))
}

type vnfList struct{ narrowed }

func (c *vnfList) Run(s *session) error {
	all, err := s.Vnfs(s.ctx, c.query())
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(all, func(w io.Writer) {
		drifts := s.drifts("(in,drift/state,DRIFTED,SUSPECT)")
		var rows [][]string
		for _, v := range all {
			flavour, computes := "", ""
			if v.InstantiatedVnfInfo != nil {
				flavour, computes = v.InstantiatedVnfInfo.FlavourId, strconv.Itoa(len(v.InstantiatedVnfInfo.VnfcResourceInfo))
			}
			rows = append(rows, []string{v.Id, v.VnfInstanceName, v.VnfProductName, state(v.InstantiationState), flavour, computes, drifted(drifts[v.Id])})
		}
		table(w, []string{"ID", "NAME", "PRODUCT", "STATE", "FLAVOUR", "VNFCS", "DRIFT"}, rows)
	})
}

type vnfShow struct {
	Vnf string `arg:"" help:"Id or name."`
}

func (c *vnfShow) Run(s *session) error {
	id, err := s.vnfID(c.Vnf)
	if err != nil {
		return err
	}
	v, err := s.Vnf(s.ctx, id)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	left, err := s.Leftovers(s.ctx, id)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(v, func(w io.Writer) {
		printVnf(w, v)
		if drift := s.drifts("(eq,id," + id + ")")[id]; drift != nil {
			heading(w, "Differs from the records since "+stamp(drift.Since)+" (vnfm vnf drift "+id+")")
			fields(w, "at", strings.Join(drift.VimConnectionIds, ", "), "what", drifted(drift))
		}
		printLeftovers(w, id, left)
	})
}

// printLeftovers tells what failed operations left; a VNF is not deleted while there is any.
func printLeftovers(w io.Writer, id string, left []sol.Leftover) {
	if len(left) == 0 {
		return
	}
	var rows [][]string
	for _, l := range left {
		rows = append(rows, []string{l.Kind, l.Name, l.ResourceId, l.VimConnectionId})
	}
	heading(w, "Left by failed operations (vnfm vnf cleanup "+id+" releases them)")
	table(w, []string{"KIND", "NAME", "RESOURCE", "VIM"}, rows)
}

func printVnf(w io.Writer, v *sol.VnfInstance) {
	about := []string{"id", v.Id, "name", v.VnfInstanceName, "description", v.VnfInstanceDescription, "vnfdId", v.VnfdId,
		"product", strings.TrimSpace(v.VnfProductName + " " + v.VnfSoftwareVersion), "provider", v.VnfProvider, "state", state(v.InstantiationState)}
	info := v.InstantiatedVnfInfo
	if info == nil {
		fields(w, about...)
		return
	}
	var levels []string
	for _, l := range info.ScaleStatus {
		levels = append(levels, fmt.Sprintf("%s %d", l.AspectId, l.ScaleLevel))
	}
	fields(w, append(about, "flavour", info.FlavourId, "VNF state", state(info.VnfState), "scale", strings.Join(levels, ", "))...)
	var rows [][]string
	for _, c := range info.VnfcResourceInfo {
		var addresses []string
		for _, cp := range c.VnfcCpInfo {
			addresses = append(addresses, cp.CpdId+" "+addressesOf(cp.CpProtocolInfo))
		}
		rows = append(rows, []string{c.VduId, c.ComputeResource.ResourceId, c.ComputeResource.VimConnectionId, c.ZoneId, strings.Join(addresses, ", ")})
	}
	heading(w, "VNFCs")
	table(w, []string{"VDU", "RESOURCE", "VIM", "ZONE", "CONNECTION POINTS"}, rows)
	rows = nil
	for _, l := range info.VnfVirtualLinkResourceInfo {
		rows = append(rows, []string{"network", l.VnfVirtualLinkDescId, l.NetworkResource.ResourceId, strconv.Itoa(len(l.VnfLinkPorts))})
	}
	for _, st := range info.VirtualStorageResourceInfo {
		rows = append(rows, []string{"storage", st.VirtualStorageDescId, st.StorageResource.ResourceId, ""})
	}
	if len(rows) > 0 {
		heading(w, "Networks and storages")
		table(w, []string{"KIND", "IN THE VNFD", "RESOURCE", "PORTS"}, rows)
	}
	rows = nil
	for _, cp := range info.ExtCpInfo {
		rows = append(rows, []string{cp.CpdId, cp.Id, addressesOf(cp.CpProtocolInfo)})
	}
	if len(rows) > 0 {
		heading(w, "External connection points")
		table(w, []string{"CPD", "ID", "ADDRESSES"}, rows)
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

type vnfEvents struct {
	Vnf  string `arg:"" help:"Id or name; a deleted instance by its id only."`
	Data bool   `help:"Print what each event says, too."`
}

func (c *vnfEvents) Run(s *session) error {
	id, err := s.vnfID(c.Vnf)
	if err != nil {
		id = c.Vnf // it may be deleted
	}
	events, evErr := s.Events(s.ctx, id)
	if evErr != nil {
		if err != nil {
			return err
		}
		return evErr //nolint:wrapcheck // of the client
	}
	return s.show(events, func(w io.Writer) {
		var rows [][]string
		head := []string{"WHEN", "STREAM", "VERSION", "EVENT", "WHO", "COMMAND", "CORRELATION", "CAUSE"}
		if c.Data {
			head = append(head, "DATA")
		}
		for _, e := range events {
			row := []string{
				stamp(e.Time), short(e.Stream), strconv.FormatInt(e.Version, 10), e.Type, e.Actor, e.Command,
				short(e.CorrelationId), short(e.CausationId),
			}
			if c.Data {
				row = append(row, compact(e.Data))
			}
			rows = append(rows, row)
		}
		table(w, head, rows)
	})
}

// short is enough of an id to tell it from others by eye; the other forms of output have it whole.
func short(id string) string {
	prefix, rest, ok := strings.Cut(id, "-")
	if ok && len(prefix) < 8 { // a stream: its prefix and the beginning of its id
		return prefix + "-" + first(rest)
	}
	return first(id)
}

// first is as much of an id as tells it from others made in the same moment.
func first(id string) string { return id[:min(13, len(id))] }

type vnfCleanup struct {
	Vnf string `arg:"" help:"Id or name."`
}

func (c *vnfCleanup) Run(s *session) error {
	id, err := s.vnfID(c.Vnf)
	if err != nil {
		return err
	}
	saga, err := s.Cleanup(s.ctx, id)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(sol.Cleanup{SagaId: saga}, func(w io.Writer) {
		_, _ = fmt.Fprintf(w, "cleanup began: saga %s (vnfm op saga %s)\n", saga, saga)
	})
}
