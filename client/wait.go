package client

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/vnfm/vnfm/sol"
)

// settled is how long an operation whose policy is rollback may be FAILED_TEMP before it counts as waiting for people.
const settled = 3 * time.Second

// Away says that an error is of a server that does not answer, or not now: it is worth asking again later.
func Away(err error) bool {
	var refused *Error
	if errors.As(err, &refused) {
		return refused.Status >= http.StatusInternalServerError && refused.Status != http.StatusNotImplemented || refused.Status == http.StatusTooManyRequests
	}
	return err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}

// Patiently does what it is given until it is done, refused, or the context ends: while a server that was there is away it tells
// Lost, and does it again later. Without Lost it does it once.
func (c *Client) Patiently(ctx context.Context, do func() error) error {
	for attempt := 0; ; attempt++ {
		err := do()
		if err == nil || c.Lost == nil || !Away(err) || !c.reached.Load() || ctx.Err() != nil {
			return err
		}
		c.Lost(err)
		if c.Wait(ctx, min(time.Second<<min(attempt, 5), 15*time.Second)) != nil {
			return err
		}
	}
}

// WaitOp polls an operation until it has ended or waits for an operator, and returns how it stands. seen, unless nil, is
// called with each look at it.
func (c *Client) WaitOp(ctx context.Context, id string, poll time.Duration, seen func(*sol.OpProgress)) (*sol.OpProgress, error) {
	for {
		var p *sol.OpProgress
		err := c.Patiently(ctx, func() (err error) {
			p, err = c.Progress(ctx, id)
			return err
		})
		if err != nil {
			return nil, err
		}
		if seen != nil {
			seen(p)
		}
		if p.Final || p.OperationState == "FAILED_TEMP" && (p.Policy != "rollback" || p.Now.Sub(p.StateEnteredTime) > settled) {
			return p, nil
		}
		if err := c.Wait(ctx, poll); err != nil {
			return p, err
		}
	}
}

// WaitSaga polls a saga until it has ended or is stuck, and returns how it stands. seen, unless nil, is called with each look at it.
func (c *Client) WaitSaga(ctx context.Context, id string, poll time.Duration, seen func(*sol.Saga)) (*sol.Saga, error) {
	for {
		var g *sol.Saga
		err := c.Patiently(ctx, func() (err error) {
			g, err = c.Saga(ctx, id)
			return err
		})
		if err != nil {
			return nil, err
		}
		if seen != nil {
			seen(g)
		}
		switch g.State {
		case "COMPLETED", "COMPENSATED", "ABANDONED", "STUCK", "HELD":
			return g, nil
		}
		if err := c.Wait(ctx, poll); err != nil {
			return g, err
		}
	}
}
