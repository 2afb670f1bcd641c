package vnfd

import (
	"reflect"
	"strconv"
)

// Limits bound what reading a package may cost, and how large a descriptor may be. A zero field means its default. They are
// met while reading, on what is really read, never on what the archive's headers claim. Each is the setting
// package-max-<name>, and what exceeds it names that setting.
type Limits struct {
	Files           int   `default:"10000" help:"Entries of a package's archive."`
	NameBytes       int   `default:"1024" help:"Length of a file's name in a package, with its folders, in bytes."`
	NameDepth       int   `default:"32" help:"Folders in a file's name in a package."`
	TotalBytes      int64 `default:"17179869184" help:"All files of a package together, expanded, in bytes."`
	Ratio           int64 `default:"200" help:"Expanded size of a package to the size of its archive, judged beyond the first 16 MiB."`
	NestedBytes     int64 `default:"4294967296" help:"The CSAR inside a package that is signed as a whole, in bytes; it is spooled to a temporary file when it is compressed once more."`
	Listed          int   `default:"20000" help:"Files that a package's TOSCA.meta and manifest list, together."`
	Signatures      int   `default:"1000" help:"Signatures in a package."`
	SignatureBytes  int64 `default:"65536" help:"One signature or certificate file in a package, in bytes."`
	DefinitionBytes int64 `default:"4194304" help:"One definition, TOSCA.meta or manifest in a package, in bytes."`
	BootBytes       int64 `default:"262144" help:"One file of boot data in a package, in bytes."`

	Definitions int `default:"200" help:"Definition files that a package's entry imports, and those they import."`
	Values      int `default:"300000" help:"YAML values of all definitions of a package together, aliases expanded, and what is made of them; 32 bytes of text count as one more."`
	Depth       int `default:"64" help:"Nesting of one definition of a package, of imports, and of functions."`
	TypeChain   int `default:"64" help:"Types that derive one from the other."`
	Identifier  int `default:"255" help:"Length of a name or id in a descriptor, in bytes."`

	Managers      int `default:"100" help:"Entries of a VNFD's vnfm_info, and its languages."`
	Flavours      int `default:"50" help:"Deployment flavours of a VNFD."`
	NodeTemplates int `default:"2000" help:"Node templates of one flavour."`
	Vdus          int `default:"500" help:"VDUs of one flavour."`
	Policies      int `default:"2000" help:"Policies of one flavour, and groups, too."`
	GroupDepth    int `default:"8" help:"Groups inside groups."`
	Aspects       int `default:"200" help:"Scaling aspects of one flavour."`
	Steps         int `default:"1000" help:"Steps of one scaling aspect, its highest scale level."`
	Deltas        int `default:"1000" help:"Deltas of one scaling aspect."`
	Levels        int `default:"200" help:"Instantiation levels of one flavour."`
	Images        int `default:"500" help:"Software images of a VNFD."`
	Scripts       int `default:"200" help:"Scripts bound to operations of one flavour."`
	Coordinations int `default:"50" help:"Coordination actions of one operation of one flavour."`
	Monitoring    int `default:"1000" help:"Monitoring parameters of one flavour."`
	Addresses     int `default:"100" help:"Subnets of one virtual link, and fixed addresses of one connection point."`
	SecurityRules int `default:"100" help:"Rules of security groups for one connection point."`
	Properties    int `default:"1000" help:"Properties that a VNFD declares for instances: configurable ones, extensions and metadata, each."`
	Variables     int `default:"1000" help:"Variables in the boot data of one VDU."`

	Findings int `default:"100" help:"Findings kept with a package; and as many reasons to reject one are reported."`
}

// WithDefaults returns the limits with each zero field replaced by its default.
func (l Limits) WithDefaults() Limits {
	v := reflect.ValueOf(&l).Elem()
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			n, err := strconv.ParseInt(v.Type().Field(i).Tag.Get("default"), 10, 64)
			if err != nil {
				panic(err) // our own tag
			}
			v.Field(i).SetInt(n)
		}
	}
	return l
}

// The limits on what an operation makes of a descriptor. They bind requests, too, so they are settings of their own.
const (
	// LimitVnfcs bounds the VNFCs of a VNF.
	LimitVnfcs = "max-vnfcs-per-vnf"
	// LimitResources bounds the resources of an operation.
	LimitResources = "max-resources-per-operation"
)

// limitPrefix begins the names of the settings that Limits holds.
const limitPrefix = "package-max-"
