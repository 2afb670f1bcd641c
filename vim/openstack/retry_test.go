package openstack_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// A cloud that has too much to do, or is away for a while, says for how long it is to be left alone. Seen failing without the header read.
func TestTimeThatACloudAsksFor(t *testing.T) {
	f := newFake(t)
	for name, x := range map[string]struct {
		answer int
		after  string
		class  message.Class
		want   time.Duration
	}{
		"429":            {http.StatusTooManyRequests, "7", message.Transient, 7 * time.Second},
		"413, over rate": {http.StatusRequestEntityTooLarge, "3", message.Transient, 3 * time.Second},
		"503":            {http.StatusServiceUnavailable, "30", message.Unavailable, 30 * time.Second},
		"503 and silent": {http.StatusServiceUnavailable, "", message.Unavailable, 0},
		"nonsense":       {http.StatusTooManyRequests, "-4 soon", message.Transient, 0},
		"500":            {http.StatusInternalServerError, "9", message.UnknownOutcome, 0},
		"a date":         {http.StatusTooManyRequests, time.Now().Add(time.Hour).UTC().Format(http.TimeFormat), message.Transient, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			s := f.site()
			s.next(rule{method: http.MethodGet, path: "/os-server-groups", answer: x.answer, header: http.Header{"Retry-After": {x.after}}})
			_, err := s.driver().Find(t.Context(), s.conn, vim.ServerGroup, anything().Token)
			if got := vim.RetryAfter(err); vim.ClassOf(err) != x.class || got > x.want || got < x.want-time.Minute || x.want < time.Minute && got != x.want {
				t.Errorf("%v: %s, want %s", err, got, x.want)
			}
		})
	}
}
