package main

import (
	"encoding/json"
	"io"
	"os"
	"strings"

	"github.com/vnfm/vnfm/sol"
)

type vnfModify struct {
	Vnf         string   `arg:"" help:"Id or name." completion-predictor:"vnf"`
	Name        *string  `help:"New name; empty removes it." placeholder:"NAME"`
	Description *string  `help:"New description; empty removes it." placeholder:"TEXT"`
	Vnfd        string   `help:"Package that differs in software images only: vnfdId, package id or product name." placeholder:"VNFD"`
	Metadata    []string `sep:"none" help:"Metadata, repeatable; the value is JSON or a string, null removes." placeholder:"KEY=VALUE"`
	Extension   []string `sep:"none" help:"Extension the VNFD declares, repeatable; the value is JSON or a string, null removes." placeholder:"KEY=VALUE" secret:""`
	Property    []string `sep:"none" help:"Configurable property the VNFD declares, repeatable; the value is JSON or a string, null removes." placeholder:"KEY=VALUE" secret:""`
	Vim         string   `help:"vimConnectionInfo as JSON from this file, - for standard input: by connection id a merge patch over what the VNF has, null removes." placeholder:"FILE"`
	fileRequest
	NoWait bool `help:"Return when the operation has begun."`
}

// Help is examples.
func (*vnfModify) Help() string {
	return `Examples:
  vnfm vnf modify fw1 --name edge-fw --metadata site=ulm
  vnfm vnf modify fw1 --property ntp=10.0.0.1 --extension tier=gold`
}

func (c *vnfModify) Run(s *session) error {
	var r sol.VnfInfoModificationRequest
	if _, err := c.into(s, &r); err != nil {
		return err
	}
	for _, text := range []struct {
		to   *json.RawMessage
		flag *string
	}{{&r.VnfInstanceName, c.Name}, {&r.VnfInstanceDescription, c.Description}} {
		if text.flag != nil {
			*text.to = textPatch(text.flag)
		}
	}
	for _, part := range []struct {
		flag string
		args []string
		to   *sol.KeyValuePairs
	}{{"metadata", c.Metadata, &r.Metadata}, {"extension", c.Extension, &r.Extensions}, {"property", c.Property, &r.VnfConfigurableProperties}} {
		values, err := pairs(part.flag, part.args)
		if err != nil {
			return err
		}
		if values != nil {
			*part.to = values
		}
	}
	if c.Vim != "" {
		b, err := os.ReadFile(c.Vim)
		if c.Vim == "-" {
			b, err = io.ReadAll(s.in)
		}
		if err != nil {
			return usagef("%v", err)
		}
		if json.Unmarshal(b, &r.VimConnectionInfo) != nil {
			return usagef("%s is no JSON object", c.Vim)
		}
	}
	if c.Vnfd != "" {
		id, err := s.vnfdID(c.Vnfd)
		if err != nil {
			return err
		}
		r.VnfdId = encoded(id)
	}
	if string(encoded(r)) == "{}" {
		return usagef("nothing is to be changed")
	}
	id, err := s.vnfID(c.Vnf)
	if err != nil {
		return err
	}
	op, err := s.ModifyVnf(s.ctx, id, r)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.begun(op, c.NoWait)
}

// textPatch is a text of a merge patch: absent, removed or set.
func textPatch(v *string) json.RawMessage {
	switch {
	case v == nil:
		return nil
	case *v == "":
		return json.RawMessage("null")
	}
	return encoded(*v)
}

// pairs reads repeated KEY=VALUE flags.
func pairs(flag string, args []string) (sol.KeyValuePairs, error) {
	var out sol.KeyValuePairs
	for _, arg := range args {
		key, value, ok := strings.Cut(arg, "=")
		if !ok || key == "" {
			return nil, usagef("--%s %q is not KEY=VALUE", flag, arg)
		}
		if out == nil {
			out = sol.KeyValuePairs{}
		}
		out[key] = jsonOrString(value)
	}
	return out, nil
}
