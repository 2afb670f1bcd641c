package csar

import (
	"bytes"
	"strings"

	"github.com/vnfm/vnfm/vnfd"
)

// listing is one file a TOSCA.meta or a manifest speaks of.
type listing struct {
	path      string
	algorithm string
	hash      string
	at        vnfd.Position
}

// metaFile is what a TOSCA.meta says (SOL004 §4.1.2).
type metaFile struct {
	keys   map[string]string // of block 0, names in lower case
	at     map[string]vnfd.Position
	listed []listing // the Name blocks
}

// manifestFile is what a .mf file says (SOL004 §4.3.2).
type manifestFile struct {
	metadata map[string]string
	at       map[string]vnfd.Position
	listed   []listing
	signed   bool // holds a CMS block
}

// line is one line of a meta file, without its end.
type line struct {
	text string
	at   vnfd.Position
}

func lines(file string, data []byte) []line {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	var out []line
	n := 0
	for text := range bytes.Lines(data) {
		n++
		out = append(out, line{text: strings.TrimRight(string(text), "\r\n"), at: vnfd.Position{File: file, Line: n}})
	}
	return out
}

// split cuts "Key: value".
func (l line) split() (key, value string, ok bool) {
	key, value, ok = strings.Cut(l.text, ":")
	return strings.ToLower(strings.TrimSpace(key)), strings.TrimSpace(value), ok
}

// parseMeta reads a TOSCA.meta: block 0, then blocks of Name, Content-Type, Algorithm, Hash, parted by empty lines.
// A line that starts with a blank continues the one before.
func parseMeta(file string, data []byte, p *vnfd.Problems) *metaFile {
	m := &metaFile{keys: map[string]string{}, at: map[string]vnfd.Position{}}
	var block *listing // nil in block 0
	started, last := false, ""
	for _, l := range lines(file, data) {
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

// parseManifest reads a .mf file: the indented metadata, then Source, Algorithm and Hash of each file, the
// non_mano_artifact_sets, and perhaps a CMS signature.
func parseManifest(file string, data []byte) *manifestFile {
	m := &manifestFile{metadata: map[string]string{}, at: map[string]vnfd.Position{}}
	var current *listing
	inMetadata, inCMS := false, false
	for _, l := range lines(file, data) {
		text := strings.TrimSpace(l.text)
		switch {
		case strings.HasPrefix(text, "-----BEGIN"):
			inCMS, m.signed = true, true
			continue
		case strings.HasPrefix(text, "-----END"):
			inCMS = false
			continue
		case inCMS || text == "" || strings.HasPrefix(text, "#"):
			continue
		}
		key, value, ok := l.split()
		if !ok {
			continue // signatures span lines
		}
		switch key {
		case "metadata":
			inMetadata = value == ""
		case "source":
			inMetadata = false
			m.listed = append(m.listed, listing{path: value, at: l.at})
			current = &m.listed[len(m.listed)-1]
		case "algorithm":
			if current != nil {
				current.algorithm = value
			}
		case "hash":
			if current != nil {
				current.hash = value
			}
		default:
			indented := l.text[0] == ' ' || l.text[0] == '\t'
			if inMetadata && (indented || value != "") {
				m.metadata[key], m.at[key] = value, l.at
			} else if !indented {
				inMetadata, current = false, nil
			}
		}
	}
	return m
}
