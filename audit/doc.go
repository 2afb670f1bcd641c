// Package audit looks, while the program runs, for what must never be: events that do not follow from each other, a saga
// that nothing will ever move on, a timer of nothing, a cursor that stands where there is no message, resources that only
// the records or only a VIM has.
//
// A live system moves while it is looked at. An audit therefore looks twice, some seconds apart, and reports only what
// both looks found unchanged: each finding carries the version of what it is about, so that what moved in between is none.
// It writes nothing and mends nothing: a Finding says what is wrong, where, since when, and what an operator can do.
//
// It reads the stores through their Reader, the VIMs through their drivers, and the VIM manager's ledger through Books.
// It knows nothing of how operations are carried out.
package audit
