package eventstore

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"time"
)

// Event is one stored fact. The caller sets ID, Type, Schema, Meta and Data; the store sets the rest. The hash does not cover the
// key: streams were sealed before there was one, and it follows from what is sealed.
type Event struct {
	Lane    int
	Offset  int64  // position in the lane: 1..m
	Key     string // of the commit that wrote it: the unit of order. "" in rows of older programs that do not tell
	Stream  string
	Version int64 // place in the stream: 1..n
	ID      string
	Type    string // wire name without version, e.g. "vnf.operation-failed"
	Schema  int    // version of the type's form
	Time    time.Time
	Meta    json.RawMessage // a Metadata as stored bytes
	Data    json.RawMessage // payload as stored bytes
	Prev    []byte          // hash of the event before it in the stream; nil for the first
	Hash    []byte
}

// Metadata says who and what brought an event about.
type Metadata struct {
	CorrelationID string `json:"correlationId,omitempty"` // the operation occurrence
	CausationID   string `json:"causationId,omitempty"`   // the message or request that caused it
	Command       string `json:"command,omitempty"`       // the command processed, e.g. "lcm.instantiate"
	Actor         string `json:"actor,omitempty"`         // who asked: a caller's name, or "vnfm" for its own decisions
	Role          string `json:"role,omitempty"`          // the caller's role at that time
	Traceparent   string `json:"traceparent,omitempty"`
}

// Metadata reads Meta; what cannot be read is empty.
func (e *Event) Metadata() (m Metadata) {
	_ = json.Unmarshal(e.Meta, &m)
	return m
}

// Seal computes the hash of an event: SHA-256 over the previous hash and, each length-prefixed, stream, version, type,
// schema, time, metadata and payload as stored bytes. Times count in microseconds, the finest every back-end keeps.
func (e *Event) Seal() []byte {
	h := sha256.New()
	var n [8]byte
	put := func(b []byte) {
		binary.BigEndian.PutUint64(n[:], uint64(len(b)))
		h.Write(n[:])
		h.Write(b)
	}
	num := func(v int64) {
		binary.BigEndian.PutUint64(n[:], uint64(v)) //nolint:gosec // bit pattern, not arithmetic
		h.Write(n[:])
	}
	put(e.Prev)
	put([]byte(e.Stream))
	num(e.Version)
	put([]byte(e.ID))
	put([]byte(e.Type))
	num(int64(e.Schema))
	num(e.Time.UnixMicro())
	put(e.Meta)
	put(e.Data)
	return h.Sum(nil)
}
