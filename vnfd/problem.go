package vnfd

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// maxProblems bounds how many errors, and how many findings, one package may yield.
const maxProblems = 100

// Problems collects the errors and findings of one package.
type Problems struct {
	errs     []error
	Findings []Finding
	seen     map[string]bool
}

// Failf records a reason to reject the package.
func (p *Problems) Failf(rule string, at Position, format string, args ...any) {
	e := &Error{Rule: rule, Text: fmt.Sprintf(format, args...), At: at}
	if p.first("e" + e.Error()) {
		p.errs = append(p.errs, e)
	}
}

// Add records an error made elsewhere.
func (p *Problems) Add(err error) {
	if p.first("e" + err.Error()) {
		p.errs = append(p.errs, err)
	}
}

// Findf records a deviation.
func (p *Problems) Findf(rule string, at Position, format string, args ...any) {
	f := Finding{Rule: rule, Text: fmt.Sprintf(format, args...), At: at}
	if p.first("f" + f.At.String() + f.Rule + f.Text) {
		p.Findings = append(p.Findings, f)
	}
}

// first says whether a problem is new (types are looked at once per flavour that imports them) and still welcome.
func (p *Problems) first(key string) bool {
	if p.seen == nil {
		p.seen = map[string]bool{}
	}
	if p.seen[key] || len(p.errs)+len(p.Findings) >= 2*maxProblems {
		return false
	}
	p.seen[key] = true
	return true
}

// Sort puts Problems in the order of files and lines, whatever order they were found in.
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

func (p Position) compare(q Position) int {
	return cmp.Or(strings.Compare(p.File, q.File), p.Line-q.Line, p.Column-q.Column)
}

// Err joins the errors found, nil when there are none.
func (p *Problems) Err() error { return errors.Join(p.errs...) }

// Errors returns the reasons in an error of Open, in the order found; none when err is not a rejection of the package
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
	name = strings.ToValidUTF8(name, "?")
	if len(name) > 200 {
		name = strings.ToValidUTF8(name[:200], "") + "…"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, name)
}
