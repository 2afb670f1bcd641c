package own

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/api/decode"
	"github.com/vnfm/vnfm/api/rest"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/secret"
	"github.com/vnfm/vnfm/sol"
)

// ParkedMessages decides about messages that could not be handled. Both return how many were handled, and NotFound when the message
// is not parked.
type ParkedMessages interface {
	// Retry handles a message again, with those of its key behind it, in order.
	Retry(ctx context.Context, id string, by request.Info) (int, error)
	// Skip gives a message up for a reason, and handles those of its key behind it.
	Skip(ctx context.Context, id, reason string, by request.Info) (int, error)
}

// parked lists the messages that wait, those of each consumer in the order in which they are to be handled.
func (a *API) parked(c *rest.Call) (*rest.Answer, error) {
	consumers := a.Consumers
	if one := c.Query.Get("consumer"); one != "" {
		if !slices.Contains(consumers, one) {
			return nil, rest.BadQuery("consumer", "The query parameter consumer is one of %v, not %q.", consumers, one)
		}
		consumers = []string{one}
	}
	out := []sol.ParkedMessage{}
	for _, consumer := range consumers {
		messages, err := c.Server.Views.Parked(c.Ctx, eventstore.ParkedQuery{Consumer: consumer})
		if err != nil {
			return nil, fmt.Errorf("list parked messages: %w", err)
		}
		for i := range messages {
			out = append(out, shown(&messages[i]))
		}
	}
	return rest.Respond(http.StatusOK).JSON(out), nil
}

// parkedMessage shows one, with what it says.
func (a *API) parkedMessage(c *rest.Call) (*rest.Answer, error) {
	for _, consumer := range a.Consumers {
		found, err := c.Server.Views.Parked(c.Ctx, eventstore.ParkedQuery{Consumer: consumer, ID: c.ID})
		if err != nil {
			return nil, fmt.Errorf("read parked message %s: %w", c.ID, err)
		}
		if len(found) > 0 {
			out := shown(&found[0])
			out.Data = secret.Masked(found[0].Message.Data)
			return rest.Respond(http.StatusOK).JSON(out), nil
		}
	}
	return nil, vnfm.Errorf(vnfm.NotFound, "There is no parked message %q.", c.ID)
}

func shown(m *eventstore.ParkedMessage) sol.ParkedMessage {
	return sol.ParkedMessage{
		Id: m.ID, Consumer: m.Consumer, Key: m.Key, Seq: m.Seq, Type: m.Message.Type,
		CorrelationId: m.Message.CorrelationID, Reason: m.Reason, At: m.At,
	}
}

// redrive answers when the messages were handled. Repeating it is harmless: what was handled is parked no more.
func (a *API) redrive(c *rest.Call) (*rest.Answer, error) {
	n, err := a.Parked.Retry(c.Ctx, c.ID, c.By)
	if err != nil {
		return nil, err
	}
	return rest.Respond(http.StatusOK).JSON(sol.Redriven{Handled: n}), nil
}

// skip answers when the message is parked no more, and those behind it were handled.
func (a *API) skip(c *rest.Call) (*rest.Answer, error) {
	var body sol.SkipRequest
	if err := decode.Into(c.Body, &body); err != nil {
		return nil, err
	}
	if strings.TrimSpace(body.Reason) == "" {
		return nil, decode.Wrong("/reason", "says why the message is given up; it is kept")
	}
	n, err := a.Parked.Skip(c.Ctx, c.ID, body.Reason, c.By)
	if err != nil {
		return nil, err
	}
	return rest.Respond(http.StatusOK).JSON(sol.Redriven{Handled: n}), nil
}
