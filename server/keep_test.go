package server_test

import (
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
)

// tables returns how many rows each table has, and how many bytes of text.
func (p *program) tables() (rows, bytes map[string]int) {
	rows, bytes = map[string]int{}, map[string]int{}
	table := ""
	for line := range strings.Lines(p.dump()) {
		if name, _, ok := strings.Cut(line, ": "); ok && !strings.ContainsAny(name, " |{") {
			table = name
			rows[table]++
		}
		bytes[table] += len(line)
	}
	return rows, bytes
}

// A VNF that came and went leaves its events, the heads of its streams and the views of its operations, and nothing else, once what
// is kept for a while has gone; and what it leaves answers as before.
func TestAVnfThatCameAndWentLeavesItsEvents(t *testing.T) {
	p := startProgram(t, "--keep-sagas=1ms", "--keep-ledger=1s", "--keep-grants=1s")
	before, held := p.tables()
	vnf := p.create("gone")
	up := p.run(vnf, "instantiate", instantiate)
	down := p.run(vnf, "terminate", terminate)
	p.must(204, "DELETE", "/vnflcm/v2/vnf_instances/"+vnf, nil)
	p.await("all that is kept for a while to go", func() bool {
		if err := p.server.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := p.server.Prune(t.Context()); err != nil {
			t.Fatal(err)
		}
		now, _ := p.tables()
		return now["vim_resources"]+now["vim_commands"]+now["vnf_commands"]+now["nfvo_commands"]+now["saga_instances"] == 0
	})
	after, left := p.tables()
	more := map[string]int{}
	for table, n := range after {
		if n > before[table] {
			more[table] = left[table] - held[table]
		}
	}
	t.Logf("bytes left: %v", more)
	for _, table := range []string{"commits", "cursors", "outbox"} { // an hour's, one for each lane, and what an idle consumer is not behind yet
		delete(more, table)
	}
	if got := slices.Sorted(maps.Keys(more)); !slices.Equal(got, []string{"events", "streams", "views"}) || after["views"] != before["views"]+2 || after["streams"] != before["streams"]+3 {
		t.Errorf("rows before %v, and after %v", before, after)
	}
	if more["streams"]+more["views"] > more["events"] {
		t.Errorf("%d bytes are left of streams and views, %d of events", more["streams"]+more["views"], more["events"])
	}

	for _, op := range []string{up, down} {
		id := path.Base(op)
		if state := text(p.must(200, "GET", op, nil), "operationState"); state != "COMPLETED" {
			t.Errorf("operation %s is %s", op, state)
		}
		for what, setting := range map[string]string{"sagas/" + id: "keep-sagas", "vnf_lcm_op_occs/" + id + "/grant": "keep-grants"} {
			detail := text(p.must(404, "GET", "/vnfm/v1/"+what, nil), "detail")
			if !strings.Contains(detail, setting) || !strings.Contains(detail, "it ended COMPLETED at 20") || !strings.Contains(detail, "from 20") {
				t.Errorf("%s: %s", what, detail)
			}
		}
		for _, task := range []string{"retry", "fail"} {
			p.must(409, "POST", op+"/"+task, nil)
		}
	}
	if none := text(p.must(404, "GET", "/vnfm/v1/sagas/none", nil), "detail"); strings.Contains(none, "kept") {
		t.Errorf("an unknown saga: %s", none)
	}
	if page := p.metrics(); !strings.Contains(page, `vnfm_keep_removed_total{table="saga_instances"} 2`) || !strings.Contains(page, "vnfm_keep_oldest_seconds 0") {
		t.Errorf("the metrics do not tell what went:\n%s", page)
	}
	again := p.create("another") // the program goes on
	p.run(again, "instantiate", instantiate)
}
