// Package configuration is the seam to VNFs and their element managers: the commands on message.TopicVnfCommands that configure a
// VNF and coordinate an operation with it, and the contracts of those who do it, Configurer and Coordinator, which a site may not
// have. Package configurator has the participant.
package configuration
