package decode

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/filter"
)

// Limits bounds what a body may hold beside its length: what it costs to read does not depend on its bytes alone.
type Limits struct {
	Names  int // of the members of all objects together
	Values int // members of objects and entries of arrays, all together
	Depth  int // of nested objects and arrays
	Text   int // bytes of one text
}

// maxName bounds a name in bytes. Databases and readers have bounds of their own far beyond it.
const maxName = 1024

// Read reads a body to its end and checks what every body must be: one JSON object in UTF-8 with nothing behind it, within
// the limits, no name twice in one object, since readers differ in which of the two they take, no U+0000 in any text, since
// not every database and VIM takes one, and no number that takes a reader long to spell out. It reads no further than the first thing that is wrong. Returns Invalid, TooLarge for
// more than a limit allows, or the error of the reader.
func Read(r io.Reader, l Limits) ([]byte, error) {
	var body bytes.Buffer
	in := &source{Reader: io.TeeReader(r, &body)}
	dec := json.NewDecoder(in)
	dec.UseNumber()
	f := form{Limits: l}
	for {
		token, err := dec.Token()
		switch {
		case in.err != nil:
			return nil, in.err
		case errors.Is(err, io.EOF) && !f.begun:
			return nil, vnfm.Errorf(vnfm.Invalid, "The body is empty; a JSON object is needed.")
		case errors.Is(err, io.EOF) && !f.ended:
			return nil, vnfm.Errorf(vnfm.Invalid, "The body is not JSON: it ends too early.")
		case errors.Is(err, io.EOF):
			return body.Bytes(), whole(body.Bytes())
		case err != nil && f.ended, err == nil && f.ended:
			return nil, vnfm.Errorf(vnfm.Invalid, "The body has something after its JSON object.")
		case err != nil:
			return nil, notJSON(err)
		}
		if err := f.next(token); err != nil {
			return nil, err
		}
	}
}

// source remembers why nothing more could be read: a decoder takes it for the end of a token.
type source struct {
	io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err //nolint:wrapcheck // a reader
}

// whole checks what cannot be seen token by token: these have no invalid UTF-8 any more, and of some documents that are no JSON
// all tokens can be read.
func whole(body []byte) error {
	if !utf8.Valid(body) {
		return vnfm.Errorf(vnfm.Invalid, "The body is not UTF-8.")
	}
	var syntax *json.SyntaxError
	if !json.Valid(body) && errors.As(json.Unmarshal(body, new(json.RawMessage)), &syntax) {
		return notJSON(syntax)
	}
	return nil
}

func notJSON(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return vnfm.Errorf(vnfm.Invalid, "The body is not JSON: it ends too early.")
	}
	return vnfm.Errorf(vnfm.Invalid, "The body is not JSON: %w.", err)
}

// form looks at a body token by token.
type form struct {
	Limits
	begun, ended  bool
	names, values int
	open          []level // objects and arrays around the next token, the outermost first
}

// level is an object or array that has not ended.
type level struct {
	array bool
	n     int             // entries of an array so far
	name  string          // of an object's member whose value comes next, or came last
	value bool            // the value of name comes next
	seen  map[string]bool // names of an object; nil before the first
}

// next takes the next token.
func (f *form) next(token json.Token) error {
	delim, isDelim := token.(json.Delim)
	if !f.begun {
		f.begun = true
		if delim != '{' {
			f.ended = true
			return Wrong("", "must be an object")
		}
	}
	if isDelim && (delim == '}' || delim == ']') {
		f.open = f.open[:len(f.open)-1]
		f.ended = len(f.open) == 0
		return nil
	}
	if len(f.open) > 0 {
		if l := &f.open[len(f.open)-1]; !l.array && !l.value {
			name, _ := token.(string)
			return f.member(l, name)
		} else if l.array {
			l.n++
			if err := f.count(); err != nil {
				return err
			}
		}
		f.open[len(f.open)-1].value = false
	}
	if isDelim {
		if len(f.open) == f.Depth {
			return Wrong(f.at(), fmt.Sprintf("is nested deeper than %d levels (http-json-depth)", f.Depth))
		}
		f.open = append(f.open, level{array: delim == '['})
		return nil
	}
	switch v := token.(type) {
	case string:
		if len(v) > f.Text {
			return vnfm.Errorf(vnfm.TooLarge, "A text of the body has more than %d bytes (http-json-text).", f.Text).At(f.at())
		}
		if strings.ContainsRune(v, 0) {
			return Wrong(f.at(), nul)
		}
	case json.Number:
		if _, small := filter.IsNumber(v.String()); !small { // a reader would take long to spell it out
			return Wrong(f.at(), "is a number of more than 300 digits")
		}
	}
	return nil
}

const nul = "must not have the character U+0000"

// member takes the name of an object's next member.
func (f *form) member(l *level, name string) error {
	if len(name) > maxName {
		return Wrong(f.around(), fmt.Sprintf("has a name longer than %d bytes", maxName))
	}
	l.name, l.value = name, true
	if f.names++; f.names > f.Names {
		return vnfm.Errorf(vnfm.TooLarge, "The body has more than %d names (http-json-names).", f.Names)
	}
	switch {
	case l.seen[name]:
		return Wrong(f.at(), "is there more than once")
	case strings.ContainsRune(name, 0):
		return Wrong(f.at(), nul)
	}
	if l.seen == nil {
		l.seen = map[string]bool{}
	}
	l.seen[name] = true
	return f.count()
}

func (f *form) count() error {
	if f.values++; f.values > f.Values {
		return vnfm.Errorf(vnfm.TooLarge, "The body has more than %d values (http-json-values).", f.Values)
	}
	return nil
}

// at returns the pointer to the value whose turn it is.
func (f *form) at() string {
	var b strings.Builder
	for _, l := range f.open {
		if l.array {
			b.WriteString("/" + strconv.Itoa(l.n-1))
		} else {
			b.WriteString(vnfm.Step(l.name))
		}
	}
	return b.String()
}

// around returns the pointer to the object whose next member it is.
func (f *form) around() string {
	inner := f.open
	f.open = f.open[:len(f.open)-1]
	at := f.at()
	f.open = inner
	return at
}
