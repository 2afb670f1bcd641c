package aggregate

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/lru"
	"github.com/vnfm/vnfm/message"
)

// SnapshotEvery is the least number of versions between snapshots. They grow rarer with the stream, by a quarter of its length,
// so that what they cost together is in proportion to the events.
const SnapshotEvery = 100

// snapshotDue reports whether a snapshot is due when a stream grows from a version to another.
func snapshotDue(before, after int64) bool {
	at := int64(SnapshotEvery)
	for at <= before {
		at += max(SnapshotEvery, at/4)
	}
	return at <= after
}

// Config describes one type of aggregate with state S, which must survive encoding as JSON.
type Config[S any] struct {
	Prefix   string // of its streams: "vnf-"
	Registry *Registry
	New      func(id string) S
	// Apply changes the state by one event. It cannot fail and sees neither clock nor world. It must not change what a copy of
	// the state shares with it: slices, maps and what pointers lead to are replaced.
	Apply func(s *S, e Event, at time.Time)
	// Schema is the version of S as JSON: raise it when S changes its form. Snapshots of others are not used.
	Schema int
	Cache  int64 // bytes of events whose states are kept; 0 means 32 MiB
}

// Repository loads aggregates of one type and adds their events to commits. It may be used by several callers at once.
type Repository[S any] struct {
	cfg   Config[S]
	cache *lru.Cache[*cached]
}

// NewRepository returns a repository.
func NewRepository[S any](cfg Config[S]) *Repository[S] {
	if cfg.Cache <= 0 {
		cfg.Cache = 32 << 20
	}
	return &Repository[S]{cfg: cfg, cache: lru.New[*cached](cfg.Cache)}
}

// State is an aggregate at a version: 0 when it does not exist.
type State[S any] struct {
	ID      string
	Version int64
	Value   S
}

// Stream returns the name of an aggregate's stream.
func (r *Repository[S]) Stream(id string) string { return r.cfg.Prefix + id }

// Load returns what Read needs. A state that is in the cache goes along and is handed back, so that Read depends on what
// was loaded alone.
func (r *Repository[S]) Load(ids ...string) eventstore.Load {
	var l eventstore.Load
	for _, id := range ids {
		f := eventstore.StreamFrom{Stream: r.Stream(id), Schema: r.cfg.Schema}
		if kept, version := r.cache.Get(f.Stream); version > 0 {
			f.After = kept.version
			f.Base = &eventstore.Snapshot{Stream: f.Stream, Version: kept.version, Schema: r.cfg.Schema, State: kept}
		}
		l.Streams = append(l.Streams, f)
	}
	return l
}

// Read returns an aggregate as this commit leaves it: what is stored, then the events the commit adds so far. What it returns
// shares its parts with others: change it by Apply only. Returns
// Unavailable when the store holds less than this process has read before: a backup was put in its place.
func (r *Repository[S]) Read(l *eventstore.Loaded, c *eventstore.Commit, id string) (State[S], error) {
	for i := range c.Appends {
		if s, ok := c.Appends[i].State.(*State[S]); ok && c.Appends[i].Stream == r.Stream(id) {
			return *s, nil
		}
	}
	return r.stored(l.Stream(r.Stream(id)), id)
}

// stored folds what was loaded.
func (r *Repository[S]) stored(st *eventstore.StreamState, id string) (State[S], error) {
	stream := r.Stream(id)
	s := State[S]{ID: id, Value: r.cfg.New(id)}
	bytes := 0
	switch kept, ok := keptIn(st.Snapshot); {
	case ok:
		s.Value, s.Version, bytes = kept.state.(S), kept.version, kept.bytes //nolint:forcetypeassert // of this repository
	case st.Snapshot != nil:
		if err := json.Unmarshal(st.Snapshot.Data, &s.Value); err != nil {
			return s, vnfm.Wrap(vnfm.Internal, err, "decode state of %s", stream)
		}
		s.Version, bytes = st.Snapshot.Version, len(st.Snapshot.Data)
	}
	before := s.Version
	for _, e := range st.Events {
		if e.Version == s.Version+1 {
			if err := r.apply(&s, e); err != nil {
				return s, err
			}
			bytes += len(e.Data)
		}
	}
	if s.Version != st.Version {
		r.cache.Drop(stream)
		return s, vnfm.Errorf(vnfm.Unavailable, "the database holds less of %s than this node has read: try again", stream)
	}
	if s.Version > before {
		r.keep(stream, &cached{version: s.Version, state: s.Value, bytes: bytes})
	}
	return s, nil
}

// cached is a state as it is kept, and how many bytes of events went into it.
type cached struct {
	version int64
	state   any
	bytes   int
}

func (r *Repository[S]) keep(stream string, x *cached) { r.cache.Put(stream, x.version, x, x.bytes) }

// keptIn returns the cached state that was handed over and back.
func keptIn(base *eventstore.Snapshot) (*cached, bool) {
	if base == nil {
		return nil, false
	}
	kept, ok := base.State.(*cached)
	return kept, ok
}

// OnCommit takes over the states that a commit has left, so that they need not be read. It follows the Committer; without it
// they are read when they are next asked for.
func (r *Repository[S]) OnCommit(c *eventstore.Commit) {
	for _, a := range c.Appends {
		s, ok := a.State.(*State[S])
		if !ok || !strings.HasPrefix(a.Stream, r.cfg.Prefix) {
			continue
		}
		x := &cached{version: s.Version, state: s.Value}
		if was, version := r.cache.Get(a.Stream); version > 0 {
			x.bytes = was.bytes
		}
		for _, e := range a.Events {
			x.bytes += len(e.Data)
		}
		r.keep(a.Stream, x)
	}
}

func (r *Repository[S]) apply(s *State[S], e eventstore.Event) error {
	event, err := r.cfg.Registry.Decode(e)
	if err != nil {
		return err
	}
	r.cfg.Apply(&s.Value, event, e.Time)
	s.Version = e.Version
	return nil
}

// Decode returns an event of one of the repository's streams in its present form.
func (r *Repository[S]) Decode(e eventstore.Event) (Event, error) { return r.cfg.Registry.Decode(e) }

// Fold returns the state after events of a stream, given from its first: a past state when they end before the head.
func (r *Repository[S]) Fold(id string, events []eventstore.Event) (State[S], error) {
	s := State[S]{ID: id, Value: r.cfg.New(id)}
	for _, e := range events {
		if e.Version != s.Version+1 {
			return s, vnfm.Errorf(vnfm.Internal, "stream %s: version %d follows %d", e.Stream, e.Version, s.Version)
		}
		if err := r.apply(&s, e); err != nil {
			return s, err
		}
	}
	return s, nil
}

// Append adds events to a commit, behind those it adds already, guarded by the version that was loaded, and a snapshot
// when one is due.
func (r *Repository[S]) Append(
	l *eventstore.Loaded, c *eventstore.Commit, id string, meta eventstore.Metadata, events ...Event,
) error {
	if len(events) == 0 {
		return nil
	}
	stream := r.Stream(id)
	i := slices.IndexFunc(c.Appends, func(a eventstore.Append) bool { return a.Stream == stream })
	if i < 0 {
		i = len(c.Appends)
		c.Appends = append(c.Appends, eventstore.Append{Stream: stream, Expected: l.Stream(stream).Version})
	}
	s, err := r.Read(l, c, id)
	if err != nil {
		return err
	}
	a := &c.Appends[i]
	at := l.Now
	if last := l.Stream(stream).Last; last.After(at) {
		at = last
	}
	before := s.Version
	for _, event := range events {
		e, err := r.cfg.Registry.Encode(event, meta)
		if err != nil {
			return err
		}
		s.Version++
		e.ID = message.DeriveID("event", stream, strconv.FormatInt(s.Version, 10))
		a.Events = append(a.Events, e)
		r.cfg.Apply(&s.Value, event, at)
	}
	a.State = &s
	if !snapshotDue(before, s.Version) {
		return nil
	}
	data, err := json.Marshal(s.Value)
	if err != nil {
		return vnfm.Wrap(vnfm.Internal, err, "encode state of %s", stream)
	}
	snap := eventstore.Snapshot{Stream: stream, Version: s.Version, Schema: r.cfg.Schema, Data: data}
	c.Snapshots = slices.DeleteFunc(c.Snapshots, func(o eventstore.Snapshot) bool { return o.Stream == snap.Stream })
	c.Snapshots = append(c.Snapshots, snap)
	return nil
}

// ID returns the aggregate's id from its stream's name, false when the stream is not one of this type.
func (r *Repository[S]) ID(stream string) (string, bool) {
	return strings.CutPrefix(stream, r.cfg.Prefix)
}
