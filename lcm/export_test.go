package lcm

import "github.com/vnfm/vnfm/nfvo"

// Granted is Plan.granted.
func (p *Plan) Granted(g *nfvo.Grant) *Plan { return p.granted(g) }

// OpState is the operation state that goes with a saga state.
var OpState = opState
