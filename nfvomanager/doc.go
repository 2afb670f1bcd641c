// Package nfvomanager answers the commands to the orchestrator: grants, by asking one, or by our own policy where none
// is configured. It also keeps the VNF packages in step with the orchestrator's, and reads what its VNF snapshot packages have (Snapshots).
//
// It has the VIM manager's shape: a command is written into the ledger table nfvo_commands in the commit that consumes
// it, a worker does what needs the outside (asking the orchestrator, or a VIM what it offers), and the answer is committed
// with its reply. There is one row for each operation occurrence, kept for Config.Retention: a command that comes twice, another one for
// the same grant, or a worker that dies, makes no second grant. docs/adr/0011 says why.
//
// # An orchestrator
//
// The request is made once, by the intake, and sent byte-equal each time. A 202's Location is committed before it is looked
// at. Looks and further tries are due times of the row, until its deadline. A grant is checked, the VIM connections it
// brings are handed to the registry, and only then it is committed, credentials masked, with its reply.
//
// # The local policy
//
// Everything is realised at one VIM connection: the one the request wants, else the default one. A compute gets a zone,
// in turn, such that the rules of scope ZONE hold. A flavour is taken by its name, else the smallest that fits; an image
// by its checksum, then by its name. An external connection point that nothing covers is connected to the site's default
// external network, with a warning. What cannot be had makes the grant fail for good, naming it.
package nfvomanager
