package nfvo

// PackageInfo is what an orchestrator says of a VNF package of its own (SOL003 v3.7.1 §10.5.2.2, VnfPkgInfo).
type PackageInfo struct {
	ID        string // the orchestrator's, unlike any other package's it ever had
	VnfdID    string
	Onboarded bool
	Enabled   bool
}
