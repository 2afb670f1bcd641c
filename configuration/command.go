// Package configuration tells a VNF its configuration once its resources stand.
package configuration

import "encoding/json"

// TypeConfigure is the type of the command on message.TopicVnfCommands. Data: Configure.
const TypeConfigure = "vnf.configure.v1"

// Configure asks for the configuration of one VNF.
type Configure struct {
	VnfID      string            `json:"vnfInstanceId"`
	OpID       string            `json:"opOccId"`
	Name       string            `json:"name"`
	Connection string            `json:"vimConnectionId,omitempty"` // of the first compute
	Computes   map[string]string `json:"computes,omitempty"`        // the VIM's ids, by planned resource id
	Params     json.RawMessage   `json:"params,omitempty"`          // additionalParams of request and grant
}
