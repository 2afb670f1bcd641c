package vim

import (
	"fmt"
	"strconv"
	"strings"
)

// Token names one allocation of one planned resource: the client token at the VIM, the key of Find, of tombstones and
// of fencing. It stays the same over all attempts; a retry after a release, and a heal, raise the generation.
type Token struct {
	ID         string `json:"id"`         // the planned resource's UUID
	Generation int    `json:"generation"` // from 1
}

// String returns "<id>:<generation>".
func (t Token) String() string { return t.ID + ":" + strconv.Itoa(t.Generation) }

// ParseToken reads what String wrote.
func ParseToken(s string) (Token, error) {
	id, gen, ok := strings.Cut(s, ":")
	n, err := strconv.Atoi(gen)
	if !ok || err != nil || id == "" || n < 1 {
		return Token{}, fmt.Errorf("%q is not a resource token (want id:generation)", s)
	}
	return Token{ID: id, Generation: n}, nil
}

// Kind is a kind of resource.
type Kind string

// The kinds. A snapshot is what a compute's own disk, or a volume, holds at a moment: computes and volumes can be made of it. A unit is a container unit: objects of a CISM that are made, changed and removed together.
const (
	Compute     Kind = "compute"
	Port        Kind = "port"
	Network     Kind = "network"
	Subnet      Kind = "subnet"
	Volume      Kind = "volume"
	ServerGroup Kind = "server-group"
	Unit        Kind = "unit"
	Snapshot    Kind = "snapshot"
	// SoftwareImage and ComputeFlavour are what a site lacks for a VNF, and is given: see Assets.Makes.
	SoftwareImage  Kind = "image"
	ComputeFlavour Kind = "flavour"
	// Configuration is no resource of the VIM's inventory. Older programs configured and stopped a VNF by it; package
	// configuration does now.
	Configuration Kind = "configuration"
)

// Shared reports whether what a VIM has of a kind may be that of several tokens at once: it has one id, tells any of the tokens when it is polled, and goes
// with the release of the last one. While it is built it is looked up by its token: it may have another id until it is ready.
func (k Kind) Shared() bool { return k == SoftwareImage }

// Resource is what a VIM holds for a token.
type Resource struct {
	Token Token  `json:"token"`
	Kind  Kind   `json:"kind"`
	ID    string `json:"id"`    // the VIM's own id
	Owner string `json:"owner"` // the VNF instance id it was created for
	Name  string `json:"name,omitempty"`
	// Revision of the spec that stands whole: 1 as it was created. 0 when the VIM cannot tell.
	Revision int `json:"revision,omitempty"`
	// What the VIM chose or reports.
	MAC       string   `json:"mac,omitempty"`
	Addresses []IP     `json:"addresses,omitempty"`
	Zone      string   `json:"zone,omitempty"`
	Type      string   `json:"type,omitempty"` // the VIM's own word, for vimLevelResourceType
	Power     Power    `json:"power,omitempty"`
	Health    Health   `json:"health,omitempty"`
	Ready     bool     `json:"ready"` // false while it is being built or changed
	Failed    *Error   `json:"failed,omitempty"`
	Warnings  []string `json:"warnings,omitempty"`
	// Pods are those of a container unit that is ready, in order of name. They are observed: nobody asks for one of them.
	Pods []Pod `json:"pods,omitempty"`
}

// Pod is one pod of a container unit.
type Pod struct {
	ID        string `json:"id"` // the VIM's, as of a Resource; a pod that takes the place of another has another
	Name      string `json:"name"`
	Addresses []IP   `json:"addresses,omitempty"`
	Node      string `json:"node,omitempty"` // where it runs
	Ready     bool   `json:"ready,omitempty"`
	Vdu       string `json:"vdu,omitempty"` // which it is of, where the unit has workloads of several
}

// Power says whether a machine runs. In a spec, "" means on; of a resource, that the VIM does not tell.
type Power string

// The powers.
const (
	PowerOn  Power = "on"
	PowerOff Power = "off"
)

// Health is what a VIM reports about a resource that stands; "" when it reports nothing.
type Health string

// The healths.
const (
	Healthy   Health = "healthy"
	Unhealthy Health = "unhealthy"
)

// IP is an address on a port.
type IP struct {
	Address string `json:"address"`
	Subnet  string `json:"subnet,omitempty"` // VIM id
}
