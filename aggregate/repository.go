package aggregate

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/lru"
	"github.com/vnfm/vnfm/message"
)

// SnapshotEvery is the number of versions between snapshots at first. Later it is a quarter of the versions there are, so that
// all snapshots of a stream together cost in proportion to its length, whatever that is.
const SnapshotEvery = 100

// snapshotDue reports whether a snapshot falls between two versions.
func snapshotDue(before, after int64) bool {
	due := int64(SnapshotEvery)
	for due <= before {
		due += max(SnapshotEvery, due/4)
	}
	return due <= after
}

// Config describes one type of aggregate with state S, which must survive encoding as JSON.
type Config[S any] struct {
	Prefix   string // of its streams: "vnf-"
	Registry *Registry
	New      func(id string) S
	// Apply changes the state by one event. It cannot fail and sees neither clock nor world.
	Apply func(s *S, e Event, at time.Time)
	// Schema is the version of S as JSON: raise it when S changes its form. Snapshots of others are not used.
	Schema int
	// Clone, when set, copies a state so that Apply to the one does not change the other: then states are kept decoded. nil:
	// they are kept encoded, and decoded for each Read.
	Clone func(S) S
	Cache int64 // bytes of states kept; 0 means 64 MiB
}

const defaultCache = 64 << 20

// Repository loads aggregates of one type and adds their events to commits. It may be used by several callers at once.
type Repository[S any] struct {
	cfg   Config[S]
	cache *lru.Cache[*kept[S]]

	mu   sync.Mutex
	full map[string]bool // streams whose snapshot is of another schema
}

// kept is a state that is remembered: encoded, or, with Config.Clone, as it is. Nobody changes it.
type kept[S any] struct {
	encoded []byte
	value   S
	size    int
}

// NewRepository returns a repository.
func NewRepository[S any](cfg Config[S]) *Repository[S] {
	if cfg.Cache <= 0 {
		cfg.Cache = defaultCache
	}
	return &Repository[S]{cfg: cfg, cache: lru.New[*kept[S]](cfg.Cache), full: map[string]bool{}}
}

// State is an aggregate at a version: 0 when it does not exist.
type State[S any] struct {
	ID      string
	Version int64
	Value   S
}

// Stream returns the name of an aggregate's stream.
func (r *Repository[S]) Stream(id string) string { return r.cfg.Prefix + id }

// Load returns what Read needs.
func (r *Repository[S]) Load(ids ...string) eventstore.Load {
	var l eventstore.Load
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range ids {
		_, version := r.cache.Get(r.Stream(id))
		f := eventstore.StreamFrom{Stream: r.Stream(id), After: version}
		f.Snapshot = f.After == 0 && !r.full[f.Stream]
		l.Streams = append(l.Streams, f)
	}
	return l
}

// Read returns an aggregate as this commit leaves it: what is stored, then the events the commit adds so far. Returns
// Unavailable when what was loaded has to be loaded once more, which succeeds.
func (r *Repository[S]) Read(l *eventstore.Loaded, c *eventstore.Commit, id string) (State[S], error) {
	st := l.Stream(r.Stream(id))
	s, err := r.stored(st, id)
	if err != nil {
		return s, err
	}
	for _, a := range c.Appends {
		if a.Stream != r.Stream(id) {
			continue
		}
		at := l.Now
		if st.Last.After(at) {
			at = st.Last
		}
		for _, e := range a.Events {
			e.Version, e.Time = s.Version+1, at
			if err := r.apply(&s, e); err != nil {
				return s, err
			}
		}
	}
	return s, nil
}

// stored folds what was loaded, from the newest of cache, snapshot and nothing.
func (r *Repository[S]) stored(st *eventstore.StreamState, id string) (State[S], error) {
	stream := r.Stream(id)
	s := State[S]{ID: id, Value: r.cfg.New(id)}
	size := 0
	if st.Snapshot != nil && st.Snapshot.Schema != r.cfg.Schema {
		r.mu.Lock()
		r.full[stream] = true
		r.mu.Unlock()
		return s, vnfm.Errorf(vnfm.Unavailable, "the snapshot of %s is of another version: try again", stream)
	}
	known, version := r.cache.Get(stream)
	switch {
	case known != nil && version <= st.Version && (st.Snapshot == nil || version > st.Snapshot.Version):
		s.Version, size = version, known.size
		if r.cfg.Clone != nil {
			s.Value = r.cfg.Clone(known.value)
		} else if err := json.Unmarshal(known.encoded, &s.Value); err != nil {
			return s, vnfm.Wrap(vnfm.Internal, err, "decode state of %s", stream)
		}
	case st.Snapshot != nil:
		s.Version, size = st.Snapshot.Version, len(st.Snapshot.Data)
		if err := json.Unmarshal(st.Snapshot.Data, &s.Value); err != nil {
			return s, vnfm.Wrap(vnfm.Internal, err, "decode state of %s", stream)
		}
	}
	before := s.Version
	for _, e := range st.Events {
		if e.Version == s.Version+1 {
			if err := r.apply(&s, e); err != nil {
				return s, err
			}
			size += len(e.Data)
		}
	}
	if s.Version != st.Version {
		r.cache.Drop(stream)
		return s, vnfm.Errorf(vnfm.Unavailable, "%s was not loaded whole: try again", stream)
	}
	if s.Version > before || version < s.Version {
		return s, r.keep(stream, &s, size)
	}
	return s, nil
}

// keep remembers a state of which the caller gets another copy.
func (r *Repository[S]) keep(stream string, s *State[S], size int) error {
	k := &kept[S]{size: size}
	if r.cfg.Clone != nil {
		k.value = r.cfg.Clone(s.Value)
	} else {
		var err error
		if k.encoded, err = json.Marshal(s.Value); err != nil {
			return vnfm.Wrap(vnfm.Internal, err, "encode state of %s", stream)
		}
		k.size = len(k.encoded)
	}
	r.cache.Put(stream, s.Version, k, k.size)
	return nil
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
	a := &c.Appends[i]
	for _, event := range events {
		e, err := r.cfg.Registry.Encode(event, meta)
		if err != nil {
			return err
		}
		version := a.Expected + int64(len(a.Events)) + 1
		e.ID = message.DeriveID("event", stream, strconv.FormatInt(version, 10))
		a.Events = append(a.Events, e)
	}
	if snapshotDue(a.Expected, a.Expected+int64(len(a.Events))) {
		return r.snapshot(l, c, id)
	}
	return nil
}

func (r *Repository[S]) snapshot(l *eventstore.Loaded, c *eventstore.Commit, id string) error {
	s, err := r.Read(l, c, id)
	if err != nil {
		return err
	}
	data, err := json.Marshal(s.Value)
	if err != nil {
		return vnfm.Wrap(vnfm.Internal, err, "encode state of %s", r.Stream(id))
	}
	snap := eventstore.Snapshot{Stream: r.Stream(id), Version: s.Version, Schema: r.cfg.Schema, Data: data}
	c.Snapshots = slices.DeleteFunc(c.Snapshots, func(o eventstore.Snapshot) bool { return o.Stream == snap.Stream })
	c.Snapshots = append(c.Snapshots, snap)
	return nil
}

// ID returns the aggregate's id from its stream's name, false when the stream is not one of this type.
func (r *Repository[S]) ID(stream string) (string, bool) {
	return strings.CutPrefix(stream, r.cfg.Prefix)
}
