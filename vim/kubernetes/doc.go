// Package kubernetes drives a Kubernetes cluster. A unit is one object of any kind, custom ones too; pods are observed, and
// never made; they are deleted to be made again, and where a StatefulSet would wait for one for ever.
//
// It promises what vim.Driver wants by three things. A marker, a ConfigMap named after the token, leads from a token to its
// object, so that nothing is looked for by lists. An object is made by a create, which tells whether somebody was there
// first, and changed by server-side apply, which tells whose field a change would take. And revision, owner and token are on
// the object in the call that makes or changes it. ADR 22 says why.
//
// It must not read a manifest from anywhere but the request.
package kubernetes
