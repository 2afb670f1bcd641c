package notify_test

import (
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/notify"
	"github.com/vnfm/vnfm/vnf"
)

// Attributes of a level must all match, of a list one value (SOL003 v3.7.1 §5.5.3.12, §4.4.1.5).
func TestFilter(t *testing.T) {
	v := &vnf.Instance{ID: "v1", Name: "n1", VnfdID: "d1", VnfdVersion: "1.1", Provider: "ACME", ProductName: "router", SoftwareVersion: "1.0"}
	created := &notify.Notice{Type: notify.TypeCreation, Instance: v}
	done := &notify.Notice{Type: notify.TypeOperation, Instance: v, Op: &vnf.OpOcc{Operation: vnf.OpInstantiate, State: vnf.Completed}}
	in := func(f notify.InstanceFilter) *notify.Filter { return &notify.Filter{Instances: &f} }
	providers := func(p ...notify.ProviderFilter) *notify.Filter { return in(notify.InstanceFilter{Providers: p}) }
	product := func(name string, v ...notify.VersionFilter) notify.ProviderFilter {
		return notify.ProviderFilter{Provider: "ACME", Products: []notify.ProductFilter{{Name: name, Versions: v}}}
	}
	for name, c := range map[string]struct {
		filter              *notify.Filter
		ofCreation, ofStart bool
	}{
		"none":                    {nil, true, true},
		"empty":                   {&notify.Filter{Instances: &notify.InstanceFilter{}, Types: []notify.Type{}}, true, true},
		"type":                    {&notify.Filter{Types: []notify.Type{notify.TypeDeletion, notify.TypeCreation}}, true, false},
		"operation type":          {&notify.Filter{Operations: []vnf.Operation{vnf.OpScale, vnf.OpInstantiate}}, true, true},
		"another operation type":  {&notify.Filter{Operations: []vnf.Operation{vnf.OpScale}}, true, false},
		"state":                   {&notify.Filter{States: []vnf.OpState{vnf.Starting, vnf.Completed}}, true, true},
		"another state":           {&notify.Filter{States: []vnf.OpState{vnf.Starting}}, true, false},
		"one of two levels":       {&notify.Filter{Operations: []vnf.Operation{vnf.OpInstantiate}, States: []vnf.OpState{vnf.Failed}}, true, false},
		"vnfd":                    {in(notify.InstanceFilter{VnfdIDs: []string{"x", "d1"}}), true, true},
		"another vnfd":            {in(notify.InstanceFilter{VnfdIDs: []string{"x"}}), false, false},
		"id":                      {in(notify.InstanceFilter{IDs: []string{"v1"}}), true, true},
		"another id":              {in(notify.InstanceFilter{IDs: []string{"v2"}}), false, false},
		"name":                    {in(notify.InstanceFilter{Names: []string{"n1"}}), true, true},
		"another name":            {in(notify.InstanceFilter{Names: []string{"v1"}}), false, false},
		"vnfd but another id":     {in(notify.InstanceFilter{VnfdIDs: []string{"d1"}, IDs: []string{"v2"}}), false, false},
		"instance but not type":   {&notify.Filter{Instances: &notify.InstanceFilter{IDs: []string{"v1"}}, Types: []notify.Type{notify.TypeDeletion}}, false, false},
		"provider":                {providers(notify.ProviderFilter{Provider: "x"}, notify.ProviderFilter{Provider: "ACME"}), true, true},
		"another provider":        {providers(notify.ProviderFilter{Provider: "x"}), false, false},
		"product":                 {providers(product("router")), true, true},
		"another product":         {providers(product("switch")), false, false},
		"product of another":      {providers(notify.ProviderFilter{Provider: "x", Products: product("router").Products}), false, false},
		"software":                {providers(product("router", notify.VersionFilter{Software: "0.9"}, notify.VersionFilter{Software: "1.0"})), true, true},
		"another software":        {providers(product("router", notify.VersionFilter{Software: "0.9"})), false, false},
		"descriptor version":      {providers(product("router", notify.VersionFilter{Software: "1.0", Vnfd: []string{"1.0", "1.1"}})), true, true},
		"another of the software": {providers(product("router", notify.VersionFilter{Software: "1.0", Vnfd: []string{"1.0"}})), false, false},
		"of another software":     {providers(product("router", notify.VersionFilter{Software: "0.9", Vnfd: []string{"1.1"}})), false, false},
	} {
		if got := c.filter.Match(created); got != c.ofCreation {
			t.Errorf("%s: creation %v", name, got)
		}
		if got := c.filter.Match(done); got != c.ofStart {
			t.Errorf("%s: operation %v", name, got)
		}
	}
}

func TestFilterThatTheStandardForbids(t *testing.T) {
	w := newWorld(t, "memory")
	for at, f := range map[string]*notify.Filter{
		"/filter/operationTypes":  {Types: []notify.Type{notify.TypeCreation}, Operations: []vnf.Operation{vnf.OpInstantiate}},
		"/filter/operationStates": {Types: []notify.Type{notify.TypeDeletion}, States: []vnf.OpState{vnf.Failed}},
	} {
		_, err := w.svc.Subscribe(t.Context(), notify.Subscribe{CallbackURI: callback, Filter: f}, by)
		if vnfm.KindOf(err) != vnfm.Invalid || attribute(err) != at {
			t.Errorf("%v at %q, want invalid at %q", err, attribute(err), at)
		}
	}
}
