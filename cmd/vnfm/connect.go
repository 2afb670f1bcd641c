package main

import (
	"encoding/json"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/vnfm/vnfm/sol"
)

// fileRequest is a flag for the whole request, as JSON.
type fileRequest struct {
	File string `help:"Take the request from this JSON file; - is the standard input." placeholder:"PATH"`
}

// into reads the request; false when there is no such flag.
func (f fileRequest) into(s *session, request any) (bool, error) {
	if f.File == "" {
		return false, nil
	}
	var raw []byte
	var err error
	if f.File == "-" {
		raw, err = io.ReadAll(s.in)
	} else {
		raw, err = os.ReadFile(f.File)
	}
	if err != nil {
		return true, usagef("--file %s: %v", f.File, err)
	}
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.DisallowUnknownFields()
	if err := d.Decode(request); err != nil {
		return true, usagef("--file %s: %v", f.File, err)
	}
	return true, nil
}

type vnfFlavour struct {
	Vnf     string   `arg:"" help:"Id or name." predictor:"vnf"`
	To      string   `xor:"to" required:"" help:"Deployment flavour that it is to have." placeholder:"FLAVOUR"`
	Level   string   `help:"Instantiation level of that flavour; default: its default level." placeholder:"LEVEL"`
	ExtLink []string `sep:"none" help:"External network to connect to, repeatable; in parts, as --ext-link of vnf instantiate. What no part names stays as it is." placeholder:"id=…,network=…,cpd=…"`
	File    string   `xor:"to" required:"" help:"Take the request from this JSON file; - is the standard input." placeholder:"PATH"`
	Param   []string `sep:"none" help:"Additional parameter, repeatable; the value is JSON or a string." placeholder:"KEY=VALUE" secret:""`
	begin
}

func (c *vnfFlavour) Run(s *session) error {
	request := sol.ChangeVnfFlavourRequest{NewFlavourId: c.To, InstantiationLevelId: c.Level}
	if _, err := (fileRequest{c.File}).into(s, &request); err != nil {
		return err
	}
	if err := laidOver(c.ExtLink, c.Param, &request.ExtVirtualLinks, &request.AdditionalParams); err != nil {
		return err
	}
	id, err := s.vnfID(c.Vnf)
	if err != nil {
		return err
	}
	return start(s, c.begin, id, sol.PlanChangeFlavour, request, s.ChangeFlavour)
}

type vnfUpgrade struct {
	Vnf       string   `arg:"" help:"Id or name." predictor:"vnf"`
	To        string   `xor:"to" required:"" help:"Package that it is to be of: vnfdId, package id or product name." placeholder:"VNFD" predictor:"package"`
	Batch     *int     `help:"Change so many machines at a time; 0: all at once. Default: what the VNFD says, else the server." placeholder:"N"`
	BlueGreen *bool    `negatable:"" help:"Make new machines beside the old ones, which go once the new ones are ready. Default: what the VNFD says, else the server."`
	ExtLink   []string `sep:"none" help:"External network to connect to, repeatable; in parts, as --ext-link of vnf instantiate. What no part names stays as it is." placeholder:"id=…,network=…,cpd=…"`
	File      string   `xor:"to" required:"" help:"Take the request from this JSON file; - is the standard input." placeholder:"PATH"`
	Param     []string `sep:"none" help:"Additional parameter, repeatable; the value is JSON or a string." placeholder:"KEY=VALUE" secret:""`
	begin
}

func (c *vnfUpgrade) Run(s *session) error {
	var request sol.ChangeCurrentVnfPkgRequest
	fromFile, err := (fileRequest{c.File}).into(s, &request)
	if err != nil {
		return err
	}
	if !fromFile {
		if request.VnfdId, err = s.vnfdID(c.To); err != nil {
			return err
		}
	}
	if err := laidOver(c.ExtLink, c.Param, &request.ExtVirtualLinks, &request.AdditionalParams); err != nil {
		return err
	}
	if request.AdditionalParams == nil && (c.Batch != nil || c.BlueGreen != nil) {
		request.AdditionalParams = sol.KeyValuePairs{}
	}
	if c.Batch != nil {
		request.AdditionalParams["batchSize"] = encoded(*c.Batch)
	}
	if c.BlueGreen != nil {
		request.AdditionalParams["blueGreen"] = encoded(*c.BlueGreen)
	}
	id, err := s.vnfID(c.Vnf)
	if err != nil {
		return err
	}
	return start(s, c.begin, id, sol.PlanChangeVnfPkg, request, s.ChangeVnfPkg)
}

// laidOver puts the links and parameters of flags into a request.
func laidOver(links, params []string, toLinks *[]sol.ExtVirtualLinkData, toParams *sol.KeyValuePairs) error {
	ext, err := extLinks("--ext-link", links)
	if err != nil {
		return err
	}
	*toLinks = append(*toLinks, ext...)
	return given(toParams, params)
}

type vnfConnect struct {
	Vnf        string   `arg:"" help:"Id or name." predictor:"vnf"`
	Link       []string `sep:"none" help:"External network to connect to, repeatable; in parts, as --ext-link of vnf instantiate. What no part names stays as it is." placeholder:"id=…,network=…,cpd=…"`
	Disconnect []string `sep:"none" help:"Disconnect the connection point of a configuration, repeatable." placeholder:"CPD/CONFIG"`
	fileRequest
	Param []string `sep:"none" help:"Additional parameter, repeatable; the value is JSON or a string." placeholder:"KEY=VALUE" secret:""`
	begin
}

func (c *vnfConnect) Run(s *session) error {
	var request sol.ChangeExtVnfConnectivityRequest
	fromFile, err := c.into(s, &request)
	switch {
	case err != nil:
		return err
	case fromFile == (len(c.Link)+len(c.Disconnect) > 0):
		return usagef("either --link and --disconnect, or --file says how to connect it")
	}
	id, err := s.vnfID(c.Vnf)
	if err != nil {
		return err
	}
	if !fromFile {
		if request.ExtVirtualLinks, err = extLinks("--link", c.Link); err != nil {
			return err
		}
		if request.ExtVirtualLinks, err = c.cut(s, id, request.ExtVirtualLinks); err != nil {
			return err
		}
	}
	if err := given(&request.AdditionalParams, c.Param); err != nil {
		return err
	}
	return start(s, c.begin, id, sol.PlanChangeExtConn, request, s.ChangeExtConn)
}

// cut adds to links the configurations that are to be taken away, on the links that have them.
func (c *vnfConnect) cut(s *session, id string, links []sol.ExtVirtualLinkData) ([]sol.ExtVirtualLinkData, error) {
	if len(c.Disconnect) == 0 {
		return links, nil
	}
	v, err := s.Vnf(s.ctx, id)
	if err != nil {
		return nil, err //nolint:wrapcheck // of the client
	}
	for _, d := range c.Disconnect {
		cpd, key, ok := strings.Cut(d, "/")
		if !ok || cpd == "" || key == "" {
			return nil, usagef("--disconnect %s: it is CPD/CONFIG", d)
		}
		found := false
		for _, l := range connectedBy(v, cpd, key) {
			found = true
			off := sol.VnfExtCpData{CpdId: cpd, CpConfig: map[string]*sol.VnfExtCpConfig{key: nil}}
			if i := slices.IndexFunc(links, func(x sol.ExtVirtualLinkData) bool { return x.Id == l.Id }); i >= 0 {
				links[i].ExtCps = append(links[i].ExtCps, off)
				continue
			}
			links = append(links, sol.ExtVirtualLinkData{
				Id: l.Id, VimConnectionId: l.ResourceHandle.VimConnectionId, ResourceId: l.ResourceHandle.ResourceId, ExtCps: []sol.VnfExtCpData{off},
			})
		}
		if !found {
			return nil, usagef("--disconnect %s: the VNF has no such configuration", d)
		}
	}
	return links, nil
}

// connectedBy returns the external links of a VNF that have a configuration of a CPD.
func connectedBy(v *sol.VnfInstance, cpd, key string) []sol.ExtVirtualLinkInfo {
	var out []sol.ExtVirtualLinkInfo
	if v.InstantiatedVnfInfo == nil {
		return nil
	}
	for _, l := range v.InstantiatedVnfInfo.ExtVirtualLinkInfo {
		for _, data := range l.CurrentVnfExtCpData {
			if _, has := data.CpConfig[key]; has && data.CpdId == cpd {
				out = append(out, l)
			}
		}
	}
	return out
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
