// Package configuration is the seam to whatever configures VNFs once their resources stand: the command on
// message.TopicVnfCommands, and the contract of a Configurer, which a site may not have. Package configurator has the participant.
package configuration
