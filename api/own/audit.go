package own

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/vnfm/vnfm/api/rest"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/sol"
)

// maxProblems bounds the problems an audit lists; all are counted.
const maxProblems = 1000

// audit looks at the running system. It answers 200 whatever it finds: the verdict is in the body.
func (a *API) audit(c *rest.Call) (*rest.Answer, error) {
	chain := true
	if q := c.Query; q.Has("chain") {
		var err error
		if chain, err = strconv.ParseBool(q.Get("chain")); err != nil {
			return nil, rest.BadQuery("chain", "The query parameter chain is true or false, not %q.", q.Get("chain"))
		}
	}
	r, err := a.Audit(c.Ctx, chain)
	if err != nil {
		return nil, err
	}
	out := sol.LiveAudit{
		Ok: len(r.Findings) == 0, Complete: len(r.Unmade) == 0, At: r.At, TookMs: r.Took.Milliseconds(), Chain: r.Chain,
		Counts: map[string]int{}, Findings: []sol.AuditFinding{}, Unmade: []sol.AuditUnmade{},
		Looked: sol.AuditLooked{Events: r.Events, Streams: r.Streams, Sagas: r.Sagas, Timers: r.Timers, VimResources: r.VimHeld},
	}
	for check, n := range r.Counts() {
		out.Counts[string(check)] = n
	}
	for i, f := range r.Findings {
		if i == maxProblems {
			break
		}
		out.Findings = append(out.Findings, sol.AuditFinding{
			Check: string(f.Check), Where: f.Where, VnfInstanceId: f.Vnf, Since: f.Since, What: f.What, Do: f.Do,
		})
	}
	for _, u := range r.Unmade {
		out.Unmade = append(out.Unmade, sol.AuditUnmade{Check: string(u.Check), Reason: u.Reason})
	}
	return rest.Respond(http.StatusOK).JSON(out), nil
}

// verify walks all events. It answers 200 whatever it finds: the verdict is in the body.
func (a *API) verify(c *rest.Call) (*rest.Answer, error) {
	out := sol.Audit{Problems: []sol.AuditProblem{}}
	sum, err := eventstore.Verify(c.Ctx, c.Server.Views, func(p eventstore.Problem) {
		if len(out.Problems) < maxProblems {
			out.Problems = append(out.Problems, sol.AuditProblem{
				Stream: p.Stream, Version: p.Version, Lane: p.Lane, Offset: p.Offset, Text: p.Detail,
			})
		}
	})
	if err != nil {
		return nil, fmt.Errorf("verify the events: %w", err)
	}
	out.Ok, out.Streams, out.Events, out.Messages, out.Found = sum.Problems == 0, sum.Streams, sum.Events, sum.Messages, sum.Problems
	return rest.Respond(http.StatusOK).JSON(out), nil
}
