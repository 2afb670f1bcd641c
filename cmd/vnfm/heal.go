package main

import (
	"encoding/json"

	"github.com/vnfm/vnfm/sol"
)

type vnfHeal struct {
	Vnf   string   `arg:"" help:"Id or name."`
	Vnfc  []string `help:"Only this VNFC, by the id in its vnfcInfo, repeatable; default: the whole VNF." placeholder:"ID"`
	All   bool     `help:"Make volumes again, too. What is on them is lost."`
	Cause string   `help:"Why, for whoever reads of it later." placeholder:"TEXT"`
	Param []string `sep:"none" help:"Additional parameter, repeatable; the value is JSON or a string." placeholder:"KEY=VALUE" secret:""`
	begin
}

func (c *vnfHeal) Run(s *session) error {
	request := sol.HealVnfRequest{VnfcInstanceId: c.Vnfc, Cause: c.Cause}
	var err error
	if request.AdditionalParams, err = pairs("param", c.Param); err != nil {
		return err
	}
	if c.All {
		if request.AdditionalParams == nil {
			request.AdditionalParams = sol.KeyValuePairs{}
		}
		request.AdditionalParams["all"] = json.RawMessage("true")
	}
	id, err := s.vnfID(c.Vnf)
	if err != nil {
		return err
	}
	return start(s, c.begin, id, sol.PlanHeal, request, s.Heal)
}
