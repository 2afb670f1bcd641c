// Package nfvomanager answers the commands to the orchestrator: grants, by our own policy where no orchestrator is
// configured.
//
// It has the VIM manager's shape: a command is written into the ledger table nfvo_commands in the commit that consumes
// it, a worker does what needs the outside (asking a VIM what it offers), and the answer is committed with its reply. A
// command that comes twice, or whose worker dies, is answered once; the same request at the same site is granted the
// same.
//
// # The local policy
//
// Everything is realised at one VIM connection: the one the request wants, else the default one. A compute gets a zone,
// in turn, such that the rules of scope ZONE hold. A flavour is taken by its name, else the smallest that fits; an image
// by its checksum, then by its name. An external connection point that nothing covers is connected to the site's default
// external network, with a warning. What cannot be had makes the grant fail for good, naming it.
package nfvomanager
