package lcm

// OpState is the operation state that goes with a saga state.
var OpState = opState

// Holding is the resources that an instance has, with what operations before left over.
var Holding = holding
