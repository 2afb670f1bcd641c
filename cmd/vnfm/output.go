package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"go.yaml.in/yaml/v4"
)

var (
	bold   = lipgloss.NewStyle().Bold(true)
	faint  = lipgloss.NewStyle().Faint(true)
	good   = lipgloss.NewStyle().Foreground(lipgloss.Color("2"))
	bad    = lipgloss.NewStyle().Foreground(lipgloss.Color("1"))
	moving = lipgloss.NewStyle().Foreground(lipgloss.Color("3"))
)

// state colours a state by what it means.
func state(s string) string {
	switch s {
	case "COMPLETED", "INSTANTIATED", "ONBOARDED", "ENABLED", "DONE", "SUCCEEDED", "ACTIVE", "STARTED":
		return good.Render(s)
	case "FAILED", "FAILED_TEMP", "ERROR", "STUCK", "UNKNOWN", "ABANDONED":
		return bad.Render(s)
	case "STARTING", "PROCESSING", "ROLLING_BACK", "RUNNING", "UNDOING", "SENT", "UPLOADING", "COMPENSATING", "SETTLING", "BUILDING", "HELD":
		return moving.Render(s)
	}
	return s
}

// show prints a value: as JSON or YAML exactly as the API has it, else by text.
func (s *session) show(v any, text func(w io.Writer)) error {
	switch s.form {
	case "json":
		b, err := json.MarshalIndent(v, "", "  ")
		if err != nil {
			return fmt.Errorf("print: %w", err)
		}
		_, err = fmt.Fprintf(s.out, "%s\n", b)
		return err //nolint:wrapcheck // of standard output
	case "yaml":
		b, err := toYAML(v)
		if err != nil {
			return fmt.Errorf("print: %w", err)
		}
		_, err = s.out.Write(b)
		return err //nolint:wrapcheck // of standard output
	}
	text(s.out)
	return nil
}

// toYAML keeps the names and the order of the JSON form.
func toYAML(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err //nolint:wrapcheck // wrapped by show
	}
	var n yaml.Node
	if err := yaml.Unmarshal(b, &n); err != nil {
		return nil, err //nolint:wrapcheck // wrapped by show
	}
	blockStyle(&n)
	return yaml.Marshal(&n) //nolint:wrapcheck // wrapped by show
}

func blockStyle(n *yaml.Node) {
	if n.Kind != yaml.ScalarNode && len(n.Content) > 0 {
		n.Style = 0
	}
	if n.Kind == yaml.ScalarNode && n.Tag == "!!str" {
		n.Style = 0
	}
	for _, c := range n.Content {
		blockStyle(c)
	}
}

// table prints rows in columns as wide as their widest cell.
func table(w io.Writer, head []string, rows [][]string) {
	if len(rows) == 0 {
		_, _ = fmt.Fprintln(w, faint.Render("none"))
		return
	}
	widths := make([]int, len(head))
	for _, row := range append([][]string{head}, rows...) {
		for i, cell := range row {
			row[i] = strings.Join(strings.Fields(cell), " ") // one line
			widths[i] = max(widths[i], lipgloss.Width(row[i]))
		}
	}
	line := func(cells []string, style lipgloss.Style) {
		var b strings.Builder
		for i, cell := range cells {
			b.WriteString(style.Render(cell))
			if i < len(cells)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-lipgloss.Width(cell)+2))
			}
		}
		_, _ = fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
	line(head, bold)
	for _, row := range rows {
		line(row, lipgloss.NewStyle())
	}
}

// fields prints names with their values; empty values are left out.
func fields(w io.Writer, pairs ...string) {
	width := 0
	for i := 0; i < len(pairs); i += 2 {
		width = max(width, len(pairs[i]))
	}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			_, _ = fmt.Fprintf(w, "%s %s\n", bold.Render(fmt.Sprintf("%-*s", width+1, pairs[i]+":")), pairs[i+1])
		}
	}
}

func heading(w io.Writer, text string) { _, _ = fmt.Fprintf(w, "\n%s\n", bold.Render(text)) }

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05.000")
}

// elapsed is the time from one instant to another, to a tenth of a second, or finer below one.
func elapsed(from, to time.Time) string {
	if from.IsZero() || to.Before(from) {
		return ""
	}
	d := to.Sub(from)
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(100 * time.Millisecond).String()
}

// compact is JSON on one line, "" for nothing.
func compact(raw json.RawMessage) string {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil || b.String() == "null" {
		return ""
	}
	return b.String()
}
