package csar

import (
	"crypto/x509"
	"io"
	"time"

	"github.com/vnfm/vnfm/vnfd"
)

// Options says how a package is read.
type Options struct {
	Strict bool // findings reject the package, too
	Limits vnfd.Limits
	// MaxVnfcs bounds the VNFCs of a VNF (the setting max-vnfcs-per-vnf); 0 means 4,000.
	MaxVnfcs int
	// Signatures says what is done with signatures; the zero value verifies nothing.
	Signatures Signatures
	// Stop is asked now and then and returns an error when reading must end: a *vnfd.Error when that is the package's fault.
	Stop func() error
	// Spool puts content where it can be read anywhere, until it is closed: a CSAR in an archive that compresses it once more.
	// nil: it is held in memory.
	Spool func(io.Reader) (Spooled, error)
}

// Spooled is content that can be read anywhere.
type Spooled interface {
	io.ReaderAt
	io.Closer
}

// Signatures says what is done with the signatures of a package (SOL004 §5).
type Signatures struct {
	Mode  Mode
	Roots *x509.CertPool // certificates must lead to one of these; nil: none is trusted
	At    time.Time      // when certificates must be valid
}

// Mode is how much signatures matter.
type Mode string

// The modes. In all but Off a signature of something else than what is in the package is an error.
const (
	Off     Mode = "off"     // nothing is verified
	Report  Mode = "report"  // what is wrong with the signer is a finding
	Require Mode = "require" // every package is signed by whom the roots trust, and every file of it
)

// Package is what reading a CSAR yields.
type Package struct {
	Descriptor *vnfd.Descriptor  `json:"descriptor"`
	Findings   []vnfd.Finding    `json:"findings"`
	Entry      string            `json:"entry"`              // path of the entry definition
	Files      []File            `json:"files"`              // in the archive's order
	Manifest   map[string]string `json:"manifest,omitempty"` // metadata of the .mf file, when there is one
	Signature  *Signature        `json:"signature,omitempty"`
}

// File is one file of a package.
type File struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	Listed bool   `json:"listed,omitempty"` // its hash was listed, and checked
	Role   Role   `json:"role,omitempty"`
	Set    string `json:"set,omitempty"` // the non-MANO artifact set it belongs to (SOL004 §4.3.7)
	Class  Class  `json:"class,omitempty"`
	// Signature and Certificate are the files that sign this one, when it has such of its own.
	Signature   string `json:"signature,omitempty"`
	Certificate string `json:"certificate,omitempty"`
}

// Role is what a file is to its package.
type Role string

// The roles.
const (
	RoleArtifact   Role = ""           // any other: scripts, images, licences, tests
	RoleMeta       Role = "meta"       // TOSCA.meta
	RoleManifest   Role = "manifest"   // the manifest
	RoleDefinition Role = "definition" // part of the VNFD
	RoleSignature  Role = "signature"  // a signature or a certificate
)

// Class is the special kind of an artifact (SOL003 v3.7.1 §10.5.3.3).
type Class string

// The classes.
const (
	ClassHistory Class = "HISTORY"
	ClassTesting Class = "TESTING"
	ClassLicense Class = "LICENSE"
)

// Signature is the verified signature of a whole package.
type Signature struct {
	Option      string    `json:"option"` // OPTION_1: the manifest is signed; OPTION_2: the CSAR is
	Subject     string    `json:"subject"`
	Issuer      string    `json:"issuer"`
	Serial      string    `json:"serial"`      // hex
	Fingerprint string    `json:"fingerprint"` // SHA-256 of the certificate, hex
	NotAfter    time.Time `json:"notAfter"`
	// Trusted says that the certificate led to a configured root and was valid when the package was read.
	Trusted bool `json:"trusted"`
	// Certificate is the file of the certificate when the package brings it in one of its own (SOL003 v3.7.1 §10.5.2.2).
	Certificate string `json:"certificate,omitempty"`
}
