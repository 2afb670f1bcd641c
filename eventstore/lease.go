package eventstore

// Node is one run of the program, as others see it. It lives until the time its row says.
type Node struct {
	ID      string   // of this run; what a lease is owned by
	Name    string   // what people call it
	Version string   // of the program
	URL     string   // where its API listens; "" when it has none
	Roles   []string // whose lanes it takes
	// Knows is how much of what is stored the program understands: of two, the higher understands all of the lower.
	Knows          int
	Started, Until int64 // Unix milliseconds of the store's clock; set by the store
	Stopped        bool  // it ended by itself, at Until; set by the store
}

// RoleLane names a lane as one role has it: each role's lanes are owned by themselves.
type RoleLane struct {
	Role string
	Lane int
}

// LanesOf returns lanes of a role: those named, or all when none is.
func LanesOf(role string, lanes ...int) []RoleLane {
	if len(lanes) == 0 {
		for lane := range Lanes {
			lanes = append(lanes, lane)
		}
	}
	out := make([]RoleLane, len(lanes))
	for i, lane := range lanes {
		out[i] = RoleLane{Role: role, Lane: lane}
	}
	return out
}

// Lease says that a node may move the cursors of a role in a lane, fire its timers or publish, as long as the node lives. The
// epoch rises each time the lane changes hands; owner writes carry it and fail once it is no longer theirs.
type Lease struct {
	RoleLane
	Owner string // a node's ID
	Epoch int64
}

// LeaseRequest renews a node, gives lanes up and then takes some. Lanes of a node that lives are not granted.
type LeaseRequest struct {
	Node       Node
	Want, Give []RoleLane
	TTL        int64 // milliseconds; 0: the node ends, and gives up all it has
	// Alone says that no other process can use the store: nodes that still seem to live are dead.
	Alone bool
}

// Leases is how all lanes lie, in one moment.
type Leases struct {
	Now   int64   // Unix milliseconds of the store's clock
	Nodes []Node  // that live, by ID
	Gone  []Node  // that died or stopped within the last day, by ID; of Owner.Leases only
	Held  []Lease // by nodes that live, by role and lane
}

// Of returns the leases of a node.
func (l Leases) Of(id string) (out []Lease) {
	for _, h := range l.Held {
		if h.Owner == id {
			out = append(out, h)
		}
	}
	return out
}

// KeepNodes is for how long a node that is gone is remembered, in milliseconds.
const KeepNodes = 24 * 3600 * 1000
