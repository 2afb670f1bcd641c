// Package sim is a VIM that pretends: a small infrastructure manager with an inventory of its own, so that everything
// above the driver contract can be run, broken and proven on one machine.
//
// It is a VIM, not a mock. It owns a store that no transaction of the VNF Manager reaches: an append-only journal, one
// JSON line per effect, written and synced before an effect is answered, so that a killed process comes back to exactly
// what it had answered. Its inventory lists only what was created for VNFs. Addresses, placement, quota and references
// between resources are enforced as a real VIM enforces them.
//
// It promises that everything follows from the journal and the clock it is given: there is no goroutine and no timer.
// What takes time (building, going away, an effect that lands after its caller died) is stored with the moment at which
// it happens and comes true when somebody looks after that moment. Behaviour says how it misbehaves; see there.
//
// It must not know the VNF Manager's records: a test that compares the two compares two witnesses.
package sim
