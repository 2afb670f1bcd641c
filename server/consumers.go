package server

import (
	"context"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/config"
	"github.com/vnfm/vnfm/outbox"
)

// Consumers lists the consumers that keep messages in the outboxes. With forget it first forgets one, in whichever outbox it is: what
// it has not had goes with the next pruning. Returns NotFound when there is none of that name, and Conflict for one that this program
// has: it would be registered again by the next start, and could have lost messages by then.
func Consumers(ctx context.Context, c *config.Config, w io.Writer, forget string) error {
	if slices.Contains(allConsumers, forget) {
		return vnfm.Errorf(vnfm.Conflict, "the consumer %s is one of this program's: it cannot be forgotten", forget)
	}
	return offline(ctx, c, true, func(s *stores) error {
		names := []string{"main"}
		all := []*database{s.main}
		if s.vims != s.main {
			names, all = append(names, "vim"), append(all, s.vims)
		}
		if forget != "" {
			n := 0
			for _, db := range all {
				gone, err := outbox.Forget(ctx, db, forget)
				if err != nil {
					return err //nolint:wrapcheck // says what it was about
				}
				n += gone
			}
			if n == 0 {
				return vnfm.Errorf(vnfm.NotFound, "no consumer %s is registered", forget)
			}
			_, _ = fmt.Fprintf(w, "%s is forgotten: what it has not had goes when the outbox is pruned\n", forget)
			return nil
		}
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(t, "DATABASE\tCONSUMER\tSINCE\tPROGRAM\t")
		for i, db := range all {
			registered, err := outbox.Registered(ctx, db)
			if err != nil {
				return err //nolint:wrapcheck // says what it was about
			}
			for _, r := range registered {
				unknown := ""
				if !slices.Contains(allConsumers, r.Name) {
					unknown = "unknown to this program"
				}
				_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", names[i], r.Name, r.Since.UTC().Format(time.RFC3339), r.Version, unknown)
			}
		}
		return t.Flush()
	})
}
