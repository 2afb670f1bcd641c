package api_test

import (
	"context"
	"testing"
	"time"

	"github.com/vnfm/vnfm/api"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/sol"
)

// A node of two databases is one node; who died is told from who stopped; lanes that nobody has are told, too.
func TestCluster(t *testing.T) {
	lease := func(owner, role string, lane int) eventstore.Lease {
		return eventstore.Lease{RoleLane: eventstore.RoleLane{Role: role, Lane: lane}, Owner: owner, Epoch: 1}
	}
	var mine []eventstore.Lease
	for lane := range 63 {
		mine = append(mine, lease("b", "relay", lane))
	}
	w := newWorld(t, func(c *api.Config) {
		c.Cluster = func(context.Context) ([]api.ClusterDatabase, error) {
			return []api.ClusterDatabase{
				{Name: "main", Due: 2, Leases: eventstore.Leases{
					Nodes: []eventstore.Node{{ID: "b", Name: "n1", Version: "v2", URL: "http://x", Roles: []string{"relay"}, Knows: 3, Started: 1000, Until: 9000}},
					Gone:  []eventstore.Node{{ID: "a", Name: "n0", Roles: []string{"relay"}, Started: 500, Until: 2000}, {ID: "c", Name: "n2", Started: 600, Until: 3000, Stopped: true}},
					Held:  mine,
				}, Consumers: []api.ClusterConsumer{{Name: "k", Topic: "t", Lanes: 1, Oldest: 1500 * time.Millisecond, Parked: 4}}},
				{Name: "vim", Due: 1, Leases: eventstore.Leases{
					Nodes: []eventstore.Node{{ID: "b", Name: "n1", Roles: []string{"relay", "vim-manager"}}},
				}},
			}, nil
		}
	})
	var c sol.Cluster
	w.do("GET", "/vnfm/v1/cluster", "").want(200).json(&c)
	if n := c.Nodes; len(n) != 3 || n[0].Id != "b" || n[0].State != sol.NodeLives || len(n[0].Roles) != 2 || n[0].Since.UnixMilli() != 1000 || n[0].Until != nil ||
		n[1].Id != "c" || n[1].State != sol.NodeStopped || n[2].Id != "a" || n[2].State != sol.NodeDied || n[2].Until.UnixMilli() != 2000 {
		t.Errorf("nodes: %+v", n)
	}
	if l := c.Lanes; len(l) != 4 || l[0].NodeId != "" || l[0].Count != 1 || l[0].Lanes[0] != 63 || l[1].NodeId != "b" || l[1].Count != 63 || l[3].Role != "vim-manager" || l[3].Count != 64 {
		t.Errorf("lanes: %+v", l)
	}
	if k := c.Consumers; len(k) != 1 || k[0].OldestSeconds != 1.5 || k[0].WaitingLanes != 1 || k[0].Parked != 4 || c.TimersDue != 3 {
		t.Errorf("consumers: %+v, %d timers", k, c.TimersDue)
	}
}
