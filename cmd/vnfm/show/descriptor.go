package show

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/vnfm/vnfm/cmd/vnfm/screen"
	"github.com/vnfm/vnfm/sol"
)

// Descriptor prints what one needs to know of a VNFD to deploy it.
func Descriptor(to io.Writer, d *sol.VnfdView) {
	w := screen.Of(to)
	for i := range d.Flavours {
		f := &d.Flavours[i]
		title := "Flavour " + f.FlavourId
		if f.Description != "" {
			title += ": " + f.Description
		}
		w.Heading(title)
		var rows [][]string
		for _, v := range f.Vdus {
			count := strconv.Itoa(v.Min)
			if v.Max != v.Min {
				count += "–" + strconv.Itoa(v.Max)
			}
			rows = append(rows, []string{v.VduId, count, nonZero(int64(v.Vcpus)), size(v.MemoryBytes), size(v.DiskBytes), v.Image, strings.Join(v.Storages, ", ")})
		}
		w.Table([]string{"VDU", "VNFCS", "VCPUS", "MEMORY", "DISK", "IMAGE", "STORAGES"}, rows)
		levels(w, f)
		aspects(w, f)
		rows = nil
		for _, c := range external(f) {
			rows = append(rows, []string{c.CpdId, c.VduId})
		}
		if len(rows) > 0 {
			_, _ = fmt.Fprintln(w)
			w.Table([]string{"EXTERNAL CONNECTION POINT", "OF"}, rows)
		}
		if rows = parameters(f.Operations["INSTANTIATE"].AdditionalParams); len(rows) > 0 {
			_, _ = fmt.Fprintln(w)
			w.Table([]string{"PARAMETER", "TYPE", "REQUIRED", "DEFAULT", "WHAT"}, rows)
		}
	}
	for _, part := range []struct {
		title string
		all   []sol.VnfdProperty
	}{{"Configurable properties", d.ConfigurableProperties}, {"Extensions", d.Extensions}} {
		var rows [][]string
		for _, p := range part.all {
			s := schemaOf(p.Schema)
			rows = append(rows, []string{p.Name, s.kind(), yes(p.Required), screen.Compact(p.Initial), s.Description})
		}
		if len(rows) > 0 {
			w.Heading(part.title)
			w.Table([]string{"NAME", "TYPE", "REQUIRED", "DEFAULT", "WHAT"}, rows)
		}
	}
}

func levels(w *screen.Screen, f *sol.VnfdFlavour) {
	var rows [][]string
	for _, l := range f.InstantiationLevels {
		mark := ""
		if l.LevelId == f.DefaultLevel {
			mark = "default"
		}
		rows = append(rows, []string{l.LevelId, mark, counts(l.Vnfcs), counts(l.ScaleInfo), l.Description})
	}
	if len(rows) > 0 {
		_, _ = fmt.Fprintln(w)
		w.Table([]string{"LEVEL", "", "VNFCS", "SCALE LEVELS", "WHAT"}, rows)
	}
}

func aspects(w *screen.Screen, f *sol.VnfdFlavour) {
	var rows [][]string
	for _, a := range f.ScalingAspects {
		var steps []string
		for _, vdu := range slices.Sorted(maps.Keys(a.Steps)) {
			steps = append(steps, fmt.Sprintf("%s %v", vdu, a.Steps[vdu]))
		}
		rows = append(rows, []string{a.AspectId, "0–" + strconv.Itoa(a.MaxScaleLevel), strings.Join(steps, ", "), a.Description})
	}
	if len(rows) > 0 {
		_, _ = fmt.Fprintln(w)
		w.Table([]string{"ASPECT", "LEVELS", "STEPS ADD", "WHAT"}, rows)
	}
}

// external are the external connection points of a flavour.
func external(f *sol.VnfdFlavour) []sol.VnfdCp {
	return slices.DeleteFunc(slices.Clone(f.Cps), func(c sol.VnfdCp) bool { return !c.External })
}

func counts(all map[string]int) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		out = append(out, fmt.Sprintf("%s %d", name, all[name]))
	}
	return strings.Join(out, ", ")
}

func nonZero(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// size is a number of bytes, in the greatest unit that divides it.
func size(n int64) string {
	for _, u := range []struct {
		unit int64
		name string
	}{{1 << 40, "TiB"}, {1 << 30, "GiB"}, {1 << 20, "MiB"}, {1e9, "GB"}, {1e6, "MB"}} {
		if n > 0 && n%u.unit == 0 {
			return fmt.Sprintf("%d %s", n/u.unit, u.name)
		}
	}
	return nonZero(n)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

// schema is as much of a JSON Schema as people ask for.
type schema struct {
	Type        json.RawMessage   `json:"type"`
	Description string            `json:"description"`
	Default     json.RawMessage   `json:"default"`
	Enum        []json.RawMessage `json:"enum"`
	Properties  map[string]schema `json:"properties"`
	Required    []string          `json:"required"`
}

func schemaOf(raw json.RawMessage) schema {
	var s schema
	_ = json.Unmarshal(raw, &s) // none is empty
	return s
}

func (s *schema) kind() string {
	kind := strings.Trim(screen.Compact(s.Type), `"`)
	var values []string
	for _, v := range s.Enum {
		values = append(values, screen.Compact(v))
	}
	if len(values) > 0 {
		kind = strings.TrimSpace(kind + " " + strings.Join(values, "|"))
	}
	return kind
}

// parameters are the rows of a schema of additional parameters.
func parameters(raw json.RawMessage) [][]string {
	s := schemaOf(raw)
	var rows [][]string
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[name]
		rows = append(rows, []string{name, p.kind(), yes(slices.Contains(s.Required, name)), screen.Compact(p.Default), p.Description})
	}
	return rows
}

// Deploy prints the commands that deploy a VNFD, to be copied. They are never cut.
func Deploy(to io.Writer, d *sol.VnfdView) {
	w := screen.Of(to)
	if len(d.Flavours) == 0 {
		return
	}
	w.Heading("Deploy it")
	f := &d.Flavours[0]
	line := "vnfm vnf instantiate NAME --flavour " + f.FlavourId
	if f.DefaultLevel != "" {
		line += " --level " + f.DefaultLevel
	}
	for _, c := range external(f) {
		line += fmt.Sprintf(" --ext-link id=%s,network=NETWORK,cpd=%s", c.CpdId, c.CpdId)
	}
	s := schemaOf(f.Operations["INSTANTIATE"].AdditionalParams)
	for _, name := range slices.Sorted(slices.Values(s.Required)) {
		line += " --param " + name + "=" + strings.ToUpper(name)
	}
	_, _ = fmt.Fprintf(w, "  vnfm vnf create --vnfd %s --name NAME\n  %s\n", d.VnfdId, line)
}
