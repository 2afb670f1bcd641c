// Package saga runs long processes made of commands to participants: in stages, with retries, timeouts, compensation
// and the wishes of an operator. It knows no VNF, no VIM and no HTTP; its own tests run on a toy saga.
//
// It owns the tables saga_instances, saga_items, saga_timeouts and processed_replies; saga_steps has the attempts of sagas
// that older programs ran. It promises that every saga ends or waits for an operator where one can see it, whatever is lost,
// late or doubled; that every command ever sent whose effect may stand is undone when the saga is compensated; and that a
// success that arrives after the saga gave up on it is released by a cleanup saga, started in the commit that handled the late
// reply.
//
// The engine itself (Advance) is a pure function of definition, instance, input and time, and costs what the input changes,
// however large the saga is. The Runtime around it is an inbox handler (replies), a timer handler (timeouts) and what use cases
// call (Begin, Act).
//
// # States
//
//	RUNNING ──► COMPLETED
//	   │ step failed for good, cancel, deadline
//	   ▼
//	SETTLING ──► (rollback policy) COMPENSATING ──► COMPENSATED
//	   │                 ▲   │ an undo fails for good
//	   │ (hold policy)   │   ▼
//	   └──► HELD ────────┘  STUCK ──► retry, skip, mark done: COMPENSATING; fail: ABANDONED
//	          │ retry: RUNNING; rollback: COMPENSATING; fail: ABANDONED
//
// A cancel while COMPENSATING leads to HELD (or STUCK) once no undo is outstanding. A saga that sent no command but such
// whose failure means that nothing was begun (Step.Rejects) goes from SETTLING to COMPENSATED, whatever the policy. The
// table of what an operator may do when is behind Allowed.
//
// A cleanup saga is an ordinary saga of the definition that the host names, with the parent's id.
package saga
