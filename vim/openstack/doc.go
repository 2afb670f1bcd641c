// Package openstack drives OpenStack: servers, server groups, networks, subnets, ports, trunks, volumes and snapshots, by the APIs of
// Nova, Neutron, Cinder and Glance themselves.
//
// The token of a resource is put on it by the call that creates it: as a tag of a server, as the description of what is Neutron's,
// in the metadata of a volume, as a property of an image. A server group has nothing but a name, which then ends with it. Owner and
// revision stand beside it (marks.go). OpenStack keeps no token unique: after a Start everything that bears the token is looked for,
// the oldest stays, and the others go.
//
// A call makes a handful of requests and never waits; nothing is kept but the clients of a connection, with their token of Keystone.
package openstack
