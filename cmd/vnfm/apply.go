package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/vnfm/vnfm/client"
	"github.com/vnfm/vnfm/cmd/vnfm/desired"
	"github.com/vnfm/vnfm/cmd/vnfm/screen"
	"github.com/vnfm/vnfm/sol"
)

// wanted is the flag of files that say what VNFs are to be.
type wanted struct {
	File []string `short:"f" required:"" sep:"none" help:"File of what VNFs are to be, repeatable; - is the standard input. See docs/howto/apply.md." placeholder:"FILE" predictor:"file"`
}

// read reads the files. A VNF is in one of them, once.
func (c *wanted) read(s *session) ([]desired.Vnf, error) {
	var out []desired.Vnf
	in := map[string]string{}
	for _, name := range c.File {
		r := io.NopCloser(s.in)
		if name != "-" {
			f, err := os.Open(name)
			if err != nil {
				return nil, usagef("%v", err)
			}
			r = f
		}
		all, err := desired.Read(r, name)
		_ = r.Close() // it was read
		if err != nil {
			return nil, usagef("%v", err)
		}
		for _, v := range all {
			if first, ok := in[v.Name]; ok {
				return nil, usagef("%s is in %s and in %s", v.Name, first, name)
			}
			in[v.Name] = name
		}
		out = append(out, all...)
	}
	return out, nil
}

// ahead is what is to be done for one VNF.
type ahead struct {
	Name     string         `json:"name"`
	UnderWay string         `json:"operationUnderWay,omitempty"` // is waited for first
	Steps    []desired.Step `json:"steps"`
}

type planCmd struct{ wanted }

// Help is examples.
func (*planCmd) Help() string {
	return `Examples:
  vnfm plan -f vnf.yaml
  vnfm get fw1 | sed 's/throughput: 0/throughput: 1/' | vnfm plan -f -`
}

func (c *planCmd) Run(s *session) error {
	all, err := c.read(s)
	if err != nil {
		return err
	}
	plan, err := s.ahead(all)
	if err != nil {
		return err
	}
	return s.show(plan, func(w io.Writer) { printAhead(w, plan) })
}

type applyCmd struct {
	wanted
	sure
	DryRun bool `help:"Show what would be done, and begin nothing; the same as vnfm plan."`
}

// Help is examples.
func (*applyCmd) Help() string {
	return `It shows what it would do, asks, and does one request after the other; after each it looks again. Whenever it ends, it may be run again,
and goes on. Without a terminal it needs --yes.

Examples:
  vnfm apply -f vnf.yaml
  vnfm apply -f site.yaml -f edge.yaml --yes
  vnfm get fw1 > fw1.yaml && $EDITOR fw1.yaml && vnfm apply -f fw1.yaml`
}

func (c *applyCmd) Run(s *session) error {
	all, err := c.read(s)
	if err != nil {
		return err
	}
	plan, err := s.ahead(all)
	if err != nil {
		return err
	}
	nothing := !slices.ContainsFunc(plan, func(a ahead) bool { return len(a.Steps) > 0 })
	if c.DryRun || nothing || s.Form.ForPeople() {
		if err := s.show(plan, func(w io.Writer) { printAhead(w, plan) }); err != nil || c.DryRun || nothing {
			return err
		}
	}
	if !c.Yes && !s.interactive {
		return usagef("nothing was done: without a terminal --yes says that it is to be done")
	}
	if err := s.confirm(c.sure, "Go on?"); err != nil {
		return err
	}
	done := make([]ahead, len(all))
	names := func(i int) string { return all[i].Name }
	var indexes []int
	for i := range all {
		done[i].Name, done[i].Steps = all[i].Name, []desired.Step{}
		indexes = append(indexes, i)
	}
	err = each(s, indexes, names, func(i int) error { return s.bring(&all[i], &done[i]) })
	if !s.Form.ForPeople() {
		if err := s.show(done, nil); err != nil {
			return err
		}
	}
	if err != nil && s.ctx.Err() != nil {
		return &interrupted{how: "not all is done; run it again, and it goes on", cause: context.Cause(s.ctx)}
	}
	return err
}

// ahead finds out what is to be done.
func (s *session) ahead(all []desired.Vnf) ([]ahead, error) {
	plan := make([]ahead, len(all))
	for i := range all {
		look, busy, err := s.look(&all[i])
		if err != nil {
			return nil, err
		}
		if err := all[i].Check(look); err != nil {
			return nil, usagef("%s: %v", all[i].Name, err)
		}
		plan[i] = ahead{Name: all[i].Name, Steps: all[i].Steps(look)}
		if busy != nil {
			plan[i].UnderWay = busy.Id
		}
		if plan[i].Steps == nil {
			plan[i].Steps = []desired.Step{}
		}
	}
	return plan, nil
}

// printAhead prints what is to be done.
func printAhead(w io.Writer, plan []ahead) {
	var rows [][]string
	same := 0
	for _, a := range plan {
		name := a.Name
		if a.UnderWay != "" {
			rows = append(rows, []string{name, "", "wait", "for operation " + a.UnderWay})
			name = ""
		}
		for _, step := range a.Steps {
			sign := screen.Moving.Render("~")
			switch {
			case step.Verb == desired.Create, step.Verb == desired.Instantiate:
				sign = screen.Good.Render("+")
			case step.Destructive():
				sign = screen.Bad.Render("-")
			}
			rows = append(rows, []string{name, sign, string(step.Verb), step.What})
			name = ""
		}
		if len(a.Steps) == 0 {
			same++
		}
	}
	if len(rows) > 0 {
		screen.Of(w).Table([]string{"VNF", "", "STEP", "WHAT"}, rows)
	}
	_, _ = fmt.Fprintf(w, "%s to change, %d as wanted\n", counted(len(plan)-same, "VNF"), same)
}

// look finds out what a VNF is, and which operation is under way on it.
func (s *session) look(v *desired.Vnf) (*desired.Look, *sol.VnfLcmOpOcc, error) {
	l := &desired.Look{}
	found, err := s.Vnfs(s.ctx, client.Query{Filter: "(eq,vnfInstanceName," + quotedValue(v.Name) + ")"})
	if err != nil {
		return nil, nil, err //nolint:wrapcheck // of the client
	}
	if len(found) > 1 {
		return nil, nil, usagef("%d VNFs have the name %q; apply knows a VNF by its name", len(found), v.Name)
	}
	if v.Package != "" {
		p, err := s.packageOf(v.Package)
		if err != nil {
			return nil, nil, err
		}
		l.VnfdID = p.VnfdId
		if l.Descriptor, err = s.PackageDescriptor(s.ctx, p.Id); err != nil && !forbidden(err) {
			return nil, nil, err //nolint:wrapcheck // of the client
		}
	}
	if v.Vim != "" {
		if l.Vim, err = s.Vim(s.ctx, v.Vim); err != nil {
			return nil, nil, err //nolint:wrapcheck // of the client
		}
	}
	if len(found) == 0 {
		return l, nil, nil
	}
	l.Instance = &found[0]
	ops, err := s.Ops(s.ctx, client.Query{Filter: "(eq,vnfInstanceId," + l.Instance.Id + ");" + live, Fields: "operation"})
	if err != nil {
		return nil, nil, err //nolint:wrapcheck // of the client
	}
	if len(ops) > 0 {
		return l, &ops[0], nil
	}
	// One may have ended between the two requests: what it brought about is seen from now on.
	l.Instance, err = s.Vnf(s.ctx, l.Instance.Id)
	return l, nil, err //nolint:wrapcheck // of the client
}

// bring makes a VNF what is wanted: it looks, does the first step that is ahead, and looks again. done gets what it did.
func (s *session) bring(v *desired.Vnf, done *ahead) error {
	for last := ""; ; {
		l, busy, err := s.look(v)
		if err != nil {
			return err
		}
		if busy != nil {
			if busy.OperationState == "FAILED_TEMP" {
				return &failed{fmt.Sprintf("operation %s is FAILED_TEMP and waits for a decision: vnfm op show %s", busy.Id, busy.Id)}
			}
			s.doing(v.Name, "wait for "+busy.Operation)
			if err := s.waited(busy.Id); err != nil && s.ctx.Err() != nil {
				return err
			}
			continue // what it brought about is looked at
		}
		steps := v.Steps(l)
		if len(steps) == 0 {
			return nil
		}
		step := steps[0]
		if this := string(step.Verb) + step.What; this == last {
			return &failed{fmt.Sprintf("%s %s was done, and is still ahead: the VNFM keeps another value than was asked for", step.Verb, step.What)}
		} else {
			last = this
		}
		s.doing(v.Name, strings.TrimSpace(string(step.Verb)+" "+step.What))
		if err := s.do(l.Instance, &step); err != nil {
			return err
		}
		done.Steps = append(done.Steps, step)
	}
}

// doing says what is done now, for people.
func (s *session) doing(name, what string) {
	if s.Form.ForPeople() {
		_, _ = fmt.Fprintf(s.Out, "%s %s\n", screen.Bold.Render(name+":"), what)
	}
}

// waited waits for an operation, and shows it to people.
func (s *session) waited(op string) error {
	if s.Form.ForPeople() {
		return s.watch(op)
	}
	p, err := s.WaitOp(s.ctx, op, s.poll, nil)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	if p.OperationState != "COMPLETED" {
		return &failed{"operation " + op + " is " + p.OperationState}
	}
	return nil
}

// do carries out a step, and waits until it is done.
func (s *session) do(is *sol.VnfInstance, step *desired.Step) error {
	id, op := "", ""
	if is != nil {
		id = is.Id
	}
	var err error
	switch r := step.Request.(type) {
	case sol.CreateVnfRequest:
		_, err = s.CreateVnf(s.ctx, r)
	case nil:
		err = s.DeleteVnf(s.ctx, id)
	case sol.InstantiateVnfRequest:
		op, err = s.Instantiate(s.ctx, id, r)
	case sol.TerminateVnfRequest:
		op, err = s.Terminate(s.ctx, id, r)
	case sol.ChangeCurrentVnfPkgRequest:
		op, err = s.ChangeVnfPkg(s.ctx, id, r)
	case sol.ChangeVnfFlavourRequest:
		op, err = s.ChangeFlavour(s.ctx, id, r)
	case sol.ScaleVnfToLevelRequest:
		op, err = s.ScaleToLevel(s.ctx, id, r)
	case sol.ChangeExtVnfConnectivityRequest:
		op, err = s.ChangeExtConn(s.ctx, id, r)
	case sol.VnfInfoModificationRequest:
		op, err = s.ModifyVnf(s.ctx, id, r)
	case sol.OperateVnfRequest:
		op, err = s.Operate(s.ctx, id, r)
	default:
		err = errors.New("there is no request for " + string(step.Verb))
	}
	if err != nil || op == "" {
		return err //nolint:wrapcheck // of the client
	}
	return s.waited(op)
}

type getCmd struct {
	Vnf []string `arg:"" optional:"" help:"Ids or names; default: all." predictor:"vnf"`
}

// Help is examples.
func (*getCmd) Help() string {
	return `Secret values are left out, and named on standard error. A VNF without a name is left out: apply knows VNFs by their names.

Examples:
  vnfm get > site.yaml
  vnfm get fw1 -o json`
}

func (c *getCmd) Run(s *session) error {
	var out []desired.Vnf
	all, err := s.whole(c.Vnf)
	if err != nil {
		return err
	}
	for i := range all {
		v, hidden := desired.Of(&all[i])
		if v.Name == "" {
			_, _ = fmt.Fprintf(s.Err, "%s has no name, and is left out\n", all[i].Id)
			continue
		}
		if len(hidden) > 0 {
			_, _ = fmt.Fprintf(s.Err, "%s: secret, and left out: %s\n", v.Name, strings.Join(hidden, ", "))
		}
		out = append(out, v)
	}
	if !s.Form.ForPeople() && !s.Form.YAML() {
		return s.show(out, nil)
	}
	for i := range out {
		b, err := screen.YAML(&out[i])
		if err != nil {
			return fmt.Errorf("print: %w", err)
		}
		if i > 0 {
			b = append([]byte("---\n"), b...)
		}
		if _, err := s.Out.Write(b); err != nil {
			return err //nolint:wrapcheck // of standard output
		}
	}
	return nil
}

// whole reads VNFs with all that is of them; all, when none is named.
func (s *session) whole(words []string) ([]sol.VnfInstance, error) {
	if len(words) == 0 {
		return s.Vnfs(s.ctx) //nolint:wrapcheck // of the client
	}
	var out []sol.VnfInstance
	for _, word := range words {
		id, err := s.vnfID(word)
		if err != nil {
			return nil, err
		}
		v, err := s.Vnf(s.ctx, id)
		if err != nil {
			return nil, err //nolint:wrapcheck // of the client
		}
		out = append(out, *v)
	}
	return out, nil
}
