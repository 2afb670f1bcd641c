package aggregate

import (
	"container/list"
	"sync"
)

// cache keeps encoded states by stream, the least recently used first to go. Encoded, so that no two callers ever share
// a state they could change.
type cache struct {
	mu    sync.Mutex
	size  int
	order *list.List // of *cached, the newest in front
	items map[string]*list.Element
}

type cached struct {
	stream  string
	version int64
	data    []byte
}

func newCache(size int) *cache {
	return &cache{size: size, order: list.New(), items: map[string]*list.Element{}}
}

// get returns the version and state kept, 0 when there is none.
func (c *cache) get(stream string) (int64, []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.items[stream]
	if e == nil {
		return 0, nil
	}
	c.order.MoveToFront(e)
	v := e.Value.(*cached) //nolint:forcetypeassert // the list holds nothing else
	return v.version, v.data
}

func (c *cache) put(stream string, version int64, data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.items[stream]; e != nil {
		if e.Value.(*cached).version > version { //nolint:forcetypeassert // the list holds nothing else
			return
		}
		e.Value = &cached{stream, version, data}
		c.order.MoveToFront(e)
		return
	}
	c.items[stream] = c.order.PushFront(&cached{stream, version, data})
	if c.order.Len() > c.size {
		oldest := c.order.Back()
		c.order.Remove(oldest)
		delete(c.items, oldest.Value.(*cached).stream) //nolint:forcetypeassert // the list holds nothing else
	}
}

func (c *cache) drop(stream string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.items[stream]; e != nil {
		c.order.Remove(e)
		delete(c.items, stream)
	}
}
