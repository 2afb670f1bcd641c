package main

import (
	"errors"
	"fmt"
	"html/template"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"
)

// report is what a run on one back-end came to.
type report struct {
	Backend    string
	Seed       int64
	Minutes    float64
	Clients    int
	Nodes      int
	Notes      []string // what could not be done
	Took       time.Duration
	Calm       time.Duration
	Faults     []line
	Operations []line
	Requests   []line
	Recoveries []summary
	Held       []string
	End        []line
	Violations []string
	History    []string // what the nodes' logs tell of the VNFs that the violations name
	Found      int
	Folder     string
}

// line is a name and a number.
type line struct {
	Name string
	N    int
}

// summary is the recovery times after one kind of fault.
type summary struct {
	Fault                                  string
	N                                      int
	Ready, ReadyWorst, Commit, CommitWorst time.Duration
}

func newReport(o options, j *judge, began time.Time) *report {
	r := &report{
		Backend: j.backend, Seed: o.seed, Minutes: o.minutes, Clients: o.clients, Took: time.Since(began).Round(time.Second),
		Calm: j.calm.Round(100 * time.Millisecond), Faults: lines(j.faults), Operations: lines(j.outcomes), Held: j.held,
		Violations: j.book.violations, Found: j.book.counts["violations"], Folder: j.dir, Nodes: len(j.nodes), Notes: j.notes,
		End: []line{
			{"events", int(j.audit.Events)}, {"streams", j.audit.Streams}, {"VNFs alive", j.live},
			{"resources at the VIM", j.standing}, {"operations that waited for an operator", len(j.held)}, {"decisions made for them", j.resolved},
		},
	}
	var err error
	if r.History, err = histories(j.dir, j.book.violations); err != nil {
		r.Notes = append(r.Notes, "the logs could not be read: "+err.Error())
	}
	delete(j.book.counts, "violations")
	r.Requests = lines(j.book.counts)
	for _, fault := range slices.Sorted(maps.Keys(j.faults)) {
		var ready, commit []time.Duration
		for _, one := range j.recoveries {
			if one.Fault == fault {
				ready, commit = append(ready, one.Ready), append(commit, one.Commit)
			}
		}
		if len(ready) == 0 {
			continue
		}
		slices.Sort(ready)
		slices.Sort(commit)
		n := len(ready)
		r.Recoveries = append(r.Recoveries, summary{fault, n, round(ready[n/2]), round(ready[n-1]), round(commit[n/2]), round(commit[n-1])})
	}
	return r
}

func round(d time.Duration) time.Duration { return d.Round(time.Millisecond) }

func lines(m map[string]int) (out []line) {
	for _, name := range slices.Sorted(maps.Keys(m)) {
		out = append(out, line{name, m[name]})
	}
	return out
}

// text writes the report for a terminal.
func (r *report) text(w io.Writer, most int) error {
	t := tabwriter.NewWriter(w, 2, 4, 2, ' ', 0)
	put := func(format string, args ...any) { _, _ = fmt.Fprintf(t, format+"\n", args...) } // Flush reports it
	put("\nTORTURE on %s: seed %d, %v minutes of faults, nodes: %d, %d clients, %s in all; at rest %s after the last fault", r.Backend, r.Seed, r.Minutes, r.Nodes, r.Clients, r.Took, r.Calm)
	for _, part := range []struct {
		title string
		lines []line
	}{{"FAULTS", r.Faults}, {"OPERATIONS", r.Operations}, {"REQUESTS", r.Requests}, {"AT THE END", r.End}} {
		put("%s", part.title)
		for _, l := range part.lines {
			put("  %s\t%d", l.Name, l.N)
		}
	}
	put("RECOVERY AFTER\tTIMES\tREADY, MEDIAN\tWORST\tFIRST COMMIT, MEDIAN\tWORST")
	for _, s := range r.Recoveries {
		put("  %s\t%d\t%s\t%s\t%s\t%s", s.Fault, s.N, s.Ready, s.ReadyWorst, s.Commit, s.CommitWorst)
	}
	for _, n := range r.Notes {
		put("NOTE: %s", n)
	}
	for _, h := range r.Held {
		put("  waited for an operator: %s", h)
	}
	put("VIOLATIONS: %d", r.Found)
	for i, v := range r.Violations {
		if i == most {
			put("  … and more in the report")
			break
		}
		put("  %s", v)
	}
	if r.Found > 0 {
		put("Logs and data: %s. Again: go run ./torture -backend %s -seed %d -minutes %v -clients %d", r.Folder, r.Backend, r.Seed, r.Minutes, r.Clients)
	}
	for _, l := range r.History {
		put("  %s", l)
	}
	return t.Flush()
}

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"titled": func(title string, l []line) map[string][]line { return map[string][]line{title: l} },
}).Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>vnfm torture</title><style>
body{font:14px/1.5 system-ui,sans-serif;max-width:70em;margin:2em auto;padding:0 1em;color:#222}
table{border-collapse:collapse;margin:.5em 2em 1.5em 0}td,th{padding:.15em .8em;border-bottom:1px solid #ddd;text-align:left;font-weight:normal}
th{color:#666}td+td,th+th{text-align:right}.row{display:flex;flex-wrap:wrap}.ok{color:#0a7a2f}.bad{color:#b00020}h3{margin-bottom:0}
</style></head><body><h1>Torture</h1>
{{range .}}<h2>{{.Backend}}: {{if .Found}}<span class="bad">{{.Found}} violations</span>{{else}}<span class="ok">no violation</span>{{end}}</h2>
<p>Seed {{.Seed}}, {{.Minutes}} minutes of faults, nodes: {{.Nodes}}, {{.Clients}} clients, {{.Took}} in all; at rest {{.Calm}} after the last fault.</p>
{{range .Notes}}<p class="bad">{{.}}</p>{{end}}
{{if .Violations}}<ul class="bad">{{range .Violations}}<li>{{.}}</li>{{end}}</ul><p>Logs and data: {{.Folder}}</p>{{end}}
{{if .History}}<details><summary>What the logs tell of these VNFs</summary><pre>{{range .History}}{{.}}
{{end}}</pre></details>{{end}}
<div class="row">
{{template "lines" (titled "Faults by kind" .Faults)}}{{template "lines" (titled "Operations by outcome" .Operations)}}{{template "lines" (titled "Requests" .Requests)}}{{template "lines" (titled "At the end" .End)}}
<div><h3>Recovery times</h3><table><tr><th>after</th><th>times</th><th>ready, median</th><th>worst</th><th>first commit, median</th><th>worst</th></tr>
{{range .Recoveries}}<tr><td>{{.Fault}}</td><td>{{.N}}</td><td>{{.Ready}}</td><td>{{.ReadyWorst}}</td><td>{{.Commit}}</td><td>{{.CommitWorst}}</td></tr>{{end}}</table></div>
</div>
{{if .Held}}<h3>Operations that waited for an operator</h3><ul>{{range .Held}}<li>{{.}}</li>{{end}}</ul>{{end}}
{{end}}</body></html>
{{define "lines"}}{{range $title, $lines := .}}<div><h3>{{$title}}</h3><table>{{range $lines}}<tr><td>{{.Name}}</td><td>{{.N}}</td></tr>{{end}}</table></div>{{end}}{{end}}`))

// writeReports leaves the reports in the folder, as text and as a page.
func writeReports(out string, reports []*report) error {
	plain, err := os.Create(filepath.Join(out, "report.txt"))
	if err != nil {
		return err
	}
	html, err := os.Create(filepath.Join(out, "report.html"))
	if err != nil {
		return errors.Join(err, plain.Close())
	}
	errs := []error{page.Execute(html, reports)}
	for _, r := range reports {
		errs = append(errs, r.text(plain, len(r.Violations)))
	}
	return errors.Join(append(errs, plain.Close(), html.Close())...)
}
