// Package desired is the desired state of VNFs: the file that vnfm apply takes, and the steps from what is to what is wanted. It asks nobody;
// the command looks and acts, one step at a time, so that it may be ended and begun again between any two requests.
package desired

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/vnfm/vnfm/sol"
)

// State is how far a VNF is to be brought.
type State string

// The states. Instantiated leaves machines running or stopped as they are.
const (
	Absent          State = "ABSENT"
	NotInstantiated State = "NOT_INSTANTIATED"
	Instantiated    State = "INSTANTIATED"
	Started         State = "STARTED"
	Stopped         State = "STOPPED"
)

var states = []State{Absent, NotInstantiated, Instantiated, Started, Stopped}

// Vnf is what one VNF is to be. What is left out stays as it is. Its name is what it is known by.
type Vnf struct {
	Name        string `json:"name"`
	Package     string `json:"package,omitempty"` // vnfdId, package id or product name
	State       State  `json:"state,omitempty"`   // none: INSTANTIATED
	Description string `json:"description,omitempty"`
	Flavour     string `json:"flavour,omitempty"`
	Level       string `json:"level,omitempty"` // instantiation level; none: the flavour's default one, or what it is scaled to
	// Scale is scale levels by aspect, which come over those of Level.
	Scale      map[string]int           `json:"scale,omitempty"`
	Vim        string                   `json:"vim,omitempty"` // VIM connection to instantiate at; none: where its links are, else the default one
	Links      []sol.ExtVirtualLinkData `json:"links,omitempty"`
	Params     sol.KeyValuePairs        `json:"params,omitempty"`   // additionalParams of instantiate
	Metadata   sol.KeyValuePairs        `json:"metadata,omitempty"` // merged, as the next two: null removes
	Extensions sol.KeyValuePairs        `json:"extensions,omitempty"`
	Properties sol.KeyValuePairs        `json:"properties,omitempty"` // configurable ones
}

// Read reads the VNFs of a file: YAML, one document for each; what names it in errors.
func Read(r io.Reader, what string) ([]Vnf, error) {
	d := yaml.NewDecoder(r)
	var out []Vnf
	for {
		var n yaml.Node
		err := d.Decode(&n)
		if errors.Is(err, io.EOF) {
			return out, unlike(out, what)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		v, err := one(&n)
		if err != nil {
			return nil, fmt.Errorf("%s: document %d: %w", what, len(out)+1, err)
		}
		if v != nil {
			out = append(out, *v)
		}
	}
}

// one reads a document; nil for an empty one.
func one(n *yaml.Node) (*Vnf, error) {
	var plain any
	if err := n.Decode(&plain); err != nil {
		return nil, err //nolint:wrapcheck // wrapped by Read
	}
	if plain == nil {
		return nil, nil
	}
	b, err := json.Marshal(plain)
	if err != nil {
		return nil, err //nolint:wrapcheck // wrapped by Read
	}
	j := json.NewDecoder(bytes.NewReader(b))
	j.DisallowUnknownFields()
	v := &Vnf{}
	if err := j.Decode(v); err != nil {
		return nil, err //nolint:wrapcheck // wrapped by Read
	}
	if v.State == "" {
		v.State = Instantiated
	}
	switch {
	case v.Name == "":
		return nil, errors.New("there is no name; a VNF is known by its name")
	case !slices.Contains(states, v.State):
		return nil, fmt.Errorf("%s: state is one of %v, not %q", v.Name, states, v.State)
	case v.State != Absent && v.Package == "":
		return nil, fmt.Errorf("%s: there is no package: a vnfdId, package id or product name", v.Name)
	case v.up() && v.Flavour == "":
		return nil, fmt.Errorf("%s: there is no flavour", v.Name)
	}
	return v, nil
}

// up says that it is to be instantiated.
func (v *Vnf) up() bool { return v.State != Absent && v.State != NotInstantiated }

// unlike says that a name is there twice.
func unlike(all []Vnf, what string) error {
	seen := map[string]bool{}
	for _, v := range all {
		if seen[v.Name] {
			return fmt.Errorf("%s: %s is there twice", what, v.Name)
		}
		seen[v.Name] = true
	}
	if len(all) == 0 {
		return fmt.Errorf("%s: there is nothing in it", what)
	}
	return nil
}

// Hidden is how the server shows a secret value.
const Hidden = "***"

// Of is a VNF as the file has it, and the names of the values that are secret and therefore left out.
func Of(v *sol.VnfInstance) (out Vnf, hidden []string) {
	out = Vnf{Name: v.VnfInstanceName, Package: v.VnfdId, Description: v.VnfInstanceDescription, State: NotInstantiated, Metadata: v.Metadata}
	for _, part := range []struct {
		name string
		from sol.KeyValuePairs
		to   *sol.KeyValuePairs
	}{{"extensions", v.Extensions, &out.Extensions}, {"properties", v.VnfConfigurableProperties, &out.Properties}} {
		for key, raw := range part.from {
			if strings.Contains(string(raw), Hidden) {
				hidden = append(hidden, part.name+"."+key)
				continue
			}
			if *part.to == nil {
				*part.to = sol.KeyValuePairs{}
			}
			(*part.to)[key] = raw
		}
	}
	slices.Sort(hidden)
	info := v.InstantiatedVnfInfo
	if info == nil || v.InstantiationState != "INSTANTIATED" {
		return out, hidden
	}
	out.State, out.Flavour = State(info.VnfState), info.FlavourId
	for _, s := range info.ScaleStatus {
		if out.Scale == nil {
			out.Scale = map[string]int{}
		}
		out.Scale[s.AspectId] = s.ScaleLevel
	}
	for _, l := range info.ExtVirtualLinkInfo {
		out.Links = append(out.Links, sol.ExtVirtualLinkData{
			Id: l.Id, VimConnectionId: l.ResourceHandle.VimConnectionId, ResourceId: l.ResourceHandle.ResourceId, ExtCps: l.CurrentVnfExtCpData,
		})
	}
	return out, hidden
}
