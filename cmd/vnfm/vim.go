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

type vimCmd struct {
	List     vimList     `cmd:"" help:"List VIM connections."`
	Show     vimShow     `cmd:"" help:"Show a VIM connection; its credentials are masked."`
	Register vimRegister `cmd:"" help:"Register a VIM connection."`
	Update   vimUpdate   `cmd:"" help:"Change a VIM connection; what is not named stays."`
	Delete   vimDelete   `cmd:"" help:"Delete a VIM connection that no VNF uses."`
	Check    vimCheck    `cmd:"" help:"Ask a VIM what it offers and what the connection may do: rights, quotas, versions, storage classes; exit 1 when it cannot be asked, or lacks what VNFs need."`
}

type vimList struct{ listing }

var vimColumns = []screen.Column[sol.Vim]{
	{Head: "ID", Of: func(v *sol.Vim) any { return v.Id }},
	{Head: "TYPE", Of: func(v *sol.Vim) any { return v.VimType }},
	{Head: "VIM", Of: func(v *sol.Vim) any { return v.VimId }, Drop: 2},
	{Head: "DEFAULT", Of: func(v *sol.Vim) any { return v.Default }},
	{Head: "ENABLED", Of: func(v *sol.Vim) any { return v.Enabled }},
	{Head: "BUILT IN", Of: func(v *sol.Vim) any { return v.BuiltIn }, Drop: 1},
	{Head: "COMPARED", Of: func(v *sol.Vim) any { return compared(v.Comparison) }},
	{Head: "CALLS", Of: func(v *sol.Vim) any { return heldBack(v.Held) }, Drop: 3},
	{Head: "UPDATED", Of: func(v *sol.Vim) any { return v.Updated }, Wide: true},
}

// compared tells in few words what came of comparing a VIM with the records.
func compared(c *sol.VimComparison) screen.Alarm {
	switch {
	case c == nil:
		return screen.Alarm{}
	case c.Error != "":
		return screen.Alarm{Text: "failed: " + c.Error, Bad: true}
	case c.Suspect:
		return screen.Alarm{Text: fmt.Sprintf("suspect: %d of %d missing", c.Missing, c.Recorded), Bad: true}
	case c.VnfsDrifted > 0 && c.LeftBehind > 0:
		return screen.Alarm{Text: fmt.Sprintf("%d VNFs differ, %d left behind", c.VnfsDrifted, c.LeftBehind), Bad: true}
	case c.VnfsDrifted > 0:
		return screen.Alarm{Text: fmt.Sprintf("%d VNFs differ", c.VnfsDrifted), Bad: true}
	case c.LeftBehind > 0:
		return screen.Alarm{Text: fmt.Sprintf("%d left behind", c.LeftBehind), Bad: true}
	}
	return screen.Alarm{Text: "as recorded"}
}

// limits tells how a VIM may be called.
func limits(l sol.VimLimits) string {
	out := fmt.Sprintf("%d at once", l.Workers)
	if l.Rate > 0 {
		out += fmt.Sprintf(", %s a second", strconv.FormatFloat(l.Rate, 'g', -1, 64))
	}
	if l.BreakerFailures > 0 {
		out += fmt.Sprintf(", left alone after %d that find it away", l.BreakerFailures)
	}
	return out
}

// heldBack tells how calls to a VIM are held back.
func heldBack(h *sol.VimHeld) screen.Alarm {
	if h == nil {
		return screen.Alarm{}
	}
	return screen.Alarm{Text: h.State + ": " + h.Reason, Bad: true}
}

func (c *vimList) Run(s *session) error {
	return list(s, &c.listing, vimColumns, func() ([]sol.Vim, error) { return s.Vims(s.ctx) })
}

type vimShow struct {
	ID string `arg:"" help:"Id of the connection." predictor:"vim"`
}

func (c *vimShow) Run(s *session) error {
	id, err := s.vimID(c.ID)
	if err != nil {
		return err
	}
	v, err := s.Vim(s.ctx, id)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(v, func(w io.Writer) { printVim(w, v) })
}

func printVim(w io.Writer, v *sol.Vim) {
	screen.Of(w).Fields("id", v.Id, "type", v.VimType, "vim", v.VimId, "default", strconv.FormatBool(v.Default), "enabled", strconv.FormatBool(v.Enabled),
		"updated", screen.Of(w).Stamp(v.Updated), "compared", compared(v.Comparison).Text, "limits", limits(v.Limits), "calls", heldBack(v.Held).Text)
	for _, part := range []struct {
		name   string
		values sol.KeyValuePairs
	}{{"Interface", v.InterfaceInfo}, {"Access", v.AccessInfo}, {"Extra", v.Extra}} {
		var rows [][]string
		for k, raw := range part.values {
			rows = append(rows, []string{k, string(raw)})
		}
		if len(rows) > 0 {
			slices.SortFunc(rows, slices.Compare)
			screen.Of(w).Heading(part.name)
			screen.Of(w).Table([]string{"NAME", "VALUE"}, rows)
		}
	}
}

// vimParts are the flags that describe a VIM connection.
type vimParts struct {
	VimID     string   `help:"vimId, when others know the VIM by one." placeholder:"ID"`
	Interface []string `sep:"none" help:"Part of interfaceInfo, repeatable, e.g. endpoint=https://keystone/v3; the value is JSON or a string." placeholder:"KEY=VALUE"`
	Access    []string `sep:"none" help:"Part of accessInfo, repeatable, e.g. password=@FILE; the value is a string, or with @ the text of a file." placeholder:"KEY=VALUE" secret:""`
	Extra     []string `sep:"none" help:"Part of extra, repeatable; the value is JSON or a string." placeholder:"KEY=VALUE"`
	File      string   `help:"The connection as JSON from this file, - for standard input; flags come over it." placeholder:"FILE" predictor:"file"`
}

// patch returns the connection that the flags describe.
func (c *vimParts) patch(s *session) (map[string]json.RawMessage, error) {
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
	if c.VimID != "" {
		out["vimId"] = encoded(c.VimID)
	}
	for _, part := range []struct {
		name, flag string
		args       []string
		value      func(string) (json.RawMessage, error)
	}{
		{"interfaceInfo", "interface", c.Interface, plainValue},
		{"accessInfo", "access", c.Access, secretValue},
		{"extra", "extra", c.Extra, plainValue},
	} {
		if len(part.args) == 0 {
			continue
		}
		m := map[string]json.RawMessage{}
		if raw, ok := out[part.name]; ok && json.Unmarshal(raw, &m) != nil {
			return nil, usagef("%s is no JSON object in %s", part.name, c.File)
		}
		for _, arg := range part.args {
			key, value, ok := strings.Cut(arg, "=")
			if !ok || key == "" {
				return nil, usagef("--%s needs KEY=VALUE", part.flag)
			}
			var err error
			if m[key], err = part.value(value); err != nil {
				return nil, err
			}
		}
		out[part.name] = encoded(m)
	}
	return out, nil
}

func plainValue(v string) (json.RawMessage, error) { return jsonOrString(v), nil }

func secretValue(v string) (json.RawMessage, error) {
	name, ok := strings.CutPrefix(v, "@")
	if !ok {
		return encoded(v), nil
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, usagef("%v", err)
	}
	return encoded(strings.TrimRight(string(b), "\r\n")), nil
}

func encoded(v any) json.RawMessage {
	b, _ := json.Marshal(v) // strings, bools and JSON
	return b
}

type vimRegister struct {
	ID       string `arg:"" optional:"" help:"Id of the connection (vimConnectionId); default: one is made."`
	Type     string `help:"vimType." placeholder:"TYPE"`
	Default  bool   `help:"Use it where nobody names one."`
	Disabled bool   `help:"Create nothing through it yet."`
	vimParts `embed:""`
}

func (c *vimRegister) Run(s *session) error {
	doc, err := c.patch(s)
	if err != nil {
		return err
	}
	if c.ID != "" {
		doc["id"] = encoded(c.ID)
	}
	if c.Type != "" {
		doc["vimType"] = encoded(c.Type)
	}
	if c.Default {
		doc["default"] = encoded(true)
	}
	if c.Disabled {
		doc["enabled"] = encoded(false)
	}
	v, err := s.RegisterVim(s.ctx, doc)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(v, func(w io.Writer) { printVim(w, v) })
}

type vimUpdate struct {
	ID       string   `arg:"" help:"Id of the connection." predictor:"vim"`
	Default  bool     `help:"Use it where nobody names one." xor:"default"`
	Other    bool     `name:"no-default" help:"Use it no longer where nobody names one." xor:"default"`
	Enable   bool     `help:"Create resources through it again." xor:"enabled"`
	Disable  bool     `help:"Create nothing through it; what is there can be released." xor:"enabled"`
	Remove   []string `help:"Part to remove, repeatable, e.g. accessInfo.region." placeholder:"NAME"`
	vimParts `embed:""`
}

func (c *vimUpdate) Run(s *session) error {
	patch, err := c.patch(s)
	if err != nil {
		return err
	}
	if c.Default || c.Other {
		patch["default"] = encoded(c.Default)
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
	id, err := s.vimID(c.ID)
	if err != nil {
		return err
	}
	v, err := s.PatchVim(s.ctx, id, patch)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(v, func(w io.Writer) { printVim(w, v) })
}

// remove has a merge patch remove an attribute, or a child of one: "accessInfo.region".
func remove(patch map[string]json.RawMessage, name string) error {
	attribute, child, deep := strings.Cut(name, ".")
	if !deep {
		patch[attribute] = json.RawMessage("null")
		return nil
	}
	m := map[string]json.RawMessage{}
	if raw, ok := patch[attribute]; ok && json.Unmarshal(raw, &m) != nil {
		return usagef("%s is set and removed at once", attribute)
	}
	m[child] = json.RawMessage("null")
	patch[attribute] = encoded(m)
	return nil
}

type vimDelete struct {
	ID []string `arg:"" help:"Ids of connections." predictor:"vim"`
	sure
}

func (c *vimDelete) Run(s *session) error {
	if err := s.confirmAll(c.sure, false, "Delete", "VIM connection", c.ID); err != nil {
		return err
	}
	return each(s, c.ID, itself, func(id string) error { return s.deleted(id, s.DeleteVim(s.ctx, id)) })
}

type vimCheck struct {
	ID string `arg:"" help:"Id of the connection." predictor:"vim"`
}

func (c *vimCheck) Run(s *session) error {
	id, err := s.vimID(c.ID)
	if err != nil {
		return err
	}
	v, err := s.CheckVim(s.ctx, id)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	err = s.show(v, func(w io.Writer) {
		if !v.Reachable {
			_, _ = fmt.Fprintf(w, "%s: %s\n", screen.Bad.Render("not reachable"), v.Detail)
			return
		}
		_, _ = fmt.Fprintf(w, "%s in %d ms: %d flavours, %d images\n", screen.Good.Render("reachable"), v.TookMs, v.Flavours, v.Images)
		screen.Of(w).Fields("zones", strings.Join(v.Zones, ", "), "external network", v.ExternalNetwork)
		var rows [][]string
		for _, f := range v.Facts {
			value := f.Value
			if f.Lacks {
				value = screen.Bad.Render("✗ " + value)
			}
			rows = append(rows, []string{f.Area, f.Name, value})
		}
		if len(rows) > 0 {
			screen.Of(w).Table([]string{"WHAT", "NAME", "VALUE"}, rows)
		}
	})
	switch {
	case err != nil:
	case !v.Reachable:
		return &failed{"the VIM cannot be asked"}
	case slices.ContainsFunc(v.Facts, func(f sol.VimFact) bool { return f.Lacks }):
		return &failed{"the VIM connection lacks what VNFs need"}
	}
	return err
}
