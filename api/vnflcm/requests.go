package vnflcm

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"reflect"
	"slices"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/api/decode"
	"github.com/vnfm/vnfm/api/rest"
	v1 "github.com/vnfm/vnfm/api/v1"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/secret"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vnf"
)

// InstantiateCommand reads an InstantiateVnfRequest. The command's connections may hold credentials; its operationParams do
// not. What is wrong with the request is Invalid or Unprocessable, and names the attribute.
func InstantiateCommand(raw []byte) (*lcm.Instantiate, error) {
	var body sol.InstantiateVnfRequest
	if err := decode.Into(raw, &body); err != nil {
		return nil, err
	}
	command := &lcm.Instantiate{
		FlavourID: body.FlavourId, Level: body.InstantiationLevelId, Localization: body.LocalizationLanguage,
		Extensions: body.Extensions, Configurable: body.VnfConfigurableProperties,
		AdditionalParams: paramsOf(body.AdditionalParams), Params: secret.Masked(raw),
	}
	var err error
	if command.Connections, err = connectionsOf(raw); err != nil {
		return nil, err
	}
	if command.ExtLinks, err = extLinks(body.ExtVirtualLinks, false); err != nil {
		return nil, err
	}
	command.ExtManaged = extManaged(body.ExtManagedVirtualLinks)
	return command, nil
}

// connectionsOf reads the VIM connections of a request as they were sent: what is null removes something.
func connectionsOf(raw []byte) (map[string]json.RawMessage, error) {
	var as struct {
		VimConnectionInfo map[string]json.RawMessage `json:"vimConnectionInfo"`
	}
	if err := json.Unmarshal(raw, &as); err != nil {
		return nil, decode.Wrong("", "cannot be read")
	}
	return as.VimConnectionInfo, nil
}

// extLinks reads external virtual links. Where they are laid over those there are, null takes a configuration away.
func extLinks(in []sol.ExtVirtualLinkData, laid bool) ([]lcm.ExtLink, error) {
	var all []lcm.ExtLink
	for i, link := range in {
		at := fmt.Sprintf("/extVirtualLinks/%d", i)
		out := lcm.ExtLink{ID: link.Id, Connection: link.VimConnectionId, Provider: link.ResourceProviderId, NetworkID: link.ResourceId}
		for j, cp := range link.ExtCps {
			if laid {
				for _, key := range slices.Sorted(maps.Keys(cp.CpConfig)) {
					if cp.CpConfig[key] == nil {
						out.Nulls = append(out.Nulls, lcm.NullEntry{Cp: j, Key: key})
					}
				}
			}
			data, err := extCpData(cp, fmt.Sprintf("%s/extCps/%d", at, j), laid)
			if err != nil {
				return nil, err
			}
			out.Cps = append(out.Cps, *data)
		}
		for _, port := range link.ExtLinkPorts {
			out.Ports = append(out.Ports, vnf.ExtPort{ID: port.Id, Trunk: port.TrunkResourceId, Handle: vnf.Handle{
				Connection: port.ResourceHandle.VimConnectionId, Provider: port.ResourceHandle.ResourceProviderId,
				VimID: port.ResourceHandle.ResourceId, VimType: port.ResourceHandle.VimLevelResourceType,
			}})
		}
		all = append(all, out)
	}
	return all, nil
}

// extManaged reads internal virtual links that others manage.
func extManaged(in []sol.ExtManagedVirtualLinkData) []lcm.ExtManaged {
	var all []lcm.ExtManaged
	for _, link := range in {
		all = append(all, lcm.ExtManaged{
			ID: link.Id, LinkID: link.VnfVirtualLinkDescId, Connection: link.VimConnectionId, Provider: link.ResourceProviderId, NetworkID: link.ResourceId,
		})
	}
	return all
}

// ChangeExtConnCommand reads a ChangeExtVnfConnectivityRequest. What is wrong with it is Invalid or Unprocessable, and names the attribute.
func ChangeExtConnCommand(raw []byte) (*lcm.ChangeExtConn, error) {
	var body sol.ChangeExtVnfConnectivityRequest
	if err := decode.Into(raw, &body); err != nil {
		return nil, err
	}
	if len(body.ExtVirtualLinks) == 0 {
		return nil, decode.Wrong("/extVirtualLinks", "must have at least one link")
	}
	connections, err := connectionsOf(raw)
	if err != nil {
		return nil, err
	}
	links, err := extLinks(body.ExtVirtualLinks, true)
	if err != nil {
		return nil, err
	}
	return &lcm.ChangeExtConn{
		ExtLinks: links, Connections: connections, AdditionalParams: paramsOf(body.AdditionalParams), Params: secret.Masked(raw),
	}, nil
}

// ChangeFlavourCommand reads a ChangeVnfFlavourRequest. What is wrong with it is Invalid or Unprocessable, and names the attribute.
func ChangeFlavourCommand(raw []byte) (*lcm.ChangeFlavour, error) {
	var body sol.ChangeVnfFlavourRequest
	if err := decode.Into(raw, &body); err != nil {
		return nil, err
	}
	connections, err := connectionsOf(raw)
	if err != nil {
		return nil, err
	}
	links, err := extLinks(body.ExtVirtualLinks, true)
	if err != nil {
		return nil, err
	}
	return &lcm.ChangeFlavour{
		FlavourID: body.NewFlavourId, Level: body.InstantiationLevelId, ExtLinks: links, ExtManaged: extManaged(body.ExtManagedVirtualLinks),
		Connections: connections, Extensions: body.Extensions, Configurable: body.VnfConfigurableProperties,
		AdditionalParams: paramsOf(body.AdditionalParams), Params: secret.Masked(raw),
	}, nil
}

// ChangeVnfPkgCommand reads a ChangeCurrentVnfPkgRequest. What is wrong with it is Invalid or Unprocessable, and names the attribute.
func ChangeVnfPkgCommand(raw []byte) (*lcm.ChangeVnfPkg, error) {
	var body sol.ChangeCurrentVnfPkgRequest
	if err := decode.Into(raw, &body); err != nil {
		return nil, err
	}
	connections, err := connectionsOf(raw)
	if err != nil {
		return nil, err
	}
	links, err := extLinks(body.ExtVirtualLinks, true)
	if err != nil {
		return nil, err
	}
	return &lcm.ChangeVnfPkg{
		VnfdID: body.VnfdId, ExtLinks: links, ExtManaged: extManaged(body.ExtManagedVirtualLinks),
		Connections: connections, Extensions: body.Extensions, Configurable: body.VnfConfigurableProperties,
		AdditionalParams: paramsOf(body.AdditionalParams), Params: secret.Masked(raw),
	}, nil
}

// TerminateCommand reads a TerminateVnfRequest. What is wrong with it is Invalid and names the attribute.
func TerminateCommand(raw []byte) (*lcm.Terminate, error) {
	var body sol.TerminateVnfRequest
	if err := decode.Into(raw, &body); err != nil {
		return nil, err
	}
	if body.TerminationType != sol.TerminateGraceful {
		body.GracefulTerminationTimeout = nil // applies to graceful ones only (SOL003 v3.7.1 §5.5.2.8), and clients send it with others
	}
	timeout, err := gracefulTime(body.GracefulTerminationTimeout, true, "/gracefulTerminationTimeout", "termination")
	if err != nil {
		return nil, err
	}
	return &lcm.Terminate{
		Type: string(body.TerminationType), GracefulTimeout: timeout, AdditionalParams: paramsOf(body.AdditionalParams), Params: secret.Masked(raw),
	}, nil
}

// OperateCommand reads an OperateVnfRequest. What is wrong with it is Invalid and names the attribute.
func OperateCommand(raw []byte) (*lcm.Operate, error) {
	var body sol.OperateVnfRequest
	if err := decode.Into(raw, &body); err != nil {
		return nil, err
	}
	switch { // what is said beyond that changes nothing, and clients send it (SOL003 v3.7.1 §5.5.2.11)
	case body.ChangeStateTo != sol.Stopped:
		body.StopType, body.GracefulStopTimeout = "", nil
	case body.StopType == sol.StopForceful:
		body.GracefulStopTimeout = nil
	case body.StopType == "" && body.GracefulStopTimeout != nil:
		// Without a stopType a stop is FORCEFUL, and then there is no timeout (note there): the request contradicts itself. Who gives guests time to stop
		// wants them to have it; nobody is worse off for it, while guests that are turned off lose what they have not written.
		if *body.GracefulStopTimeout == 0 {
			body.GracefulStopTimeout = nil
		} else {
			body.StopType = sol.StopGraceful
		}
	}
	timeout, err := gracefulTime(body.GracefulStopTimeout, body.StopType == sol.StopGraceful, "/gracefulStopTimeout", "stop")
	if err != nil {
		return nil, err
	}
	if err := named(body.VnfcInstanceId); err != nil {
		return nil, err
	}
	return &lcm.Operate{
		To: string(body.ChangeStateTo), Vnfcs: body.VnfcInstanceId, StopType: string(body.StopType), GracefulTimeout: timeout,
		AdditionalParams: paramsOf(body.AdditionalParams), Params: secret.Masked(raw),
	}, nil
}

// named refuses VNFCs without an id.
func named(vnfcs []string) error {
	for i, id := range vnfcs {
		if id == "" {
			return decode.Wrong(fmt.Sprintf("/vnfcInstanceId/%d", i), "must not be empty")
		}
	}
	return nil
}

// HealCommand reads a HealVnfRequest. What is wrong with it is Invalid and names the attribute; a script is Unprocessable.
func HealCommand(raw []byte) (*lcm.Heal, error) {
	var body sol.HealVnfRequest
	if err := decode.Into(raw, &body); err != nil {
		return nil, err
	}
	if body.HealScript != "" {
		return nil, vnfm.Errorf(vnfm.Unprocessable, "healScript: scripts are never run here; leave it out to have what is broken made again").At("/healScript")
	}
	if err := named(body.VnfcInstanceId); err != nil {
		return nil, err
	}
	return &lcm.Heal{
		Vnfcs: body.VnfcInstanceId, Cause: body.Cause, AdditionalParams: paramsOf(body.AdditionalParams), Params: secret.Masked(raw),
	}, nil
}

// ScaleCommand reads a ScaleVnfRequest. What is wrong with it is Invalid and names the attribute.
func ScaleCommand(raw []byte) (*lcm.Scale, error) {
	var body sol.ScaleVnfRequest
	if err := decode.Into(raw, &body); err != nil {
		return nil, err
	}
	steps := 0
	if body.NumberOfSteps != nil {
		if steps = *body.NumberOfSteps; steps < 1 {
			return nil, decode.Wrong("/numberOfSteps", "is at least 1")
		}
	}
	return &lcm.Scale{
		Type: string(body.Type), AspectID: body.AspectId, Steps: steps, AdditionalParams: paramsOf(body.AdditionalParams), Params: secret.Masked(raw),
	}, nil
}

// ScaleToLevelCommand reads a ScaleVnfToLevelRequest. What is wrong with it is Invalid and names the attribute.
func ScaleToLevelCommand(raw []byte) (*lcm.ScaleToLevel, error) {
	var body sol.ScaleVnfToLevelRequest
	if err := decode.Into(raw, &body); err != nil {
		return nil, err
	}
	switch {
	case body.InstantiationLevelId == "" && len(body.ScaleInfo) == 0:
		return nil, decode.Wrong("", "has neither instantiationLevelId nor scaleInfo: send one of them")
	case body.InstantiationLevelId != "" && len(body.ScaleInfo) > 0:
		return nil, decode.Wrong("/scaleInfo", "is not for a request with an instantiationLevelId: send one of them")
	}
	command := &lcm.ScaleToLevel{
		Level: body.InstantiationLevelId, AdditionalParams: paramsOf(body.AdditionalParams), Params: secret.Masked(raw),
	}
	for i, x := range body.ScaleInfo {
		if x.ScaleLevel < 0 {
			return nil, decode.Wrong(fmt.Sprintf("/scaleInfo/%d/scaleLevel", i), "must not be negative")
		}
		command.Scale = append(command.Scale, lcm.AspectLevel{AspectID: x.AspectId, VnfdID: x.VnfdId, Level: x.ScaleLevel})
	}
	return command, nil
}

// gracefulTime reads the seconds that a VNF is given to stop by itself; 0 when the request does not say.
func gracefulTime(seconds *int, graceful bool, at, what string) (int, error) {
	switch {
	case seconds == nil:
		return 0, nil
	case !graceful:
		return 0, decode.Wrong(at, "is for a GRACEFUL "+what+" only")
	case *seconds < 0:
		return 0, decode.Wrong(at, "must not be negative")
	}
	return *seconds, nil
}

// paramsOf returns the additionalParams of a request for its command; nil when it has none.
func paramsOf(p sol.KeyValuePairs) json.RawMessage {
	if p == nil {
		return nil
	}
	return rest.Encode(p)
}

// extCpData reads how the connection points of a CPD are to be connected. Without any configuration they are connected as the
// VIM likes; a null stands for one that is taken away, where there is one to be.
func extCpData(cp sol.VnfExtCpData, at string, laid bool) (*vnf.ExtCpData, error) {
	data := &vnf.ExtCpData{CpdID: cp.CpdId, Config: map[string]vnf.ExtCpConfig{}}
	for _, id := range slices.Sorted(maps.Keys(cp.CpConfig)) {
		config, at := cp.CpConfig[id], at+"/cpConfig"+vnfm.Step(id)
		switch {
		case config == nil && (laid || slices.ContainsFunc(slices.Collect(maps.Values(cp.CpConfig)), func(c *sol.VnfExtCpConfig) bool { return c != nil })):
			continue // there is none to remove
		case config == nil:
			return nil, decode.Wrong(at, "must not be null: nothing would be left that connects "+cp.CpdId)
		case config.LinkPortId == "" && len(config.CpProtocolData) == 0:
			return nil, decode.Wrong(at, "needs linkPortId or cpProtocolData")
		}
		out, err := extCpConfig(config, at)
		if err != nil {
			return nil, err
		}
		data.Config[id] = *out
	}
	return data, nil
}

func extCpConfig(config *sol.VnfExtCpConfig, at string) (*vnf.ExtCpConfig, error) {
	out := &vnf.ExtCpConfig{LinkPortID: config.LinkPortId, CreatePort: config.CreateExtLinkPort, Parent: config.ParentCpConfigId}
	var ethernet *sol.IpOverEthernetAddressData
	for i, p := range config.CpProtocolData {
		if i > 0 { // SOL003 knows one layer
			return nil, unsupported(fmt.Sprintf("%s/cpProtocolData/%d", at, i), "One connection point has one protocol data of a layer")
		}
		ethernet = p.IpOverEthernet
	}
	inside := at + "/cpProtocolData/0/ipOverEthernet"
	if ethernet != nil {
		if ethernet.SegmentationId+string(ethernet.SegmentationType) != "" && out.Parent == "" {
			return nil, decode.Wrong(at+"/parentCpConfigId", "is mandatory where there is a segmentation, which subports of trunks have")
		}
		if err := addresses(out, ethernet, inside); err != nil {
			return nil, err
		}
	}
	switch {
	case out.Parent == "" || out.LinkPortID != "" || out.SegmentationID != "":
	case ethernet == nil:
		return nil, decode.Wrong(inside, "is mandatory for the subport of a trunk, for its segmentationId")
	default:
		return nil, decode.Wrong(inside+"/segmentationId", "is mandatory for the subport of a trunk")
	}
	return out, nil
}

// addresses reads the addresses of a configuration. Where there is a MAC address only, the connection point has no other (SOL003
// v3.7.1 §4.4.1.10c).
func addresses(out *vnf.ExtCpConfig, data *sol.IpOverEthernetAddressData, at string) error {
	if data.MacAddress == "" && len(data.IpAddresses) == 0 && out.Parent == "" {
		return decode.Wrong(at, "needs macAddress or ipAddresses")
	}
	out.SegmentationType, out.SegmentationID = string(data.SegmentationType), data.SegmentationId
	if data.MacAddress != "" {
		if hw, err := net.ParseMAC(data.MacAddress); err != nil || len(hw) != 6 {
			return decode.Wrong(at+"/macAddress", "must be a MAC address")
		}
		out.MAC = data.MacAddress
	}
	out.NoIPs = len(data.IpAddresses) == 0
	for i, ip := range data.IpAddresses {
		at := fmt.Sprintf("%s/ipAddresses/%d", at, i)
		ways := 0
		for _, used := range []bool{len(ip.FixedAddresses) > 0, ip.NumDynamicAddresses != 0, ip.AddressRange != nil} {
			if used {
				ways++
			}
		}
		switch {
		case ways != 1:
			return decode.Wrong(at, "needs exactly one of fixedAddresses, numDynamicAddresses, addressRange")
		case ip.AddressRange != nil:
			return unsupported(at+"/addressRange", "Address ranges are not supported; name the addresses")
		case ip.NumDynamicAddresses < 0:
			return decode.Wrong(at+"/numDynamicAddresses", "must be positive")
		}
		for j, fixed := range ip.FixedAddresses {
			addr, err := netip.ParseAddr(fixed)
			if err != nil || addr.Is4() != (ip.Type == sol.IPv4) {
				return decode.Wrong(fmt.Sprintf("%s/fixedAddresses/%d", at, j), "must be an address of type "+string(ip.Type))
			}
		}
		out.IPs = append(out.IPs, vnf.ExtCpIPs{
			Type: string(ip.Type), Fixed: ip.FixedAddresses, Dynamic: ip.NumDynamicAddresses, Subnet: ip.SubnetId,
		})
	}
	return nil
}

func unsupported(pointer, text string) error {
	return vnfm.Errorf(vnfm.Unprocessable, "%s.", text).At(pointer)
}

// modifyVnf begins the MODIFY_INFO operation (SOL003 v3.7.1 §5.4.3.3.4).
func (a *API) modifyVnf(c *rest.Call) (*rest.Answer, error) {
	in, err := vnfToChange(c)
	if err != nil {
		return nil, err
	}
	if c.V1 == nil { // else before it became a request of v2
		if err := a.byPackage(c, v1.Pointers{}); err != nil {
			return nil, err
		}
	}
	command, err := modifyCommand(c.Body, in)
	if err != nil {
		return nil, err
	}
	return rest.Effect(c, func(by request.Info) (*vnf.OpOcc, error) {
		return a.LCM.Modify(c.Ctx, c.ID, *command, by)
	}, Started(c))
}

// modifyCommand turns a merge patch into the command. A whole map that is null is every child of the instance's removed.
func modifyCommand(body []byte, in *vnf.Instance) (*lcm.Modify, error) {
	var known sol.VnfInfoModificationRequest
	if err := decode.Into(body, &known); err != nil {
		return nil, err
	}
	var patch map[string]json.RawMessage
	if err := json.Unmarshal(body, &patch); err != nil {
		return nil, decode.Wrong("", "must be an object")
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
	for i, m := range known.VnfcInfoModifications {
		if command.Vnfcs == nil {
			command.Vnfcs = map[string]map[string]json.RawMessage{}
		}
		if command.Vnfcs[m.Id] != nil {
			return nil, decode.Wrong(fmt.Sprintf("/vnfcInfoModifications/%d/id", i), "is there twice")
		}
		if in.Info == nil || !slices.ContainsFunc(in.Info.Vnfcs, func(c vnf.Vnfc) bool { return c.ID == m.Id }) {
			return nil, vnfm.Errorf(vnfm.Unprocessable, "the VNF has no VNFC %q", m.Id).At(fmt.Sprintf("/vnfcInfoModifications/%d/id", i))
		}
		command.Vnfcs[m.Id] = m.VnfcConfigurableProperties
	}
	for _, id := range slices.Sorted(maps.Keys(command.Connections)) {
		var patch struct { // of VimConnectionInfo: nothing is mandatory
			VimId         string            `json:"vimId,omitempty"` //nolint:revive // as in package sol
			VimType       string            `json:"vimType,omitempty"`
			InterfaceInfo sol.KeyValuePairs `json:"interfaceInfo,omitempty"`
			AccessInfo    sol.KeyValuePairs `json:"accessInfo,omitempty"`
			Extra         sol.KeyValuePairs `json:"extra,omitempty"`
		}
		at := "/vimConnectionInfo" + vnfm.Step(id)
		switch info := command.Connections[id]; {
		case decode.IsNull(info):
		case info[0] != '{':
			return nil, decode.Wrong(at, "must be an object or null")
		default:
			if err := decode.Value(info, reflect.ValueOf(&patch).Elem(), at); err != nil {
				return nil, err
			}
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
	switch null := decode.IsNull(raw); {
	case null && !removable:
		return nil, decode.Wrong("/"+name, "must not be null")
	case !null && json.Unmarshal(raw, &s) != nil:
		return nil, decode.Wrong("/"+name, "must be a string")
	case !removable && s == "":
		return nil, decode.Wrong("/"+name, "must not be empty")
	}
	return &s, nil
}

// children reads a map of a merge patch.
func children[V any](patch map[string]json.RawMessage, name string, given map[string]json.RawMessage, there map[string]V) map[string]json.RawMessage {
	if raw, ok := patch[name]; !ok || !decode.IsNull(raw) {
		return given
	}
	out := map[string]json.RawMessage{}
	for child := range there {
		out[child] = json.RawMessage("null")
	}
	return out
}

// byPackage names the package of a modification by its VNFD: SOL003 v2 had the identifier of the package there, and the OpenAPI
// documents of v3 still have it.
func (a *API) byPackage(c *rest.Call, from v1.Pointers) error {
	var body map[string]json.RawMessage
	if c.Request.Method == http.MethodPatch {
		_ = json.Unmarshal(c.Body, &body) // what is no object is refused by whoever needs one
	}
	const name, at = "vnfPkgId", "/vnfPkgId"
	id, err := text(body, name, false)
	if id == nil || err != nil {
		return err
	}
	p, err := a.Packages.Get(c.Ctx, *id)
	if err != nil && vnfm.KindOf(err) != vnfm.NotFound {
		return fmt.Errorf("find the package %s: %w", *id, err)
	}
	if err != nil || p.VnfdID == "" {
		return unsupported(at, fmt.Sprintf("There is no VNF package %q that is onboarded", *id))
	}
	if named, err := text(body, "vnfdId", false); err != nil {
		return err
	} else if named != nil && *named != p.VnfdID {
		return unsupported(at, fmt.Sprintf("The package has the vnfdId %q and not the one beside it", p.VnfdID))
	}
	delete(body, name)
	body["vnfdId"], from["/vnfdId"] = rest.Encode(p.VnfdID), at
	c.Body = rest.Encode(body)
	return nil
}
