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
	Vnf     string   `arg:"" help:"Id or name."`
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
	Vnf       string   `arg:"" help:"Id or name."`
	To        string   `xor:"to" required:"" help:"VNFD of the package that it is to be of, by its vnfdId or the package's id." placeholder:"VNFD"`
	Batch     *int     `help:"Change so many machines at a time; 0: all at once. Default: what the VNFD says, else the server." placeholder:"N"`
	BlueGreen *bool    `negatable:"" help:"Make new machines beside the old ones, which go once the new ones are ready. Default: what the VNFD says, else the server."`
	ExtLink   []string `sep:"none" help:"External network to connect to, repeatable; in parts, as --ext-link of vnf instantiate. What no part names stays as it is." placeholder:"id=…,network=…,cpd=…"`
	File      string   `xor:"to" required:"" help:"Take the request from this JSON file; - is the standard input." placeholder:"PATH"`
	Param     []string `sep:"none" help:"Additional parameter, repeatable; the value is JSON or a string." placeholder:"KEY=VALUE" secret:""`
	begin
}

func (c *vnfUpgrade) Run(s *session) error {
	var request sol.ChangeCurrentVnfPkgRequest
	given, err := (fileRequest{c.File}).into(s, &request)
	if err != nil {
		return err
	}
	if !given {
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
	given, err := pairs("param", params)
	if err != nil || given == nil {
		return err
	}
	*toParams = given
	return nil
}

type vnfConnect struct {
	Vnf        string   `arg:"" help:"Id or name."`
	Link       []string `sep:"none" help:"External network to connect to, repeatable; in parts, as --ext-link of vnf instantiate. What no part names stays as it is." placeholder:"id=…,network=…,cpd=…"`
	Disconnect []string `sep:"none" help:"Disconnect the connection point of a configuration, repeatable." placeholder:"CPD/CONFIG"`
	fileRequest
	Param []string `sep:"none" help:"Additional parameter, repeatable; the value is JSON or a string." placeholder:"KEY=VALUE" secret:""`
	begin
}

func (c *vnfConnect) Run(s *session) error {
	var request sol.ChangeExtVnfConnectivityRequest
	given, err := c.into(s, &request)
	switch {
	case err != nil:
		return err
	case given == (len(c.Link)+len(c.Disconnect) > 0):
		return usagef("either --link and --disconnect, or --file says how to connect it")
	}
	id, err := s.vnfID(c.Vnf)
	if err != nil {
		return err
	}
	if !given {
		if request.ExtVirtualLinks, err = extLinks("--link", c.Link); err != nil {
			return err
		}
		if request.ExtVirtualLinks, err = c.cut(s, id, request.ExtVirtualLinks); err != nil {
			return err
		}
	}
	if params, err := pairs("param", c.Param); err != nil {
		return err
	} else if params != nil {
		request.AdditionalParams = params
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
