package show

import (
	"cmp"
	"io"
	"strconv"

	"github.com/vnfm/vnfm/cmd/vnfm/screen"
	"github.com/vnfm/vnfm/sol"
)

func Grant(w io.Writer, g *sol.OpGrant) {
	grantID, tries := "", ""
	if g.Grant != nil {
		grantID = g.Grant.Id
	}
	if g.Tries > 0 {
		tries = strconv.Itoa(g.Tries)
	}
	screen.Of(w).Fields("operation", g.VnfLcmOpOccId, "decided by", g.Decider, "state", screen.Colour(g.State), "grant", grantID,
		"reason", g.Reason, "failed tries", tries, "decided later at", g.Location, "next try", g.NextTry)
	if g.Request == nil {
		return
	}
	place := map[string]sol.GrantInfo{}
	zones := map[string]string{}
	if g.Grant != nil {
		for _, infos := range [][]sol.GrantInfo{g.Grant.AddResources, g.Grant.TempResources, g.Grant.RemoveResources, g.Grant.UpdateResources} {
			for _, i := range infos {
				place[i.ResourceDefinitionId] = i
			}
		}
		for _, z := range g.Grant.Zones {
			zones[z.Id] = z.ZoneId
		}
	}
	var rows [][]string
	for _, part := range []struct {
		word string
		all  []sol.ResourceDefinition
	}{{"add", g.Request.AddResources}, {"temp", g.Request.TempResources}, {"remove", g.Request.RemoveResources}, {"update", g.Request.UpdateResources}} {
		for _, d := range part.all {
			i := place[d.Id]
			rows = append(rows, []string{part.word, d.Type, d.ResourceTemplateId, d.Id, i.VimConnectionId, cmp.Or(zones[i.ZoneId], i.ZoneId)})
		}
	}
	screen.Of(w).Heading("Resources")
	screen.Of(w).Table([]string{"ASKED TO", "TYPE", "IN THE VNFD", "DEFINITION", "VIM", "ZONE"}, rows)
	if g.Grant == nil || g.Grant.VimAssets == nil {
		return
	}
	rows = nil
	for _, f := range g.Grant.VimAssets.ComputeResourceFlavours {
		rows = append(rows, []string{"flavour", f.VnfdVirtualComputeDescId, f.VimFlavourId, f.VimConnectionId})
	}
	for _, i := range g.Grant.VimAssets.SoftwareImages {
		rows = append(rows, []string{"image", i.VnfdSoftwareImageId, i.VimSoftwareImageId, i.VimConnectionId})
	}
	screen.Of(w).Heading("Assets")
	screen.Of(w).Table([]string{"ASSET", "IN THE VNFD", "AT THE VIM", "VIM"}, rows)
}
