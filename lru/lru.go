// Package lru keeps values that would cost to make again, the least recently used first to go, within a number of bytes.
//
// It is for decoded state: each value is of a version, and an older one never replaces a newer one. The values are shared
// by all who get them, so nobody may change them.
package lru

import (
	"container/list"
	"sync"
)

// Cache keeps values by key. It may be used by several callers at once.
type Cache[V any] struct {
	mu    sync.Mutex
	limit int64
	size  int64
	order *list.List // of *entry[V], the newest in front
	items map[string]*list.Element
}

type entry[V any] struct {
	key     string
	version int64
	value   V
	size    int64
}

// New returns a cache that keeps up to limit bytes.
func New[V any](limit int64) *Cache[V] {
	return &Cache[V]{limit: limit, order: list.New(), items: map[string]*list.Element{}}
}

// Get returns what is kept under a key and its version, which is 0 when there is nothing.
func (c *Cache[V]) Get(key string) (value V, version int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.items[key]
	if e == nil {
		return value, 0
	}
	c.order.MoveToFront(e)
	found := entryOf[V](e)
	return found.value, found.version
}

// Put keeps a value of a version, whose size is in bytes, unless a newer one is kept. One that is larger than the whole
// cache is not kept.
func (c *Cache[V]) Put(key string, version int64, value V, size int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.items[key]; e != nil {
		if entryOf[V](e).version > version {
			return
		}
		c.remove(e)
	}
	if int64(size) > c.limit {
		return
	}
	c.items[key] = c.order.PushFront(&entry[V]{key, version, value, int64(size)})
	c.size += int64(size)
	for c.size > c.limit {
		c.remove(c.order.Back())
	}
}

// Drop forgets a key.
func (c *Cache[V]) Drop(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.items[key]; e != nil {
		c.remove(e)
	}
}

func (c *Cache[V]) remove(e *list.Element) {
	gone := entryOf[V](e)
	c.order.Remove(e)
	delete(c.items, gone.key)
	c.size -= gone.size
}

func entryOf[V any](e *list.Element) *entry[V] {
	return e.Value.(*entry[V]) //nolint:forcetypeassert // the list holds nothing else
}
