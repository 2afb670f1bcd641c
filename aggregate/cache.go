package aggregate

import (
	"container/list"
	"sync"
)

// cache keeps states by stream, the least recently used first to go, as many as fit.
type cache struct {
	mu    sync.Mutex
	most  int        // bytes
	size  int        // bytes, as far as events tell
	order *list.List // of *cached, the newest in front
	items map[string]*list.Element
}

// cached is a state, and how many bytes of events went into it.
type cached struct {
	stream  string
	version int64
	state   any
	bytes   int
}

func newCache(most int) *cache {
	return &cache{most: most, order: list.New(), items: map[string]*list.Element{}}
}

// get returns what is kept of a stream, nil when nothing is.
func (c *cache) get(stream string) *cached {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.items[stream]
	if e == nil {
		return nil
	}
	c.order.MoveToFront(e)
	return e.Value.(*cached) //nolint:forcetypeassert // the list holds nothing else
}

// put keeps a state, unless a later one is kept. A cached value is never changed, only replaced.
func (c *cache) put(x *cached) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.items[x.stream]; e != nil {
		was := e.Value.(*cached) //nolint:forcetypeassert // the list holds nothing else
		if was.version > x.version {
			return
		}
		c.size += x.bytes - was.bytes
		e.Value = x
		c.order.MoveToFront(e)
	} else {
		c.size += x.bytes
		c.items[x.stream] = c.order.PushFront(x)
	}
	for c.size > c.most && c.order.Len() > 1 {
		c.remove(c.order.Back())
	}
}

// remove drops an entry; c.mu is held.
func (c *cache) remove(e *list.Element) {
	was := c.order.Remove(e).(*cached) //nolint:forcetypeassert // the list holds nothing else
	c.size -= was.bytes
	delete(c.items, was.stream)
}

func (c *cache) drop(stream string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.items[stream]; e != nil {
		c.remove(e)
	}
}
