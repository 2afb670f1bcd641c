package saga

import (
	"bytes"
	"sync"

	"github.com/vnfm/vnfm/eventstore"
)

// maxCached bounds the encoded size of the instances kept decoded, in bytes.
const maxCached = 16 << 20

// cache keeps instances as they were last written, decoded, so that the next input need not decode what the one before
// encoded. It is only ever used for the very bytes that were loaded: what others wrote, or a commit that failed, does
// not matter. Its instances are never changed: Advance works on a copy.
type cache struct {
	mu    sync.Mutex
	size  int
	items map[string]cached
}

type cached struct {
	data []byte
	in   *Instance
}

// get returns the instance a row holds, nil when it is not known.
func (c *cache) get(row *eventstore.SagaRow) *Instance {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.items[row.ID]
	if !ok || !bytes.Equal(found.data, row.Data) {
		return nil
	}
	in := *found.in
	in.Version = row.Version
	return &in
}

// put keeps an instance and its encoding; one that has ended is not asked for any more.
func (c *cache) put(in *Instance, data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(in.ID)
	if in.State.Final() {
		return
	}
	if c.items == nil {
		c.items = map[string]cached{}
	}
	c.items[in.ID] = cached{data, in}
	c.size += len(data)
	for id := range c.items {
		if c.size <= maxCached {
			return
		}
		c.drop(id)
	}
}

func (c *cache) drop(id string) {
	c.size -= len(c.items[id].data)
	delete(c.items, id)
}
