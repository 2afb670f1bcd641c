package server_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite"
)

// A VNF is instantiated, stopped, started in part and terminated, each after a dry run of it: the dry run says what the operation
// then does, asks for the grant that it then asks for, refuses what it refuses, and leaves every byte of the database as it is. Seen
// failing with the boot data left out of what an operation wants, and with a resource in two lists of one grant request.
func TestDryRunsSayWhatOperationsDo(t *testing.T) {
	p := startProgram(t)
	vnf := p.create("dry")
	path := "/vnflcm/v2/vnf_instances/" + vnf

	plan := p.dryRun(vnf, "INSTANTIATE", instantiate)
	made := p.counts(plan, "create")
	op := p.run(vnf, "instantiate", instantiate)
	p.asPlanned(plan, op)
	if n := len(p.inventory()); n != made || n == 0 {
		t.Errorf("%d resources were made, %d planned", n, made)
	}
	p.alike(vnf, "INSTANTIATE", "instantiate", instantiate, 409)

	stop := map[string]any{"changeStateTo": "STOPPED", "stopType": "GRACEFUL", "gracefulStopTimeout": 5}
	plan = p.dryRun(vnf, "OPERATE", stop)
	computes := p.counts(plan, "change")
	if why := text(plan, "steps", 0, "why", 0); why != "power" || computes != 2 {
		t.Errorf("%d changes for %s", computes, why)
	}
	p.asPlanned(plan, p.run(vnf, "operate", stop))
	in := p.must(200, "GET", path, nil)
	if state := text(in, "instantiatedVnfInfo", "vnfState"); state != "STOPPED" || field(in, "_links", "operate") == nil {
		t.Errorf("the VNF is %s: %v", state, field(in, "_links"))
	}
	if none := p.dryRun(vnf, "OPERATE", stop); p.counts(none, "") != 0 {
		t.Errorf("a VNF that is stopped is to be stopped by %v", none)
	}

	vnfc := text(in, "instantiatedVnfInfo", "vnfcInfo", 0, "id")
	one := map[string]any{"changeStateTo": "STARTED", "vnfcInstanceId": []string{vnfc}}
	plan = p.dryRun(vnf, "OPERATE", one)
	if n := p.counts(plan, "change"); n != 1 || text(plan, "steps", 0, "id") != vnfc {
		t.Errorf("one VNFC is to be started by %v", plan)
	}
	p.asPlanned(plan, p.run(vnf, "operate", one))
	if state := text(p.must(200, "GET", strings.Replace(path, "v2", "v1", 1), nil), "instantiatedVnfInfo", "vnfState"); state != "STARTED" {
		t.Errorf("the VNF is %s", state)
	}
	p.alike(vnf, "OPERATE", "operate", map[string]any{"changeStateTo": "STOPPED", "vnfcInstanceId": []string{vnfc, "none"}}, 422)
	p.alike(vnf, "TERMINATE", "terminate", map[string]any{"terminationType": "GRACEFUL", "gracefulTerminationTimeout": 1 << 30}, 422)

	graceful := map[string]any{"terminationType": "GRACEFUL", "gracefulTerminationTimeout": 5}
	plan = p.dryRun(vnf, "TERMINATE", graceful)
	if n := p.counts(plan, "release"); n != made || text(plan, "steps", 0, "optional") != "true" {
		t.Errorf("%d resources are to be released, %d stand: %v", n, made, plan)
	}
	p.asPlanned(plan, p.run(vnf, "terminate", graceful))
	if left := p.inventory(); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	p.alike(vnf, "OPERATE", "operate", map[string]any{"changeStateTo": "STARTED"}, 409)
}

// A setting bounds what one operation may be; what is over it is refused by its dry run, too, and names it.
func TestLimitsOfOperationsAreSettings(t *testing.T) {
	p := startProgram(t, "--max-resources-per-operation=3")
	refused := p.alike(p.create("large"), "INSTANTIATE", "instantiate", instantiate, 422)
	if !strings.Contains(text(refused, "detail"), "max-resources-per-operation") {
		t.Errorf("%v", refused)
	}
}

// dryRun plans an operation, and checks that the database is afterwards what it was before.
func (p *program) dryRun(vnf, operation string, request any) any {
	p.t.Helper()
	before := p.quiet()
	plan := p.must(200, "POST", "/vnfm/v1/vnf_instances/"+vnf+"/plan", map[string]any{"operation": operation, "request": request}, "Idempotency-Key", "dry")
	if after := p.dump(); after != before || !strings.Contains(before, vnf) {
		p.t.Errorf("planning %s changed the database: before\n%s\nafter\n%s", operation, before, after)
	}
	return plan
}

// alike checks that a dry run is refused as the operation is: with the same status, text and attribute, the latter below /request.
func (p *program) alike(vnf, operation, task string, request any, status int) any {
	p.t.Helper()
	planned := p.must(status, "POST", "/vnfm/v1/vnf_instances/"+vnf+"/plan", map[string]any{"operation": operation, "request": request})
	begun := p.must(status, "POST", "/vnflcm/v2/vnf_instances/"+vnf+"/"+task, request)
	at, below := text(begun, "attribute"), text(planned, "attribute")
	if at != "<nil>" {
		at = "/request" + at
	}
	if at != below || !strings.HasSuffix(text(planned, "detail"), strings.TrimPrefix(text(begun, "detail"), text(begun, "attribute")+": ")) {
		p.t.Errorf("%s is refused with %v, its dry run with %v", operation, begun, planned)
	}
	return planned
}

// counts returns how many steps of a plan do one thing, "" for anything, and checks that the plan says so.
func (p *program) counts(plan any, action string) int {
	p.t.Helper()
	n := 0
	steps, _ := field(plan, "steps").([]any)
	for _, s := range steps {
		if action == "" || text(s, "action") == action {
			n++
		}
	}
	if said := text(plan, "counts", action); action != "" && said != fmt.Sprint(n) {
		p.t.Errorf("the plan counts %s to %s, and has %d", said, action, n)
	}
	return n
}

// asPlanned checks that an operation did what its dry run said, and asked for the grant that it said.
func (p *program) asPlanned(plan any, op string) {
	p.t.Helper()
	id := op[strings.LastIndex(op, "/")+1:]
	lines := func(v any, list string, name func(any) string) string {
		var out []string
		all, _ := field(v, list).([]any)
		for _, x := range all {
			out = append(out, name(x))
		}
		return strings.Join(out, "\n")
	}
	progress := p.must(200, "GET", "/vnfm/v1/vnf_lcm_op_occs/"+id+"/progress", nil)
	want := lines(plan, "steps", func(s any) string { return text(s, "action") + " " + text(s, "kind") + " " + text(s, "name") })
	got := lines(progress, "resources", func(r any) string {
		return strings.TrimPrefix(text(r, "step"), "try-") + " " + text(r, "kind") + " " + text(r, "name")
	})
	if got != want || text(progress, "operation") != text(plan, "operation") {
		p.t.Errorf("the operation did\n%s\nplanned was\n%s", got, want)
	}
	grant := p.must(200, "GET", "/vnfm/v1/vnf_lcm_op_occs/"+id+"/grant", nil)
	for _, list := range []string{"addResources", "updateResources", "removeResources", "placementConstraints", "vimConstraints"} {
		name := func(r any) string {
			refs, _ := field(r, "resource").([]any)
			return fmt.Sprint(text(r, "type"), text(r, "resourceTemplateId"), field(r, "resource", "resourceId"), text(r, "scope"), len(refs))
		}
		want, got := lines(field(plan, "grantRequest"), list, name), lines(field(grant, "request"), list, name)
		if got != want {
			p.t.Errorf("%s: asked for\n%s\nplanned was\n%s", list, got, want)
		}
	}
	for _, name := range []string{"vnfInstanceId", "vnfdId", "flavourId", "operation"} {
		if got, want := text(grant, "request", name), text(plan, "grantRequest", name); got != want {
			p.t.Errorf("%s of the grant request is %s, planned was %s", name, got, want)
		}
	}
}

// quiet waits until nothing is written any more, and returns what is in the database.
func (p *program) quiet() string {
	p.t.Helper()
	last, times := "", 0
	p.await("a database that is quiet", func() bool {
		if now := p.dump(); now == last {
			times++
		} else {
			last, times = now, 0
		}
		return times > 10
	})
	return last
}

// dump returns every row of the database but the leases, which a node renews.
func (p *program) dump() string {
	p.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(p.cfg.Data, "vnfm.db")+"?mode=ro")
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var b strings.Builder
	for _, table := range p.rows(db, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT IN ('nodes', 'role_leases', 'reconcile') ORDER BY name") {
		for _, row := range p.rows(db, "SELECT * FROM "+table+" ORDER BY 1, 2") {
			b.WriteString(table + ": " + row + "\n")
		}
	}
	return b.String()
}

func (p *program) rows(db *sql.DB, query string) []string {
	p.t.Helper()
	rows, err := db.QueryContext(p.t.Context(), query)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		p.t.Fatal(err)
	}
	var out []string
	for rows.Next() {
		values, into := make([]sql.RawBytes, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			p.t.Fatal(err)
		}
		cells := make([]string, len(values))
		for i, v := range values {
			cells[i] = string(v)
		}
		out = append(out, strings.Join(cells, "|"))
	}
	if err := rows.Err(); err != nil {
		p.t.Fatal(err)
	}
	return out
}
