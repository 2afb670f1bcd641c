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

// problems collects the errors and findings of one package.
type problems struct {
	errs     []error
	findings []Finding
	seen     map[string]bool
}

// failf records a reason to reject the package.
func (p *problems) failf(rule string, at Position, format string, args ...any) {
	e := &Error{Rule: rule, Text: fmt.Sprintf(format, args...), At: at}
	if p.first("e" + e.Error()) {
		p.errs = append(p.errs, e)
	}
}

// add records an error made elsewhere.
func (p *problems) add(err error) {
	if p.first("e" + err.Error()) {
		p.errs = append(p.errs, err)
	}
}

// findf records a deviation.
func (p *problems) findf(rule string, at Position, format string, args ...any) {
	f := Finding{Rule: rule, Text: fmt.Sprintf(format, args...), At: at}
	if p.first("f" + f.At.String() + f.Rule + f.Text) {
		p.findings = append(p.findings, f)
	}
}

// first says whether a problem is new (types are looked at once per flavour that imports them) and still welcome.
func (p *problems) first(key string) bool {
	if p.seen == nil {
		p.seen = map[string]bool{}
	}
	if p.seen[key] || len(p.errs)+len(p.findings) >= 2*maxProblems {
		return false
	}
	p.seen[key] = true
	return true
}

// sort puts problems in the order of files and lines, whatever order they were found in.
func (p *problems) sort() {
	slices.SortStableFunc(p.findings, func(a, b Finding) int { return a.At.compare(b.At) })
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

// err joins the errors found, nil when there are none.
func (p *problems) err() error { return errors.Join(p.errs...) }

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

// list joins names for a message, the first few of many.
func list(names []string) string {
	const most = 8
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}
