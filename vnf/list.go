package vnf

import (
	"encoding/json"
	"iter"
	"slices"
)

// List is a list that is never changed, only replaced: what With and the others return shares with it all but a few entries, so
// that the states of an operation with thousands of entries follow each other at a small cost. Its JSON is an array.
type List[T any] struct {
	chunks [][]T // all but the last are full
	n      int
}

// chunkSize bounds what a change copies.
const chunkSize = 32

// ListOf returns a list of the entries given.
func ListOf[T any](entries ...T) List[T] {
	var l List[T]
	for c := range slices.Chunk(entries, chunkSize) {
		l.chunks = append(l.chunks, slices.Clone(c))
	}
	l.n = len(entries)
	return l
}

// Len returns the number of entries.
func (l List[T]) Len() int { return l.n }

// IsZero reports whether there is none, for encoding.
func (l List[T]) IsZero() bool { return l.n == 0 }

// At returns the i-th entry, which must not be changed.
func (l List[T]) At(i int) *T { return &l.chunks[i/chunkSize][i%chunkSize] }

// All yields the entries in order. They must not be changed.
func (l List[T]) All() iter.Seq2[int, *T] {
	return func(yield func(int, *T) bool) {
		for i := range l.n {
			if !yield(i, l.At(i)) {
				return
			}
		}
	}
}

// Slice returns a copy of the entries; nil when there is none.
func (l List[T]) Slice() []T {
	if l.n == 0 {
		return nil
	}
	return slices.Concat(l.chunks...)
}

// Index returns the place of the first entry that f holds for, -1 when there is none.
func (l List[T]) Index(f func(*T) bool) int {
	for c, chunk := range l.chunks {
		for i := range chunk {
			if f(&chunk[i]) {
				return c*chunkSize + i
			}
		}
	}
	return -1
}

// With returns the list with another i-th entry; with i its length, one more.
func (l List[T]) With(i int, x T) List[T] {
	out := List[T]{chunks: slices.Clone(l.chunks), n: max(l.n, i+1)}
	c := i / chunkSize
	if c == len(out.chunks) {
		out.chunks = append(out.chunks, make([]T, 0, 1))
	}
	chunk := slices.Clone(out.chunks[c])
	if i == l.n {
		chunk = append(chunk, x)
	} else {
		chunk[i%chunkSize] = x
	}
	out.chunks[c] = chunk
	return out
}

// Without returns the list without the entries that f holds for: itself when there is none.
func (l List[T]) Without(f func(*T) bool) List[T] {
	if l.Index(f) < 0 {
		return l
	}
	return ListOf(slices.DeleteFunc(l.Slice(), func(x T) bool { return f(&x) })...)
}

// MarshalJSON encodes the list as an array.
func (l List[T]) MarshalJSON() ([]byte, error) {
	return json.Marshal(slices.Concat(l.chunks...))
}

// UnmarshalJSON decodes an array.
func (l *List[T]) UnmarshalJSON(b []byte) error {
	var entries []T
	if err := json.Unmarshal(b, &entries); err != nil {
		return err
	}
	*l = ListOf(entries...)
	return nil
}
