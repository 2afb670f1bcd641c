// Package notifytest is subscribers for tests, and the check of what they were told (invariant I5 of the design).
package notifytest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/vnfm/vnfm/egress"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/notify"
)

// Told is one notification as it arrived.
type Told struct {
	URI  string
	ID   string // of the notification
	Vnf  string
	Body []byte
}

// Subscribers are receivers, each at its URI. The zero value takes everything.
type Subscribers struct {
	// Before is asked before a notification arrives, After when it has; their errors are the sender's. A nil one has none.
	Before, After func(uri string, body []byte) error
	// Auth is told what the sender would authenticate with; nil: nobody is.
	Auth func(uri string, a *egress.Auth)

	mu     sync.Mutex
	tests  []string
	told   []Told
	posted int
}

var _ notify.Sender = (*Subscribers)(nil)

// Usable takes any authentication with parameters, and none.
func (s *Subscribers) Usable(to notify.Callback) error {
	if a := to.Auth; a == nil || a.Basic != nil || a.OAuth2 != nil {
		return nil
	}
	return egress.Failure(egress.Unusable, "no parameters")
}

// Test fails as Before does.
func (s *Subscribers) Test(_ context.Context, to notify.Callback) error {
	s.mu.Lock()
	s.tests = append(s.tests, to.URI)
	s.mu.Unlock()
	if s.Before != nil {
		return s.Before(to.URI, nil)
	}
	return nil
}

// Post takes a notification.
func (s *Subscribers) Post(ctx context.Context, to notify.Callback, body []byte) error {
	uri := to.URI
	s.mu.Lock()
	s.posted++
	s.mu.Unlock()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if s.Auth != nil {
		s.Auth(uri, to.Auth)
	}
	if s.Before != nil {
		if err := s.Before(uri, body); err != nil {
			return err
		}
	}
	var n struct{ ID, VnfInstanceID string }
	if err := json.Unmarshal(body, &n); err != nil {
		return egress.Failure(egress.Status, "not JSON")
	}
	s.mu.Lock()
	s.told = append(s.told, Told{URI: uri, ID: n.ID, Vnf: n.VnfInstanceID, Body: slices.Clone(body)})
	s.mu.Unlock()
	if s.After != nil {
		return s.After(uri, body)
	}
	return nil
}

// Posted returns how many requests were made, those that failed included.
func (s *Subscribers) Posted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.posted
}

// Told returns what arrived at a URI ("": at any), in order.
func (s *Subscribers) Told(uri string) []Told {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Told
	for _, t := range s.told {
		if uri == "" || t.URI == uri {
			out = append(out, t)
		}
	}
	return out
}

// states are the events that change the state of an operation; this is written down apart from package vnf, so that the
// check does not share its mistakes.
var states = []string{
	"opocc.started", "opocc.granted", "opocc.refused", "opocc.completed", "opocc.failed-temporarily", "opocc.retried",
	"opocc.rollback-begun", "opocc.rolled-back", "opocc.failed",
}

// Check holds what a subscriber without a filter was told against the log, and returns what is wrong: every event that
// is a notification must have arrived, those of one VNF in their order where they arrived first, nothing else, and what
// arrived twice must be the same both times. After are the lanes' heads when the subscription was made. Those of the ids
// except may be missing, or arrive at any time: they were given up in sight, or are of events from while it was made.
func Check(ctx context.Context, store eventstore.Reader, after []int64, told []Told, except ...string) ([]string, error) {
	free := map[string]bool{}
	for _, id := range except {
		free[id] = true
	}
	want := map[string][]string{} // ids by VNF
	total := 0
	for lane := range eventstore.Lanes {
		for at := after[lane]; ; {
			events, err := store.ReadLane(ctx, lane, at, 500)
			if err != nil {
				return nil, fmt.Errorf("read lane %d: %w", lane, err)
			}
			if len(events) == 0 {
				break
			}
			for i := range events {
				e := &events[i]
				at = e.Offset
				var vnfID string
				switch {
				case e.Type == "vnf.instance-created", e.Type == "vnf.instance-deleted":
					vnfID = strings.TrimPrefix(e.Stream, "vnf-")
				case slices.Contains(states, e.Type):
					if vnfID, err = vnfOf(ctx, store, e.Stream); err != nil {
						return nil, err
					}
				default:
					continue
				}
				if id := message.DeriveID("notification", e.ID); !free[id] {
					want[vnfID] = append(want[vnfID], id)
					total++
				}
			}
		}
	}
	var wrong []string
	first := map[string][]byte{}
	got, arrived := map[string][]string{}, 0
	for _, t := range told {
		if body, again := first[t.ID]; again {
			if string(body) != string(t.Body) {
				wrong = append(wrong, fmt.Sprintf("notification %s came twice and not the same", t.ID))
			}
			continue
		}
		first[t.ID] = t.Body
		if !free[t.ID] {
			got[t.Vnf] = append(got[t.Vnf], t.ID)
			arrived++
		}
	}
	for vnfID, ids := range want {
		if !slices.Equal(got[vnfID], ids) {
			wrong = append(wrong, fmt.Sprintf("VNF %s: %d notifications arrived, or in another order, of %d", vnfID, len(got[vnfID]), len(ids)))
		}
	}
	if arrived != total {
		wrong = append(wrong, fmt.Sprintf("%d notifications arrived, of %d", arrived, total))
	}
	slices.Sort(wrong)
	return wrong, nil
}

// vnfOf returns the VNF of an operation.
func vnfOf(ctx context.Context, store eventstore.Reader, stream string) (string, error) {
	events, err := store.ReadStream(ctx, stream, 0, 1)
	if err != nil || len(events) == 0 {
		return "", fmt.Errorf("read %s: %d events, %w", stream, len(events), err)
	}
	var begun struct{ VnfInstanceID string }
	if err := json.Unmarshal(events[0].Data, &begun); err != nil {
		return "", fmt.Errorf("read %s: %w", stream, err)
	}
	return begun.VnfInstanceID, nil
}
