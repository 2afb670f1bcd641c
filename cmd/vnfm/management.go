package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/vnfm/vnfm/cmd/vnfm/screen"
	"github.com/vnfm/vnfm/sol"
)

type managementCmd struct {
	List     managementList     `cmd:"" help:"List management connections."`
	Show     managementShow     `cmd:"" help:"Show a management connection; its credentials are masked."`
	Register managementRegister `cmd:"" help:"Register how the APIs of VNFs, or of their element manager, are reached."`
	Update   managementUpdate   `cmd:"" help:"Change a management connection; what is not named stays."`
	Check    managementCheck    `cmd:"" help:"Ask whom a management connection leads to whether its interfaces answer; exit 1 when they do not."`
	Delete   managementDelete   `cmd:"" help:"Delete a management connection."`
}

type managementList struct{ listing }

var managementColumns = []screen.Column[sol.ManagementConnection]{
	{Head: "ID", Of: func(v *sol.ManagementConnection) any { return v.Id }},
	{Head: "ENDPOINT", Of: func(v *sol.ManagementConnection) any { return v.EndpointType }},
	{Head: "INTERFACES", Of: func(v *sol.ManagementConnection) any { return interfacesOf(v) }, Drop: 1},
	{Head: "URI", Of: func(v *sol.ManagementConnection) any { return v.Uri }},
	{Head: "FOR", Of: func(v *sol.ManagementConnection) any { return meant(&v.For) }},
	{Head: "ENABLED", Of: func(v *sol.ManagementConnection) any { return v.Enabled }},
}

func (c *managementList) Run(s *session) error {
	return list(s, &c.listing, managementColumns, func() ([]sol.ManagementConnection, error) { return s.ManagementConnections(s.ctx) })
}

func interfacesOf(m *sol.ManagementConnection) string {
	if len(m.Interfaces) == 0 {
		return "all"
	}
	return strings.Join(m.Interfaces, ", ")
}

// meant says which VNFs a connection is for.
func meant(m *sol.ManagementMatch) string {
	parts := slices.DeleteFunc([]string{
		strings.Join(m.VnfInstanceIds, " "), strings.Join(m.VnfdIds, " "), strings.TrimSpace(m.VnfProvider + " " + m.VnfProductName),
	}, func(s string) bool { return s == "" })
	if len(parts) == 0 {
		return "all VNFs"
	}
	return strings.Join(parts, ", ")
}

type managementShow struct {
	ID string `arg:"" help:"Id of the connection." predictor:"management"`
}

func (c *managementShow) Run(s *session) error {
	id, err := s.managementID(c.ID)
	if err != nil {
		return err
	}
	m, err := s.ManagementConnection(s.ctx, id)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(m, func(w io.Writer) { printManagement(w, m) })
}

func printManagement(w io.Writer, m *sol.ManagementConnection) {
	auth := "none"
	if a := m.Authentication; a != nil {
		var types []string
		for _, t := range a.AuthType {
			types = append(types, string(t))
		}
		auth = strings.Join(types, ", ")
	}
	screen.Of(w).Fields("id", m.Id, "endpoint", m.EndpointType, "interfaces", interfacesOf(m), "uri", m.Uri, "for", meant(&m.For), "authentication", auth,
		"enabled", strconv.FormatBool(m.Enabled), "updated", screen.Of(w).Stamp(m.Updated))
	var rows [][]string
	for k, raw := range m.VnfSpecificData {
		rows = append(rows, []string{k, string(raw)})
	}
	if len(rows) > 0 {
		slices.SortFunc(rows, slices.Compare)
		screen.Of(w).Heading("Data for every VNF")
		screen.Of(w).Table([]string{"NAME", "VALUE"}, rows)
	}
}

// managementParts are the flags that describe a management connection.
type managementParts struct {
	Endpoint  string   `help:"Whose API it is: VNF, or MGMT for the element manager." placeholder:"TYPE"`
	URI       string   `name:"uri" help:"Root of the interfaces, e.g. https://em.example.com; {extCp.CPD} in the place of the host is the address of that external connection point of the VNF." placeholder:"URI"`
	Interface []string `help:"Interface that is called, repeatable: vnfconfig, lcmcoord; none: both." placeholder:"NAME"`
	Vnf       []string `help:"For this VNF, repeatable: id or name." placeholder:"VNF" predictor:"vnf"`
	Vnfd      []string `help:"For VNFs of this vnfdId, repeatable." placeholder:"ID"`
	Provider  string   `help:"For VNFs of this provider." placeholder:"NAME"`
	Product   string   `help:"For VNFs of this product of the provider." placeholder:"NAME"`
	User      string   `help:"User name for HTTP Basic authentication." placeholder:"NAME"`
	Password  string   `help:"Password, or with @ the text of a file." placeholder:"PASSWORD" secret:""`
	Data      []string `sep:"none" help:"Entry of vnfSpecificData of every VNF, repeatable, e.g. 'ntpServers=[\"10.0.0.1\"]'; the value is JSON or a string." placeholder:"KEY=VALUE"`
	File      string   `help:"The connection as JSON from this file, - for standard input; flags come over it." placeholder:"FILE" predictor:"file"`
}

// patch returns the connection that the flags describe.
func (c *managementParts) patch(s *session) (map[string]json.RawMessage, error) {
	out := map[string]json.RawMessage{}
	if c.File != "" {
		b, err := os.ReadFile(c.File)
		if c.File == "-" {
			b, err = io.ReadAll(s.in)
		}
		if err != nil {
			return nil, usagef("%v", err)
		}
		if json.Unmarshal(b, &out) != nil || out == nil {
			return nil, usagef("%s is no JSON object", c.File)
		}
	}
	for name, text := range map[string]string{"endpointType": c.Endpoint, "uri": c.URI} {
		if text != "" {
			out[name] = encoded(text)
		}
	}
	if len(c.Interface) > 0 {
		out["interfaces"] = encoded(c.Interface)
	}
	match := map[string]any{}
	for _, word := range c.Vnf {
		id, err := s.vnfID(word)
		if err != nil {
			return nil, err
		}
		ids, _ := match["vnfInstanceIds"].([]string)
		match["vnfInstanceIds"] = append(ids, id)
	}
	if len(c.Vnfd) > 0 {
		match["vnfdIds"] = c.Vnfd
	}
	if c.Provider != "" {
		match["vnfProvider"] = c.Provider
	}
	if c.Product != "" {
		match["vnfProductName"] = c.Product
	}
	if len(match) > 0 {
		out["for"] = encoded(match)
	}
	if c.User != "" || c.Password != "" {
		password, err := secretValue(c.Password)
		if err != nil {
			return nil, err
		}
		out["authentication"] = encoded(map[string]any{"authType": []string{"BASIC"}, "paramsBasic": map[string]any{"userName": c.User, "password": password}})
	}
	if len(c.Data) > 0 {
		data := map[string]json.RawMessage{}
		for _, arg := range c.Data {
			key, value, ok := strings.Cut(arg, "=")
			if !ok || key == "" {
				return nil, usagef("--data needs KEY=VALUE")
			}
			data[key] = jsonOrString(value)
		}
		out["vnfSpecificData"] = encoded(data)
	}
	return out, nil
}

type managementRegister struct {
	ID              string `arg:"" optional:"" help:"Id of the connection; default: one is made."`
	Disabled        bool   `help:"Do not use it yet."`
	managementParts `embed:""`
}

func (c *managementRegister) Run(s *session) error {
	doc, err := c.patch(s)
	if err != nil {
		return err
	}
	if c.ID != "" {
		doc["id"] = encoded(c.ID)
	}
	if c.Disabled {
		doc["enabled"] = encoded(false)
	}
	m, err := s.RegisterManagement(s.ctx, doc)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(m, func(w io.Writer) { printManagement(w, m) })
}

type managementUpdate struct {
	ID              string   `arg:"" help:"Id of the connection." predictor:"management"`
	Enable          bool     `help:"Use it again." xor:"enabled"`
	Disable         bool     `help:"Do not use it." xor:"enabled"`
	Remove          []string `help:"Part to remove, repeatable, e.g. vnfSpecificData.ntpServers." placeholder:"NAME"`
	managementParts `embed:""`
}

func (c *managementUpdate) Run(s *session) error {
	patch, err := c.patch(s)
	if err != nil {
		return err
	}
	if c.Enable || c.Disable {
		patch["enabled"] = encoded(c.Enable)
	}
	for _, name := range c.Remove {
		if err := remove(patch, name); err != nil {
			return err
		}
	}
	if len(patch) == 0 {
		return usagef("nothing is to be changed")
	}
	id, err := s.managementID(c.ID)
	if err != nil {
		return err
	}
	m, err := s.PatchManagement(s.ctx, id, patch)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(m, func(w io.Writer) { printManagement(w, m) })
}

type managementCheck struct {
	ID  string `arg:"" help:"Id of the connection." predictor:"management"`
	Vnf string `help:"VNF whose address is called, where the connection names an external connection point: id or name." placeholder:"VNF" predictor:"vnf"`
}

func (c *managementCheck) Run(s *session) error {
	vnf := c.Vnf
	if vnf != "" {
		var err error
		if vnf, err = s.vnfID(vnf); err != nil {
			return err
		}
	}
	id, err := s.managementID(c.ID)
	if err != nil {
		return err
	}
	v, err := s.CheckManagement(s.ctx, id, vnf)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	err = s.show(v, func(w io.Writer) {
		for _, i := range v.Interfaces {
			word := screen.Good.Render("reachable")
			if !i.Reachable {
				word = screen.Bad.Render("not reachable")
			}
			_, _ = fmt.Fprintf(w, "%s %s in %d ms", i.Name, word, i.TookMs)
			if i.Detail != "" {
				_, _ = fmt.Fprintf(w, ": %s", i.Detail)
			}
			_, _ = fmt.Fprintln(w)
		}
	})
	if err == nil && !v.Reachable {
		return &failed{"the endpoint cannot be asked"}
	}
	return err
}

type managementDelete struct {
	ID []string `arg:"" help:"Ids of connections." predictor:"management"`
	sure
}

func (c *managementDelete) Run(s *session) error {
	if err := s.confirmAll(c.sure, false, "Delete", "management connection", c.ID); err != nil {
		return err
	}
	return each(s, c.ID, itself, func(id string) error { return s.deleted(id, s.DeleteManagement(s.ctx, id)) })
}
