package sol

// ResourceHandle names a resource at a VIM.
type ResourceHandle struct {
	VimConnectionId      string `json:"vimConnectionId,omitempty"`
	ResourceProviderId   string `json:"resourceProviderId,omitempty"`
	ResourceId           string `json:"resourceId"`
	VimLevelResourceType string `json:"vimLevelResourceType,omitempty"`
}

// VimConnectionInfo is how to reach a VIM. AccessInfo holds credentials: taken in requests, and masked in
// answers.
type VimConnectionInfo struct {
	VimId         string        `json:"vimId,omitempty"`
	VimType       string        `json:"vimType"`
	InterfaceInfo KeyValuePairs `json:"interfaceInfo,omitempty"`
	AccessInfo    KeyValuePairs `json:"accessInfo,omitempty"`
	Extra         KeyValuePairs `json:"extra,omitempty"`
}
