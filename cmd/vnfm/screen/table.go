package screen

import (
	"fmt"
	"io"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/google/uuid"
)

// column is one column of a table: how it is made narrower where the terminal is.
type column struct {
	head   string
	cells  []string
	whole  bool // it is never cut
	middle bool // it is cut in the middle
	least  int  // how narrow it may get, where that is more than narrowest
	drop   int  // left out where not all fit, the greatest first; 0: never
	wrap   bool // what does not fit goes on below
	width  int
}

// narrowest is how narrow a column may get.
const narrowest = 10

// Table prints rows in columns as wide as their widest cell, and as wide together as the terminal is.
func (s *Screen) Table(head []string, rows [][]string) {
	columns := make([]column, len(head))
	for i := range head {
		columns[i] = column{head: head[i], middle: head[i] == "NAME"}
		for _, row := range rows {
			cell := ""
			if i < len(row) {
				cell = row[i]
			}
			columns[i].cells = append(columns[i].cells, cell)
		}
	}
	last := &columns[len(columns)-1]
	last.wrap, last.least = true, wrapped
	s.columns(columns, len(rows), true, s.Out)
}

// wrapped is how narrow a column may get whose texts go on below.
const wrapped = 24

// columns prints columns of n cells.
func (s *Screen) columns(all []column, n int, heads bool, none io.Writer) {
	if n == 0 {
		if heads {
			_, _ = fmt.Fprintln(none, Faint.Render("none"))
		}
		return
	}
	fit := s.Terminal && s.Width > 0 && !s.Form.Wide()
	for i := range all {
		c := &all[i]
		for j := range c.cells {
			c.cells[j] = strings.Join(strings.Fields(c.cells[j]), " ") // one line
		}
		if fit {
			c.shorten()
		}
		c.measure(heads)
	}
	if fit {
		all = narrowed(all, s.Width)
		if total := widthOf(all); total > s.Width && heads {
			s.stacked(all, n)
			return
		}
	}
	if heads {
		s.row(all, Bold, func(c *column) string { return c.head })
	}
	for j := range n {
		s.row(all, lipgloss.NewStyle(), func(c *column) string { return c.cells[j] })
	}
}

// widthOf is how wide columns are together.
func widthOf(all []column) int {
	total := -2
	for i := range all {
		total += all[i].width + 2
	}
	return total
}

// stacked prints each row in lines of its own, a cell in each, where a terminal is too narrow for the columns: else the last would not be seen.
func (s *Screen) stacked(all []column, n int) {
	for j := range n {
		if j > 0 {
			_, _ = fmt.Fprintln(s.Out)
		}
		var pairs []string
		for i := range all {
			pairs = append(pairs, all[i].head, all[i].cells[j])
		}
		s.Fields(pairs...)
	}
}

func (c *column) measure(heads bool) {
	c.width = 0
	if heads {
		c.width = lipgloss.Width(c.head)
	}
	for _, cell := range c.cells {
		c.width = max(c.width, lipgloss.Width(cell))
	}
}

// rank is when a column is left out: those in which there is nothing go first.
func (c *column) rank() int {
	for _, cell := range c.cells {
		if cell != "" {
			return c.drop
		}
	}
	return 100 + c.drop
}

// shorten keeps of the ids of a column as much as tells them from each other, and from others made in the same moment.
func (c *column) shorten() {
	for _, cell := range c.cells {
		if cell != "" && uuid.Validate(cell) != nil {
			return
		}
	}
	n := shortID
	for ; n < 36; n++ {
		seen, same := map[string]string{}, false
		for _, cell := range c.cells {
			if other, ok := seen[cell[:min(n, len(cell))]]; ok && other != cell {
				same = true
			}
			seen[cell[:min(n, len(cell))]] = cell
		}
		if !same {
			break
		}
	}
	for j, cell := range c.cells {
		c.cells[j] = cell[:min(n, len(cell))]
	}
	c.whole = true
}

// shortID is how many characters of an id tell it from others made in the same moment: its part that counts milliseconds.
const shortID = 13

// Short is enough of an id to tell it from others by eye.
func Short(id string) string { return id[:min(shortID, len(id))] }

// narrowed makes columns fit a width: those that may be dropped go, then the widest are cut.
func narrowed(all []column, width int) []column {
	least := func(c *column) int {
		if c.whole {
			return c.width
		}
		return min(c.width, max(narrowest, c.least, lipgloss.Width(c.head)))
	}
	for {
		need, victim := -2, -1
		for i := range all {
			need += least(&all[i]) + 2
			if all[i].drop > 0 && (victim < 0 || all[i].rank() > all[victim].rank()) {
				victim = i
			}
		}
		if need <= width || victim < 0 {
			break
		}
		all = append(all[:victim:victim], all[victim+1:]...)
	}
	for {
		total, widest := -2, -1
		for i := range all {
			total += all[i].width + 2
			if all[i].width > least(&all[i]) && (widest < 0 || all[i].width > all[widest].width) {
				widest = i
			}
		}
		if total <= width || widest < 0 {
			return all
		}
		floor := least(&all[widest])
		for i := range all {
			if i != widest && all[i].width < all[widest].width && all[i].width > least(&all[i]) {
				floor = max(floor, all[i].width)
			}
		}
		all[widest].width -= max(1, min(total-width, all[widest].width-floor))
	}
}

func (s *Screen) row(all []column, style lipgloss.Style, cell func(*column) string) {
	var b strings.Builder
	for i := range all {
		c := &all[i]
		text := cell(c)
		if lipgloss.Width(text) > c.width {
			if c.wrap && i == len(all)-1 {
				indent := strings.Repeat(" ", lipgloss.Width(b.String()))
				lines := strings.Split(ansi.Wrap(text, c.width, ","), "\n")
				for _, line := range lines[:len(lines)-1] {
					s.Line(b.String() + style.Render(strings.TrimSpace(line)))
					b.Reset()
					b.WriteString(indent)
				}
				text = strings.TrimSpace(lines[len(lines)-1])
			} else if c.middle && !strings.Contains(text, "\x1b") {
				text = CutMiddle(text, c.width)
			} else {
				text = ansi.Truncate(text, c.width, "…")
			}
		}
		b.WriteString(style.Render(text))
		if i < len(all)-1 {
			b.WriteString(strings.Repeat(" ", max(c.width-lipgloss.Width(text), 0)+2))
		}
	}
	if s.Form.Wide() {
		_, _ = fmt.Fprintln(s.Out, strings.TrimRight(b.String(), " "))
		return
	}
	s.Line(b.String())
}
