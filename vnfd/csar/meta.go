package csar

import (
	"bytes"
	"iter"
	"strings"

	"github.com/vnfm/vnfm/vnfd"
)

// listing is one file a TOSCA.meta or a manifest speaks of.
type listing struct {
	path        string
	algorithm   string
	hash        string
	signature   string // file of its signature, when the manifest names one
	certificate string
	manifest    bool   // the manifest says so
	artifactSet string // non-MANO; "" for all others
	at          vnfd.Position
}

// metaFile is what a TOSCA.meta says (SOL004 §4.1.2).
type metaFile struct {
	keys   map[string]string // of block 0, names in lower case
	at     map[string]vnfd.Position
	listed []listing // the Name blocks
}

// line is one line of a meta file, without its end.
type line struct {
	text string
	at   vnfd.Position
}

func lines(file string, data []byte) iter.Seq[line] {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	return func(yield func(line) bool) {
		n := 0
		for text := range bytes.Lines(data) {
			n++
			if !yield(line{text: strings.TrimRight(string(text), "\r\n"), at: vnfd.Position{File: file, Line: n}}) {
				return
			}
		}
	}
}

// split cuts "Key: value".
func (l line) split() (key, value string, ok bool) {
	key, value, ok = strings.Cut(l.text, ":")
	return strings.ToLower(strings.TrimSpace(key)), strings.TrimSpace(value), ok
}

// parseMeta reads a TOSCA.meta: block 0, then blocks of Name, Content-Type, Algorithm, Hash, parted by empty lines.
// A line that starts with a blank continues the one before. It stops where more files are listed than may be.
func parseMeta(file string, data []byte, most int, p *vnfd.Problems) *metaFile {
	m := &metaFile{keys: map[string]string{}, at: map[string]vnfd.Position{}}
	var block *listing // nil in block 0
	started, last := false, ""
	for l := range lines(file, data) {
		if strings.TrimSpace(l.text) == "" {
			if started {
				block, last = &listing{}, ""
			}
			continue
		}
		if strings.HasPrefix(l.text, "#") {
			continue
		}
		if (l.text[0] == ' ' || l.text[0] == '\t') && last != "" && block == nil {
			m.keys[last] += strings.TrimSpace(l.text)
			continue
		}
		key, value, ok := l.split()
		if !ok || key == "" {
			p.Failf("bad-meta", l.at, "the line is not of the form 'Key: value'")
			continue
		}
		started = true
		if block == nil {
			if _, twice := m.keys[key]; twice {
				p.Failf("bad-meta", l.at, "the key %s is given twice", vnfd.Quote(key))
			}
			m.keys[key], m.at[key], last = value, l.at, key
			continue
		}
		switch key {
		case "name":
			if len(m.listed) == most {
				p.Exceedf("listed", "too-large", l.at, "more than %d files are listed", most)
				return m
			}
			m.listed = append(m.listed, listing{path: value, at: l.at})
			block = &m.listed[len(m.listed)-1]
		case "algorithm":
			block.algorithm = value
		case "hash":
			block.hash = value
		}
	}
	return m
}

// pick returns what one of two keys says: the one that SOL004 has now, and the one it had before v2.5.1.
func (m *metaFile) pick(name string) (value, key string) {
	for _, key := range []string{"etsi-" + name, name} {
		if m.keys[key] != "" {
			return m.keys[key], key
		}
	}
	return "", ""
}
