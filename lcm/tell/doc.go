// Package tell is what a VNF and its element manager are told and asked in an operation: the configuration after it, and the
// coordinations that its VNFD has. It is pure: whom to call is found by who plans, and calls are the participant's.
package tell
