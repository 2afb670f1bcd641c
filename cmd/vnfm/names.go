package main

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/vnfm/vnfm/client"
	"github.com/vnfm/vnfm/sol"
)

// named is something that can be meant by a name.
type named struct {
	id    string
	names []string
}

// pick finds the one thing that a word means.
func pick(what, word string, all []named) (string, error) {
	ids := found(word, all)
	switch len(ids) {
	case 0:
		return "", usagef("there is no %s %q", what, word)
	case 1:
		return ids[0], nil
	}
	return "", usagef("%q means more than one %s: %s", word, what, strings.Join(ids, ", "))
}

// found are the ids of what a word means: by its id, else by a name, else by the beginning of its id.
func found(word string, all []named) []string {
	var byName, byPrefix []string
	for _, n := range all {
		switch {
		case n.id == word:
			return []string{n.id}
		case slices.Contains(n.names, word):
			byName = append(byName, n.id)
		case strings.HasPrefix(n.id, word) && len(word) >= shortest:
			byPrefix = append(byPrefix, n.id)
		}
	}
	if len(byName) > 0 {
		return byName
	}
	return byPrefix
}

// shortest is how much of an id stands for it at least.
const shortest = 4

// beginning finds the id that a word means among those of things that have no other name: by its beginning. What fits none is for the server
// to judge.
func beginning[T any](what, word string, list func() ([]T, error), id func(*T) string) (string, error) {
	if isID(word) || len(word) < shortest {
		return word, nil
	}
	all, err := list()
	if err != nil {
		return "", err
	}
	var out []named
	for i := range all {
		if id := id(&all[i]); strings.HasPrefix(id, word) {
			out = append(out, named{id: id})
		}
	}
	if len(out) == 0 {
		return word, nil
	}
	return pick(what, word, out)
}

func (s *session) parkedID(word string) (string, error) {
	return beginning("parked message", word, func() ([]sol.ParkedMessage, error) { return s.Parked(s.ctx) }, func(m *sol.ParkedMessage) string { return m.Id })
}

func (s *session) notificationID(word string) (string, error) {
	return beginning("notification", word, func() ([]sol.Notification, error) { return s.Notifications(s.ctx, "", "") }, func(n *sol.Notification) string { return n.Id })
}

func (s *session) vimID(word string) (string, error) {
	return beginning("VIM connection", word, func() ([]sol.Vim, error) { return s.Vims(s.ctx) }, func(v *sol.Vim) string { return v.Id })
}

func (s *session) managementID(word string) (string, error) {
	return beginning("management connection", word, func() ([]sol.ManagementConnection, error) { return s.ManagementConnections(s.ctx) },
		func(v *sol.ManagementConnection) string { return v.Id })
}

// isID says whether a word is a whole id, which needs no looking up where names are not ids themselves.
func isID(word string) bool { return uuid.Validate(word) == nil }

// beginsWith is a filter for ids with a beginning; "" when it is none. Behind the letters and digits of ids comes g.
func beginsWith(attribute, word string) string {
	if len(word) < shortest || strings.Trim(word, "0123456789abcdef-") != "" {
		return ""
	}
	return fmt.Sprintf("(gte,%s,%s);(lt,%s,%sg)", attribute, word, attribute, word)
}

func (s *session) packageID(word string) (string, error) {
	if isID(word) { // it may be a vnfdId, which is a UUID in most VNFDs
		if p, err := s.Package(s.ctx, word); err == nil {
			return p.Id, nil
		}
	}
	all, err := s.Packages(s.ctx, client.Query{Fields: "vnfdId,vnfProductName"})
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

// ref is a VNF, or another thing, that a command is about.
type ref struct{ id, name string }

// label is its name, else its id.
func (r ref) label() string {
	if r.name != "" {
		return r.name
	}
	return r.id
}

func labels(all []ref) []string {
	out := make([]string, len(all))
	for i := range all {
		out[i] = all[i].label()
	}
	return out
}

func (s *session) vnfID(word string) (string, error) {
	v, err := s.vnfRef(word)
	return v.id, err
}

// vnfRef finds the VNF that a word means, by what the server has an index of.
func (s *session) vnfRef(word string) (ref, error) {
	if isID(word) {
		return ref{id: word}, nil
	}
	for _, filter := range []string{"(eq,vnfInstanceName," + quotedValue(word) + ")", beginsWith("id", word)} {
		if filter == "" || word == "" {
			continue
		}
		all, err := s.Vnfs(s.ctx, client.Query{Filter: filter, Fields: "vnfInstanceName"})
		if err != nil {
			return ref{}, err //nolint:wrapcheck // of the client
		}
		if len(all) == 0 {
			continue
		}
		var out []named
		for _, v := range all {
			out = append(out, named{v.Id, []string{v.VnfInstanceName}})
		}
		id, err := pick("VNF instance", word, out)
		return ref{id, all[0].VnfInstanceName}, err
	}
	return ref{}, usagef("there is no VNF instance %q", word)
}

// vnfs is the arguments of verbs that take several VNFs.
type vnfs struct {
	Vnf   []string `arg:"" optional:"" help:"Ids or names." predictor:"vnf"`
	All   bool     `help:"All VNFs, or with --match those that match."`
	Match string   `help:"With --all: only those that match this filter, e.g. \"(cont,vnfInstanceName,test)\"; see docs/howto/query.md." placeholder:"FILTER"`
}

// chosen returns the VNFs that are meant.
func (c *vnfs) chosen(s *session) ([]ref, error) {
	switch {
	case c.All && len(c.Vnf) > 0:
		return nil, usagef("either VNFs are named, or --all says that all are meant")
	case !c.All && c.Match != "":
		return nil, usagef("--match is for --all")
	case !c.All && len(c.Vnf) == 0:
		return nil, usagef("name a <vnf>, or say --all")
	}
	var out []ref
	if c.All {
		all, err := s.Vnfs(s.ctx, client.Query{Filter: c.Match, Fields: "vnfInstanceName"})
		if err != nil {
			return nil, err //nolint:wrapcheck // of the client
		}
		for _, v := range all {
			out = append(out, ref{v.Id, v.VnfInstanceName})
		}
		return out, nil
	}
	for _, word := range c.Vnf {
		v, err := s.vnfRef(word)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// vnfcIDs finds the VNFCs of some VNFs that words mean: by the id of the VNFC, or of its machine at the VIM, or the beginning of one, or by a VDU
// that has one VNFC. What fits none is for the server to judge.
func (s *session) vnfcIDs(vnfs []ref, words []string) ([]string, error) {
	if !slices.ContainsFunc(words, func(word string) bool { return !isID(word) }) {
		return words, nil
	}
	var byID, byMachine, byVdu []named
	for _, v := range vnfs {
		vnf, err := s.Vnf(s.ctx, v.id)
		if err != nil {
			return nil, err //nolint:wrapcheck // of the client
		}
		if vnf.InstantiatedVnfInfo == nil {
			continue
		}
		for _, c := range vnf.InstantiatedVnfInfo.VnfcInfo {
			byID = append(byID, named{c.Id, nil})
			byVdu = append(byVdu, named{c.Id, []string{c.VduId}})
			for _, r := range vnf.InstantiatedVnfInfo.VnfcResourceInfo {
				if r.Id == c.VnfcResourceInfoId && len(r.ComputeResource.ResourceId) >= shortest {
					byMachine = append(byMachine, named{c.Id, []string{r.ComputeResource.ResourceId}})
				}
			}
		}
	}
	out := slices.Clone(words)
	for i, word := range words {
		machines := slices.Clone(byMachine)
		for j, m := range machines {
			if len(word) >= shortest && strings.HasPrefix(m.names[0], word) {
				machines[j].names = []string{word}
			}
		}
		for _, all := range [][]named{byID, byMachine, machines, byVdu} {
			if len(found(word, all)) == 0 {
				continue
			}
			id, err := pick("VNFC", word, all)
			if err != nil {
				return nil, err
			}
			out[i] = id
			break
		}
	}
	return out, nil
}

// vnfcID is vnfcIDs of one VNF and one word.
func (s *session) vnfcID(vnf, word string) (string, error) {
	ids, err := s.vnfcIDs([]ref{{id: vnf}}, []string{word})
	if err != nil {
		return "", err
	}
	return ids[0], nil
}

// vnfNames returns the names of VNFs by their ids.
func (s *session) vnfNames(ids []string) (map[string]string, error) {
	out := map[string]string{}
	err := chunks(ids, func(some []string) error {
		all, err := s.Vnfs(s.ctx, client.Query{Filter: in("id", some), Fields: "vnfInstanceName"})
		for _, v := range all {
			out[v.Id] = v.VnfInstanceName
		}
		return err
	})
	return out, err
}

// chunks hands out ids in parts that fit into a filter, each id once.
func chunks(ids []string, do func(some []string) error) error {
	seen := map[string]bool{}
	var part []string
	for _, id := range ids {
		if id == "" || seen[id] {
			continue
		}
		seen[id] = true
		if part = append(part, id); len(part) == 100 {
			if err := do(part); err != nil {
				return err
			}
			part = nil
		}
	}
	if len(part) == 0 {
		return nil
	}
	return do(part)
}

// opID finds the operation that a word means: by its id or its beginning, else the newest of the VNF that the word means.
func (s *session) opID(word string) (string, error) {
	if isID(word) {
		return word, nil
	}
	if filter := beginsWith("id", word); filter != "" {
		all, err := s.Ops(s.ctx, client.Query{Filter: filter, Fields: "operation"})
		if err != nil {
			return "", err //nolint:wrapcheck // of the client
		}
		if len(all) > 0 {
			out := make([]named, len(all))
			for i, o := range all {
				out[i] = named{o.Id, nil}
			}
			return pick("operation", word, out)
		}
	}
	v, err := s.vnfRef(word)
	var u *usage
	switch {
	case errors.As(err, &u) && strings.HasPrefix(u.text, "there is no"):
		return "", usagef("there is no operation %q, and no VNF of that name", word)
	case err != nil:
		return "", err
	}
	all, err := s.Ops(s.ctx, client.Query{Filter: "(eq,vnfInstanceId," + v.id + ")", Fields: "operation"})
	if err != nil {
		return "", err //nolint:wrapcheck // of the client
	}
	var newest *sol.VnfLcmOpOcc
	for i := range all {
		if newest == nil || all[i].StartTime.After(newest.StartTime) {
			newest = &all[i]
		}
	}
	if newest == nil {
		return "", usagef("the VNF %s has had no operation", v.label())
	}
	return newest.Id, nil
}

// sagaID finds the saga that a word means: that of an operation, or a cleanup by the beginning of its id.
func (s *session) sagaID(word string) (string, error) {
	id, err := s.opID(word)
	var u *usage
	if err == nil || !errors.As(err, &u) || len(word) < shortest {
		return id, err
	}
	all, sagasErr := s.Sagas(s.ctx, "", "")
	if sagasErr != nil {
		return "", err
	}
	out := make([]named, len(all))
	for i := range all {
		out[i] = named{id: all[i].Id}
	}
	if id, pickErr := pick("saga", word, out); pickErr == nil {
		return id, nil
	}
	return "", err
}

// forbidden says that the server does not let this caller see something: whoever may not see it sees the rest.
func forbidden(err error) bool {
	var e *client.Error
	return errors.As(err, &e) && (e.Status == http.StatusForbidden || e.Status == http.StatusNotFound)
}
