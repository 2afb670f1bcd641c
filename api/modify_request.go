package api

import (
	"encoding/json"

	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/secret"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vnf"
)

// modifyVnf begins the MODIFY_INFO operation (SOL003 v3.7.1 §5.4.3.3.4).
func (a *api) modifyVnf(c *call) (*answer, error) {
	var in vnf.Instance
	v, err := c.view(readmodel.KindVnf, c.id, vnfWord, &in)
	if err != nil {
		return nil, err
	}
	if err := c.ifMatch(v.Revision); err != nil {
		return nil, err
	}
	command, err := modifyCommand(c.body, &in)
	if err != nil {
		return nil, err
	}
	return effect(c, func(by request.Info) (*vnf.OpOcc, error) {
		return a.LCM.Modify(c.ctx, c.id, *command, by)
	}, c.started)
}

// modifyCommand turns a merge patch into the command. A whole map that is null is every child of the instance's removed.
func modifyCommand(body []byte, in *vnf.Instance) (*lcm.Modify, error) {
	var known sol.VnfInfoModificationRequest
	if err := decode(body, &known); err != nil {
		return nil, err
	}
	var patch map[string]json.RawMessage
	if err := json.Unmarshal(body, &patch); err != nil {
		return nil, wrong("", "must be an object")
	}
	if _, ok := patch["vnfPkgId"]; ok {
		return nil, unsupported("/vnfPkgId", "A VNF package is named by its vnfdId")
	}
	command := &lcm.Modify{Params: secret.Masked(body)}
	var err error
	if command.Name, err = text(patch, "vnfInstanceName", true); err != nil {
		return nil, err
	}
	if command.Description, err = text(patch, "vnfInstanceDescription", true); err != nil {
		return nil, err
	}
	if command.VnfdID, err = text(patch, "vnfdId", false); err != nil {
		return nil, err
	}
	command.Configurable = children(patch, "vnfConfigurableProperties", known.VnfConfigurableProperties, in.Configurable)
	command.Extensions = children(patch, "extensions", known.Extensions, in.Extensions)
	command.Metadata = children(patch, "metadata", known.Metadata, in.Metadata)
	command.Connections = children(patch, "vimConnectionInfo", known.VimConnectionInfo, in.Connections)
	for id, info := range command.Connections {
		var members map[string]json.RawMessage
		if json.Unmarshal(info, &members) != nil {
			return nil, wrong("/vimConnectionInfo/"+escapePointer(id), "must be an object or null")
		}
	}
	return command, nil
}

// text reads an attribute of a merge patch, nil when it is absent. What null removes is "".
func text(patch map[string]json.RawMessage, name string, removable bool) (*string, error) {
	raw, ok := patch[name]
	if !ok {
		return nil, nil //nolint:nilnil // said above
	}
	var s string
	switch null := isNull(raw); {
	case null && !removable:
		return nil, wrong("/"+name, "must not be null")
	case !null && json.Unmarshal(raw, &s) != nil:
		return nil, wrong("/"+name, "must be a string")
	case !removable && s == "":
		return nil, wrong("/"+name, "must not be empty")
	}
	return &s, nil
}

// children reads a map of a merge patch.
func children[V any](patch map[string]json.RawMessage, name string, given map[string]json.RawMessage, there map[string]V) map[string]json.RawMessage {
	if raw, ok := patch[name]; !ok || !isNull(raw) {
		return given
	}
	out := map[string]json.RawMessage{}
	for child := range there {
		out[child] = json.RawMessage("null")
	}
	return out
}
