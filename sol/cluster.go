package sol

import "time"

// Cluster is the nodes of a site, and what they share.
type Cluster struct {
	Nodes     []ClusterNode     `json:"nodes"` // those that live, then those that are gone since a day at most
	Lanes     []ClusterLanes    `json:"lanes"`
	Consumers []ClusterConsumer `json:"consumers"`
	// TimersDue is how many timeouts are due and have not been fired; 1000 at most.
	TimersDue int `json:"timersDue"`
}

// ClusterNode is one run of the program.
type ClusterNode struct {
	Id      string    `json:"id"`
	Name    string    `json:"name"`
	State   NodeState `json:"state"`
	Version string    `json:"version"`
	Url     string    `json:"url,omitempty"` // where it listens
	Roles   []string  `json:"roles"`
	Since   time.Time `json:"since"`
	// Until is when it stopped, or, of one that died, when it was given up.
	Until *time.Time `json:"until,omitempty"`
	// Knows tells which of two programs understands more of what is stored: nodes that know less get no lanes.
	Knows int `json:"knows"`
}

// NodeState is what became of a node.
type NodeState string

// The states.
const (
	NodeLives   NodeState = "LIVES"
	NodeStopped NodeState = "STOPPED"
	NodeDied    NodeState = "DIED"
)

// Values lists the states.
func (NodeState) Values() []string {
	return []string{string(NodeLives), string(NodeStopped), string(NodeDied)}
}

// ClusterLanes are the lanes of a role that one node has, or, without one, that no node has.
type ClusterLanes struct {
	Database string `json:"database"`
	Role     string `json:"role"`
	NodeId   string `json:"nodeId,omitempty"`
	Count    int    `json:"count"`
	Lanes    []int  `json:"lanes"`
}

// ClusterConsumer is how far a consumer of messages is behind.
type ClusterConsumer struct {
	Name  string `json:"name"`
	Topic string `json:"topic"`
	// WaitingLanes is in how many lanes a message waits for it.
	WaitingLanes int `json:"waitingLanes"`
	// OldestSeconds is the age of the oldest of them; 0: none waits.
	OldestSeconds float64 `json:"oldestSeconds"`
	// Parked is how many messages it set aside.
	Parked int `json:"parked"`
}
