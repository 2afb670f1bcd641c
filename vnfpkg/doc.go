// Package vnfpkg is VNF packages: the aggregate of one package, the use cases that create, fill, change and delete it,
// and the processor that reads what was uploaded.
//
// # A package's life
//
//	CREATED ──upload──▶ UPLOADING ──all received──▶ PROCESSING ──read──▶ ONBOARDED (ENABLED ⇄ DISABLED)
//	   ▲                 │    ▲                        │
//	   │       broken off│    │another upload          │rejected
//	   │                 ▼    │                        ▼
//	   └──(never)       ERROR ◀────────────────────────┘
//
// It owns the streams pkg-<id>, the views of kind vnf_package and three kinds of blobs: the content of each upload, under a
// key of its own that the upload's first event records, beside it the listing of its files, and descriptors, under their digest.
// The content comes from a client, or from an address that a client names (Fetcher): what that needs to be asked is sealed in a row of
// eventstore.TableSecrets, written and deleted with the events that begin and end the fetching.
//
// It promises: content is read only after the commit that says it is complete, outside of any commit; a crash at any
// point leaves a package that goes on (the processor picks up PROCESSING, a new upload supersedes a broken one) and no
// blob that no event names; a vnfdId belongs to one package. Descriptors are never deleted, because events of instances
// name them for ever.
//
// It must not know HTTP, a database or what instances do with descriptors.
package vnfpkg
