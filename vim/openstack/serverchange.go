package openstack

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// change does what can be done now to bring a server to a specification. What Nova does by and by is waited for by polls: a server that
// is busy is not ready, and one that is ready at a lower revision is changed again. The metadata, and the revision with it, is put last.
func (servers) change(ctx context.Context, c call, it *item, r vim.ChangeRequest) (vim.Resource, error) {
	s := it.doc.(serverDoc) //nolint:forcetypeassert // get puts it there
	to := r.To.Compute
	if boots(r.From.Compute) != boots(to) {
		return vim.Resource{}, c.fail(message.Permanent, "the volume that a server boots from cannot be changed")
	}
	waits := it.Resource
	waits.Ready = false
	if s.Task != "" || !it.Ready && !s.toStop() {
		return waits, nil
	}
	if s.Name != fitting(r.To.Name, maxName) {
		in := object{"server": object{"name": fitting(r.To.Name, maxName)}}
		if err := c.put(ctx, compute, "servers/"+escaped(s.ID), in, nil); err != nil {
			return vim.Resource{}, err
		}
		waits.Name = fitting(r.To.Name, maxName)
	}
	if s.Metadata[keyOff] != "" && !to.Off() { // else a poll would stop it again
		if err := c.put(ctx, compute, "servers/"+escaped(s.ID)+"/metadata", object{"metadata": without(s.Metadata, keyOff)}, nil); err != nil {
			return vim.Resource{}, err
		}
	}
	for _, step := range []func(context.Context, *serverDoc, *vim.ComputeSpec) (begun bool, err error){c.confirm, c.wire, c.attach, c.resizeFrom(r.From.Compute), c.rebuildFrom(r.From.Compute), c.switched} {
		if begun, err := step(ctx, &s, to); err != nil || begun {
			return waits, err
		}
	}
	meta := metadata(to, marks{it.Token, it.Owner, r.Revision})
	for _, k := range []string{keyOf, keyImage} { // where it came from does not change
		if v := s.Metadata[k]; v != "" {
			meta[k] = v
		}
	}
	if err := c.put(ctx, compute, "servers/"+escaped(s.ID)+"/metadata", object{"metadata": meta}, nil); err != nil {
		return vim.Resource{}, err
	}
	out := waits
	out.Ready, out.Revision = true, r.Revision
	return out, nil
}

// without returns metadata that lacks a key.
func without(m map[string]string, key string) map[string]string {
	out := maps.Clone(m)
	delete(out, key)
	return out
}

// boots is the volume that a machine boots from; "" when it has a disk of its own.
func boots(spec *vim.ComputeSpec) string {
	if spec != nil && spec.Image == "" && spec.Snapshot == "" {
		for _, v := range spec.Volumes {
			if v.Boot {
				return v.ID
			}
		}
	}
	return ""
}

// confirm ends a change of the flavour: without it Nova keeps the room of both.
func (c call) confirm(ctx context.Context, s *serverDoc, _ *vim.ComputeSpec) (bool, error) {
	if s.Status != resized {
		return false, nil
	}
	err := ongoing(c.act(ctx, s.ID, object{"confirmResize": nil}))
	if err != nil && strings.Contains(err.Error(), "has not been resized") { // it is being confirmed
		err = nil
	}
	return true, err
}

// ongoing takes the answer that something is under way already for what it is.
func ongoing(err error) error {
	if class := vim.ClassOf(err); class == message.Transient || class == message.NotFound {
		return nil
	}
	return err
}

// wire makes the server have the ports it is to have.
func (c call) wire(ctx context.Context, s *serverDoc, to *vim.ComputeSpec) (bool, error) {
	var page struct{ Ports []portDoc }
	if err := c.get(ctx, network, "ports", url.Values{"device_id": {s.ID}, "fields": {"id", "device_id", "device_owner"}}, &page); err != nil {
		return false, err
	}
	begun := false
	var has []string
	for _, p := range page.Ports {
		if p.Role == roleSubPort { // it hangs on a trunk
			continue
		}
		if has = append(has, p.ID); slices.Contains(to.Ports, p.ID) {
			continue
		}
		if err := ongoing(c.do(ctx, compute, http.MethodDelete, "servers/"+escaped(s.ID)+"/os-interface/"+escaped(p.ID), nil, nil)); err != nil {
			return false, err
		}
		begun = true
	}
	for _, p := range to.Ports {
		if slices.Contains(has, p) {
			continue
		}
		in := object{"interfaceAttachment": object{"port_id": p}}
		if err := c.post(ctx, compute, "servers/"+escaped(s.ID)+"/os-interface", in, &object{}); err != nil {
			return false, err
		}
		begun = true
	}
	return begun, nil
}

// attach makes the server have the volumes it is to have.
func (c call) attach(ctx context.Context, s *serverDoc, to *vim.ComputeSpec) (bool, error) {
	wanted := map[ref]bool{}
	for _, v := range to.Volumes {
		wanted[ref(v.ID)] = true
	}
	at := "servers/" + escaped(s.ID) + "/os-volume_attachments"
	begun := false
	for _, v := range s.Volumes {
		if wanted[v] {
			delete(wanted, v)
			continue
		}
		if err := ongoing(c.do(ctx, compute, http.MethodDelete, at+"/"+escaped(string(v)), nil, nil)); err != nil {
			return false, err
		}
		begun = true
	}
	for _, v := range to.Volumes {
		if !wanted[ref(v.ID)] {
			continue
		}
		if err := c.post(ctx, compute, at, object{"volumeAttachment": object{"volumeId": v.ID}}, &object{}); err != nil {
			return false, err
		}
		begun = true
	}
	return begun, nil
}

// A server keeps what its image and its flavour were. Where these are there no more, and others of the VNF's own took their place, nothing else is wanted of the server: it is asked for
// as it was.
func (c call) resizeFrom(from *vim.ComputeSpec) func(context.Context, *serverDoc, *vim.ComputeSpec) (bool, error) {
	return func(ctx context.Context, s *serverDoc, to *vim.ComputeSpec) (bool, error) {
		if string(s.Flavour) == to.Flavour {
			return false, nil
		}
		if from != nil && from.Flavour == to.Flavour && strings.HasPrefix(to.Flavour, idFlavour) {
			if gone, err := c.lost(ctx, compute, "flavors/"+escaped(string(s.Flavour))); gone || err != nil {
				return false, err
			}
		}
		return c.resize(ctx, s, to)
	}
}

func (c call) rebuildFrom(from *vim.ComputeSpec) func(context.Context, *serverDoc, *vim.ComputeSpec) (bool, error) {
	return func(ctx context.Context, s *serverDoc, to *vim.ComputeSpec) (bool, error) {
		if to.Image == "" || s.image() == to.Image {
			return false, nil
		}
		if from != nil && from.Image == to.Image && s.image() != "" {
			if gone, err := c.lost(ctx, image, "images/"+escaped(s.image())); gone || err != nil {
				return false, err
			}
		}
		return c.rebuild(ctx, s, to)
	}
}

// lost reports whether something is not there any more.
func (c call) lost(ctx context.Context, s *service, path string) (bool, error) {
	err := c.get(ctx, s, path, nil, &object{})
	if vim.ClassOf(err) == message.NotFound {
		return true, nil
	}
	return false, err
}

// resize changes the flavour.
func (c call) resize(ctx context.Context, s *serverDoc, to *vim.ComputeSpec) (bool, error) {
	return true, c.act(ctx, s.ID, object{"resize": object{"flavorRef": to.Flavour}})
}

// rebuild changes the image.
func (c call) rebuild(ctx context.Context, s *serverDoc, to *vim.ComputeSpec) (bool, error) {
	return true, c.act(ctx, s.ID, object{"rebuild": object{"imageRef": to.Image}})
}

// switched turns the server on or off. Nova has one way to stop a guest: it asks it to, and turns it off when it has not stopped within
// the time that the site or the image gives it (shutdown_timeout). No request shortens that.
func (c call) switched(ctx context.Context, s *serverDoc, to *vim.ComputeSpec) (bool, error) {
	switch {
	case to.Off() && s.Status == active:
		return true, c.act(ctx, s.ID, object{"os-stop": nil})
	case !to.Off() && s.Status == shutoff:
		return true, c.act(ctx, s.ID, object{"os-start": nil})
	case s.Status != active && s.Status != shutoff:
		return false, c.fail(message.Permanent, "the server is in the status "+s.Status+", into which somebody else has brought it")
	}
	return false, nil
}
