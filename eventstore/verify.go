package eventstore

import (
	"bytes"
	"context"
	"fmt"
)

// Problem is a fault that Verify found. Stream and Version, or Lane and Offset, say where.
type Problem struct {
	Stream  string
	Version int64
	Lane    int
	Offset  int64
	Detail  string
}

// String says where and what.
func (p Problem) String() string {
	if p.Stream != "" {
		return fmt.Sprintf("stream %s version %d: %s", p.Stream, p.Version, p.Detail)
	}
	return fmt.Sprintf("lane %d offset %d: %s", p.Lane, p.Offset, p.Detail)
}

// Summary says what Verify looked at.
type Summary struct {
	Streams  int
	Events   int64
	Messages int64
	Problems int
}

const verifyPage = 500

// Verify walks all streams and all lanes and reports what is not as it was written: a hash that does not match the
// bytes or the event before, a missing or doubled version, a head that is not the last event, an event without a
// stream, a hole in a lane. It may run while others write. The error is of reading; problems are not errors.
func Verify(ctx context.Context, store Reader, report func(Problem)) (Summary, error) {
	v := verifier{store: store, report: report}
	heads, err := store.Heads(ctx) // before the streams: what is in a lane now is in its stream then
	if err != nil {
		return v.sum, fmt.Errorf("read lane heads: %w", err)
	}
	for after := ""; ; {
		page, err := store.Streams(ctx, "", after, verifyPage)
		if err != nil {
			return v.sum, fmt.Errorf("list streams: %w", err)
		}
		for _, h := range page {
			if err := v.stream(ctx, h); err != nil {
				return v.sum, err
			}
			after = h.Stream
		}
		if len(page) < verifyPage {
			break
		}
	}
	for lane, h := range heads {
		if err := v.lane(ctx, lane, h); err != nil {
			return v.sum, err
		}
	}
	return v.sum, nil
}

type verifier struct {
	store  Reader
	report func(Problem)
	sum    Summary
}

func (v *verifier) found(p Problem) {
	v.sum.Problems++
	v.report(p)
}

// stream checks one stream against itself and its head.
func (v *verifier) stream(ctx context.Context, head StreamHead) error {
	v.sum.Streams++
	var version int64
	var prev []byte
	bad := func(at int64, format string, args ...any) {
		v.found(Problem{Stream: head.Stream, Version: at, Detail: fmt.Sprintf(format, args...)})
	}
	for {
		page, err := v.store.ReadStream(ctx, head.Stream, version, verifyPage)
		if err != nil {
			return fmt.Errorf("read stream %s: %w", head.Stream, err)
		}
		for i := range page {
			e := &page[i]
			v.sum.Events++
			if e.Version != version+1 {
				bad(e.Version, "version %d is missing", version+1)
			} else if !bytes.Equal(e.Prev, prev) {
				bad(e.Version, "does not follow the event before: another previous hash")
			}
			if !bytes.Equal(e.Seal(), e.Hash) {
				bad(e.Version, "the hash does not match the event")
			}
			if e.Version == head.Version && !bytes.Equal(e.Hash, head.Hash) {
				bad(e.Version, "the head has another hash")
			}
			version, prev = e.Version, e.Hash
		}
		if len(page) < verifyPage {
			break
		}
	}
	if version < head.Version {
		bad(head.Version, "the head is at %d, but the last event is %d", head.Version, version)
	}
	// A stream only grows; that the head is behind may be a commit since the head was read.
	if version > head.Version {
		now, err := v.store.Load(ctx, Load{Streams: []StreamFrom{{Stream: head.Stream, After: version}}})
		if err != nil {
			return fmt.Errorf("load stream %s: %w", head.Stream, err)
		}
		if now.Stream(head.Stream).Version < version {
			bad(version, "the head is at %d, but there are events up to %d", now.Stream(head.Stream).Version, version)
		}
	}
	return nil
}

// lane checks that a lane has no holes up to its head, and that its events have a stream.
func (v *verifier) lane(ctx context.Context, lane int, head LaneHead) error {
	var off int64
	bad := func(at int64, format string, args ...any) {
		v.found(Problem{Lane: lane, Offset: at, Detail: fmt.Sprintf(format, args...)})
	}
	for off < head.Event {
		page, err := v.store.ReadLane(ctx, lane, off, verifyPage)
		if err != nil {
			return fmt.Errorf("read lane %d: %w", lane, err)
		}
		if len(page) == 0 {
			break
		}
		var first []StreamFrom
		for _, e := range page {
			if e.Offset != off+1 {
				bad(off+1, "the events up to %d are missing", e.Offset-1)
			}
			off = e.Offset
			if e.Version == 1 {
				first = append(first, StreamFrom{Stream: e.Stream, After: 1 << 62})
			}
		}
		if err := v.owned(ctx, lane, first); err != nil {
			return err
		}
	}
	if off < head.Event {
		bad(head.Event, "the last event is %d", off)
	}
	return v.outbox(ctx, lane, head.Outbox)
}

// owned checks that streams which begin in a lane exist.
func (v *verifier) owned(ctx context.Context, lane int, streams []StreamFrom) error {
	if len(streams) == 0 {
		return nil
	}
	l, err := v.store.Load(ctx, Load{Streams: streams})
	if err != nil {
		return fmt.Errorf("load the streams of lane %d: %w", lane, err)
	}
	for _, s := range streams {
		if l.Streams[s.Stream] == nil {
			v.found(Problem{Stream: s.Stream, Version: 1, Lane: lane, Detail: "has events, but no head"})
		}
	}
	return nil
}

// outbox checks that the messages left have no holes; the oldest may have been pruned, all of them if need be, and more
// of them while it reads. So each page begins with the last message of the page before, if that is still there.
func (v *verifier) outbox(ctx context.Context, lane int, head int64) error {
	for off := int64(0); off < head; {
		page, err := v.store.ReadOutbox(ctx, lane, max(off-1, 0), verifyPage)
		if err != nil {
			return fmt.Errorf("read outbox of lane %d: %w", lane, err)
		}
		if len(page) == 0 {
			return nil // all pruned
		}
		for i, m := range page {
			if m.Offset == off {
				continue
			}
			v.sum.Messages++
			if i > 0 && m.Offset != page[i-1].Offset+1 {
				v.found(Problem{Lane: lane, Offset: page[i-1].Offset + 1, Detail: fmt.Sprintf("the messages up to %d are missing", m.Offset-1)})
			}
		}
		last := page[len(page)-1].Offset
		if last <= off {
			v.found(Problem{Lane: lane, Offset: head, Detail: fmt.Sprintf("the last message is %d", off)})
			return nil
		}
		off = last
	}
	return nil
}
