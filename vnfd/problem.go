package vnfd

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Finding is a deviation that does not reject a package.
type Finding struct {
	Rule string   `json:"rule"` // short id, e.g. "levels-contradict-deltas"
	Text string   `json:"text"`
	At   Position `json:"at"`
}

// Error is a reason to reject a package. Several may be joined.
type Error struct {
	Rule string   `json:"rule"`
	Text string   `json:"text"`
	At   Position `json:"at"`
	// Limit is the setting that the package exceeds, when that is the reason.
	Limit string `json:"limit,omitempty"`
}

// Error returns "file:line: text (rule)".
func (e *Error) Error() string { return e.At.String() + e.Text + " (" + e.Rule + ")" }

// Position is where something stands in a package.
type Position struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column,omitempty"`
}

// String returns "file:line: ", shorter when parts are unknown.
func (p Position) String() string {
	switch {
	case p.File == "":
		return ""
	case p.Line == 0:
		return p.File + ": "
	}
	return p.File + ":" + strconv.Itoa(p.Line) + ": "
}

func (p Position) compare(q Position) int {
	return cmp.Or(strings.Compare(p.File, q.File), p.Line-q.Line, p.Column-q.Column)
}

// Exceeded returns the error of a package that exceeds one of the Limits, by the name of its setting without "package-max-".
// The text says by what.
func Exceeded(limit, rule string, at Position, format string, args ...any) *Error {
	return exceeded(limitPrefix+limit, rule, at, format, args...)
}

func exceeded(setting, rule string, at Position, format string, args ...any) *Error {
	return &Error{Rule: rule, Text: fmt.Sprintf(format, args...) + ", the limit " + setting, At: at, Limit: setting}
}

// Problems collects the errors and findings of one package. The zero value is ready.
type Problems struct {
	Findings []Finding
	// Most bounds how many errors, and how many findings, are kept; 0 means 100.
	Most int
	errs []error
	seen map[string]bool
}

// Failf records a reason to reject the package.
func (p *Problems) Failf(rule string, at Position, format string, args ...any) {
	if p.welcome(len(p.errs)) {
		p.Add(&Error{Rule: rule, Text: fmt.Sprintf(format, args...), At: at})
	}
}

// Exceedf records that the package exceeds one of the Limits; see Exceeded.
func (p *Problems) Exceedf(limit, rule string, at Position, format string, args ...any) {
	p.Add(Exceeded(limit, rule, at, format, args...))
}

// ExceedSetting is Exceedf for a limit that is a setting of its own, by its whole name.
func (p *Problems) ExceedSetting(setting, rule string, at Position, format string, args ...any) {
	p.Add(exceeded(setting, rule, at, format, args...))
}

// Add records an error made elsewhere.
func (p *Problems) Add(err error) {
	if p.welcome(len(p.errs)) && p.first("e"+err.Error()) {
		p.errs = append(p.errs, err)
	}
}

// Findf records a deviation.
func (p *Problems) Findf(rule string, at Position, format string, args ...any) {
	if !p.welcome(len(p.Findings)) {
		return
	}
	f := Finding{Rule: rule, Text: fmt.Sprintf(format, args...), At: at}
	if p.first("f" + f.At.String() + f.Rule + f.Text) {
		p.Findings = append(p.Findings, f)
	}
}

// welcome says whether one more is kept.
func (p *Problems) welcome(n int) bool { return n < cmp.Or(p.Most, 100) }

// first says whether a problem is new: types are looked at once per flavour that imports them.
func (p *Problems) first(key string) bool {
	if p.seen == nil {
		p.seen = map[string]bool{}
	}
	if p.seen[key] {
		return false
	}
	p.seen[key] = true
	return true
}

// Sort puts problems in the order of files and lines, whatever order they were found in.
func (p *Problems) Sort() {
	slices.SortStableFunc(p.Findings, func(a, b Finding) int { return a.At.compare(b.At) })
	slices.SortStableFunc(p.errs, func(a, b error) int {
		var x, y *Error
		if !errors.As(a, &x) || !errors.As(b, &y) {
			return 0
		}
		return cmp.Or(x.At.compare(y.At), strings.Compare(x.Text, y.Text))
	})
}

// Err joins the errors found, nil when there are none.
func (p *Problems) Err() error { return errors.Join(p.errs...) }

// Errors returns the reasons in an error of a reader, in the order found; none when err is not a rejection of the package
// but, say, an archive that could not be read from its store.
func Errors(err error) []*Error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []*Error
		for _, e := range joined.Unwrap() {
			all = append(all, Errors(e)...)
		}
		return all
	}
	var e *Error
	if errors.As(err, &e) {
		return []*Error{e}
	}
	return nil
}

// Join joins names for a message, the first few of many.
func Join(names []string) string {
	const most = 8
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}

// Quote makes a name of a package safe to show.
func Quote(s string) string { return "'" + Printable(s) + "'" }

// Plural says "1 file" or "3 files".
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Printable keeps hostile bytes of a name out of messages.
func Printable(name string) string {
	if len(name) > 200 {
		name = name[:200] + "…"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			return '?'
		}
		return r
	}, name)
}
