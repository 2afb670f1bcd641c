package csar

import (
	"bytes"
	"encoding/base64"
	"strings"

	"github.com/vnfm/vnfm/vnfd"
)

// manifestFile is what a .mf file says (SOL004 §4.3.2).
type manifestFile struct {
	name     string
	metadata map[string]string
	at       map[string]vnfd.Position
	listed   []listing
	signed   []byte        // what the signature at its end is of; nil when it has none
	cms      []byte        // the signature
	cmsAt    vnfd.Position // where it begins
}

// parseManifest reads a .mf file: the indented metadata, then Source, Algorithm and Hash of each file, the
// non_mano_artifact_sets, and perhaps a CMS signature of all before it. What follows a signature is signed by nobody, and is not
// read but refused. It stops where more files are listed than may be.
func parseManifest(file string, data []byte, most int, p *vnfd.Problems) *manifestFile {
	m := &manifestFile{name: file, metadata: map[string]string{}, at: map[string]vnfd.Position{}}
	body, cms, rest := cutSignature(data)
	if cms != nil {
		m.signed, m.cms = body, cms
		m.cmsAt = vnfd.Position{File: file, Line: 1 + bytes.Count(body, []byte("\n"))}
	}
	if rest != nil {
		p.Failf("signature-invalid", vnfd.Position{File: file, Line: 1 + bytes.Count(data[:len(data)-len(rest)], []byte("\n"))}, "the manifest goes on behind its signature")
	}
	var current *listing
	inMetadata, inSets, set := false, false, ""
	for l := range lines(file, body) {
		text := strings.TrimSpace(l.text)
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		key, value, ok := l.split()
		if !ok {
			continue
		}
		switch key {
		case "metadata":
			inMetadata = value == ""
		case "source":
			inMetadata = false
			if len(m.listed) >= most {
				p.Exceedf("listed", "too-large", l.at, "more than %d files are listed", most)
				return m
			}
			m.listed = append(m.listed, listing{path: value, manifest: true, artifactSet: set, at: l.at})
			current = &m.listed[len(m.listed)-1]
		case "non_mano_artifact_sets":
			inMetadata, inSets, current = false, true, nil
		case "algorithm", "hash", "signature", "certificate":
			if current != nil {
				current.set(key, value)
			}
		default:
			indented := l.text[0] == ' ' || l.text[0] == '\t'
			if inSets = inSets && indented; inSets && value == "" {
				name, _, _ := strings.Cut(text, ":") // as it is written
				set = strings.TrimSpace(name)
			} else if !inSets {
				set = ""
			}
			if inMetadata && (indented || value != "") {
				m.metadata[key], m.at[key] = strings.Trim(value, `"'`), l.at
			} else if !indented {
				inMetadata, current = false, nil
			}
		}
	}
	return m
}

func (l *listing) set(key, value string) {
	switch key {
	case "algorithm":
		l.algorithm = value
	case "hash":
		l.hash = value
	case "signature":
		l.signature = value
	case "certificate":
		l.certificate = value
	}
}

var (
	beginMark = []byte("-----BEGIN ")
	endMark   = []byte("-----END ")
)

// cutSignature parts a manifest into what is signed, the signature, and what follows it, nil when nothing but blanks does. A
// block without an end is a signature that cannot be read.
func cutSignature(data []byte) (body, cms, rest []byte) {
	begin := lineWith(data, beginMark)
	if begin < 0 {
		return data, nil, nil
	}
	block := data[begin:]
	end := lineWith(block, endMark)
	if end < 0 {
		return data[:begin], []byte{}, nil
	}
	after := block[end:]
	if i := bytes.IndexByte(after, '\n'); i >= 0 {
		after = after[i+1:]
	} else {
		after = nil
	}
	if len(bytes.TrimSpace(after)) > 0 {
		rest = after
	}
	first := bytes.IndexByte(block, '\n') + 1
	return data[:begin], decode64(block[first:end]), rest
}

// lineWith returns where the first line begins that begins with a mark, -1 when none does.
func lineWith(data, mark []byte) int {
	for at := 0; at < len(data); {
		end := bytes.IndexByte(data[at:], '\n')
		if bytes.HasPrefix(bytes.TrimLeft(data[at:], " \t"), mark) {
			return at
		}
		if end < 0 {
			break
		}
		at += end + 1
	}
	return -1
}

// decode64 reads base64 on several lines; what is none is empty.
func decode64(text []byte) []byte {
	text = bytes.Join(bytes.Fields(text), nil)
	out, err := base64.StdEncoding.DecodeString(string(text))
	if err != nil {
		return []byte{}
	}
	return out
}
