package vnfpkg_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfpkg"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Given events.
var (
	created    = &vnfpkg.Created{ID: "p1"}
	uploading  = &vnfpkg.UploadBegun{Upload: "u1", Blob: "b1"}
	uploading2 = &vnfpkg.UploadBegun{Upload: "u2", Blob: "b2"}
	uploaded   = &vnfpkg.ContentUploaded{Upload: "u1", SHA256: "00", Size: 2}
	onboarded  = &vnfpkg.Onboarded{Upload: "u1", VnfdID: "v1", DescriptorDigest: "d1"}
	rejected   = &vnfpkg.OnboardingFailed{Upload: "u1", Detail: "no good", Reasons: []vnfd.Error{{Rule: "not-a-zip"}}}
	brokenOff  = &vnfpkg.UploadFailed{Upload: "u1", Reason: "gone"}
	disabled   = &vnfpkg.OperationalStateChanged{State: vnfpkg.Disabled}
	deleted    = &vnfpkg.Deleted{}
)

func TestProcess(t *testing.T) {
	t.Parallel()
	type events = []aggregate.Event
	raw := func(pairs ...string) map[string]json.RawMessage {
		m := map[string]json.RawMessage{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = json.RawMessage(pairs[i+1])
		}
		return m
	}
	for name, tt := range map[string]struct {
		given events
		when  vnfpkg.Command
		then  events
		kind  vnfm.Kind
	}{
		"create":                                        {nil, vnfpkg.Create{ID: "p1"}, events{created}, ""},
		"create twice":                                  {events{created}, vnfpkg.Create{ID: "p1"}, nil, vnfm.Conflict},
		"upload to nothing":                             {nil, vnfpkg.BeginUpload{Upload: "u1", Blob: "b1"}, nil, vnfm.NotFound},
		"upload":                                        {events{created}, vnfpkg.BeginUpload{Upload: "u1", Blob: "b1"}, events{uploading}, ""},
		"another upload supersedes":                     {events{created, uploading}, vnfpkg.BeginUpload{Upload: "u2", Blob: "b2"}, events{uploading2}, ""},
		"upload again after an error":                   {events{created, uploading, uploaded, rejected}, vnfpkg.BeginUpload{Upload: "u2", Blob: "b2"}, events{uploading2}, ""},
		"upload while it is processed":                  {events{created, uploading, uploaded}, vnfpkg.BeginUpload{Upload: "u2"}, nil, vnfm.Conflict},
		"upload once it is onboarded":                   {events{created, uploading, uploaded, onboarded}, vnfpkg.BeginUpload{Upload: "u2"}, nil, vnfm.Conflict},
		"upload ends":                                   {events{created, uploading}, vnfpkg.EndUpload{Upload: "u1", SHA256: "00", Size: 2}, events{uploaded}, ""},
		"a superseded upload ends":                      {events{created, uploading, uploading2}, vnfpkg.EndUpload{Upload: "u1"}, nil, vnfm.Conflict},
		"upload breaks off":                             {events{created, uploading}, vnfpkg.BreakUpload{Upload: "u1", Reason: "gone"}, events{brokenOff}, ""},
		"a superseded upload breaks off":                {events{created, uploading, uploading2}, vnfpkg.BreakUpload{Upload: "u1"}, nil, ""},
		"onboard":                                       {events{created, uploading, uploaded}, vnfpkg.Onboard{Landed: *onboarded}, events{onboarded}, ""},
		"onboard twice is onboarding once":              {events{created, uploading, uploaded, onboarded}, vnfpkg.Onboard{Landed: *onboarded}, nil, ""},
		"onboard what was deleted":                      {events{created, uploading, uploaded, deleted}, vnfpkg.Onboard{Landed: *onboarded}, nil, ""},
		"reject":                                        {events{created, uploading, uploaded}, vnfpkg.Reject{Failed: *rejected}, events{rejected}, ""},
		"reject the upload before":                      {events{created, uploading, uploaded, rejected, uploading2}, vnfpkg.Reject{Failed: *rejected}, nil, ""},
		"disable":                                       {events{created, uploading, uploaded, onboarded}, vnfpkg.Change{OperationalState: vnfpkg.Disabled}, events{disabled}, ""},
		"disable what is disabled":                      {events{created, uploading, uploaded, onboarded, disabled}, vnfpkg.Change{OperationalState: vnfpkg.Disabled}, nil, vnfm.Conflict},
		"enable what is not onboarded":                  {events{created}, vnfpkg.Change{OperationalState: vnfpkg.Enabled}, nil, vnfm.Conflict},
		"a state that is none":                          {events{created, uploading, uploaded, onboarded}, vnfpkg.Change{OperationalState: "OFF"}, nil, vnfm.Invalid},
		"user data is merged":                           {events{&vnfpkg.Created{ID: "p1", UserDefinedData: raw("a", `1`, "b", `2`)}}, vnfpkg.Change{UserDefinedData: raw("a", `null`, "c", `3`)}, events{&vnfpkg.UserDataChanged{UserDefinedData: raw("b", `2`, "c", `3`)}}, ""},
		"user data that changes nothing":                {events{&vnfpkg.Created{ID: "p1", UserDefinedData: raw("a", `1`)}}, vnfpkg.Change{UserDefinedData: raw("a", `1`)}, nil, ""},
		"delete an enabled package":                     {events{created, uploading, uploaded, onboarded}, vnfpkg.Delete{}, nil, vnfm.Conflict},
		"delete a package in use":                       {events{created, uploading, uploaded, onboarded, disabled}, vnfpkg.Delete{InUse: true}, nil, vnfm.Conflict},
		"delete a disabled package":                     {events{created, uploading, uploaded, onboarded, disabled}, vnfpkg.Delete{}, events{deleted}, ""},
		"delete an empty package":                       {events{created}, vnfpkg.Delete{}, events{deleted}, ""},
		"delete twice":                                  {events{created, deleted}, vnfpkg.Delete{}, nil, vnfm.NotFound},
		"garbage of a deleted package is collected":     {events{created, uploading, deleted}, vnfpkg.Collected{Blobs: []string{"b1"}}, events{&vnfpkg.ContentRemoved{Blobs: []string{"b1"}}}, ""},
		"what is no garbage is not recorded as removed": {events{created, uploading}, vnfpkg.Collected{Blobs: []string{"b1"}}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := vnfpkg.Package{ID: "p1"}
			for _, e := range tt.given {
				vnfpkg.Apply(&p, e, epoch)
			}
			got, err := p.Process(tt.when)
			if kind := vnfm.KindOf(err); kind != tt.kind {
				t.Fatalf("kind %q (%v), want %q", kind, err, tt.kind)
			}
			if diff := cmp.Diff(tt.then, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestApply(t *testing.T) {
	t.Parallel()
	fold := func(events ...aggregate.Event) vnfpkg.Package {
		p := vnfpkg.Package{ID: "p1"}
		for _, e := range events {
			vnfpkg.Apply(&p, e, epoch)
		}
		return p
	}
	t.Run("a new package is CREATED and DISABLED", func(t *testing.T) {
		t.Parallel()
		if p := fold(created); p.Onboarding != vnfpkg.StateCreated || p.Operational != vnfpkg.Disabled {
			t.Errorf("%s, %s", p.Onboarding, p.Operational)
		}
	})
	t.Run("an onboarded one is ENABLED and keeps its content", func(t *testing.T) {
		t.Parallel()
		p := fold(created, uploading, uploaded, onboarded)
		if p.Operational != vnfpkg.Enabled || p.Blob != "b1" || len(p.Garbage) != 0 || p.VnfdID != "v1" || p.Version != 4 {
			t.Errorf("%+v", p)
		}
	})
	t.Run("content that was superseded, broken off, rejected or deleted is garbage until it is removed", func(t *testing.T) {
		t.Parallel()
		for name, p := range map[string]vnfpkg.Package{
			"superseded": fold(created, uploading, uploading2), "broken off": fold(created, uploading, brokenOff),
			"rejected": fold(created, uploading, uploaded, rejected), "deleted": fold(created, uploading, uploaded, onboarded, disabled, deleted),
		} {
			if diff := cmp.Diff([]string{"b1"}, p.Garbage); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
			vnfpkg.Apply(&p, &vnfpkg.ContentRemoved{Blobs: []string{"b1"}}, epoch)
			if len(p.Garbage) != 0 {
				t.Errorf("%s: garbage left: %v", name, p.Garbage)
			}
		}
	})
	t.Run("a new upload forgets why the last one failed", func(t *testing.T) {
		t.Parallel()
		if p := fold(created, uploading, uploaded, rejected, uploading2); p.Failure != "" || p.Reasons != nil {
			t.Errorf("%q", p.Failure)
		}
	})
	t.Run("a deleted package has no view", func(t *testing.T) {
		t.Parallel()
		v, err := vnfpkg.View(fold(created, deleted))
		if err != nil || !v.Delete {
			t.Errorf("delete %v, %v", v.Delete, err)
		}
	})
}
