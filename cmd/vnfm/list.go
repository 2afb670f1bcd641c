package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/vnfm/vnfm/client"
	"github.com/vnfm/vnfm/cmd/vnfm/screen"
)

// listing is the flags of every list.
type listing struct {
	Columns   []string `help:"Columns to show, by their headings in any case, separated by commas." placeholder:"NAME"`
	Sort      string   `help:"Sort by this column; behind a - the greatest comes first." placeholder:"NAME"`
	Limit     int      `help:"Show so many; 0: all." placeholder:"N"`
	NoHeaders bool     `help:"Leave out the headings."`
	Watch     bool     `short:"w" help:"Show it again as it changes, until Ctrl-C."`
}

func (l *listing) as() *screen.Listing {
	return &screen.Listing{Columns: l.Columns, Sort: l.Sort, Limit: l.Limit, NoHeaders: l.NoHeaders}
}

// first is how many entries are to be read: all where they are sorted here.
func (l *listing) first() int {
	if l.Sort != "" {
		return 0
	}
	return l.Limit
}

// narrowed is the flags of lists that take attribute filters and selectors.
type narrowed struct {
	Filter string `help:"Only those that match, e.g. \"(eq,vnfProvider,Acme);(cont,id,1f)\"; see docs/howto/query.md." placeholder:"FILTER"`
	Fields string `help:"Only these attributes and the mandatory ones, separated by commas; for -o json." placeholder:"NAMES"`
}

// query is what a list asks for: for people only the fields that are shown, else what --fields says.
func (n narrowed) query(s *session, l *listing, shown string) client.Query {
	q := client.Query{Filter: n.Filter, Fields: n.Fields, Limit: l.first()}
	if q.Fields == "" && !s.Form.OfValues() {
		q.Fields = shown
	}
	return q
}

// and joins filters; all must hold.
func and(filters ...string) string {
	var out []string
	for _, f := range filters {
		if f != "" {
			out = append(out, f)
		}
	}
	return strings.Join(out, ";")
}

// in is a filter for an attribute with one of some values; "" for none.
func in(attribute string, values []string) string {
	if len(values) == 0 {
		return ""
	}
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = quotedValue(v)
	}
	return "(in," + attribute + "," + strings.Join(quoted, ",") + ")"
}

// quotedValue is a value in a filter (SOL013 v3.7.1 §5.2.2).
func quotedValue(v string) string {
	if strings.ContainsAny(v, ",)'") {
		return "'" + strings.ReplaceAll(v, "'", "''") + "'"
	}
	return v
}

// list prints what read returns, again and again with --watch.
func list[T any](s *session, l *listing, columns []screen.Column[T], read func() ([]T, error)) error {
	if err := screen.Check(l.as(), columns); err != nil {
		return usagef("%v", err)
	}
	return s.again(l.Watch, func(w *screen.Screen) error {
		all, err := read()
		if err != nil {
			return err
		}
		all = screen.Sorted(l.as(), all, columns)
		if s.Form.OfValues() {
			return w.Show(all, nil) //nolint:wrapcheck // of the screen
		}
		return screen.List(w, l.as(), all, columns) //nolint:wrapcheck // of the screen
	})
}

// again prints something once, or as often as it changes. On a terminal it is drawn in place; elsewhere it is printed anew.
func (s *session) again(watch bool, print func(w *screen.Screen) error) error {
	if !watch {
		return print(s.Screen)
	}
	last, drawn := "", 0
	if lost := s.Lost; lost != nil {
		s.Lost = func(err error) {
			lost(err)
			last, drawn = "", 0 // what comes then is drawn below
		}
		defer func() { s.Lost = lost }()
	}
	for {
		var picture bytes.Buffer
		w := *s.Screen
		w.Out, w.Err = &picture, &picture
		if err := s.Patiently(s.ctx, func() error { picture.Reset(); return print(&w) }); err != nil {
			return s.stopped(err)
		}
		if text := picture.String(); text != last {
			last = text
			if s.Terminal && !s.Plain {
				text = fitting(text, s.Height)
				if drawn > 0 {
					text = fmt.Sprintf("\x1b[%dA\x1b[J", drawn) + text
				}
				drawn = strings.Count(text, "\n")
			}
			if _, err := io.WriteString(s.Out, text); err != nil {
				return err //nolint:wrapcheck // of standard output
			}
		}
		if err := s.Wait(s.ctx, max(s.poll, time.Second)); err != nil {
			return s.stopped(err)
		}
	}
}

// stopped is the error of a list that is no longer watched.
func (s *session) stopped(err error) error {
	if s.ctx.Err() != nil {
		return &interrupted{how: "no longer watching", cause: err}
	}
	return err
}

// fitting is as much of a text as fits on a screen of so many lines.
func fitting(text string, height int) string {
	lines := strings.SplitAfter(text, "\n")
	if height < 3 || len(lines) <= height-1 {
		return text
	}
	return strings.Join(lines[:height-2], "") + screen.Faint.Render(fmt.Sprintf("… and %d more", len(lines)-height+1)) + "\n"
}
