package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vim/sim"
	"github.com/vnfm/vnfm/vim/sim/remote"
)

// judge decides whether every promise was kept. It does no more harm; it resolves what waits for an operator, as an
// operator would.
type judge struct {
	*injector
	backend string
	dir     string // of logs and data
	began   time.Time

	outcomes map[string]int // operations by type and state when all had ended by itself
	held     []string       // operations that waited for an operator then
	calm     time.Duration  // from the last fault until then
	resolved int            // decisions made
	audit    sol.Audit
	live     int // VNFs at the end
	standing int // resources at the VIM at the end
}

// The bounds of the judgement. The deadline of an operation and the attempts of what it then undoes are in the first.
const (
	quietLimit = 3 * time.Minute
	sweepLimit = 30 * time.Second
	readLimit  = 5 * time.Minute
	rounds     = 12
)

func (j *judge) judge(ctx context.Context) error {
	if err := j.calmDown(ctx); err != nil {
		return err
	}
	if err := j.settle(ctx); err != nil {
		return err
	}
	if err := j.effects(ctx); err != nil {
		return err
	}
	if err := j.repeatAll(ctx); err != nil {
		return err
	}
	if err := j.clean(ctx); err != nil {
		return err
	}
	if err := j.terminateAgain(ctx); err != nil {
		return err
	}
	inventory, err := j.steady(ctx)
	if err != nil {
		return err
	}
	j.standing = len(inventory)
	if err := j.audited(ctx); err != nil {
		return err
	}
	if err := j.published(ctx); err != nil {
		return err
	}
	j.stopNodes()
	if err := j.records(ctx, inventory); err != nil {
		return err
	}
	for _, command := range [][]string{{"audit", "verify"}, {"rebuild", "--check"}, {"audit"}} {
		if said, err := j.nodes[0].offline(ctx, command...); err != nil {
			j.book.violation("vnfmd %s: %v: %s", strings.Join(command, " "), err, said)
		}
	}
	return j.drain(ctx)
}

// stopNodes stops the nodes as an operator would. The simulated VIMs go on.
func (j *judge) stopNodes() {
	for _, d := range j.nodes {
		if err := d.stop(); err != nil {
			j.book.violation("%v", err)
		}
	}
}

// calmDown ends all misbehaviour and asks once more for what was never answered.
func (j *judge) calmDown(ctx context.Context) error {
	if err := j.survived("the last fault"); err != nil {
		return err
	}
	if err := j.up(ctx, 30*time.Second); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	err := poll(limited, 100*time.Millisecond, "the simulated VIM to behave", func() (bool, error) {
		return j.behave(limited, sim.Behaviour{Rules: []sim.Rule{}}), nil
	})
	if err != nil {
		return err
	}
	open := j.book.unanswered
	j.book.unanswered = nil
	defer func() { j.book.unanswered = nil }() // what only looked is asked once more, once
	for _, r := range open {
		j.book.count("requests answered after the load only", 1)
		err := poll(limited, 100*time.Millisecond, r.path, func() (bool, error) {
			a, ok := j.caller.send(limited, r, 5*time.Second)
			if !ok || a.status == http.StatusServiceUnavailable {
				return false, nil
			}
			j.caller.judge(r, a)
			return true, nil
		})
		if err != nil {
			j.book.violation("%s %s with the key %s is never answered: %v", r.method, r.path, r.key, err)
		}
	}
	return nil
}

// settle waits until nothing moves any more, and decides about what then waits for an operator, until nothing does.
func (j *judge) settle(ctx context.Context) error {
	for round := range rounds {
		ops, err := j.quiet(ctx)
		if err != nil {
			return err
		}
		var waiting []sol.VnfLcmOpOcc
		states := map[string]int{}
		for _, op := range ops {
			states[op.Operation+" "+op.OperationState]++
			if op.OperationState == "FAILED_TEMP" {
				waiting = append(waiting, op)
			}
		}
		if round == 0 {
			j.outcomes, j.calm = states, time.Since(j.began)
		}
		if len(waiting) == 0 {
			return nil
		}
		for _, op := range waiting {
			if round == 0 {
				j.held = append(j.held, op.Operation+" "+op.Id)
			}
			task := "fail"
			if op.Links.Rollback != nil && round < rounds/2 {
				task = "rollback"
			}
			a, ok := j.caller.change(ctx, http.MethodPost, opOccs+"/"+op.Id+"/"+task, nil)
			if !ok || !a.ok() {
				j.book.violation("%s of %s, which its links allow: %s", task, op.Id, a)
			}
			j.resolved++
		}
	}
	j.book.violation("I1: after %d rounds of decisions operations still wait for one", rounds)
	return nil
}

// quiet waits until every operation and saga has ended or waits for an operator, and returns the operations. What has
// not come to rest in time is a violation.
func (j *judge) quiet(ctx context.Context) ([]sol.VnfLcmOpOcc, error) {
	limited, cancel := context.WithTimeout(ctx, quietLimit)
	defer cancel()
	var ops []sol.VnfLcmOpOcc
	var busy []string
	err := poll(limited, 200*time.Millisecond, "everything to end", func() (bool, error) {
		busy = nil
		var got []sol.VnfLcmOpOcc
		if code := j.caller.get(limited, opOccs+"?all_fields", &got); code != http.StatusOK {
			busy = append(busy, fmt.Sprintf("the list of operations: status %d", code))
			return false, nil
		}
		ops = got
		for _, op := range ops {
			switch op.OperationState {
			case "COMPLETED", "FAILED", "ROLLED_BACK", "FAILED_TEMP":
			default:
				busy = append(busy, fmt.Sprintf("%s %s of VNF %s is %s since %s", op.Operation, op.Id, op.VnfInstanceId, op.OperationState, op.StateEnteredTime))
			}
		}
		for state, n := range j.sagas(limited) {
			if n > 0 && state != "HELD" && state != "STUCK" {
				busy = append(busy, fmt.Sprintf("%d sagas are %s", n, state))
			}
		}
		return len(busy) == 0, nil
	})
	if err == nil || ctx.Err() != nil {
		return ops, err
	}
	for _, what := range busy {
		j.book.violation("I1: not at rest after %s: %s", quietLimit, what)
	}
	if len(busy) == 0 {
		return nil, err
	}
	return ops, errors.New("not everything ended")
}

// sagas returns how many sagas there are by state, of those that have not ended. It says one is unknown when it cannot
// tell.
func (j *judge) sagas(ctx context.Context) map[string]int {
	out := map[string]int{}
	a, ok := j.caller.send(ctx, request{method: http.MethodGet, path: "/metrics"}, 5*time.Second)
	if !ok || a.status != http.StatusOK {
		return map[string]int{"unknown": 1}
	}
	for s := bufio.NewScanner(bytes.NewReader(a.body)); s.Scan(); {
		rest, ours := strings.CutPrefix(s.Text(), `vnfm_saga_instances{state="`)
		state, value, _ := strings.Cut(rest, `"} `)
		if n, err := strconv.ParseFloat(value, 64); ours && err == nil {
			out[state] = int(n)
		}
	}
	return out
}

// effects compares what was answered with what there is: no effect without an answer, none twice, none taken back.
func (j *judge) effects(ctx context.Context) error {
	var ops []sol.VnfLcmOpOcc
	if err := j.read(ctx, opOccs, &ops); err != nil {
		return err
	}
	var vnfs []sol.VnfInstance
	if err := j.read(ctx, instances, &vnfs); err != nil {
		return err
	}
	told, there := map[string]bool{}, map[string]bool{}
	for id := range j.book.ops {
		told[id] = true
	}
	for _, op := range ops {
		there[op.Id] = true
		if !told[op.Id] {
			j.book.violation("I6: operation %s %s of VNF %s: nobody was told of it", op.Operation, op.Id, op.VnfInstanceId)
		}
	}
	for id := range told {
		if !there[id] {
			j.book.violation("I7: operation %s was accepted, and is not there", id)
		}
	}
	lives := map[string]bool{}
	for _, v := range vnfs {
		lives[v.Id] = true
	}
	for _, v := range j.book.all() {
		if lives[v.id] == v.deleted {
			j.book.violation("I7: VNF %s: there: %v, said to be deleted: %v", v.id, lives[v.id], v.deleted)
		}
		delete(lives, v.id)
	}
	for id := range lives {
		j.book.violation("I6: VNF %s: nobody was told of it", id)
	}
	j.live = len(vnfs)
	var parked []sol.ParkedMessage
	if err := j.read(ctx, own+"/parked_messages", &parked); err != nil {
		return err
	}
	for _, p := range parked {
		j.book.violation("message %s of %s is parked: %s", p.Id, p.Consumer, p.Reason)
	}
	if err := j.read(ctx, own+"/audit/verify", &j.audit); err != nil {
		return err
	}
	if !j.audit.Ok {
		j.book.violation("I3: the audit finds %d problems: %v", j.audit.Found, j.audit.Problems)
	}
	return nil
}

// audited has the running program audit itself: with nothing under way, and nothing left that somebody gave up, whatever it finds
// must not be, and there is nothing that it cannot look at. The events are walked by other checks.
func (j *judge) audited(ctx context.Context) error {
	var found sol.LiveAudit
	if err := j.read(ctx, own+"/audit?chain=false", &found); err != nil {
		return err
	}
	for _, f := range found.Findings {
		j.book.violation("the audit finds %s: %s: %s (VNF %s, since %s)", f.Check, f.Where, f.What, f.VnfInstanceId, f.Since.Format(time.RFC3339))
	}
	for _, u := range found.Unmade {
		j.book.violation("the audit cannot look at %s: %s", u.Check, u.Reason)
	}
	return nil
}

// read reads a resource, within the time that anything may take: all events may be walked for an answer.
func (j *judge) read(ctx context.Context, path string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	return poll(ctx, 50*time.Millisecond, path, func() (bool, error) {
		return j.caller.getWithin(ctx, path, into, readLimit) == http.StatusOK, nil
	})
}

// repeatAll asks once more for everything that was ever answered.
func (j *judge) repeatAll(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for _, one := range slices.Clone(j.book.answers) {
		err := poll(limited, 50*time.Millisecond, one.request.path, func() (bool, error) {
			return j.caller.again(limited, one.request, one.answer), nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// clean releases what failed operations left behind, and waits for the end of that.
func (j *judge) clean(ctx context.Context) error {
	for range 3 {
		began := 0
		for _, v := range j.book.all() {
			if v.deleted {
				continue
			}
			if a, ok := j.caller.change(ctx, http.MethodPost, own+"/vnf_instances/"+v.id+"/cleanup", nil); ok && a.ok() {
				began++
			}
		}
		if _, err := j.quiet(ctx); err != nil || began == 0 {
			return err
		}
	}
	return nil
}

// terminateAgain terminates what somebody gave up terminating. Of a resource whose release had no answer nobody knows
// whether it stands: the instance keeps it until a termination says so. With a VIM that behaves it must succeed.
func (j *judge) terminateAgain(ctx context.Context) error {
	var ops []sol.VnfLcmOpOcc
	if err := j.read(ctx, opOccs+"?all_fields", &ops); err != nil {
		return err
	}
	newest := map[string]sol.VnfLcmOpOcc{}
	for _, op := range ops {
		if was, ok := newest[op.VnfInstanceId]; !ok || op.StartTime.After(was.StartTime) {
			newest[op.VnfInstanceId] = op
		}
	}
	for id, op := range newest {
		var v sol.VnfInstance
		if op.Operation != "TERMINATE" || op.OperationState != "FAILED" || j.book.vnf(id).deleted {
			continue
		}
		if err := j.read(ctx, instances+"/"+id, &v); err != nil {
			return err
		}
		if v.InstantiationState == "INSTANTIATED" {
			j.book.count("terminations given up and made again at the end", 1)
			j.terminate(ctx, id)
		}
	}
	return j.succeeded(ctx)
}

// terminate terminates a VNF that is at rest.
func (j *judge) terminate(ctx context.Context, id string) {
	path := instances + "/" + id + "/terminate"
	if a, ok := j.caller.change(ctx, http.MethodPost, path, map[string]any{"terminationType": "FORCEFUL"}); !ok || !a.ok() {
		j.book.violation("VNF %s, which is at rest, is not terminated: %s", id, a)
	}
}

// succeeded waits until nothing is under way and wants nothing to wait for an operator.
func (j *judge) succeeded(ctx context.Context) error {
	ops, err := j.quiet(ctx)
	if err != nil {
		return err
	}
	for _, op := range ops {
		if op.OperationState == "FAILED_TEMP" {
			j.book.violation("with a VIM that behaves %s %s is FAILED_TEMP: %v", op.Operation, op.Id, op.Error)
		}
	}
	return nil
}

// steady waits until the inventory has stayed as it is for longer than two sweeps, and returns it.
func (j *judge) steady(ctx context.Context) ([]sim.Entry, error) {
	limited, cancel := context.WithTimeout(ctx, sweepLimit)
	defer cancel()
	var last []sim.Entry
	var since time.Time
	err := poll(limited, 200*time.Millisecond, "a steady inventory", func() (bool, error) {
		var now []sim.Entry
		if j.vimCaller.get(limited, remote.InventoryPath, &now) != http.StatusOK {
			return false, nil
		}
		same := slices.EqualFunc(now, last, func(a, b sim.Entry) bool { return a.Vim == b.Vim && a.Token == b.Token && a.State == b.State })
		if !same || since.IsZero() {
			last, since = now, time.Now()
		}
		return time.Since(since) > 3500*time.Millisecond, nil
	})
	return last, err
}

// drain terminates and deletes everything: then nothing may be left.
func (j *judge) drain(ctx context.Context) error {
	for _, d := range j.nodes {
		if err := d.start(); err != nil {
			return err
		}
	}
	if err := j.up(ctx, 30*time.Second); err != nil {
		return err
	}
	var vnfs []sol.VnfInstance
	if err := j.read(ctx, instances, &vnfs); err != nil {
		return err
	}
	for _, v := range vnfs {
		if v.InstantiationState != "INSTANTIATED" {
			continue
		}
		j.terminate(ctx, v.Id)
	}
	if err := j.succeeded(ctx); err != nil {
		return err
	}
	if err := j.discardAll(ctx); err != nil {
		return err
	}
	for _, v := range vnfs {
		if a, ok := j.caller.change(ctx, http.MethodDelete, instances+"/"+v.Id, nil); !ok || a.status != http.StatusNoContent {
			j.book.violation("VNF %s, which is terminated, is not deleted: %s", v.Id, a)
		}
	}
	left, err := j.steady(ctx)
	if err != nil {
		return err
	}
	for _, e := range left {
		j.book.violation("I2: %s %s of VNF %s is left when every VNF is deleted", e.Kind, e.Token, e.Owner)
	}
	if err := j.audited(ctx); err != nil {
		return err
	}
	j.stopNodes()
	for _, d := range append([]*daemon{j.vim}, j.nodes...) {
		for _, end := range d.byItself() {
			j.book.violation("ended by itself: %s", end)
		}
	}
	return nil
}
