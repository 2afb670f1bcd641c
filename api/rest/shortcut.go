package rest

import (
	"encoding/json"
	"slices"
	"sync"

	"github.com/tidwall/gjson"

	v1 "github.com/vnfm/vnfm/api/v1"
)

// Shortcut says which attributes of a collection's entries their documents hold as they are. An entry that wants no others, but
// for its links, is put together from pieces of its document: that costs a quarter of decoding and encoding it, and gives
// the same.
type Shortcut struct {
	// Copied are the attributes that documents hold as they are, with the member that does.
	Copied map[string]string
	// Made are the others, with the members that they are made of. Where an attribute is wanted and one of its members is there, the
	// entry is decoded.
	Made map[string][]string
	// Links returns the links of an entry. They lead to resources below root.
	Links func(doc *Members, root string) any
	// LinkedBy are the members that Links looks at.
	LinkedBy []string
	// Root is that of the interface in the newest version, Older that in v1.
	Root, Older string

	once    sync.Once
	members []string // that are looked at
	steps   []step   // in order of the attributes
}

// Members are some members of a document.
type Members struct {
	names  []string
	values []gjson.Result
}

// Text returns a member that is a text; "" when it is not there.
func (m *Members) Text(name string) string { return m.get(name).String() }

// Is says whether a member is true.
func (m *Members) Is(name string) bool { return m.get(name).Bool() }

func (m *Members) get(name string) gjson.Result { return m.values[slices.Index(m.names, name)] }

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
		if from, is := s.Copied[f.name]; is {
			p.from = []int{at(from)}
		} else if p.do = made; f.name == links {
			p.do = linked
		}
		for _, name := range s.Made[f.name] {
			p.from = append(p.from, at(name))
		}
		if p.from == nil && p.do != linked {
			panic("rest: nothing says what " + f.name + " is made of")
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
	lacks []string // links that v1 does not have
	doc   Members
}

// shortcut returns that of a collection for what a client wants of its entries; nil when there is none.
func (l *Collection) shortcut(wanted selector, shape *v1.Shape, base string) *short {
	s := l.Short
	if s == nil {
		return nil
	}
	s.once.Do(func() { s.prepare(l) })
	out := &short{Shortcut: s, root: base + s.Root, doc: Members{s.members, make([]gjson.Result, len(s.members))}}
	if shape != nil {
		out.root, out.lacks = base+s.Older, shape.LaterIn(links)
	}
	for _, p := range s.steps {
		gone, whole := wanted.of(p.name, p.mandatory)
		switch {
		case gone, shape != nil && shape.Lacks(p.name):
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

// brief reports whether entries are copied from the documents, and nothing is made of what is large in them.
func (s *short) brief() bool {
	return s != nil && !slices.ContainsFunc(s.steps, func(p step) bool { return p.do == made })
}

// take appends the entry of a document to b. It returns false, and b as it was, when the document has to be decoded.
func (s *short) take(b, doc []byte) ([]byte, bool) {
	s.doc.find(doc)
	open := len(b)
	for i := range s.steps {
		p := &s.steps[i]
		there := p.do == linked || slices.ContainsFunc(p.from, func(i int) bool { return s.doc.values[i].Exists() })
		switch {
		case !there && !p.mandatory:
			continue
		case !there, p.do == made:
			return b[:open], false
		}
		b = append(append(b, ','), p.quoted...)
		if p.do == copied {
			b = append(b, s.doc.values[p.from[0]].Raw...)
		} else {
			b = append(b, s.links()...)
		}
	}
	b[open] = '{'
	return append(b, '}'), true
}

// links are those of the entry, in the version of the request.
func (s *short) links() []byte {
	raw := Encode(s.Links(&s.doc, s.root))
	var all map[string]json.RawMessage
	if len(s.lacks) == 0 || json.Unmarshal(raw, &all) != nil {
		return raw
	}
	for _, name := range s.lacks {
		delete(all, name)
	}
	return Encode(all)
}

// find looks the members up in a document, which this program has encoded.
func (m *Members) find(doc []byte) {
	clear(m.values)
	gjson.ParseBytes(doc).ForEach(func(name, value gjson.Result) bool {
		if i := slices.Index(m.names, name.Str); i >= 0 {
			m.values[i] = value
		}
		return true
	})
}
