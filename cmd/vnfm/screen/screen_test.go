package screen_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"charm.land/lipgloss/v2"

	"github.com/charmbracelet/x/ansi"

	"github.com/vnfm/vnfm/cmd/vnfm/screen"
)

type thing struct {
	id, name, state, note string
	n                     int
	at                    time.Time
}

var (
	now     = time.Date(2026, 1, 2, 4, 4, 5, 0, time.UTC)
	columns = []screen.Column[thing]{
		{Head: "ID", Of: func(v *thing) any { return v.id }, Drop: 2},
		{Head: "NAME", Of: func(v *thing) any { return screen.Name(v.name) }},
		{Head: "STATE", Of: func(v *thing) any { return screen.State(v.state) }},
		{Head: "NOTE", Of: func(v *thing) any { return screen.Alarm{Text: v.note, Bad: true} }},
		{Head: "N", Of: func(v *thing) any { return v.n }, Wide: true},
		{Head: "AGE", Of: func(v *thing) any { return screen.Age(v.at) }, Drop: 1},
	}
	things = []thing{
		{"019adf2e-1111-7000-8000-000000000001", "edge-firewall-of-the-north-west-region-with-a-long-name", "INSTANTIATED", "INSTANTIATE 3/11", 10, now.Add(-90 * time.Minute)},
		{"019adf2e-1111-7000-8000-000000000002", "b", "NOT_INSTANTIATED", "", 9, now.Add(-50 * time.Hour)},
	}
)

// print prints things on a screen: a terminal so many columns wide, or none (0).
func print(t *testing.T, width int, form string, l *screen.Listing) string {
	t.Helper()
	var out bytes.Buffer
	s := &screen.Screen{Out: &out, Err: &out, Terminal: width > 0, Width: width, Now: func() time.Time { return now }}
	if err := s.Form.UnmarshalText([]byte(form)); err != nil {
		t.Fatal(err)
	}
	if err := screen.Check(l, columns); err != nil {
		t.Fatal(err)
	}
	if err := screen.List(s, l, screen.Sorted(l, things, columns), columns); err != nil {
		t.Fatal(err)
	}
	return ansi.Strip(out.String())
}

// A table is never wider than the terminal: states stay whole, names keep both ends, ids as much as tells them from each other. Elsewhere, and
// with -o wide, it is whole.
func TestTablesFitTheTerminal(t *testing.T) {
	for width, want := range map[int][]string{
		120: {"019adf2e-1111-7000-8000-000000000001", "edge-", "…", "-name", "INSTANTIATE 3/11", "90m", "NOT_INSTANTIATED"},
		80:  {"edge-", "…", "name", "INSTANTIATE 3/11", "NOT_INSTANTIATED"},
		50:  {"edge", "…", "NOT_INSTANTIATED", "INSTANTIATE 3/11"},
	} {
		out := print(t, width, "table", &screen.Listing{})
		for line := range strings.SplitSeq(strings.TrimSpace(out), "\n") {
			if n := lipgloss.Width(line); n > width {
				t.Errorf("%d columns, %d are there: %q", n, width, line)
			}
		}
		for _, part := range want {
			if !strings.Contains(out, part) {
				t.Errorf("at %d columns there is no %q:\n%s", width, part, out)
			}
		}
	}
	for _, out := range []string{print(t, 0, "table", &screen.Listing{}), print(t, 50, "wide", &screen.Listing{})} {
		if strings.Contains(out, "…") || !strings.Contains(out, things[0].name) || !strings.Contains(out, things[0].id) {
			t.Errorf("not whole:\n%s", out)
		}
	}
}

func TestIDsAreShortAndStillTell(t *testing.T) {
	mine := []thing{{id: "019adf2e-1111-7000-8000-000000000001"}, {id: "019adf2e-2222-7000-8000-000000000001"}}
	var out bytes.Buffer
	s := &screen.Screen{Out: &out, Terminal: true, Width: 80}
	if err := screen.List(s, &screen.Listing{Columns: []string{"id"}, NoHeaders: true}, mine, columns); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); got != "019adf2e-1111\n019adf2e-2222\n" {
		t.Errorf("%q", got)
	}
	out.Reset()
	if err := screen.List(s, &screen.Listing{Columns: []string{"id"}, NoHeaders: true}, things, columns); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Fields(out.String()); lines[0] == lines[1] {
		t.Errorf("two ids are shown alike: %q", lines)
	}
}

func TestColumnsSortLimitAndForms(t *testing.T) {
	for _, c := range []struct {
		form string
		l    screen.Listing
		want string
	}{
		{"table", screen.Listing{Columns: []string{"name", "n"}, Sort: "n"}, "NAME                                                     N\nb                                                        9\nedge-firewall-of-the-north-west-region-with-a-long-name  10\n"},
		{"table", screen.Listing{Columns: []string{"N"}, Sort: "-n", NoHeaders: true}, "10\n9\n"},
		{"table", screen.Listing{Columns: []string{"n"}, Sort: "age", Limit: 1, NoHeaders: true}, "10\n"},
		{"table", screen.Listing{Columns: []string{"n"}, Sort: "-age", Limit: 1, NoHeaders: true}, "9\n"},
		{"name", screen.Listing{Sort: "name"}, things[1].id + "\n" + things[0].id + "\n"},
		{"csv", screen.Listing{Columns: []string{"state", "age"}}, "state,age\nINSTANTIATED,2026-01-02T02:34:05Z\nNOT_INSTANTIATED,2025-12-31T02:04:05Z\n"},
		{"csv", screen.Listing{Limit: 1, NoHeaders: true}, things[0].id + "," + things[0].name + ",INSTANTIATED,INSTANTIATE 3/11,10,2026-01-02T02:34:05Z\n"},
	} {
		if got := print(t, 0, c.form, &c.l); got != c.want {
			t.Errorf("%s %+v: %q, want %q", c.form, c.l, got, c.want)
		}
	}
	for _, l := range []screen.Listing{{Columns: []string{"colour"}}, {Sort: "colour"}, {Limit: -1}} {
		if screen.Check(&l, columns) == nil {
			t.Errorf("%+v is taken", l)
		}
	}
}

func TestForms(t *testing.T) {
	value := map[string]any{"id": "x", "list": []map[string]any{{"a": 1}, {"a": 2}}}
	for form, want := range map[string]string{
		"json": "{\n  \"id\": \"x\",\n  \"list\": [\n    {\n      \"a\": 1\n    },\n    {\n      \"a\": 2\n    }\n  ]\n}\n",
		"yaml": "id: x\nlist:\n    - a: 1\n    - a: 2\n", "name": "x\n", "jsonpath={.list[*].a}": "1 2\n", "jsonpath=.id": "x\n", "jsonpath=id": "x\n", "jsonpath={.nothing}": "\n",
	} {
		var out bytes.Buffer
		s := &screen.Screen{Out: &out}
		if err := s.Form.UnmarshalText([]byte(form)); err != nil {
			t.Fatal(err)
		}
		if err := s.Show(value, nil); err != nil || out.String() != want {
			t.Errorf("%s: %q, want %q: %v", form, out.String(), want, err)
		}
	}
	for _, form := range []string{"xml", "jsonpath", "jsonpath=", "jsonpath={.a", "table=x", ""} {
		if new(screen.Form).UnmarshalText([]byte(form)) == nil {
			t.Errorf("%q is taken", form)
		}
	}
}

func TestTimesAreOfTheZone(t *testing.T) {
	zone := time.FixedZone("CET", 3600)
	s := &screen.Screen{Zone: zone}
	at := time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)
	if got := s.Stamp(at); got != "2026-01-02 04:04:05.678" || s.ZoneName() != "CET" {
		t.Errorf("%s %s", got, s.ZoneName())
	}
	if back, ok := s.ParseTime(s.Stamp(at)); !ok || back.Before(at) || back.Sub(at) >= time.Millisecond {
		t.Errorf("read again it is %s", back)
	}
	s = &screen.Screen{Now: func() time.Time { return at }}
	for d, want := range map[time.Duration]string{
		0: "0s", -time.Minute: "0s", 119 * time.Second: "119s", 2 * time.Minute: "2m", 47 * time.Hour: "47h", 48 * time.Hour: "2d", 800 * 24 * time.Hour: "2y",
	} {
		if got := s.Age(at.Add(-d)); got != want {
			t.Errorf("%s is %s, want %s", d, got, want)
		}
	}
}

// What has no room in columns stands below, and nothing of it is left out. Seen failing with tables whose last column was cut off, and with texts
// cut where less than a few words had room.
func TestNarrowTerminalsShowAll(t *testing.T) {
	for _, width := range []int{20, 34, 50, 80, 120} {
		var out bytes.Buffer
		s := &screen.Screen{Out: &out, Err: &out, Terminal: true, Width: width}
		s.Table([]string{"VDU", "VCPUS", "MEMORY", "DISK", "STATE", "STORAGES"}, [][]string{
			{"gateway", "2", "2 GiB", "10 GiB", "STARTED", "one"}, {"manager", "1", "1 GiB", "5 GiB", "STOPPED", "log_store"},
		})
		s.Wrapped("18:57:00.827  op 7cbc9648 #21  ", "opocc.started on failure rollback")
		s.Warning("the connection point outside is covered by no link")
		s.Heading("a title of some more words")
		s.Fields("limits", "16 at once and no more", "grant", "7cbc9648")
		for line := range strings.SplitSeq(out.String(), "\n") {
			if lipgloss.Width(line) > width {
				t.Errorf("%d columns of %d: %q", lipgloss.Width(line), width, line)
			}
		}
		flat := strings.Join(strings.Fields(out.String()), " ")
		for _, want := range []string{"STARTED", "STOPPED", "log_store", "failure", "rollback", "covered", "link", "words", "more", "7cbc9648"} {
			if !strings.Contains(flat, want) {
				t.Errorf("at %d columns there is no %q:\n%s", width, want, out.String())
			}
		}
	}
}

// What others call things is shown, and does nothing: no orders for a terminal, no line that looks like one of ours; and wide characters are counted
// as wide as they are. Seen failing with a name that coloured the rest of its line, and with states that were cut behind names in Chinese.
func TestNamesOfOthers(t *testing.T) {
	var out bytes.Buffer
	hostile := "red\x1b[31mname\x1b]0;title\x07\x1b[2J\x9b2J\u009b1A\nstate: ERROR\r\a"
	s := &screen.Screen{Out: screen.Safe(&out), Terminal: true, Width: 60, Now: func() time.Time { return now }}
	all := []thing{{id: "1", name: "防火墙-東京-データセンター-第一-ネットワーク-防火壁-番号-一", state: "NOT_INSTANTIATED"}, {id: "2", name: "🔥🧱-brandmauer-in-der-langen-straße", state: "INSTANTIATED"},
		{id: "3", name: hostile, state: "INSTANTIATED"}}
	if err := screen.List(s, &screen.Listing{Columns: []string{"name", "state", "age"}}, all, columns); err != nil {
		t.Fatal(err)
	}
	s.Fields("name", hostile)
	s.Warning(hostile)
	text := out.String()
	for _, order := range []string{"\x1b]", "\x1b[2J", "\x9b", "\u009b", "\r", "\a", "title", "\nstate"} {
		if strings.Contains(text, order) {
			t.Errorf("%q is written:\n%q", order, text)
		}
	}
	for line := range strings.SplitSeq(text, "\n") {
		if lipgloss.Width(line) > 60 {
			t.Errorf("%d columns: %q", lipgloss.Width(line), line)
		}
	}
	if strings.Count(text, "INSTANTIATED") != 3 || !strings.Contains(text, "防火墙") || !strings.Contains(text, "号-一") {
		t.Errorf("states, and both ends of names, are not whole:\n%s", text)
	}
	out.Reset()
	_, _ = s.Out.Write([]byte("\x1b[3A\x1b[Jdrawn \x1b[2Kanew\n")) // as watches do
	if out.String() != "\x1b[3A\x1b[Jdrawn anew\n" {
		t.Errorf("lines are drawn anew by %q", out.String())
	}
}

// The last column of a table goes on below where it does not fit, and nothing is cut off.
func TestTheLastColumnGoesOnBelow(t *testing.T) {
	var out bytes.Buffer
	s := &screen.Screen{Out: &out, Terminal: true, Width: 60}
	s.Table([]string{"VDU", "VIM", "CONNECTION POINTS"}, [][]string{{"gateway", "sim-1", "gateway_outside 198.19.67.119, gateway_inside 198.19.137.186, gateway_control 10.10.0.145"}})
	want := "VDU      VIM    CONNECTION POINTS\ngateway  sim-1  gateway_outside 198.19.67.119,\n                gateway_inside 198.19.137.186,\n                gateway_control 10.10.0.145\n"
	if got := ansi.Strip(out.String()); got != want {
		t.Errorf("%s", got)
	}
}
