package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
	"github.com/google/uuid"

	"github.com/vnfm/vnfm/saga/sagabench"
)

// begin is the input of a workflow.
type begin struct {
	Fail bool `json:"fail"`
}

// runDBOSSteps runs the saga as a DBOS workflow whose steps are functions called in the process: a step's result is
// durable, but nothing is sent, so a participant elsewhere cannot do the work.
func runDBOSSteps(ctx context.Context, url string, o sagabench.Options) (sagabench.Report, error) {
	return runDBOS(ctx, url, o, func(dbos.Context) error { return nil }, func(c dbos.Context, cmd command) error {
		_, err := dbos.RunAsStep(c, func(context.Context) (answer, error) { return participate(cmd) }, dbos.WithStepName("participate"))
		return err
	})
}

// The intervals at which DBOS looks for queued workflows and for the results of others. With the defaults, one second, a
// saga lasts three seconds and 64 clients get 20 sagas a second; of 10 to 100 ms these gave the best rate and cost least.
const (
	dbosQueueInterval  = 20 * time.Millisecond
	dbosResultInterval = 50 * time.Millisecond
)

// runDBOSAwaited runs the saga as a DBOS workflow that puts a workflow for each command on a queue and awaits its result,
// for which DBOS polls.
func runDBOSAwaited(ctx context.Context, url string, o sagabench.Options) (sagabench.Report, error) {
	participant := func(_ dbos.Context, cmd command) (answer, error) { return participate(cmd) }
	return runDBOSQueued(ctx, url, o, participant, func(_ dbos.Context, handle dbos.WorkflowHandle[answer]) error {
		_, err := handle.GetResult(dbos.WithHandlePollingInterval(dbosResultInterval))
		return err
	})
}

// runDBOSSent is runDBOSAwaited with a reply that is a message to the saga's workflow, which PostgreSQL notifies of.
func runDBOSSent(ctx context.Context, url string, o sagabench.Options) (sagabench.Report, error) {
	participant := func(c dbos.Context, cmd command) (answer, error) {
		a, _ := participate(cmd) // a refusal is an answer, too
		return a, dbos.Send(c, cmd.Saga, a, dbosReplies)
	}
	return runDBOSQueued(ctx, url, o, participant, func(c dbos.Context, _ dbos.WorkflowHandle[answer]) error {
		a, err := dbos.Recv[answer](c, dbosReplies, 2*time.Minute)
		if err == nil && !a.Made {
			err = errRefused
		}
		return err
	})
}

// dbosReplies is the topic of replies.
const dbosReplies = "replies"

func runDBOSQueued(ctx context.Context, url string, o sagabench.Options, participant dbos.Workflow[command, answer],
	reply func(dbos.Context, dbos.WorkflowHandle[answer]) error,
) (sagabench.Report, error) {
	var queue dbos.Queue
	prepare := func(c dbos.Context) (err error) {
		dbos.RegisterWorkflow(c, participant, dbos.WithWorkflowName("participant"))
		queue, err = dbos.RegisterQueue(c, "commands", dbos.WithQueueBasePollingInterval(dbosQueueInterval))
		return err
	}
	return runDBOS(ctx, url, o, prepare, func(c dbos.Context, cmd command) error {
		handle, err := dbos.RunWorkflow(c, participant, cmd, dbos.WithQueue(queue))
		if err != nil {
			return err
		}
		return reply(c, handle)
	})
}

func runDBOS(ctx context.Context, url string, o sagabench.Options, prepare func(dbos.Context) error, do func(dbos.Context, command) error) (sagabench.Report, error) {
	c, err := dbos.NewContext(ctx, dbos.Config{
		AppName: "peers", DatabaseURL: url, ApplicationVersion: "1", ExecutorID: "peers", Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return sagabench.Report{}, err
	}
	process := func(c dbos.Context, in begin) (bool, error) {
		id, err := dbos.GetWorkflowID(c)
		if err != nil {
			return false, err
		}
		return steps(id, in.Fail, func(cmd command) error { return do(c, cmd) })
	}
	dbos.RegisterWorkflow(c, process, dbos.WithWorkflowName("saga"))
	if err := prepare(c); err != nil {
		return sagabench.Report{}, err
	}
	if err := dbos.Launch(c); err != nil {
		return sagabench.Report{}, err
	}
	defer dbos.Shutdown(c, 10*time.Second)
	var fail everyTenth
	return sagabench.Measure(ctx, o, func(ctx context.Context) (bool, error) {
		handle, err := dbos.RunWorkflow(c, process, begin{Fail: fail.next()}, dbos.WithWorkflowID(uuid.NewString()))
		if err != nil {
			return false, err
		}
		return handle.GetResult()
	})
}
