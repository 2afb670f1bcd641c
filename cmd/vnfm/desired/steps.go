package desired

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/vnfm/vnfm/sol"
)

// Verb is what a step does.
type Verb string

// The verbs, each a request.
const (
	Create      Verb = "create"
	Instantiate Verb = "instantiate"
	Upgrade     Verb = "upgrade"
	Flavour     Verb = "flavour"
	Scale       Verb = "scale"
	Connect     Verb = "connect"
	Modify      Verb = "modify"
	Operate     Verb = "operate"
	Terminate   Verb = "terminate"
	Delete      Verb = "delete"
)

// Step is one request on the way from what is to what is wanted.
type Step struct {
	Verb    Verb   `json:"verb"`
	What    string `json:"what,omitempty"`
	Request any    `json:"-"` // of the verb; nil for Delete. It may hold secrets
}

// Destructive says that a step takes something away.
func (s *Step) Destructive() bool { return s.Verb == Terminate || s.Verb == Delete }

// Look is what was found of a VNF.
type Look struct {
	Instance *sol.VnfInstance // nil: there is none of this name
	VnfdID   string           // of the package that is wanted
	Vim      *sol.Vim         // the VIM that is wanted; nil: none is named
	// Descriptor is of the package that is wanted; nil where it may not be seen: then a level counts for instantiation and change of
	// flavour only.
	Descriptor *sol.VnfdView
}

// Steps are the requests that make a VNF what is wanted, in order. Later ones are what will be needed as far as it can be told now: whoever
// carries them out looks again after each.
func (v *Vnf) Steps(l *Look) []Step {
	is := l.Instance
	switch {
	case is == nil && v.State == Absent:
		return nil
	case is == nil:
		steps := []Step{{Create, "of " + l.VnfdID, sol.CreateVnfRequest{
			VnfdId: l.VnfdID, VnfInstanceName: v.Name, VnfInstanceDescription: v.Description, Metadata: present(v.Metadata),
		}}}
		if v.up() {
			return v.afterInstantiate(append(steps, v.instantiate(l)), l)
		}
		if step := v.modify(&sol.VnfInstance{VnfInstanceDescription: v.Description, Metadata: v.Metadata}); step != nil {
			steps = append(steps, *step)
		}
		return steps
	case !v.up():
		return v.down(l)
	case is.InstantiationState != "INSTANTIATED":
		var steps []Step
		if is.VnfdId != l.VnfdID {
			steps = append(steps, Step{Modify, "package " + l.VnfdID, sol.VnfInfoModificationRequest{VnfdId: encoded(l.VnfdID)}})
		}
		before := *v // the instantiation sets values, and removes none
		before.Extensions, before.Properties = removed(v.Extensions), removed(v.Properties)
		if step := before.modify(is); step != nil {
			steps = append(steps, *step)
		}
		return v.afterInstantiate(append(steps, v.instantiate(l)), l)
	}
	return v.change(l)
}

// Check says what of a VNF its package has not; nil where all is there, or the package may not be looked into.
func (v *Vnf) Check(l *Look) error {
	if !v.up() || l.Descriptor == nil {
		return nil
	}
	var flavours []string
	for _, f := range l.Descriptor.Flavours {
		if flavours = append(flavours, f.FlavourId); f.FlavourId == v.Flavour {
			return v.checkFlavour(&f)
		}
	}
	return fmt.Errorf("flavour: the package has no flavour %q; it has %s", v.Flavour, strings.Join(flavours, ", "))
}

func (v *Vnf) checkFlavour(f *sol.VnfdFlavour) error {
	var levels, aspects []string
	for _, level := range f.InstantiationLevels {
		levels = append(levels, level.LevelId)
	}
	if v.Level != "" && !slices.Contains(levels, v.Level) {
		return fmt.Errorf("level: the flavour %s has no level %q; it has %s", f.FlavourId, v.Level, strings.Join(levels, ", "))
	}
	for _, a := range f.ScalingAspects {
		aspects = append(aspects, a.AspectId)
	}
	for _, aspect := range slices.Sorted(maps.Keys(v.Scale)) {
		if !slices.Contains(aspects, aspect) {
			return fmt.Errorf("scale: the flavour %s has no aspect %q; it has %s", f.FlavourId, aspect, strings.Join(aspects, ", "))
		}
	}
	return nil
}

// removed are the values that are to be removed.
func removed(values sol.KeyValuePairs) sol.KeyValuePairs {
	out := maps.Clone(values)
	maps.DeleteFunc(out, func(_ string, raw json.RawMessage) bool { return string(raw) != "null" })
	return out
}

// present are values without those that are to be removed.
func present(values sol.KeyValuePairs) sol.KeyValuePairs {
	out := maps.Clone(values)
	maps.DeleteFunc(out, func(_ string, raw json.RawMessage) bool { return string(raw) == "null" })
	return out
}

// down brings a VNF to where it is not instantiated, or not there.
func (v *Vnf) down(l *Look) []Step {
	is := l.Instance
	var steps []Step
	if is.InstantiationState == "INSTANTIATED" {
		steps = append(steps, Step{Terminate, "gracefully", sol.TerminateVnfRequest{TerminationType: sol.TerminateGraceful}})
	}
	if v.State == Absent {
		return append(steps, Step{Verb: Delete})
	}
	if is.VnfdId != l.VnfdID {
		steps = append(steps, Step{Modify, "package " + l.VnfdID, sol.VnfInfoModificationRequest{VnfdId: encoded(l.VnfdID)}})
	}
	if step := v.modify(is); step != nil {
		steps = append(steps, *step)
	}
	return steps
}

func (v *Vnf) instantiate(l *Look) Step {
	r := sol.InstantiateVnfRequest{
		FlavourId: v.Flavour, InstantiationLevelId: v.Level, ExtVirtualLinks: v.Links, AdditionalParams: v.Params,
		Extensions: present(v.Extensions), VnfConfigurableProperties: present(v.Properties),
	}
	if l.Vim != nil {
		r.VimConnectionInfo = map[string]sol.VimConnectionInfo{l.Vim.Id: {VimId: l.Vim.VimId, VimType: l.Vim.VimType}}
	}
	what := "flavour " + v.Flavour
	if v.Level != "" {
		what += ", level " + v.Level
	}
	return Step{Instantiate, what, r}
}

// afterInstantiate adds what an instantiation cannot be asked for.
func (v *Vnf) afterInstantiate(steps []Step, l *Look) []Step {
	is := &sol.VnfInstance{InstantiatedVnfInfo: &sol.InstantiatedVnfInfo{VnfState: string(Started)}}
	if l.Descriptor != nil {
		for aspect, n := range levelOf(l.Descriptor, v.Flavour, v.Level) {
			is.InstantiatedVnfInfo.ScaleStatus = append(is.InstantiatedVnfInfo.ScaleStatus, sol.ScaleInfo{AspectId: aspect, ScaleLevel: n})
		}
	}
	if step := v.scale(is, nil); step != nil {
		steps = append(steps, *step)
	}
	if step := v.operate(is); step != nil {
		steps = append(steps, *step)
	}
	return steps
}

// change makes of an instantiated VNF another.
func (v *Vnf) change(l *Look) []Step {
	is := l.Instance
	info := is.InstantiatedVnfInfo
	var steps []Step
	if is.VnfdId != l.VnfdID {
		steps = append(steps, Step{Upgrade, is.VnfdId + " → " + l.VnfdID, sol.ChangeCurrentVnfPkgRequest{VnfdId: l.VnfdID}})
	}
	if info.FlavourId != v.Flavour {
		steps = append(steps, Step{Flavour, info.FlavourId + " → " + v.Flavour, sol.ChangeVnfFlavourRequest{NewFlavourId: v.Flavour, InstantiationLevelId: v.Level}})
	}
	for _, step := range []*Step{v.scale(is, l.Descriptor), v.connect(is), v.modify(is), v.operate(is)} {
		if step != nil {
			steps = append(steps, *step)
		}
	}
	return steps
}

// levelOf is the scale levels of an instantiation level; "" is the flavour's default one.
func levelOf(d *sol.VnfdView, flavour, level string) map[string]int {
	for _, f := range d.Flavours {
		if f.FlavourId != flavour {
			continue
		}
		if level == "" {
			level = f.DefaultLevel
		}
		for _, l := range f.InstantiationLevels {
			if l.LevelId == level {
				return l.ScaleInfo
			}
		}
	}
	return nil
}

// scale brings aspects to the levels that are wanted. Those of an instantiation level count where the descriptor tells them.
func (v *Vnf) scale(is *sol.VnfInstance, d *sol.VnfdView) *Step {
	want := map[string]int{}
	if v.Level != "" && d != nil {
		maps.Copy(want, levelOf(d, v.Flavour, v.Level))
	}
	maps.Copy(want, v.Scale)
	has := map[string]int{}
	for _, s := range is.InstantiatedVnfInfo.ScaleStatus {
		has[s.AspectId] = s.ScaleLevel
	}
	var r sol.ScaleVnfToLevelRequest
	var what []string
	for _, aspect := range slices.Sorted(maps.Keys(want)) {
		n, known := has[aspect]
		if known && n == want[aspect] {
			continue
		}
		r.ScaleInfo = append(r.ScaleInfo, sol.ScaleInfo{AspectId: aspect, ScaleLevel: want[aspect]})
		from := "?"
		if known {
			from = fmt.Sprint(n)
		}
		what = append(what, fmt.Sprintf("%s %s → %d", aspect, from, want[aspect]))
	}
	if r.ScaleInfo == nil {
		return nil
	}
	return &Step{Scale, strings.Join(what, ", "), r}
}

// connect brings the links that are named to what they are to be. Others stay.
func (v *Vnf) connect(is *sol.VnfInstance) *Step {
	var r sol.ChangeExtVnfConnectivityRequest
	var what []string
	for _, want := range v.Links {
		i := slices.IndexFunc(is.InstantiatedVnfInfo.ExtVirtualLinkInfo, func(l sol.ExtVirtualLinkInfo) bool { return l.Id == want.Id })
		if i >= 0 {
			has := is.InstantiatedVnfInfo.ExtVirtualLinkInfo[i]
			same := has.ResourceHandle.ResourceId == want.ResourceId && (want.VimConnectionId == "" || has.ResourceHandle.VimConnectionId == want.VimConnectionId)
			if same && connected(has.CurrentVnfExtCpData, want.ExtCps) {
				continue
			}
		}
		r.ExtVirtualLinks = append(r.ExtVirtualLinks, want)
		what = append(what, want.Id)
	}
	if r.ExtVirtualLinks == nil {
		return nil
	}
	return &Step{Connect, strings.Join(what, ", "), r}
}

// connected says that connection points are configured as they are wanted.
func connected(has, want []sol.VnfExtCpData) bool {
	for _, w := range want {
		i := slices.IndexFunc(has, func(h sol.VnfExtCpData) bool { return h.CpdId == w.CpdId })
		if i < 0 || !within(w, has[i]) {
			return false
		}
	}
	return true
}

// within says that everything that a value says is in another: of structures their members, of lists each entry.
func within(want, has any) bool {
	var w, h any
	if json.Unmarshal(encoded(want), &w) != nil || json.Unmarshal(encoded(has), &h) != nil {
		return false
	}
	return part(w, h)
}

func part(want, has any) bool {
	switch w := want.(type) {
	case nil:
		return has == nil
	case map[string]any:
		h, ok := has.(map[string]any)
		for name, value := range w {
			if !ok || !part(value, h[name]) {
				return false
			}
		}
		return ok
	case []any:
		h, ok := has.([]any)
		if !ok || len(h) != len(w) {
			return false
		}
		for i := range w {
			if !part(w[i], h[i]) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(want, has)
}

// modify brings description, metadata, extensions and properties to what they are to be. What is not named stays, null removes.
func (v *Vnf) modify(is *sol.VnfInstance) *Step {
	var r sol.VnfInfoModificationRequest
	var what []string
	if v.Description != "" && v.Description != is.VnfInstanceDescription {
		r.VnfInstanceDescription = encoded(v.Description)
		what = append(what, "description")
	}
	for _, p := range []struct {
		name      string
		want, has sol.KeyValuePairs
		to        *sol.KeyValuePairs
	}{
		{"metadata", v.Metadata, is.Metadata, &r.Metadata}, {"extensions", v.Extensions, is.Extensions, &r.Extensions},
		{"properties", v.Properties, is.VnfConfigurableProperties, &r.VnfConfigurableProperties},
	} {
		for _, key := range slices.Sorted(maps.Keys(p.want)) {
			raw, there := p.has[key]
			removed := string(p.want[key]) == "null"
			if removed && !there || !removed && there && (equal(p.want[key], raw) || strings.Contains(string(raw), Hidden)) {
				continue // a secret value cannot be compared: it is given when it is first set
			}
			if *p.to == nil {
				*p.to = sol.KeyValuePairs{}
			}
			(*p.to)[key] = p.want[key]
			what = append(what, p.name+"."+key)
		}
	}
	if what == nil {
		return nil
	}
	return &Step{Modify, strings.Join(what, ", "), r}
}

func equal(a, b json.RawMessage) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

// operate starts or stops it, where one of both is wanted.
func (v *Vnf) operate(is *sol.VnfInstance) *Step {
	has := State(is.InstantiatedVnfInfo.VnfState)
	if v.State == Instantiated || v.State == has {
		return nil
	}
	r := sol.OperateVnfRequest{ChangeStateTo: sol.OperationalStates(v.State)}
	if v.State == Stopped {
		r.StopType = sol.StopGraceful
	}
	return &Step{Operate, string(has) + " → " + string(v.State), r}
}

func encoded(v any) json.RawMessage {
	b, _ := json.Marshal(v) // types of the API
	return b
}
