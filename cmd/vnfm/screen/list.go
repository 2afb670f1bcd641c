package screen

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The kinds of cells. A string, a number and a bool stand for themselves, a time.Time is shown as a time.
type (
	// State is a state, in its colour, and never cut.
	State string
	// Name is a name, which is cut in the middle.
	Name string
	// Age is a time, shown as how long ago it was.
	Age time.Time
	// Alarm is what is wrong (Bad), or under way.
	Alarm struct {
		Text string
		Bad  bool
	}
)

// Column is one column of a list.
type Column[T any] struct {
	Head  string
	Of    func(v *T) any // one of the kinds of cells
	Wide  bool           // only for -o wide, for CSV, and where it is asked for
	Least int            // how narrow it may get where a terminal is; 0: as others
	Drop  int            // left out where a terminal is too narrow, the greatest first; 0: never
}

// Listing is how a list is printed.
type Listing struct {
	Columns   []string // headings, in any case; none: those of the form
	Sort      string   // a heading; behind a "-" the greatest comes first
	Limit     int      // so many entries; 0: all
	NoHeaders bool
}

// Key is a heading as people write it in a flag: "BUILT IN" is built-in.
func Key(head string) string { return strings.ToLower(strings.ReplaceAll(head, " ", "-")) }

// Check says what is wrong with a listing of columns; nil when nothing is.
func Check[T any](l *Listing, columns []Column[T]) error {
	_, err := chosen(l.Columns, columns)
	if err == nil && l.Sort != "" {
		_, err = chosen([]string{strings.TrimPrefix(l.Sort, "-")}, columns)
	}
	if err == nil && l.Limit < 0 {
		err = fmt.Errorf("a limit of %d is none", l.Limit)
	}
	return err
}

func chosen[T any](names []string, columns []Column[T]) ([]Column[T], error) {
	var out []Column[T]
	for _, name := range names {
		i := slices.IndexFunc(columns, func(c Column[T]) bool { return Key(c.Head) == Key(strings.TrimSpace(name)) })
		if i < 0 {
			all := make([]string, len(columns))
			for i := range columns {
				all[i] = Key(columns[i].Head)
			}
			return nil, fmt.Errorf("there is no column %q; there are %s", name, strings.Join(all, ", "))
		}
		out = append(out, columns[i])
	}
	return out, nil
}

// Sorted returns values in the order that a listing asks for, as many as it asks for.
func Sorted[T any](l *Listing, all []T, columns []Column[T]) []T {
	if name, greatest := strings.CutPrefix(l.Sort, "-"); name != "" {
		by, err := chosen([]string{name}, columns)
		if err != nil {
			return nil // Check says so before
		}
		all = slices.Clone(all)
		slices.SortStableFunc(all, func(a, b T) int {
			order := compare(by[0].Of(&a), by[0].Of(&b))
			if greatest {
				return -order
			}
			return order
		})
	}
	if l.Limit > 0 && len(all) > l.Limit {
		all = all[:l.Limit]
	}
	return all
}

// compare orders cells of one column. The oldest has the greatest age.
func compare(a, b any) int {
	switch x := a.(type) {
	case int:
		y, _ := b.(int)
		return cmp.Compare(x, y)
	case time.Time:
		y, _ := b.(time.Time)
		return x.Compare(y)
	case Age:
		y, _ := b.(Age)
		return time.Time(y).Compare(time.Time(x))
	}
	return cmp.Or(strings.Compare(strings.ToLower(raw(a)), strings.ToLower(raw(b))), strings.Compare(raw(a), raw(b)))
}

// raw is a cell for programs.
func raw(cell any) string {
	switch x := cell.(type) {
	case time.Time:
		if x.IsZero() {
			return ""
		}
		return x.UTC().Format(time.RFC3339Nano)
	case Age:
		return raw(time.Time(x))
	case Alarm:
		return x.Text
	case int:
		return strconv.Itoa(x)
	case bool:
		return strconv.FormatBool(x)
	}
	return fmt.Sprint(cell)
}

// shown is a cell for people.
func (s *Screen) shown(cell any) string {
	switch x := cell.(type) {
	case time.Time:
		return s.Stamp(x)
	case Age:
		return s.Age(time.Time(x))
	case State:
		return Colour(plain(string(x)))
	case Alarm:
		if x.Text == "" {
			return ""
		}
		if x.Bad {
			return Bad.Render(plain(x.Text))
		}
		return Moving.Render(plain(x.Text))
	case bool:
		if x {
			return "yes"
		}
		return ""
	}
	return plain(raw(cell))
}

// alarmed is how much of what is wrong is shown on a narrow terminal.
const alarmed = 20

// List prints values in columns, as a table, CSV or by their first column alone, which is what names them. Other forms are for Show.
func List[T any](s *Screen, l *Listing, all []T, columns []Column[T]) error {
	if s.Form.kind == "name" {
		for i := range all {
			if _, err := fmt.Fprintln(s.Out, raw(columns[0].Of(&all[i]))); err != nil {
				return err //nolint:wrapcheck // of standard output
			}
		}
		return nil
	}
	wanted, err := chosen(l.Columns, columns)
	if err != nil {
		return err
	}
	if len(wanted) == 0 {
		wanted = slices.DeleteFunc(slices.Clone(columns), func(c Column[T]) bool { return c.Wide && s.Form.ForPeople() && !s.Form.Wide() })
	}
	if s.Form.kind == "csv" {
		return csvOf(s, l, all, wanted)
	}
	out := make([]column, len(wanted))
	for i, c := range wanted {
		out[i] = column{head: c.Head, drop: c.Drop, least: c.Least}
		for j := range all {
			cell := c.Of(&all[j])
			switch cell.(type) {
			case State, Age:
				out[i].whole = true
			case Name:
				out[i].middle = true
			case Alarm:
				out[i].least = alarmed
			}
			out[i].cells = append(out[i].cells, s.shown(cell))
		}
	}
	s.columns(out, len(all), !l.NoHeaders, s.Err)
	return nil
}

func csvOf[T any](s *Screen, l *Listing, all []T, columns []Column[T]) error {
	w := csv.NewWriter(s.Out)
	row := make([]string, len(columns))
	if !l.NoHeaders {
		for i, c := range columns {
			row[i] = Key(c.Head)
		}
		_ = w.Write(row) // Error says it
	}
	for j := range all {
		for i, c := range columns {
			row[i] = raw(c.Of(&all[j]))
		}
		_ = w.Write(row)
	}
	w.Flush()
	return w.Error() //nolint:wrapcheck // of standard output
}
