// Package vim is the contract with virtualised infrastructure managers (and CISMs): the commands and results that travel
// over the bus, and the Driver that code for one vimType implements.
//
// It owns words, not behaviour. A command names resources by Token; a driver finds a resource by its token before it
// creates one, so that every call may be repeated. Errors carry a Class. A command carries the id of a VIM connection,
// never its credentials. The suite for drivers is vimtest; sim is a VIM that pretends.
package vim
