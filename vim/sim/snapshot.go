package sim

import (
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// snapshot checks what a snapshot is taken of: one compute or one volume, which stands. It outlives that, as an image does.
func (s *Sim) snapshot(c call, h *held) *vim.Error {
	spec := h.Spec.Snapshot
	kind, id := vim.Compute, spec.Compute
	if spec.Volume != "" {
		kind, id = vim.Volume, spec.Volume
	}
	if (spec.Compute == "") == (spec.Volume == "") {
		return c.fail(message.Permanent, "a snapshot is of a compute or of a volume")
	}
	of, err := s.need(c, h.Vim, kind, id)
	if err != nil {
		return err
	}
	if of != nil {
		h.Resource.Zone = of.Resource.Zone
	}
	return nil
}

// made checks the snapshot that something is made of, if any: it is there, and of the right kind.
func (s *Sim) made(c call, vimID, snapshot string, ofVolume bool) *vim.Error {
	if snapshot == "" {
		return nil
	}
	from, err := s.need(c, vimID, vim.Snapshot, snapshot)
	switch {
	case err != nil:
		return err
	case from != nil && (from.Spec.Snapshot.Volume != "") != ofVolume:
		return c.fail(message.Permanent, "the snapshot "+snapshot+" is of something else")
	}
	return nil
}
