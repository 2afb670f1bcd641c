package main

import (
	"strings"

	"github.com/google/uuid"

	"github.com/vnfm/vnfm/sol"
)

// named is something that can be meant by a name.
type named struct {
	id    string
	names []string
}

// pick finds the one thing that a word means: by its id, else by a name, else by the beginning of its id.
func pick(what, word string, all []named) (string, error) {
	var byName, byPrefix []string
	for _, n := range all {
		if n.id == word {
			return n.id, nil
		}
		for _, name := range n.names {
			if name == word {
				byName = append(byName, n.id)
				break
			}
		}
		if strings.HasPrefix(n.id, word) && len(word) >= 4 {
			byPrefix = append(byPrefix, n.id)
		}
	}
	found := byName
	if len(found) == 0 {
		found = byPrefix
	}
	switch len(found) {
	case 0:
		return "", usagef("there is no %s %q", what, word)
	case 1:
		return found[0], nil
	}
	return "", usagef("%q means more than one %s: %s", word, what, strings.Join(found, ", "))
}

// isID says whether a word is a whole id, which needs no looking up where names are not ids themselves.
func isID(word string) bool { return uuid.Validate(word) == nil }

func (s *session) packageID(word string) (string, error) {
	all, err := s.Packages(s.ctx)
	if err != nil {
		return "", err //nolint:wrapcheck // of the client
	}
	return pick("package", word, packageNames(all))
}

func packageNames(all []sol.VnfPkgInfo) []named {
	var out []named
	for _, p := range all {
		out = append(out, named{p.Id, []string{p.VnfdId, p.VnfProductName}})
	}
	return out
}

func (s *session) vnfID(word string) (string, error) {
	if isID(word) {
		return word, nil
	}
	all, err := s.Vnfs(s.ctx)
	if err != nil {
		return "", err //nolint:wrapcheck // of the client
	}
	var out []named
	for _, v := range all {
		out = append(out, named{v.Id, []string{v.VnfInstanceName}})
	}
	return pick("VNF instance", word, out)
}

func (s *session) opID(word string) (string, error) {
	if isID(word) {
		return word, nil
	}
	all, err := s.Ops(s.ctx)
	if err != nil {
		return "", err //nolint:wrapcheck // of the client
	}
	var out []named
	for _, o := range all {
		out = append(out, named{o.Id, nil})
	}
	return pick("operation", word, out)
}
