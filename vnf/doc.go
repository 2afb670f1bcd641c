// Package vnf is the domain: the two aggregates VnfInstance and VnfLcmOpOcc, their commands, events and transitions.
//
// They are two because they are two consistency boundaries: an instance changes when an operation lands, an operation's
// progress many times meanwhile. The rule that joins them, one unfinished operation per VNF, lives in Instance, which
// records the operation that holds it. Process validates a command and returns events; Apply folds a fact and cannot
// fail. The package does no I/O, asks no clock and logs nothing. Events never embed wire types of a standard's version.
package vnf
