package eventstoretest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/vnfm/vnfm/eventstore"
)

// parkedPages: parked messages are read page by page, all of them, those of a consumer, those of a key in their order, or one.
func parkedPages(t *testing.T, s eventstore.Store) {
	for i, p := range []struct{ consumer, key string }{{"b", "k1"}, {"a", "k2"}, {"a", "k1"}, {"a", "k2"}, {"a", "k1"}, {"b", "k2"}} {
		id := fmt.Sprint("m", 9-i)
		mustDo(t, s, p.key, always(eventstore.Commit{Parked: []eventstore.ParkedMessage{
			{ID: id, Consumer: p.consumer, Key: p.key, Seq: int64(i/2 + 1), Reason: "r", Message: outboxMessage(id, p.key)},
		}}))
	}
	for _, c := range []struct {
		q    eventstore.ParkedQuery
		want []string
	}{
		{eventstore.ParkedQuery{}, []string{"m8", "m6", "m7", "m5", "m9", "m4"}},
		{eventstore.ParkedQuery{Consumer: "a"}, []string{"m8", "m6", "m7", "m5"}},
		{eventstore.ParkedQuery{Consumer: "a", Key: "k2"}, []string{"m8", "m6"}},
		{eventstore.ParkedQuery{Key: "k1"}, []string{"m7", "m5", "m9"}},
		{eventstore.ParkedQuery{ID: "m5"}, []string{"m5"}},
		{eventstore.ParkedQuery{Consumer: "b", ID: "m5"}, nil},
	} {
		for limit := 1; limit < 4; limit++ {
			var got []string
			for q := c.q; ; {
				q.Limit = limit
				page := must(s.Parked(t.Context(), q))(t)
				for _, p := range page {
					got = append(got, p.ID)
				}
				if len(page) < limit {
					break
				}
				q.After = &page[len(page)-1]
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%+v by %d: %v, want %v", c.q, limit, got, c.want)
			}
		}
	}
}
