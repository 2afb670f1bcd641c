// Package screen is how vnfm prints: forms of output (tables, names, CSV, JSON, YAML, JSONPath), lists with columns of choice, tables that
// fit the terminal, colours, times and ages. It knows nothing of VNFs and of servers.
package screen

import (
	"fmt"
	"io"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
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

// enough is how much room a text needs behind columns, to stand there in lines that can be read.
const enough = 30

// Room says whether a text has room behind columns of a width.
func (s *Screen) Room(columns int) bool {
	return !s.Terminal || s.Width <= 0 || s.Width-columns >= enough
}

// Wrapped prints a text behind columns; what does not fit on a terminal's line goes on below, in the same column, and where the columns
// leave it no room all of it stands below them.
func (s *Screen) Wrapped(columns, text string) {
	for _, line := range s.Folded(columns, text) {
		s.Line(line)
	}
}

// Folded returns the lines that Wrapped prints.
func (s *Screen) Folded(columns, text string) (out []string) {
	width := lipgloss.Width(columns)
	if !s.Terminal || s.Width <= 0 || width+lipgloss.Width(text) <= s.Width {
		return []string{columns + text}
	}
	if !s.Room(width) {
		if strings.TrimSpace(columns) != "" {
			out = append(out, columns)
		}
		columns = strings.Repeat(" ", min(4, width, max(s.Width-1, 0)))
		width = len(columns)
	}
	for i, part := range strings.Split(lipgloss.NewStyle().Width(s.Width-width).Render(text), "\n") {
		if i > 0 {
			columns = strings.Repeat(" ", width)
		}
		out = append(out, columns+strings.TrimRight(part, " "))
	}
	return out
}

// Fields prints names with their values; empty values are left out.
func (s *Screen) Fields(pairs ...string) {
	width := 0
	for i := 0; i < len(pairs); i += 2 {
		width = max(width, len(pairs[i]))
	}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			name := Bold.Render(fmt.Sprintf("%-*s", width+1, pairs[i]+":")) + " "
			value := inLine(pairs[i+1])
			if strings.ContainsRune(value, ' ') {
				s.Wrapped(name, value)
			} else { // whole, so that it can be copied
				_, _ = fmt.Fprintln(s.Out, name+value)
			}
		}
	}
}

// Warning prints a warning.
func (s *Screen) Warning(text string) { s.Wrapped(Moving.Render("warning:")+" ", inLine(text)) }

// Heading prints the title of a part.
func (s *Screen) Heading(text string) {
	_, _ = fmt.Fprintln(s.Out)
	s.Wrapped("", Bold.Render(text))
}

// Cut shortens a text to n columns, at its end.
func Cut(text string, n int) string {
	if n <= 0 {
		return text
	}
	return ansi.Truncate(text, n, "…")
}

// CutMiddle shortens a text to n columns, in its middle: the beginning and the end of a name tell it from others.
func CutMiddle(text string, n int) string {
	if lipgloss.Width(text) <= n || n < 3 {
		return Cut(text, n)
	}
	head := ansi.Truncate(text, n/2, "")
	tail, r := "", []rune(text)
	for i := len(r) - 1; i >= 0; i-- {
		if lipgloss.Width(head)+1+lipgloss.Width(string(r[i:])) > n {
			break
		}
		tail = string(r[i:])
	}
	return head + "…" + tail
}

// Pad fills a text, which may have colours, up to a width.
func Pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-lipgloss.Width(text)))
}
