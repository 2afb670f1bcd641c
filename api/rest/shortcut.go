package rest

import (
	"bytes"
	"slices"
	"sync"

	v1 "github.com/vnfm/vnfm/api/v1"
)

// Shortcut says what a collection's documents hold as the representation does: an entry that is of nothing else is copied from its
// document, which is neither decoded nor encoded again. The result is the same, but for its cost.
type Shortcut struct {
	// Copied are the members of a document that are attributes as they are, by the names of these.
	Copied map[string]string
	// Made are the members that the other attributes are made of: where one is there and wanted, the entry is decoded.
	Made map[string][]string
	// Links appends the links of an entry, an object, below a root: that of the interface behind the base of links. It looks at the
	// members of LinkedBy.
	Links    func(b []byte, doc *Members, root string) []byte
	LinkedBy []string
	// Root is that of the interface in the newest version, Older in the older; "" when it is not there.
	Root, Older string

	once    sync.Once
	members []string // of the documents that are looked at
	steps   []step   // in order of the attributes
}

// Members are some of a document, each as it is encoded there; nil those that it does not have.
type Members struct {
	names  []string
	values [][]byte
}

// Get returns a member.
func (m *Members) Get(name string) []byte {
	if i := slices.Index(m.names, name); i >= 0 {
		return m.values[i]
	}
	return nil
}

// step is what is done for one attribute.
type step struct {
	name, quoted string
	from         []int // of the members: what it is copied from, or made of
	mandatory    bool
	do           deed
}

type deed int

const (
	copied deed = iota
	made        // the entry is decoded where there is anything to make it of
	linked
)

const links = "_links"

// prepare lays out the steps for the fields of the wire type.
func (s *Shortcut) prepare(l *Collection) {
	at := func(name string) int {
		i := slices.Index(s.members, name)
		if i < 0 {
			i = len(s.members)
			s.members = append(s.members, name)
		}
		return i
	}
	for f := range fieldsOf(l.Entry) {
		p := step{name: f.name, quoted: `"` + f.name + `":`, mandatory: f.mandatory}
		from, is := s.Copied[f.name]
		switch {
		case f.name == links:
			p.do = linked
		case is:
			p.from = []int{at(from)}
		default:
			p.do = made
			for _, name := range s.Made[f.name] {
				p.from = append(p.from, at(name))
			}
			if p.from == nil {
				panic("rest: nothing says what " + f.name + " is made of")
			}
		}
		s.steps = append(s.steps, p)
	}
	for _, name := range s.LinkedBy {
		at(name)
	}
}

// short is a shortcut for one request.
type short struct {
	*Shortcut
	steps []step
	root  string
	doc   Members
}

// shortcut returns that of a collection for what a client wants of its entries; nil when there is none.
func (l *Collection) shortcut(wanted selector, shape *v1.Shape, base string) *short {
	s := l.Short
	if s == nil || shape != nil && s.Older == "" {
		return nil
	}
	s.once.Do(func() { s.prepare(l) })
	base = string(Inner(Encode(base))) // as it is within a text
	out := &short{Shortcut: s, root: base + s.Root, doc: Members{s.members, make([][]byte, len(s.members))}}
	if shape != nil {
		out.root = base + s.Older
	}
	for _, p := range s.steps {
		var k, d *attributes
		if wanted.keep != nil || wanted.drop != nil {
			var gone bool
			if gone, k, d = judge(p.name, p.mandatory, wanted.keep, wanted.drop); gone {
				continue
			}
		}
		whole := d == nil && (k == nil || len(k.sub) == 0)
		switch {
		case shape != nil && shape.Lacks(p.name):
			continue
		case p.do == linked && !whole:
			return nil
		case p.do == copied && (!whole || shape != nil && !shape.Same(p.name)):
			p.do = made
		}
		out.steps = append(out.steps, p)
	}
	return out
}

// take appends the entry of a document to b; false when it has to be decoded: then nothing is appended.
func (s *short) take(b, doc []byte) ([]byte, bool) {
	got := s.doc.values
	clear(got)
	if !s.doc.find(doc) {
		return b, false
	}
	open := len(b)
	for i := range s.steps {
		p := &s.steps[i]
		there := p.do == linked || slices.ContainsFunc(p.from, func(i int) bool { return got[i] != nil })
		switch {
		case !there && !p.mandatory:
			continue
		case !there, p.do == made:
			return b[:open], false
		}
		b = append(append(b, ','), p.quoted...)
		if p.do == copied {
			b = append(b, got[p.from[0]]...)
			continue
		}
		b = s.Links(b, &s.doc, s.root)
	}
	b[open] = '{'
	return append(b, '}'), true
}

// find sets the members that a JSON object has; false when it is none. What is in them is not looked at: this program encoded it.
func (m *Members) find(doc []byte) bool {
	i := blank(doc, 0)
	if i == len(doc) || doc[i] != '{' {
		return false
	}
	for i++; ; i++ { // behind the brace, or a comma
		i = blank(doc, i)
		if i < len(doc) && doc[i] == '}' {
			return true
		}
		end := textEnd(doc, i)
		if end < 0 {
			return false
		}
		name := doc[i+1 : end-1]
		if i = blank(doc, end); i == len(doc) || doc[i] != ':' {
			return false
		}
		i = blank(doc, i+1)
		if end = valueEnd(doc, i); end < 0 {
			return false
		}
		for k, known := range m.names {
			if string(name) == known {
				m.values[k] = doc[i:end]
				break
			}
		}
		if i = blank(doc, end); i == len(doc) {
			return false
		}
		switch doc[i] {
		case '}':
			return true
		case ',':
		default:
			return false
		}
	}
}

// blank returns where what is no white space goes on.
func blank(doc []byte, i int) int {
	for i < len(doc) && (doc[i] == ' ' || doc[i] == '\n' || doc[i] == '\t' || doc[i] == '\r') {
		i++
	}
	return i
}

// textEnd returns where the text ends that begins at i; below 0 when none does.
func textEnd(doc []byte, i int) int {
	if i >= len(doc) || doc[i] != '"' {
		return -1
	}
	for i++; ; i++ {
		j := bytes.IndexByte(doc[i:], '"')
		if j < 0 {
			return -1
		}
		i += j
		before := i
		for doc[before-1] == '\\' {
			before--
		}
		if (i-before)%2 == 0 {
			return i + 1
		}
	}
}

// valueEnd returns where the value ends that begins at i; below 0 when none does.
func valueEnd(doc []byte, i int) int {
	if i >= len(doc) {
		return -1
	}
	depth := 0
	for begin := i; i < len(doc); i++ {
		switch doc[i] {
		case '"':
			end := textEnd(doc, i)
			if end < 0 || depth == 0 {
				return end
			}
			i = end - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
			if depth < 0 {
				return within(begin, i)
			}
		case ',', ' ', '\n', '\t', '\r':
			if depth == 0 {
				return within(begin, i)
			}
		}
	}
	return -1
}

// within returns the end of what has a length; below 0 of what has none.
func within(begin, end int) int {
	if end == begin {
		return -1
	}
	return end
}

// Href appends a link to those before it: its name, and the parts of what it leads to, each as it is within a JSON text.
func Href(b []byte, name, root string, parts ...[]byte) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	b = append(append(append(b, '"'), name...), `":{"href":"`...)
	b = append(b, root...)
	for _, part := range parts {
		b = append(b, part...)
	}
	return append(b, `"}`...)
}

// Inner is what is between the quotes of a JSON text; nothing of anything else.
func Inner(quoted []byte) []byte {
	if len(quoted) < 2 || quoted[0] != '"' {
		return nil
	}
	return quoted[1 : len(quoted)-1]
}
