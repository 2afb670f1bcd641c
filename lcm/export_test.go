package lcm

// OpState is the operation state that goes with a saga state.
var OpState = opState
