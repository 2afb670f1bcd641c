// Package screen is how vnfm prints: forms of output (tables, names, CSV, JSON, YAML, JSONPath), lists with columns of choice, tables that
// fit the terminal, colours, times and ages. It knows nothing of VNFs and of servers.
package screen

import (
	"fmt"
	"io"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
)

// Screen is where one command prints. It is an io.Writer, which functions that print take; Of gets the screen back.
type Screen struct {
	Out, Err io.Writer // colours are dropped where they cannot be shown
	Form     Form
	// Terminal says that Out is a terminal on which lines can be drawn anew; Width and Height are its size, 0 when not known.
	Terminal bool
	// Plain says that the terminal cannot move its cursor (TERM=dumb): nothing is drawn anew.
	Plain         bool
	Width, Height int
	Zone          *time.Location   // in which times are shown; nil: UTC
	Now           func() time.Time // nil: time.Now
}

// Write writes to Out.
func (s *Screen) Write(b []byte) (int, error) {
	return s.Out.Write(b) //nolint:wrapcheck // it is Out
}

// Of returns the screen behind a writer, and for other writers one that is no terminal.
func Of(w io.Writer) *Screen {
	if s, ok := w.(*Screen); ok {
		return s
	}
	return &Screen{Out: w, Err: w}
}

// Line prints a line as wide as the terminal is; whole where there is none.
func (s *Screen) Line(text string) {
	if s.Terminal && s.Width > 0 && lipgloss.Width(text) > s.Width {
		text = lipgloss.NewStyle().MaxWidth(s.Width-1).Render(text) + "…"
	}
	_, _ = fmt.Fprintln(s.Out, strings.TrimRight(text, " "))
}

// Wrapped prints a text behind columns; what does not fit on a terminal's line goes on below, in the same column.
func (s *Screen) Wrapped(columns, text string) {
	room := s.Width - lipgloss.Width(columns)
	if !s.Terminal || room < 30 {
		s.Line(columns + text)
		return
	}
	below := strings.Repeat(" ", lipgloss.Width(columns))
	for i, part := range strings.Split(lipgloss.NewStyle().Width(room).Render(text), "\n") {
		if i > 0 {
			columns = below
		}
		s.Line(columns + strings.TrimRight(part, " "))
	}
}

// Fields prints names with their values; empty values are left out.
func (s *Screen) Fields(pairs ...string) {
	width := 0
	for i := 0; i < len(pairs); i += 2 {
		width = max(width, len(pairs[i]))
	}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			_, _ = fmt.Fprintf(s.Out, "%s %s\n", Bold.Render(fmt.Sprintf("%-*s", width+1, pairs[i]+":")), pairs[i+1])
		}
	}
}

// Heading prints the title of a part.
func (s *Screen) Heading(text string) { _, _ = fmt.Fprintf(s.Out, "\n%s\n", Bold.Render(text)) }

// Cut shortens a text to n characters, at its end.
func Cut(text string, n int) string {
	if r := []rune(text); len(r) > n && n > 0 {
		return string(r[:n-1]) + "…"
	}
	return text
}

// CutMiddle shortens a text to n characters, in its middle: the beginning and the end of a name tell it from others.
func CutMiddle(text string, n int) string {
	r := []rune(text)
	if len(r) <= n || n < 3 {
		return Cut(text, n)
	}
	head := n / 2
	return string(r[:head]) + "…" + string(r[len(r)-(n-1-head):])
}

// Pad fills a text, which may have colours, up to a width.
func Pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-lipgloss.Width(text)))
}
