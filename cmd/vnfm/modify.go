package main

import (
	"encoding/json"
	"io"
	"os"
	"strings"

	"github.com/vnfm/vnfm/sol"
)

type vnfModify struct {
	Vnf         string   `arg:"" help:"Id or name."`
	Name        *string  `help:"New name; empty removes it." placeholder:"NAME"`
	Description *string  `help:"New description; empty removes it." placeholder:"TEXT"`
	Vnfd        string   `help:"Package that differs in software images only: vnfdId, package id or product name." placeholder:"VNFD"`
	Metadata    []string `sep:"none" help:"Metadata, repeatable; the value is JSON or a string, null removes." placeholder:"KEY=VALUE"`
	Extension   []string `sep:"none" help:"Extension the VNFD declares, repeatable; the value is JSON or a string, null removes." placeholder:"KEY=VALUE" secret:""`
	Property    []string `sep:"none" help:"Configurable property the VNFD declares, repeatable; the value is JSON or a string, null removes." placeholder:"KEY=VALUE" secret:""`
	Vim         string   `help:"vimConnectionInfo as JSON from this file, - for standard input: by connection id a merge patch over what the VNF has, null removes." placeholder:"FILE"`
	NoWait      bool     `help:"Return when the operation has begun."`
}

func (c *vnfModify) Run(s *session) error {
	var r sol.VnfInfoModificationRequest
	var err error
	r.VnfInstanceName, r.VnfInstanceDescription = textPatch(c.Name), textPatch(c.Description)
	if r.Metadata, err = pairs("metadata", c.Metadata); err != nil {
		return err
	}
	if r.Extensions, err = pairs("extension", c.Extension); err != nil {
		return err
	}
	if r.VnfConfigurableProperties, err = pairs("property", c.Property); err != nil {
		return err
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
