package csar

import "github.com/vnfm/vnfm/vnfd"

// Options says how a package is read.
type Options struct {
	Strict bool // findings reject the package, too
	Limits vnfd.Limits
}

// Package is what reading a CSAR yields.
type Package struct {
	Descriptor *vnfd.Descriptor  `json:"descriptor"`
	Findings   []vnfd.Finding    `json:"findings"`
	Entry      string            `json:"entry"`              // path of the entry definition
	Files      []File            `json:"files"`              // in the archive's order
	Manifest   map[string]string `json:"manifest,omitempty"` // metadata of the .mf file, when there is one
}

// File is one file of a package.
type File struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	Listed bool   `json:"listed,omitempty"` // its hash was listed, and checked
}
