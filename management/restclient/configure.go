package restclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/vnfm/vnfm/configuration"
	"github.com/vnfm/vnfm/mergepatch"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/sol"
)

// tries is how often in one call a configuration is read again that somebody else has changed meanwhile.
const tries = 3

// Configure implements configuration.Configurer: it reads the VNF's configuration, lays over it what has changed, and modifies what
// differs (SOL002 v3.7.1 §9.4.2). A VNF that does not answer, or not yet, is not ready; so is one whose answer was lost, since reading
// it again tells what it has.
func (c *Client) Configure(ctx context.Context, r configuration.Request) (configuration.Result, error) {
	p, err := c.peer(ctx, r.Endpoint)
	if err != nil {
		return configuration.Result{}, err
	}
	const path = configRoot + "/configuration"
	for range tries {
		get := call{method: http.MethodGet, path: path, version: configVersion}
		a, err := p.do(ctx, get)
		if err == nil && a.status != http.StatusOK {
			err = p.refusal(get, a)
		}
		if err != nil {
			return notReady(a, err)
		}
		var have sol.VnfConfiguration
		if err := read(a, &have); err != nil {
			return configuration.Result{}, err
		}
		patch, err := modifications(&r.Configure, p.data, &have)
		if err != nil {
			return configuration.Result{}, err
		}
		if patch == nil {
			return configuration.Result{Ready: true}, nil
		}
		set := call{method: http.MethodPatch, path: path, version: configVersion, contentType: "application/merge-patch+json", body: patch, header: http.Header{}}
		if tag := a.header.Get("ETag"); tag != "" {
			set.header.Set("If-Match", tag)
		}
		a, err = p.do(ctx, set)
		switch {
		case err != nil:
			return notReady(nil, err)
		case a.status == http.StatusPreconditionFailed: // somebody else has changed it
			continue
		case a.status != http.StatusOK && a.status != http.StatusNoContent:
			return notReady(a, p.refusal(set, a))
		}
		return configuration.Result{Ready: true}, nil
	}
	return configuration.Result{Waiting: fmt.Sprintf("its configuration was changed by somebody else %d times while it was to be modified", tries)}, nil
}

// notReady sorts what went wrong into what passes, and what does not.
func notReady(a *answer, err error) (configuration.Result, error) {
	var e *configuration.Error
	if !errors.As(err, &e) || e.Class != message.Unavailable && e.Class != message.UnknownOutcome {
		return configuration.Result{}, err
	}
	out := configuration.Result{Waiting: e.Hint}
	if a != nil {
		out.After = a.after
	}
	return out, nil
}

// modifications returns the body of the PATCH that makes a configuration what it is to be, nil when it is that. Lists in a merge
// patch replace lists: the connection points of the VNF are sent whole, with those that others have put there; entries of VNFCs are
// found by their id (SOL002 v3.7.1 §9.5.2.3).
func modifications(c *configuration.Configure, data map[string]json.RawMessage, have *sol.VnfConfiguration) ([]byte, error) {
	specific := maps.Clone(data)
	if specific == nil {
		specific = map[string]json.RawMessage{}
	}
	for _, over := range []json.RawMessage{c.Properties, c.Params} {
		values, err := object(over)
		if err != nil {
			return nil, err
		}
		maps.Copy(specific, values)
	}
	for name, text := range map[string]string{"vnfInstanceId": c.VnfID, "vnfInstanceName": c.Name} {
		if specific[name] == nil {
			specific[name], _ = json.Marshal(text) // a string
		}
	}
	out := sol.VnfConfigModifications{}
	if d := (sol.VnfConfigurationData{VnfSpecificData: differing(specific, have.VnfConfigurationData.VnfSpecificData)}); true {
		if cps := laid(have.VnfConfigurationData.ExtCpConfig, c.ExtCps, c.GoneCps); !same(cps, have.VnfConfigurationData.ExtCpConfig) {
			d.ExtCpConfig = cps
		}
		if d.VnfSpecificData != nil || d.ExtCpConfig != nil {
			out.VnfConfigurationData = &d
		}
	}
	for i := range c.Vnfcs {
		x, err := vnfc(&c.Vnfcs[i], have.VnfcConfigurationData)
		if err != nil {
			return nil, err
		}
		if x != nil {
			out.VnfcConfigurationData = append(out.VnfcConfigurationData, *x)
		}
	}
	for _, id := range c.GoneVnfcs {
		if slices.ContainsFunc(have.VnfcConfigurationData, func(x sol.VnfcConfigurationData) bool { return x.VnfcInstanceId == id }) {
			out.VnfcConfigurationDataDeleteIds = append(out.VnfcConfigurationDataDeleteIds, id)
		}
	}
	if out.VnfConfigurationData == nil && len(out.VnfcConfigurationData)+len(out.VnfcConfigurationDataDeleteIds) == 0 {
		return nil, nil
	}
	if out.VnfConfigurationData == nil && len(out.VnfcConfigurationData) == 0 { // one of the two must be there
		out.VnfConfigurationData = &sol.VnfConfigurationData{}
	}
	b, err := json.Marshal(out)
	if err != nil {
		return nil, &configuration.Error{Class: message.Permanent, Hint: "the configuration cannot be encoded"}
	}
	return b, nil
}

// vnfc returns the entry of a VNFC, nil when it is there as it is to be.
func vnfc(v *configuration.Vnfc, have []sol.VnfcConfigurationData) (*sol.VnfcConfigurationData, error) {
	specific, err := object(v.Properties)
	if err != nil {
		return nil, err
	}
	out := &sol.VnfcConfigurationData{VnfcInstanceId: v.ID, IntCpConfig: cps(v.Cps)}
	at := slices.IndexFunc(have, func(x sol.VnfcConfigurationData) bool { return x.VnfcInstanceId == v.ID })
	if at < 0 {
		out.VnfcSpecificData = specific
		return out, nil
	}
	out.VnfcSpecificData = differing(specific, have[at].VnfcSpecificData)
	if same(out.IntCpConfig, have[at].IntCpConfig) {
		if out.VnfcSpecificData == nil {
			return nil, nil //nolint:nilnil // said above
		}
		out.IntCpConfig = nil
	}
	return out, nil
}

// differing returns the values that are not there yet, nil when all are.
func differing(want, have map[string]json.RawMessage) map[string]json.RawMessage {
	var out map[string]json.RawMessage
	for name, v := range want {
		was, there := have[name]
		if mergepatch.Null(v) && !there || there && mergepatch.Equal(v, was) {
			continue
		}
		if out == nil {
			out = map[string]json.RawMessage{}
		}
		out[name] = v
	}
	return out
}

// laid returns connection points with others laid over them by id, and without some.
func laid(have []sol.CpConfiguration, over []configuration.Cp, gone []string) []sol.CpConfiguration {
	out := slices.DeleteFunc(slices.Clone(have), func(x sol.CpConfiguration) bool { return slices.Contains(gone, x.CpId) })
	for _, x := range cps(over) {
		if at := slices.IndexFunc(out, func(y sol.CpConfiguration) bool { return y.CpId == x.CpId }); at >= 0 {
			out[at] = x
		} else {
			out = append(out, x)
		}
	}
	return out
}

// cps are connection points on the wire; one that has no address at all is left out, since it needs one there.
func cps(in []configuration.Cp) []sol.CpConfiguration {
	var out []sol.CpConfiguration
	for _, cp := range in {
		x := sol.CpConfiguration{CpId: cp.ID, CpdId: cp.Cpd}
		for _, ip := range cp.IPs {
			x.Addresses = append(x.Addresses, sol.CpAddress{Address: &sol.CpLayerAddress{MacAddress: cp.MAC, IpAddress: ip}})
		}
		if len(cp.IPs) == 0 && cp.MAC != "" {
			x.Addresses = append(x.Addresses, sol.CpAddress{Address: &sol.CpLayerAddress{MacAddress: cp.MAC}})
		}
		if len(x.Addresses) > 0 {
			out = append(out, x)
		}
	}
	return out
}

func same(a, b []sol.CpConfiguration) bool {
	if len(a) == 0 && len(b) == 0 {
		return true
	}
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && mergepatch.Equal(x, y)
}

// object reads the members of an object; none of nothing.
func object(raw json.RawMessage) (map[string]json.RawMessage, error) {
	if len(raw) == 0 {
		return nil, nil //nolint:nilnil // said above
	}
	var out map[string]json.RawMessage
	if json.Unmarshal(raw, &out) != nil { // the error would quote it
		return nil, &configuration.Error{Class: message.Permanent, Hint: "the parameters are no object"}
	}
	return out, nil
}
