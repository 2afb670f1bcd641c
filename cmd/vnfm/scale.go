package main

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/vnfm/vnfm/sol"
)

// scaling is the flags of the commands that scale a VNF.
type scaling struct {
	Vnf   string   `arg:"" help:"Id or name."`
	Vnfc  []string `help:"Remove this VNFC before others, by the id in its vnfcInfo, repeatable; default: the newest." placeholder:"ID"`
	Param []string `sep:"none" help:"Additional parameter, repeatable; the value is JSON or a string." placeholder:"KEY=VALUE"`
}

// params is the parameters of the request, with the VNFCs to be removed among them.
func (c *scaling) params() (sol.KeyValuePairs, error) {
	params, err := pairs("param", c.Param)
	if err != nil || len(c.Vnfc) == 0 {
		return params, err
	}
	if params == nil {
		params = sol.KeyValuePairs{}
	}
	ids, err := json.Marshal(c.Vnfc)
	if err != nil {
		return nil, usagef("--vnfc %q: %v", c.Vnfc, err)
	}
	params["vnfcInstanceId"] = ids
	return params, nil
}

type vnfScale struct {
	scaling
	Out   string `xor:"way" required:"" help:"Scale this aspect out: add VNFCs." placeholder:"ASPECT"`
	In    string `xor:"way" required:"" help:"Scale this aspect in: remove VNFCs." placeholder:"ASPECT"`
	Steps int    `default:"1" help:"Number of steps."`
	begin
}

func (c *vnfScale) Run(s *session) error {
	request := sol.ScaleVnfRequest{Type: sol.ScaleOut, AspectId: c.Out}
	if c.In != "" {
		request.Type, request.AspectId = sol.ScaleIn, c.In
	}
	if c.Steps != 1 {
		request.NumberOfSteps = &c.Steps
	}
	var err error
	if request.AdditionalParams, err = c.params(); err != nil {
		return err
	}
	id, err := s.vnfID(c.Vnf)
	if err != nil {
		return err
	}
	return start(s, c.begin, id, sol.PlanScale, request, s.Scale)
}

type vnfScaleTo struct {
	scaling
	Level  string         `xor:"target" required:"" help:"Instantiation level of the flavour." placeholder:"LEVEL"`
	Aspect map[string]int `xor:"target" required:"" help:"Scale level of an aspect, repeatable." placeholder:"ASPECT=LEVEL"`
	begin
}

func (c *vnfScaleTo) Run(s *session) error {
	request := sol.ScaleVnfToLevelRequest{InstantiationLevelId: c.Level}
	for _, aspect := range slices.Sorted(maps.Keys(c.Aspect)) {
		request.ScaleInfo = append(request.ScaleInfo, sol.ScaleInfo{AspectId: aspect, ScaleLevel: c.Aspect[aspect]})
	}
	var err error
	if request.AdditionalParams, err = c.params(); err != nil {
		return err
	}
	id, err := s.vnfID(c.Vnf)
	if err != nil {
		return err
	}
	return start(s, c.begin, id, sol.PlanScaleToLevel, request, s.ScaleToLevel)
}
