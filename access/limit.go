package access

import (
	"container/list"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits bounds what one caller may ask for: PerSecond requests on average (0: any number), Burst at once. It remembers at most Callers of
// them, those who came last: whoever is forgotten begins with a full burst. It is safe for concurrent use.
type Limits struct {
	perSecond rate.Limit
	burst     int
	callers   int
	now       func() time.Time

	mu    sync.Mutex
	by    map[string]*list.Element
	order *list.List // of *bucket, whoever came last in front
}

type bucket struct {
	caller string
	*rate.Limiter
}

// NewLimits returns limits; now is time.Now outside tests.
func NewLimits(perSecond float64, burst, callers int, now func() time.Time) *Limits {
	return &Limits{
		perSecond: rate.Limit(perSecond), burst: burst, callers: callers, now: now, by: map[string]*list.Element{}, order: list.New(),
	}
}

// Set changes what one caller may ask for. perSecond 0: anything.
func (l *Limits) Set(perSecond float64, burst int) {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.perSecond, l.burst = rate.Limit(perSecond), burst
	for _, e := range l.by {
		b := e.Value.(*bucket) //nolint:forcetypeassert // nothing else is in the list
		b.SetLimitAt(now, l.perSecond)
		b.SetBurstAt(now, burst)
	}
}

// Take counts one request of a caller. It returns 0 when the request may go on, or how long the caller is to wait. Requests
// that have to wait do not count.
func (l *Limits) Take(caller string) time.Duration {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.perSecond == 0 {
		return 0
	}
	e := l.by[caller]
	if e == nil {
		if l.order.Len() >= l.callers {
			oldest := l.order.Back()
			delete(l.by, oldest.Value.(*bucket).caller) //nolint:forcetypeassert // nothing else is in the list
			l.order.Remove(oldest)
		}
		e = l.order.PushFront(&bucket{caller, rate.NewLimiter(l.perSecond, l.burst)})
		l.by[caller] = e
	}
	l.order.MoveToFront(e)
	r := e.Value.(*bucket).ReserveN(now, 1) //nolint:forcetypeassert // as above
	if wait := r.DelayFrom(now); wait > 0 {
		r.CancelAt(now)
		return wait
	}
	return 0
}

// Stranger is the name under which requests without a caller are limited and recorded: the address they come from.
func Stranger(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	return "address:" + host
}

// Known returns how many callers are remembered.
func (l *Limits) Known() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.order.Len()
}
