package own

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/vnfm/vnfm/api/rest"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/sol"
)

// ClusterDatabase is what nodes share in one database.
type ClusterDatabase struct {
	Name      string
	Leases    eventstore.Leases
	Consumers []ClusterConsumer
	Due       int // timeouts
}

// ClusterConsumer is how far a consumer is behind.
type ClusterConsumer struct {
	Name, Topic string
	Lanes       int // in which a message waits for it
	Oldest      time.Duration
	Parked      int
}

// ClusterRoutes show the nodes and what they share.
func (a *API) ClusterRoutes() map[string]rest.Route {
	if a.Cluster == nil {
		return nil
	}
	return map[string]rest.Route{rest.OwnRoot + "/cluster": rest.Get(a.cluster)}
}

func (a *API) cluster(c *rest.Call) (*rest.Answer, error) {
	all, err := a.Cluster(c.Ctx)
	if err != nil {
		return nil, err
	}
	out := sol.Cluster{Nodes: clusterNodes(all), Lanes: []sol.ClusterLanes{}, Consumers: []sol.ClusterConsumer{}}
	for _, d := range all {
		out.Lanes = append(out.Lanes, clusterLanes(d)...)
		out.TimersDue += d.Due
		for _, k := range d.Consumers {
			out.Consumers = append(out.Consumers, sol.ClusterConsumer{
				Name: k.Name, Topic: k.Topic, WaitingLanes: k.Lanes, OldestSeconds: k.Oldest.Seconds(), Parked: k.Parked,
			})
		}
	}
	return rest.Respond(http.StatusOK).JSON(out), nil
}

// clusterNodes returns the nodes of all databases, each once: those that live by name, then the others, the last first.
func clusterNodes(all []ClusterDatabase) []sol.ClusterNode {
	out := []sol.ClusterNode{}
	add := func(n eventstore.Node, lives bool) {
		if i := slices.IndexFunc(out, func(o sol.ClusterNode) bool { return o.Id == n.ID }); i >= 0 {
			for _, role := range n.Roles {
				if !slices.Contains(out[i].Roles, role) {
					out[i].Roles = append(out[i].Roles, role)
				}
			}
			return
		}
		node := sol.ClusterNode{
			Id: n.ID, Name: n.Name, State: sol.NodeLives, Version: n.Version, Url: n.URL, Roles: append([]string{}, n.Roles...),
			Since: time.UnixMilli(n.Started).UTC(), Knows: n.Knows,
		}
		if !lives {
			until := time.UnixMilli(n.Until).UTC()
			node.Until, node.State = &until, sol.NodeDied
			if n.Stopped {
				node.State = sol.NodeStopped
			}
		}
		out = append(out, node)
	}
	for _, d := range all {
		for _, n := range d.Leases.Nodes {
			add(n, true)
		}
	}
	living := len(out)
	slices.SortFunc(out, func(a, b sol.ClusterNode) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Id, b.Id)) })
	for _, d := range all {
		for _, n := range d.Leases.Gone {
			add(n, false)
		}
	}
	slices.SortFunc(out[living:], func(a, b sol.ClusterNode) int { return cmp.Or(b.Until.Compare(*a.Until), cmp.Compare(a.Id, b.Id)) })
	for _, n := range out {
		slices.Sort(n.Roles)
	}
	return out
}

// clusterLanes returns the lanes of one database by role and node, of the roles that a node which lives has.
func clusterLanes(d ClusterDatabase) []sol.ClusterLanes {
	held := map[eventstore.RoleLane]string{}
	for _, h := range d.Leases.Held {
		held[h.RoleLane] = h.Owner
	}
	var roles []string
	for _, n := range d.Leases.Nodes {
		roles = append(roles, n.Roles...)
	}
	slices.Sort(roles)
	var out []sol.ClusterLanes
	for _, role := range slices.Compact(roles) {
		by := map[string]*sol.ClusterLanes{}
		for _, k := range eventstore.LanesOf(role) {
			owner := held[k]
			if by[owner] == nil {
				by[owner] = &sol.ClusterLanes{Database: d.Name, Role: role, NodeId: owner}
			}
			by[owner].Lanes = append(by[owner].Lanes, k.Lane)
			by[owner].Count++
		}
		n := len(out)
		for _, l := range by {
			out = append(out, *l)
		}
		slices.SortFunc(out[n:], func(a, b sol.ClusterLanes) int { return cmp.Compare(a.NodeId, b.NodeId) })
	}
	return out
}
