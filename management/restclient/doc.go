// Package restclient speaks SOL002 to VNFs and their element managers: configuration (/vnfconfig/v1) and LCM coordination
// (/lcmcoord/v1).
//
// It translates between the wire and the words of package configuration, and sorts what may go wrong by what a caller can do about
// it. It decides nothing and keeps nothing: who may repeat a call, and when, is configurator's. Calls go out through package egress;
// redirects are not followed.
package restclient
