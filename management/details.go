package management

import (
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/configuration"
	"github.com/vnfm/vnfm/egress"
	"github.com/vnfm/vnfm/secret"
)

// The endpoint types, and the interfaces that are called.
const (
	VNF           = configuration.EndpointVNF
	Mgmt          = configuration.EndpointManagement
	Configuration = configuration.InterfaceConfiguration
	Coordination  = configuration.InterfaceCoordination
)

// Details is all there is to know of a connection, and what is sealed.
type Details struct {
	Endpoint   string   `json:"endpointType"`         // VNF, MGMT
	Interfaces []string `json:"interfaces,omitempty"` // vnfconfig, lcmcoord; none: both
	// URI is the root of the interfaces, {apiRoot}. Its host may be {extCp.CPD}: the first address of that external connection point
	// of the VNF.
	URI string `json:"uri"`
	For Match  `json:"for"`
	// Auth is how we show who we are, as SOL013 has it for subscriptions; nil: not at all.
	Auth *egress.Auth `json:"authentication,omitempty"`
	// Data goes into vnfSpecificData of every VNF that is configured through the connection: NTP and DNS servers, the address of the
	// element manager, whatever the VNF knows.
	Data    map[string]json.RawMessage `json:"vnfSpecificData,omitempty"`
	Enabled bool                       `json:"enabled"`
}

// Match says which VNFs a connection is for: each part that is set must fit, none means all.
type Match struct {
	VnfIDs   []string `json:"vnfInstanceIds,omitempty"`
	VnfdIDs  []string `json:"vnfdIds,omitempty"`
	Provider string   `json:"vnfProvider,omitempty"`
	Product  string   `json:"vnfProductName,omitempty"`
}

// wanted is a connection as a client writes it.
type wanted struct {
	ID string `json:"id,omitempty"`
	Details
}

// idForm is what a connection's id may be: it is part of names and paths.
var idForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// The most entries that a list of a connection has.
const maxEntries = 1000

// attributes are the names in each object of a connection, by its pointer; what is in other objects is free.
var attributes = map[string][]string{
	"":                            {"id", "endpointType", "interfaces", "uri", "for", "authentication", "vnfSpecificData", "enabled"},
	"/for":                        {"vnfInstanceIds", "vnfdIds", "vnfProvider", "vnfProductName"},
	"/authentication":             {"authType", "paramsBasic", "paramsOauth2ClientCredentials"},
	"/authentication/paramsBasic": {"userName", "password"},
	"/authentication/paramsOauth2ClientCredentials": {"clientId", "clientPassword", "tokenEndpoint", "scopes"},
}

// decode reads a connection. Returns Invalid at the attribute that cannot be read, or that there is not: a word that is misspelt would
// let a connection be for more VNFs than is meant.
func decode(doc json.RawMessage, into *wanted) error {
	if err := unknown(doc, ""); err != nil {
		return err
	}
	err := json.Unmarshal(doc, into)
	if kind := (*json.UnmarshalTypeError)(nil); errors.As(err, &kind) {
		at := strings.TrimPrefix(strings.ReplaceAll(kind.Field, ".", "/"), "Details/")
		return vnfm.Errorf(vnfm.Invalid, "%s has a value of another type.", at).At("/" + at)
	}
	if err != nil {
		return vnfm.Errorf(vnfm.Invalid, "The management connection cannot be read.")
	}
	return nil
}

func unknown(doc json.RawMessage, at string) error {
	known := attributes[at]
	var all map[string]json.RawMessage
	if known == nil || json.Unmarshal(doc, &all) != nil {
		return nil //nolint:nilerr // what is no object is said when it is read
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if !slices.Contains(known, name) {
			return vnfm.Errorf(vnfm.Invalid, "A management connection has no attribute %q there.", name).At(at + vnfm.Step(name))
		}
		if err := unknown(all[name], at+"/"+name); err != nil {
			return err
		}
	}
	return nil
}

// cpdForm finds the external connection point that is named in the place of a host.
var cpdForm = regexp.MustCompile(`^(https?://)\{extCp\.([^{}/]+)\}((:[0-9]{1,5})?(/.*)?)$`)

// Cpd returns the external CPD whose address is the host of the URI; "" when the host is there.
func (d *Details) Cpd() string {
	if m := cpdForm.FindStringSubmatch(d.URI); m != nil {
		return m[2]
	}
	return ""
}

// Root returns the root of the interfaces, with an address in the place of a host that names a connection point. It has no slash at
// its end.
func (d *Details) Root(address string) string {
	root := d.URI
	if m := cpdForm.FindStringSubmatch(d.URI); m != nil {
		if strings.Contains(address, ":") {
			address = "[" + address + "]"
		}
		root = m[1] + address + m[3]
	}
	return strings.TrimSuffix(root, "/")
}

// check says what is wrong with a connection. Returns Unprocessable at the attribute.
func (d *Details) check() error {
	wrong := func(at, text string, args ...any) error { return vnfm.Errorf(vnfm.Unprocessable, text, args...).At(at) }
	if d.Endpoint != VNF && d.Endpoint != Mgmt {
		return wrong("/endpointType", "endpointType is %s or %s: whose API it is, the VNF's or its element manager's.", VNF, Mgmt)
	}
	for i, name := range d.Interfaces {
		if name != Configuration && name != Coordination {
			return wrong("/interfaces"+vnfm.Step(itoa(i)), "There is no interface %q; there are %s and %s.", name, Configuration, Coordination)
		}
	}
	switch u, err := url.Parse(d.Root("host")); {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return wrong("/uri", "uri is the root of the interfaces, such as https://em.example.com or https://{extCp.CPD}:8443.")
	case u.User != nil:
		return wrong("/uri", "uri is shown to people: put user name and password into authentication.")
	case u.RawQuery != "" || u.Fragment != "":
		return wrong("/uri", "uri has no query and no fragment: paths are put behind it.")
	}
	if d.Auth != nil {
		for i, t := range d.Auth.Types {
			if t != egress.BasicAuth && t != egress.OAuth2ClientCredentials && t != egress.TLSCert {
				return wrong("/authentication/authType"+vnfm.Step(itoa(i)), "There is no authType %q.", t)
			}
		}
		if len(d.Auth.Types) == 0 {
			return wrong("/authentication/authType", "authType is mandatory.")
		}
	}
	if len(d.For.VnfIDs) > maxEntries || len(d.For.VnfdIDs) > maxEntries {
		return wrong("/for", "A list has at most %d entries.", maxEntries)
	}
	if d.For.Product != "" && d.For.Provider == "" {
		return wrong("/for/vnfProvider", "A product is named with its provider.")
	}
	return nil
}

// public returns what anybody may read.
func (d *Details) public() Details {
	var out Details
	_ = json.Unmarshal(secret.Masked(d.json()), &out) // was JSON before
	return out
}

func (d *Details) json() json.RawMessage {
	b, err := json.Marshal(d)
	if err != nil {
		panic("management: what was JSON does not marshal") // its text is not said
	}
	return b
}

// Serves reports whether an interface is called through the connection.
func (d *Details) Serves(name string) bool {
	return d.Enabled && (len(d.Interfaces) == 0 || slices.Contains(d.Interfaces, name))
}

// fits tells how closely the connection is meant for a VNF: -1 not at all, else the more the closer.
func (m *Match) fits(of *Subject) int {
	rank := 0
	for _, part := range []struct {
		set, is bool
		rank    int
	}{
		{len(m.VnfIDs) > 0, slices.Contains(m.VnfIDs, of.VnfID), 8},
		{len(m.VnfdIDs) > 0, slices.Contains(m.VnfdIDs, of.VnfdID), 4},
		{m.Product != "", m.Product == of.Product, 2},
		{m.Provider != "", m.Provider == of.Provider, 1},
	} {
		switch {
		case part.set && !part.is:
			return -1
		case part.set:
			rank += part.rank
		}
	}
	return rank
}
