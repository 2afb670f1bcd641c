package access

import (
	"sync"

	"github.com/vnfm/vnfm"
)

// Places bounds what is under way at once, so that no caller can keep the others out. It is safe for concurrent use.
type Places struct {
	All  int // together; 0 or less: no bound
	Each int // of one caller; 0 or less: no bound of its own
	// Shared: no caller gets one more who has as many as are still free. So whoever is alone gets half, and there is room for one
	// more caller always.
	Shared bool
	What   string // what is counted, in the plural, for people

	mu    sync.Mutex
	taken int
	by    map[string]int
}

// Set changes how many places there are. Who has one keeps it.
func (p *Places) Set(all, each int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.All, p.Each = all, each
}

// Take takes a place for a caller, who calls leave in the end, once. Returns TooMany when the caller has its share, Unavailable
// when all are taken.
func (p *Places) Take(caller string) (leave func(), err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	mine := p.by[caller]
	switch free := p.All - p.taken; {
	case p.All > 0 && free <= 0:
		return nil, vnfm.Errorf(vnfm.Unavailable, "The server has as many %s under way as it bears; send this request again.", p.What)
	case p.Each > 0 && mine >= p.Each, p.Shared && p.All > 0 && mine > 0 && mine >= free:
		return nil, vnfm.Errorf(vnfm.TooMany, "You have %d %s under way, which is the share of one caller here; wait until some have ended.", mine, p.What)
	}
	if p.by == nil {
		p.by = map[string]int{}
	}
	p.taken++
	p.by[caller]++
	return sync.OnceFunc(func() { p.leave(caller) }), nil
}

func (p *Places) leave(caller string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken--
	if p.by[caller]--; p.by[caller] == 0 {
		delete(p.by, caller)
	}
}

// Taken returns how many places are taken.
func (p *Places) Taken() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.taken
}
