package nfvotest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vnfd"
)

// ask takes a grant request.
func (n *NFVO) ask(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 16<<20))
	if err != nil {
		return
	}
	var req sol.GrantRequest
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&req); err != nil {
		refuse(w, http.StatusBadRequest, "the grant request cannot be read: "+err.Error())
		return
	}
	if problem := wrong(&req); problem != "" {
		refuse(w, http.StatusUnprocessableEntity, problem)
		return
	}
	n.mu.Lock()
	b := n.next()
	id, repeat := n.byOp[req.VnfLcmOpOccId]
	if repeat && n.grants[id].body != string(body) {
		n.mu.Unlock()
		refuse(w, http.StatusConflict, "another grant request came for this operation before")
		return
	}
	n.asked = append(n.asked, Asked{At: time.Now().UTC(), Answer: b.Answer, Repeat: slices.ContainsFunc(n.asked, func(a Asked) bool {
		return bytes.Equal(a.Body, body)
	}), Body: body, Request: req})
	n.mu.Unlock()
	switch b.Answer {
	case AnswerHang:
		<-r.Context().Done()
		return
	case AnswerUnavailable:
		w.Header().Set("Retry-After", strconv.Itoa(max(b.RetryAfter, 1)))
		refuse(w, http.StatusServiceUnavailable, or(b.Detail, "the orchestrator is busy"))
		return
	}
	g := &given{body: string(body)}
	if !repeat {
		id = uuid.NewString()
		g.grant, g.refuse = n.decide(id, root(r), &req)
		switch {
		case g.grant == nil:
		case b.Answer == AnswerRefuse, b.Answer == AnswerRefuseLater:
			g.grant, g.refuse = nil, or(b.Detail, "no capacity is left")
		case b.Answer == AnswerMalformed:
			spoil(g.grant)
		case b.Answer == AnswerConnection:
			g.grant.VimConnectionInfo = map[string]sol.VimConnectionInfo{"granted-vim": {
				VimType: "ETSINFV.OPENSTACK_KEYSTONE.V_3", InterfaceInfo: sol.KeyValuePairs{"endpoint": json.RawMessage(`"https://vim.example/v3"`)},
				AccessInfo: sol.KeyValuePairs{"username": json.RawMessage(`"nfvo"`), "password": json.RawMessage(`"canary"`)},
			}}
		}
		if b.Answer == AnswerLater || b.Answer == AnswerRefuseLater {
			g.polls = max(b.Polls, 1)
		}
		n.mu.Lock()
		n.grants[id], n.byOp[req.VnfLcmOpOccId] = g, id
		n.mu.Unlock()
	} else {
		n.mu.Lock()
		g = n.grants[id]
		n.mu.Unlock()
	}
	if b.Answer == AnswerLost {
		panic(http.ErrAbortHandler) // the connection breaks
	}
	w.Header().Set("Location", root(r)+"/grant/v1/grants/"+id)
	n.give(w, g, http.StatusCreated, b.RetryAfter)
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// next returns how the next request is answered. The caller holds the lock.
func (n *NFVO) next() Behaviour {
	b := n.behave
	if n.behave.Times > 0 {
		if n.behave.Times--; n.behave.Times == 0 {
			n.behave = Behaviour{Answer: AnswerNow}
		}
	}
	return b
}

// look shows a grant.
func (n *NFVO) look(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	g := n.grants[r.PathValue("id")]
	n.looks++
	wait := n.behave.RetryAfter
	n.mu.Unlock()
	if g == nil {
		refuse(w, http.StatusNotFound, "there is no such grant")
		return
	}
	n.give(w, g, http.StatusOK, wait)
}

func (n *NFVO) give(w http.ResponseWriter, g *given, status, wait int) {
	n.mu.Lock()
	later := g.polls > 0
	if later && status == http.StatusOK {
		g.polls--
		later = g.polls > 0
	}
	n.mu.Unlock()
	switch {
	case later:
		if wait > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(wait))
		}
		w.WriteHeader(http.StatusAccepted)
	case g.grant == nil:
		w.Header().Del("Location")
		refuse(w, http.StatusForbidden, g.refuse)
	default:
		answer(w, status, g.grant)
	}
}

// wrong says what a grant request lacks (SOL003 v3.7.1 §9.5.2.2).
func wrong(r *sol.GrantRequest) string {
	all := slices.Concat(r.AddResources, r.TempResources, r.RemoveResources, r.UpdateResources)
	ids := map[string]bool{}
	for _, d := range all {
		if d.Id == "" || ids[d.Id] || d.ResourceTemplateId == "" {
			return "a resource definition needs an id of its own and a resourceTemplateId"
		}
		if (d.VduId != "") != (d.Type == "COMPUTE") {
			return d.Id + ": vduId goes with COMPUTE"
		}
		ids[d.Id] = true
	}
	for _, d := range slices.Concat(r.RemoveResources, r.UpdateResources) {
		if d.Resource == nil || d.Resource.ResourceId == "" {
			return d.Id + ": the resource is not named"
		}
	}
	switch {
	case r.VnfInstanceId == "" || r.VnfLcmOpOccId == "" || r.VnfdId == "":
		return "vnfInstanceId, vnfLcmOpOccId and vnfdId are needed"
	case !strings.Contains(r.Links.VnfInstance.Href, "://") || !strings.HasSuffix(r.Links.VnfLcmOpOcc.Href, r.VnfLcmOpOccId):
		return "_links must be absolute and name the instance and the operation"
	case r.Operation == "INSTANTIATE" && r.FlavourId == "":
		return "flavourId is needed for INSTANTIATE"
	case r.Operation == "INSTANTIATE" && (len(r.AddResources) > 0) == (r.InstantiationLevelId != ""):
		return "INSTANTIATE needs either addResources or instantiationLevelId"
	}
	for _, p := range r.PlacementConstraints {
		for _, ref := range p.Resource {
			if ref.IdType == "GRANT" && !ids[ref.ResourceId] {
				return "a placement constraint names " + ref.ResourceId + ", which is not in the request"
			}
		}
	}
	return ""
}

// decide makes the grant of a request, or says why there is none.
func (n *NFVO) decide(id, base string, r *sol.GrantRequest) (*sol.Grant, string) {
	g := &sol.Grant{
		Id: id, VnfInstanceId: r.VnfInstanceId, VnfLcmOpOccId: r.VnfLcmOpOccId,
		Links: sol.GrantLinks{Self: sol.Link{Href: base + "/grant/v1/grants/" + id}, VnfLcmOpOcc: r.Links.VnfLcmOpOcc, VnfInstance: r.Links.VnfInstance},
	}
	for i, z := range n.cfg.Zones {
		g.Zones = append(g.Zones, sol.ZoneInfo{Id: "zone-" + strconv.Itoa(i), ZoneId: z, VimConnectionId: n.cfg.Connection})
	}
	together := map[string]string{}
	for _, p := range r.PlacementConstraints {
		if p.AffinityOrAntiAffinity == "AFFINITY" {
			for _, ref := range p.Resource {
				together[ref.ResourceId] = p.Resource[0].ResourceId
			}
		}
	}
	zone := map[string]string{}
	for _, d := range r.AddResources {
		info := sol.GrantInfo{ResourceDefinitionId: d.Id, VimConnectionId: n.cfg.Connection}
		if d.Type == "COMPUTE" && len(g.Zones) > 0 {
			leader := or(together[d.Id], d.Id)
			if zone[leader] == "" {
				zone[leader] = g.Zones[len(zone)%len(g.Zones)].Id
			}
			info.ZoneId = zone[leader]
		}
		g.AddResources = append(g.AddResources, info)
	}
	for _, d := range r.TempResources {
		g.TempResources = append(g.TempResources, sol.GrantInfo{ResourceDefinitionId: d.Id, VimConnectionId: n.cfg.Connection})
	}
	for _, d := range r.RemoveResources {
		g.RemoveResources = append(g.RemoveResources, sol.GrantInfo{ResourceDefinitionId: d.Id, VimConnectionId: d.Resource.VimConnectionId})
	}
	for _, d := range r.UpdateResources {
		g.UpdateResources = append(g.UpdateResources, sol.GrantInfo{ResourceDefinitionId: d.Id, VimConnectionId: d.Resource.VimConnectionId})
	}
	if len(r.AddResources) == 0 {
		return g, ""
	}
	of := or(r.DstVnfdId, r.VnfdId)
	d := n.descriptor(of)
	if d == nil {
		return nil, "the orchestrator knows no package of the VNFD " + of
	}
	n.mu.Lock()
	named := n.named[r.VnfInstanceId] == of
	n.named[r.VnfInstanceId] = of
	n.mu.Unlock()
	switch {
	case r.Operation == "INSTANTIATE", r.Operation == "CHANGE_VNFPKG", !named:
		n.assets(g, "", d)
	case r.Operation == "CHANGE_FLAVOUR": // a VDU of one name may need another compute there
		n.assets(g, r.FlavourId, d)
	}
	n.packed(g, r)
	n.connect(g, r)
	return g, ""
}

// assets names the flavour of each VDU, and each image, of one deployment flavour of a package, or of all: the full set, when a VNF
// becomes one of the package, and afterwards none (SOL003 v3.7.1 §9.5.2.3, note 3).
func (n *NFVO) assets(g *sol.Grant, flavour string, d *vnfd.Descriptor) {
	g.VimAssets = &sol.VimAssets{}
	seen := map[string]bool{}
	image := func(i *vnfd.Image) {
		if i == nil || seen["image/"+i.ID] {
			return
		}
		seen["image/"+i.ID] = true
		g.VimAssets.SoftwareImages = append(g.VimAssets.SoftwareImages, sol.VimSoftwareImage{
			VimConnectionId: n.cfg.Connection, VnfdSoftwareImageId: i.ID, VimSoftwareImageId: n.cfg.Image(*i),
		})
	}
	for _, f := range d.Flavours {
		if flavour != "" && f.ID != flavour {
			continue
		}
		for _, v := range f.Vdus {
			if seen[v.ID] {
				continue
			}
			seen[v.ID] = true
			g.VimAssets.ComputeResourceFlavours = append(g.VimAssets.ComputeResourceFlavours, sol.VimComputeResourceFlavour{
				VimConnectionId: n.cfg.Connection, VnfdVirtualComputeDescId: v.ID, VimFlavourId: or(v.FlavourName, fmt.Sprintf("c%d", v.VCPUs)),
			})
			image(v.Image)
		}
		for _, s := range f.Storages {
			image(s.Image)
		}
	}
}

// connect offers the external network for every external connection point.
func (n *NFVO) connect(g *sol.Grant, r *sol.GrantRequest) {
	if n.cfg.Network == "" {
		return
	}
	link := sol.ExtVirtualLinkData{Id: "nfvo-external", VimConnectionId: n.cfg.Connection, ResourceId: n.cfg.Network}
	for _, d := range r.AddResources {
		cp := sol.VnfExtCpData{CpdId: d.ResourceTemplateId, CpConfig: map[string]*sol.VnfExtCpConfig{"nfvo": {CpProtocolData: []sol.CpProtocolData{{
			LayerProtocol: sol.IPOverEthernet, IpOverEthernet: &sol.IpOverEthernetAddressData{IpAddresses: []sol.IpAddressData{{Type: sol.IPv4, NumDynamicAddresses: 1}}},
		}}}}}
		if d.Type == "LINKPORT" && !slices.ContainsFunc(link.ExtCps, func(x sol.VnfExtCpData) bool { return x.CpdId == cp.CpdId }) {
			link.ExtCps = append(link.ExtCps, cp)
		}
	}
	if len(link.ExtCps) > 0 {
		g.ExtVirtualLinks = []sol.ExtVirtualLinkData{link}
	}
}

// spoil leaves one resource out.
func spoil(g *sol.Grant) {
	for _, list := range []*[]sol.GrantInfo{&g.AddResources, &g.RemoveResources} {
		if len(*list) > 0 {
			*list = (*list)[1:]
			return
		}
	}
}
