package vnfpkg

import (
	"container/list"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/vnfd"
)

func descriptorKey(digest string) string { return "descriptor-" + digest }

// Descriptor returns the descriptor of a digest. It is shared and must not be changed. Returns NotFound.
func (s *Service) Descriptor(ctx context.Context, digest string) (*vnfd.Descriptor, error) {
	if d := s.cache.get(digest); d != nil {
		return d, nil
	}
	content, size, err := s.open(ctx, descriptorKey(digest))
	if err != nil {
		return nil, fmt.Errorf("open descriptor %s: %w", digest, err)
	}
	defer content.Close() //nolint:errcheck // only read
	data, err := io.ReadAll(io.NewSectionReader(content, 0, size))
	if err != nil {
		return nil, vnfm.Wrap(vnfm.Unavailable, err, "read descriptor %s", digest)
	}
	var d vnfd.Descriptor
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, vnfm.Wrap(vnfm.Internal, err, "decode descriptor %s", digest)
	}
	s.cache.put(digest, &d)
	return &d, nil
}

// descriptorCache keeps the descriptors used last. Equal digests are equal descriptors, so it is never wrong.
type descriptorCache struct {
	mu    sync.Mutex
	size  int
	order *list.List // of cached, the newest in front
	items map[string]*list.Element
}

type cached struct {
	digest     string
	descriptor *vnfd.Descriptor
}

func newDescriptorCache(size int) *descriptorCache {
	return &descriptorCache{size: size, order: list.New(), items: map[string]*list.Element{}}
}

func (c *descriptorCache) get(digest string) *vnfd.Descriptor {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.items[digest]
	if e == nil {
		return nil
	}
	c.order.MoveToFront(e)
	return e.Value.(cached).descriptor //nolint:forcetypeassert // the list holds nothing else
}

func (c *descriptorCache) put(digest string, d *vnfd.Descriptor) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.items[digest] != nil {
		return
	}
	c.items[digest] = c.order.PushFront(cached{digest, d})
	if c.order.Len() > c.size {
		oldest := c.order.Back()
		c.order.Remove(oldest)
		delete(c.items, oldest.Value.(cached).digest) //nolint:forcetypeassert // the list holds nothing else
	}
}
