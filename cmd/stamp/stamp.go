// Package stamp knows which version of the sources a program was built of. It knows no other package.
package stamp

import "runtime/debug"

// version is what a build gave the program (make build); "": it says itself what it was built of.
var version string

// Version is the version that a build gave the program, else the module's, or the commit that it was built of.
func Version() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return "devel"
}
