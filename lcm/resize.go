package lcm

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/lcm/plan"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

// size is what an operation wants of the number of a VNF's VNFCs.
type size struct {
	add     map[string]int // by VDU; negative: removed
	aspects map[string]int // scale levels that change, or stay, as they are then
	level   string         // instantiation level, when it was asked for
	at      string         // points at what in the request asks for it
	params  json.RawMessage
}

// resized is what the saga of a scaling knows for its landing.
type resized struct {
	Status []vnf.ScaleInfo `json:"scaleStatus,omitempty"`
	Level  string          `json:"instantiationLevelId,omitempty"`
	// Losses say what levels are left once VNFCs are gone, whatever becomes of the operation.
	Losses []plan.Loss `json:"losses,omitempty"`
}

// paramVictims is the member of additionalParams that names VNFCs which are to go before others when a VNF gets smaller. It is the
// VNFM's own; the schema of the VNFD does not have to know it.
const paramVictims = "vnfcInstanceId"

// victimsOf returns the VNFCs that are to go first by a request's parameters.
func victimsOf(params json.RawMessage) (first []string, err error) {
	err = own(params, paramVictims, &first, "a list of ids of VNFCs that are to be removed before others")
	return first, err
}

// own reads a member of a request's parameters that is the VNFM's own. what says what it is.
func own(params json.RawMessage, name string, into any, what string) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(params, &all); err != nil || len(all[name]) == 0 {
		return nil //nolint:nilerr // what is no object is refused with the other parameters
	}
	if err := json.Unmarshal(all[name], into); err != nil {
		return vnfm.Errorf(vnfm.Unprocessable, "%s is %s", name, what).At("/additionalParams/" + name)
	}
	return nil
}

// counts is how many VNFCs a VNF has, by VDU.
func counts(i *vnf.InstantiatedInfo) map[string]int {
	out := map[string]int{}
	for _, c := range i.Vnfcs {
		out[c.VduID]++
	}
	return out
}

// resize plans an operation that gives a VNF another number of VNFCs. It can be undone as long as nothing was released: what a
// VNFC was is not brought back by making another.
func (s *Service) resize(b *beginning, f *vnfd.Flavour, z *size) error {
	first, err := victimsOf(z.params)
	if err != nil {
		return err
	}
	schema := f.Operations[string(b.data.Operation)].ParamsSchema
	if err := b.check(schema, z.params, paramVictims); err != nil {
		return err
	}
	if err := b.within(f, z); err != nil {
		return err
	}
	remove, err := plan.Victims(b.vnf.Info, z.add, first)
	if err != nil {
		return below("/additionalParams/"+paramVictims, err)
	}
	r := &plan.Resizing{
		Op: b.data.OpID, Name: nameOf(b.vnf), Vnf: b.vnf, Descriptor: b.descriptor, Flavour: f, Add: z.add, Remove: remove,
		Vars: b.vnf.Values, At: z.at, Rate: b.rate(f, z), InPlace: b.inPlace,
	}
	if b.vnf.Info.VnfState == stopped { // a VNF that is stopped stays so
		r.Power = vim.PowerOff
	}
	have, want, err := plan.Resize(r)
	if err != nil {
		return err
	}
	b.data.Grant = nfvo.GrantRequest{DefaultConnection: usual(b.vnf), AdditionalParams: b.seal(z.params, schema)}
	b.data.Resized = &resized{Status: statusAt(b.vnf.Info, z.aspects), Level: z.level, Losses: plan.Losses(b.vnf.Info, f, z.aspects, remove)}
	b.data.UntilReleased = true
	b.data.Reversible = len(remove) == 0 || slices.ContainsFunc(slices.Collect(maps.Values(z.add)), func(n int) bool { return n > 0 })
	if b.data.Reversible {
		b.policy = s.policy(b.data.Operation, f)
	}
	return b.want(have, want, plan.Options{InPlace: b.inPlace})
}

// below lets an error point into an attribute.
func below(attribute string, err error) error {
	var e *vnfm.Error
	if !errors.As(err, &e) {
		return err
	}
	return e.At(attribute + e.Attribute)
}

// rate is what virtual links are to carry: what the level says that is asked for, else what they carry with what the steps add or take.
func (b *beginning) rate(f *vnfd.Flavour, z *size) func(*vnfd.VirtualLink, vnfd.BitRate) vnfd.BitRate {
	before, after := map[string]int{}, map[string]int{}
	for _, s := range b.vnf.Info.ScaleStatus {
		before[s.AspectID], after[s.AspectID] = s.Level, s.Level
	}
	maps.Copy(after, z.aspects)
	return func(l *vnfd.VirtualLink, now vnfd.BitRate) vnfd.BitRate {
		if z.level != "" {
			return f.LinkRateAt(l, z.level)
		}
		return now.Plus(f.LinkRate(l, after)).Minus(f.LinkRate(l, before))
	}
}

// within refuses sizes that the profiles of the VDUs, or the site, do not allow.
func (b *beginning) within(f *vnfd.Flavour, z *size) error {
	have := counts(b.vnf.Info)
	total := len(b.vnf.Info.Vnfcs)
	for i := range f.Vdus {
		v := &f.Vdus[i]
		add := z.add[v.ID]
		n := vnfd.Sum(have[v.ID], add) + min(add, 0)
		total = vnfd.Sum(total, add) + min(add, 0)
		if add != 0 && (n < v.Min || n > v.Max) {
			return vnfm.Errorf(vnfm.Unprocessable, "the VDU %s would have %d VNFCs instead of %d, and its profile allows %d to %d (%s)",
				v.ID, n, have[v.ID], v.Min, v.Max, bounds(f, z)).At(z.at)
		}
	}
	if limit := b.limits.Vnfcs; total > limit && total > len(b.vnf.Info.Vnfcs) && limit > 0 {
		return vnfm.Errorf(vnfm.Unprocessable, "the VNF would have %d VNFCs, more than %d: max-vnfcs-per-vnf allows no more", total, limit).At(z.at)
	}
	return nil
}

// bounds says of the aspects that change where they come to, and what they allow.
func bounds(f *vnfd.Flavour, z *size) string {
	text := ""
	for _, id := range slices.Sorted(maps.Keys(z.aspects)) {
		if text != "" {
			text += ", "
		}
		text += fmt.Sprintf("the aspect %s would be at level %d of 0 to %d", id, z.aspects[id], f.Aspect(id).MaxLevel)
	}
	return text
}

// statusAt is the scale status with some aspects at other levels.
func statusAt(i *vnf.InstantiatedInfo, levels map[string]int) []vnf.ScaleInfo {
	out := slices.Clone(i.ScaleStatus)
	for _, id := range slices.Sorted(maps.Keys(levels)) {
		at := slices.IndexFunc(out, func(s vnf.ScaleInfo) bool { return s.AspectID == id })
		if at < 0 {
			at, out = len(out), append(out, vnf.ScaleInfo{AspectID: id})
		}
		out[at].Level = levels[id]
	}
	return out
}

// usual is the VIM connection that new VNFCs are made at where the grant need not choose: that of the newest.
func usual(v *vnf.Instance) string {
	if n := len(v.Info.Vnfcs); n > 0 {
		return v.Info.Vnfcs[n-1].Handle.Connection
	}
	if len(v.Resources) > 0 {
		return v.Resources[0].Connection
	}
	return ownOnly(v)
}

// landResize makes the VNF what it had, with what was added and without what was removed.
func landResize(_ *Service, v *vnf.Instance, d *planData, o *plan.Outcome) (vnf.InstanceCommand, error) {
	all, err := records(o)
	if err != nil {
		return nil, err
	}
	e := vnf.InstanceScaled{OpID: d.OpID, ScaleStatus: d.Resized.Status, Level: d.Resized.Level}
	steps := map[string]plan.Action{}
	for _, s := range d.Plan.Steps() {
		if steps[s.ID] = s.Action; s.Action == plan.Release {
			e.Released = append(e.Released, s.ID)
		}
	}
	for _, c := range d.Plan.Want.Gone {
		e.Released = append(e.Released, c.ID)
	}
	for _, r := range all {
		switch _, held := d.Plan.Has(r.ID); {
		case !held:
			e.Resources = append(e.Resources, r)
		case steps[r.ID] == plan.Change:
			e.Changed = append(e.Changed, r)
		}
	}
	i := o.Info()
	e.Added = vnf.InfoParts{
		Vnfcs: i.Vnfcs, Links: i.Links, Storages: i.Storages, ExtCps: i.ExtCps, ExtLinks: i.ExtLinks, ExtManaged: i.ExtManaged,
	}
	e.Connections = connections(v, e.Resources, o.Grant())
	return vnf.CompleteScale{Landed: e}, nil
}

// left is the scale status that is left of an operation that was given up once it had removed VNFCs: an aspect has no level any
// more of which a VNFC is gone. nil when nothing was removed.
func (d *planData) left(i *vnf.InstantiatedInfo, released []string) []vnf.ScaleInfo {
	if d.Resized == nil || i == nil {
		return nil
	}
	levels := map[string]int{}
	for _, l := range d.Resized.Losses {
		if !slices.ContainsFunc(l.Vnfcs, func(id string) bool { return slices.Contains(released, id) }) {
			continue
		}
		if at, ok := levels[l.Aspect]; !ok || l.Level < at {
			levels[l.Aspect] = l.Level
		}
	}
	if len(levels) == 0 {
		return nil
	}
	return statusAt(i, levels)
}

// orphaned moves what is left of VNFCs that are gone to what is left over: their ports and volumes belong to nothing any more.
func (d *planData) orphaned(v *vnf.Instance, f *vnf.OperationFailed) {
	if d.Resized == nil || v.Info == nil {
		return
	}
	gone := map[string]bool{}
	for _, id := range f.Released {
		gone[id] = true
	}
	owner := map[string]string{}
	for _, c := range v.Info.Vnfcs {
		for _, id := range c.Storages {
			owner[id] = c.ID
		}
	}
	steps := map[string]bool{}
	for _, s := range d.Plan.Steps() {
		steps[s.ID] = s.Action == plan.Release
	}
	for _, r := range v.Resources {
		if steps[r.ID] && !gone[r.ID] && (gone[r.Near] || gone[owner[r.ID]]) {
			r.Spec, r.Near, r.Members = nil, "", nil
			f.Released, f.Leftovers = append(f.Released, r.ID), append(f.Leftovers, r)
		}
	}
}
