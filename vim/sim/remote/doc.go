// Package remote puts the simulated VIMs into a process of their own: Handler serves a simulator, Client is the
// vim.Driver that reaches it over HTTP. Then a VIM survives what the VNF Manager does not, and the other way round, and
// several nodes share one.
//
// It promises what a VIM across a network does, and no more: a call whose answer is lost has an unknown outcome, one
// that could not be sent is unavailable. A call that reaches the simulator after its deadline has no effect.
//
// It asks for no credentials: serve it on loopback only. The suite is vimtest, as for every driver.
package remote
