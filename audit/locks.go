package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vnf"
)

// lookAtLocks looks for VNFs that are locked by what has ended or is missing: nothing will free them.
func (l *look) lookAtLocks(ctx context.Context) error {
	return l.eachVnf(ctx, func(v eventstore.View, in vnf.Instance) error { return l.lookAtLock(ctx, v, in) })
}

// eachVnf reads the record of every VNF.
func (l *look) eachVnf(ctx context.Context, each func(v eventstore.View, in vnf.Instance) error) error {
	return pages(func(after string, limit int) ([]eventstore.View, error) {
		return l.cfg.Shown.Views(ctx, eventstore.ViewQuery{Kind: readmodel.KindVnf, After: after, Limit: limit})
	}, func(v eventstore.View) string { return v.ID }, func(v eventstore.View) error {
		var in vnf.Instance
		if err := json.Unmarshal(v.Doc, &in); err != nil {
			return fmt.Errorf("view of VNF %s: %w", v.ID, err)
		}
		return each(v, in)
	})
}

// lookAtLock looks at what one VNF is locked by, unless the VNF moves. What ends frees its VNF in the same commit.
func (l *look) lookAtLock(ctx context.Context, v eventstore.View, in vnf.Instance) error {
	if in.Operation == "" && in.Cleanup == "" {
		return nil
	}
	self := eventstore.ViewRef{Kind: readmodel.KindVnf, ID: v.ID}
	op := eventstore.ViewRef{Kind: readmodel.KindOpOcc, ID: in.Operation}
	loaded, err := l.cfg.Main.Load(ctx, eventstore.Load{Views: []eventstore.ViewRef{self, op}, Sagas: []eventstore.SagaFrom{{ID: in.Cleanup}}})
	if err != nil {
		return err
	}
	if now := loaded.Views[self]; now == nil || now.Revision != v.Revision {
		return nil // it moves
	}
	locked := func(by, state string) {
		l.found(Finding{
			Check: VnfLocked, Where: by, Vnf: v.ID, Since: v.Updated, version: strconv.FormatInt(v.Revision, 10),
			What: "the VNF is locked by it, and it " + state,
			Do:   "No operation can begin on the VNF. Compare the views with the events (vnfmd rebuild --check) and write them anew when they differ; else report it with the instance's events.",
		})
	}
	if in.Operation != "" {
		switch view := loaded.Views[op]; {
		case view == nil:
			locked("operation "+in.Operation, "is not there")
		case vnf.OpState(view.State).Final():
			locked("operation "+in.Operation, "is "+view.State)
		}
	}
	if in.Cleanup != "" {
		switch row := loaded.Sagas[in.Cleanup]; {
		case row == nil:
			locked("cleanup saga "+in.Cleanup, "is not there")
		case saga.State(row.State).Final():
			locked("cleanup saga "+in.Cleanup, "is "+row.State)
		}
	}
	return nil
}
