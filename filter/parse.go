package filter

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/vnfm/vnfm"
)

// Parse reads a filter as it stands in the query parameter, decoded. Text that is no filter is Invalid and says at which
// character and why. An empty text is an empty filter.
func Parse(text string) (Filter, error) {
	if len(text) > MaxLength {
		return nil, vnfm.Errorf(vnfm.Invalid, "The filter has %d bytes; %d is the limit.", len(text), MaxLength)
	}
	p := parser{text: text}
	if at := strings.IndexFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r == utf8.RuneError }); at >= 0 {
		return nil, p.wrong(at, "control characters and invalid UTF-8 are not allowed")
	}
	var f Filter
	for p.at < len(text) {
		if len(f) == MaxTerms {
			return nil, p.wrong(p.at, "there are more than %d expressions", MaxTerms)
		}
		if len(f) > 0 {
			if text[p.at] != ';' {
				return nil, p.wrong(p.at, "a ';' must separate two expressions")
			}
			p.at++
		}
		t, err := p.term()
		if err != nil {
			return nil, err
		}
		f = append(f, t)
	}
	return f, nil
}

// parser reads a filter from its start to its end.
type parser struct {
	text string
	at   int // byte
}

// wrong is the error at a byte of the text; people count characters.
func (p *parser) wrong(at int, format string, args ...any) error {
	return invalid(utf8.RuneCountInString(p.text[:at]), format, args...)
}

// next takes the next byte when it is the one wanted.
func (p *parser) next(want byte) bool {
	if p.at < len(p.text) && p.text[p.at] == want {
		p.at++
		return true
	}
	return false
}

// until takes everything before the first of some bytes, or the rest.
func (p *parser) until(stop string) string {
	from := p.at
	if n := strings.IndexAny(p.text[from:], stop); n >= 0 {
		p.at += n
	} else {
		p.at = len(p.text)
	}
	return p.text[from:p.at]
}

func (p *parser) term() (Term, error) {
	var t Term
	if !p.next('(') {
		return t, p.wrong(p.at, "an expression begins with '('")
	}
	from := p.at
	t.Op = Op(p.until(",)"))
	if !slices.Contains(Ops, t.Op) {
		return t, p.wrong(from, "there is no operator %q; there are %s", string(t.Op), operators())
	}
	if !p.next(',') {
		return t, p.wrong(p.at, "an attribute must follow the operator, after ','")
	}
	var err error
	if t.Path, err = p.path(); err != nil {
		return t, err
	}
	for p.next(',') {
		if len(t.Values) == MaxValues {
			return t, p.wrong(p.at, "the expression has more than %d values", MaxValues)
		}
		if len(t.Values) == 1 && !t.Op.many() {
			return t, p.wrong(p.at-1, "%s takes one value; put it in single quotes when it contains ',' or ')'", t.Op)
		}
		v, err := p.value()
		if err != nil {
			return t, err
		}
		t.Values = append(t.Values, v)
	}
	switch {
	case len(t.Values) == 0:
		return t, p.wrong(p.at, "a value must follow the attribute, after ','")
	case !p.next(')'):
		return t, p.wrong(p.at, "the expression is not closed by ')'")
	}
	return t, nil
}

func operators() string {
	names := make([]string, len(Ops))
	for i, o := range Ops {
		names[i] = string(o)
	}
	return strings.Join(names, ", ")
}

// path reads attr[/attr]*.
func (p *parser) path() ([]Step, error) {
	var steps []Step
	for {
		from := p.at
		if len(steps) == MaxSteps {
			return nil, p.wrong(from, "the path has more than %d steps", MaxSteps)
		}
		s, err := p.step(from, p.until("/,)"))
		if err != nil {
			return nil, err
		}
		steps = append(steps, s)
		if !p.next('/') {
			return steps, nil
		}
		if s.Keys {
			return nil, p.wrong(p.at, "%s is the last step of a path", MapKey)
		}
	}
}

func (p *parser) step(from int, text string) (Step, error) {
	if text == "" {
		return Step{}, p.wrong(from, "an attribute name is missing")
	}
	if text == MapKey {
		return Step{Keys: true}, nil
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '@' {
			return Step{}, p.wrong(from+i, "'@' in an attribute name is written ~b; only %s begins with it", MapKey)
		}
		if c == '~' {
			i++
			if i == len(text) {
				return Step{}, p.wrong(from+i-1, "'~' is followed by 0, 1, a or b")
			}
			switch text[i] {
			case '0':
				c = '~'
			case '1':
				c = '/'
			case 'a':
				c = ','
			case 'b':
				c = '@'
			default:
				return Step{}, p.wrong(from+i-1, "'~' is followed by 0, 1, a or b")
			}
		}
		b.WriteByte(c)
	}
	return Step{Name: b.String()}, nil
}

// value reads one value, quoted or not. A quote within an unquoted value is refused, because it would be a quoted one
// whose beginning is misplaced.
func (p *parser) value() (string, error) {
	from := p.at
	if !p.next('\'') {
		v := p.until(",)")
		if i := strings.IndexByte(v, '\''); i >= 0 {
			return "", p.wrong(from+i, "a value that contains a single quote is put in single quotes, the inner one doubled")
		}
		return v, nil
	}
	var b strings.Builder
	for {
		b.WriteString(p.until("'"))
		if !p.next('\'') {
			return "", p.wrong(from, "the quoted value is not closed")
		}
		if !p.next('\'') { // a doubled quote is one of the value
			return b.String(), nil
		}
		b.WriteByte('\'')
	}
}
