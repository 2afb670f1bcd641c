package vnf_test

import (
	"slices"
	"testing"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/vnf"
)

func started() *vnf.OpStarted {
	return &vnf.OpStarted{
		ID: "o", VnfID: "v", Operation: vnf.OpInstantiate, Number: 1, Policy: "rollback", Actor: "alice",
		Planned: []vnf.PlannedStep{
			{Step: "networks", ID: "n", Kind: "network", Name: "fw-n"}, {Step: "ports", ID: "p", Kind: "port", Name: "fw-p"},
			{Step: "computes", ID: "c", Kind: "compute", Name: "fw-c"},
		},
	}
}

func network() *vnf.ResourceReserved {
	return &vnf.ResourceReserved{ID: "n", Link: &vnf.AffectedLink{ID: "n", LinkID: "VL", Change: vnf.Added}}
}

func port() *vnf.ResourceReserved {
	return &vnf.ResourceReserved{ID: "p", Link: &vnf.AffectedLink{ID: "n", LinkID: "VL", Change: vnf.LinkPortAdded, PortIDs: []string{"p"}}}
}

func compute() *vnf.ResourceReserved {
	return &vnf.ResourceReserved{ID: "c", Vnfc: &vnf.AffectedVnfc{ID: "c", VduID: "VDU", Change: vnf.Added}}
}

func op(events ...vnf.OpEvent) *vnf.OpOcc {
	o := &vnf.OpOcc{}
	for i, e := range events {
		o.Apply(e, now.Add(time.Duration(i)*time.Second))
	}
	return o
}

func TestOpOccStarts(t *testing.T) {
	o := op(started())
	if o.State != vnf.Starting || !o.Started.Equal(now) || !o.StateEntered.Equal(now) || o.Policy != "rollback" || o.Progress.Len() != 3 ||
		o.Progress.At(0).State != vnf.ProgressPending || o.Version != 1 {
		t.Errorf("%+v", o)
	}
	m := started()
	m.Operation = vnf.OpModifyInfo
	if o := op(m); o.State != vnf.Processing {
		t.Errorf("MODIFY_INFO begins in %s", o.State)
	}
	if _, err := o.Process(vnf.StartOperation{Started: *started()}); vnfm.KindOf(err) != vnfm.Conflict {
		t.Errorf("started twice: %v", err)
	}
	if _, err := (&vnf.OpOcc{}).Process(vnf.HandleError{Task: vnf.TriggerFail}); vnfm.KindOf(err) != vnfm.NotFound {
		t.Errorf("no such occurrence: %v", err)
	}
}

func TestOpOccTimes(t *testing.T) {
	o := op(started(), &vnf.OpGranted{}, network(), &vnf.OpCompleted{})
	if !o.Started.Equal(now) || !o.StateEntered.Equal(now.Add(3*time.Second)) || !o.Ended.Equal(now.Add(3*time.Second)) {
		t.Errorf("%s %s %s", o.Started, o.StateEntered, o.Ended)
	}
	if o := op(started(), &vnf.OpGranted{}, &vnf.OpFailedTemporarily{}); !o.Ended.IsZero() {
		t.Error("FAILED_TEMP is no end")
	}
}

func TestOpOccError(t *testing.T) {
	problem := vnf.Problem{Title: "t", Status: 500, Detail: "d"}
	failed := []vnf.OpEvent{started(), &vnf.OpGranted{}, &vnf.OpFailedTemporarily{Error: problem}}
	for name, tt := range map[string]struct {
		then []vnf.OpEvent
		want bool
	}{
		"FAILED_TEMP":              {nil, true},
		"PROCESSING after a retry": {[]vnf.OpEvent{&vnf.OpRetried{}}, true},
		"COMPLETED":                {[]vnf.OpEvent{&vnf.OpRetried{}, &vnf.OpCompleted{}}, false},
		"ROLLED_BACK":              {[]vnf.OpEvent{&vnf.OpRollbackBegun{}, &vnf.OpRolledBack{}}, true},
		"FAILED":                   {[]vnf.OpEvent{&vnf.OpFailed{}}, true},
	} {
		if o := op(slices.Concat(failed, tt.then)...); (o.Error != nil) != tt.want {
			t.Errorf("%s: error %+v", name, o.Error)
		}
	}
}

// A pending cancel is there from the request until it takes effect or comes too late.
func TestOpOccCancelPending(t *testing.T) {
	cancelled := []vnf.OpEvent{started(), &vnf.OpCancelRequested{Mode: "GRACEFUL"}}
	for name, tt := range map[string]struct {
		then []vnf.OpEvent
		want bool
	}{
		"STARTING":    {nil, true},
		"PROCESSING":  {[]vnf.OpEvent{&vnf.OpGranted{}}, true},
		"ROLLED_BACK": {[]vnf.OpEvent{&vnf.OpRefused{}}, false},
		"FAILED_TEMP": {[]vnf.OpEvent{&vnf.OpGranted{}, &vnf.OpFailedTemporarily{}}, false},
		"COMPLETED":   {[]vnf.OpEvent{&vnf.OpGranted{}, &vnf.OpCompleted{}}, false},
	} {
		o := op(slices.Concat(cancelled, tt.then)...)
		if o.CancelPending != tt.want || (o.CancelMode != "") != tt.want {
			t.Errorf("%s: %v %q", name, o.CancelPending, o.CancelMode)
		}
	}
	o := op(cancelled...)
	if e, err := o.Process(vnf.HandleError{Task: vnf.TriggerCancel, Mode: "FORCEFUL"}); err != nil || len(e) != 1 {
		t.Errorf("FORCEFUL after GRACEFUL: %v %v", e, err)
	}
	if _, err := o.Process(vnf.HandleError{Task: vnf.TriggerCancel, Mode: "SOFT"}); vnfm.KindOf(err) != vnfm.Invalid {
		t.Errorf("mode SOFT: %v", err)
	}
}

// resourceChanges are cumulative and true in every state: what is undone disappears.
func TestOpOccChanges(t *testing.T) {
	begun := []vnf.OpEvent{started(), &vnf.OpGranted{}, network(), port(), compute()}
	o := op(begun...)
	if c := o.Changes; c.Links.Len() != 1 || !slices.Equal(c.Links.At(0).PortIDs, []string{"p"}) || c.Vnfcs.Len() != 1 {
		t.Errorf("%s", show(c))
	}
	before := show(o)
	p := *o
	for _, e := range []vnf.OpEvent{&vnf.OpFailedTemporarily{}, &vnf.OpRollbackBegun{}, &vnf.ResourceUndone{ID: "c"}, &vnf.ResourceUndone{ID: "p"}} {
		p.Apply(e, now)
	}
	if c := p.Changes; c.Vnfcs.Len() != 0 || c.Links.Len() != 1 || len(c.Links.At(0).PortIDs) != 0 {
		t.Errorf("half undone: %s", show(c))
	}
	p.Apply(&vnf.ResourceUndone{ID: "n"}, now)
	p.Apply(&vnf.OpRolledBack{}, now)
	if show(p.Changes) != "{}" {
		t.Errorf("undone: %s", show(p.Changes))
	}
	if show(o) != before {
		t.Error("Apply changed what the state before shares")
	}
}

// Ports of a link that was not added have an entry of their own; those of a link that goes join its entry.
func TestOpOccChangesOfLinkPorts(t *testing.T) {
	o := op(started(), &vnf.OpGranted{}, port())
	if c := o.Changes; c.Links.Len() != 1 || c.Links.At(0).Change != vnf.LinkPortAdded {
		t.Errorf("%s", show(c))
	}
	o.Apply(&vnf.ResourceUndone{ID: "p"}, now)
	if o.Changes.Links.Len() != 0 {
		t.Errorf("%s", show(o.Changes))
	}
	gone := func(id string) *vnf.ResourceReleased {
		return &vnf.ResourceReleased{ID: id, Link: &vnf.AffectedLink{ID: "n", Change: vnf.LinkPortRemoved, PortIDs: []string{id}}}
	}
	o = op(started(), &vnf.OpGranted{}, gone("p1"), gone("p2"), &vnf.ResourceReleased{ID: "n", Link: &vnf.AffectedLink{ID: "n", Change: vnf.Removed}})
	if c := o.Changes; c.Links.Len() != 1 || c.Links.At(0).Change != vnf.Removed || !slices.Equal(c.Links.At(0).PortIDs, []string{"p1", "p2"}) {
		t.Errorf("%s", show(c))
	}
}

func TestOpOccProgress(t *testing.T) {
	o := op(started(), &vnf.OpGranted{})
	report := func(p ...vnf.ProgressMade) []vnf.OpEvent {
		t.Helper()
		events, err := o.Process(vnf.ReportProgress{Items: p})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			o.Apply(e, now.Add(time.Minute))
		}
		return events
	}
	running := vnf.ProgressMade{Step: "networks", ID: "n", State: vnf.ProgressRunning, Attempt: 1}
	if e := report(running); len(e) != 1 {
		t.Errorf("%d events", len(e))
	}
	if e := report(running); len(e) != 0 {
		t.Errorf("what is known is an event again: %s", show(e))
	}
	again := running
	again.Attempt, again.Reason = 2, "busy"
	report(again)
	if p := o.Progress.At(0); p.Attempt != 2 || p.Reason != "busy" || !p.Began.Equal(now.Add(time.Minute)) || !p.Ended.IsZero() {
		t.Errorf("%+v", p)
	}
	o.Apply(network(), now.Add(time.Hour))
	if p := o.Progress.At(0); p.State != vnf.ProgressDone || p.Attempt != 2 || p.Reason != "" || !p.Ended.Equal(now.Add(time.Hour)) {
		t.Errorf("%+v", p)
	}
	report(vnf.ProgressMade{Step: "server-groups", ID: "g", State: vnf.ProgressRunning, Kind: "server-group", Name: "fw-g"})
	if p := o.Progress.At(3); p.Name != "fw-g" || p.State != vnf.ProgressRunning {
		t.Errorf("an entry that was not planned: %+v", p)
	}
}
