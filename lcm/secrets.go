package lcm

import (
	"context"
	"encoding/json"
	"maps"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/secret"
	"github.com/vnfm/vnfm/vault"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

// secrets seals, within one commit, what is secret among the values of one VNF, and opens what was sealed before. From then on
// everything that is kept or sent has the sealed values; what checks values has the others.
type secrets struct {
	*secret.Sealer
	row *eventstore.RecordWrite // to be written when anything was sealed; nil when it is there
}

// loadSecrets is what secrets needs.
func (s *Service) loadSecrets(vnfID string) eventstore.Load {
	if s.cfg.Keys == nil {
		return eventstore.Load{}
	}
	return eventstore.Load{Records: []eventstore.RecordRef{vault.Row(vnfID)}}
}

// secrets returns those of a VNF. Without keys nothing is sealed.
func (x *change) secrets(vnfID string) (*secrets, error) { return x.s.secrets(x.l, vnfID) }

func (s *Service) secrets(l *eventstore.Loaded, vnfID string) (*secrets, error) {
	if s.cfg.Keys == nil {
		return &secrets{}, nil
	}
	sealer, row, err := vault.Sealer(s.cfg.Keys, l.Records[vault.Row(vnfID)], vnfID)
	if err != nil {
		return nil, vnfm.Wrap(vnfm.Unprocessable, err, "the secrets that were set before cannot be opened; put the lost key back")
	}
	return &secrets{sealer, row}, nil
}

// keep adds the key to the commit when something in these documents is sealed with it.
func (k *secrets) keep(x *change, documents ...json.RawMessage) {
	for _, d := range documents {
		if k.row != nil && secret.HasSealed(d) {
			x.c.Records = append(x.c.Records, *k.row)
			k.row = nil
		}
	}
}

// document seals a document by its schema.
func (k *secrets) document(d, schema json.RawMessage) json.RawMessage {
	if k.Sealer == nil || len(d) == 0 {
		return d
	}
	return k.Seal(d, schema)
}

// properties seals values by what a descriptor declares of them.
func (k *secrets) properties(values map[string]json.RawMessage, declared []vnfd.Property) map[string]json.RawMessage {
	if k.Sealer == nil {
		return values
	}
	schemas := make(map[string]json.RawMessage, len(declared))
	for _, p := range declared {
		schemas[p.Name] = p.Schema
	}
	return k.SealMap(values, schemas)
}

// opened returns an instance with its own secrets opened, for checks; it is not to be kept.
func (k *secrets) opened(v *vnf.Instance) (*vnf.Instance, error) {
	if k.Sealer == nil {
		return v, nil
	}
	plain := *v
	var err error
	if plain.Extensions, err = k.OpenMap(v.Extensions); err == nil {
		plain.Configurable, err = k.OpenMap(v.Configurable)
	}
	if err != nil {
		return nil, err //nolint:wrapcheck // has its kind
	}
	return &plain, nil
}

// initial seals the values that a descriptor gives a new instance.
func (k *secrets) initial(d *vnfd.Descriptor) *vnfd.Descriptor {
	seal := func(declared []vnfd.Property) []vnfd.Property {
		out := make([]vnfd.Property, len(declared))
		for i, p := range declared {
			if out[i] = p; len(p.Initial) > 0 {
				out[i].Initial = k.properties(map[string]json.RawMessage{p.Name: p.Initial}, declared)[p.Name]
			}
		}
		return out
	}
	sealed := *d
	sealed.Configurable, sealed.Extensions = seal(d.Configurable), seal(d.Extensions)
	return &sealed
}

// given returns what a patch sets: a value that was answered as a mask and comes back changes nothing.
func given(patch, there map[string]json.RawMessage) map[string]json.RawMessage {
	if len(patch) == 0 {
		return patch
	}
	out := maps.Clone(patch)
	for name, v := range patch {
		if !secret.HasSealed(there[name]) {
			continue
		}
		var rest map[string]json.RawMessage
		if err := json.Unmarshal(secret.Unmasked(encode(map[string]json.RawMessage{name: v})), &rest); err == nil {
			if out[name] = rest[name]; rest[name] == nil {
				delete(out, name)
			}
		}
	}
	return out
}

// shown returns the parameters of an operation as they are kept for everybody to see: the members given in the place of those of
// the request, secrets masked.
func shown(params json.RawMessage, members map[string]any) json.RawMessage {
	var all map[string]json.RawMessage
	if json.Unmarshal(params, &all) != nil {
		return params
	}
	for name, v := range members {
		if _, ok := all[name]; ok {
			all[name] = secret.Hide(encode(v))
		}
	}
	return secret.Masked(encode(all))
}

func all(values map[string]json.RawMessage) json.RawMessage {
	if len(values) == 0 {
		return nil
	}
	return encode(values)
}

// encode marshals what was JSON before.
func encode(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic("lcm: what was JSON does not marshal") // its text is not said
	}
	return b
}

// SealParams seals what is secret among parameters that an NFVO's grant brings for an operation of a VNF, before they are stored
// anywhere. Repeating it gives the same. Returns NotFound when there is no such VNF.
func (s *Service) SealParams(ctx context.Context, vnfID, flavourID, operation string, params map[string]json.RawMessage) (map[string]json.RawMessage, error) {
	if s.cfg.Keys == nil || len(params) == 0 {
		return params, nil
	}
	v, d, err := s.described(ctx, vnfID)
	if err != nil {
		return nil, err
	}
	if flavourID == "" && v.Info != nil {
		flavourID = v.Info.FlavourID
	}
	var schema json.RawMessage
	if f, ok := d.Flavour(flavourID); ok {
		schema = f.Operations[operation].ParamsSchema
	}
	var sealed json.RawMessage
	by := request.Info{Actor: "vnfm"}
	err = s.do(ctx, &eventstore.Work{
		Keys: []string{vnfID},
		Load: func() eventstore.Load { return s.loadSecrets(vnfID) },
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			x := &change{s: s, l: l, c: &eventstore.Commit{}, meta: by.Metadata("lcm.grant-params", "")}
			k, err := x.secrets(vnfID)
			if err != nil {
				return nil, err
			}
			sealed = k.document(encode(params), schema)
			if k.keep(x, sealed); x.c.Empty() {
				return nil, nil
			}
			return x.c, nil
		},
	})
	if err != nil {
		return nil, err
	}
	var out map[string]json.RawMessage
	return out, json.Unmarshal(sealed, &out)
}
