package csar

import (
	"bytes"
	"path"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/vnfm/vnfm/vnfd"
)

// sniffed is how much of a file is looked at to say what it is.
const sniffed = 16 << 10

// magics are the first bytes of files that are taken for packages.
var magics = []struct {
	offset      int
	magic, what string
}{
	{257, "ustar", "is a tar archive, as OSM has packages; pack the files as a zip"},
	{0, "\x1f\x8b", "is compressed with gzip, a .tar.gz as OSM has packages perhaps; pack the files as a zip"},
	{0, "BZh", "is compressed with bzip2; pack the files as a zip"},
	{0, "\xfd7zXZ\x00", "is compressed with xz; pack the files as a zip"},
	{0, "\x28\xb5\x2f\xfd", "is compressed with zstd; pack the files as a zip"},
	{0, "7z\xbc\xaf\x27\x1c", "is a 7z archive; pack the files as a zip"},
	{0, "Rar!", "is a RAR archive; pack the files as a zip"},
	{0, "QFI\xfb", "is a disk image (qcow2)"},
	{0, "-----BEGIN", "is a certificate, key or signature in PEM"},
	{0, "PK\x05\x06", "is a zip archive without files"},
}

// yang matches the top of a SOL006 descriptor, in YAML or JSON, with or without the prefix of its module.
var yang = regexp.MustCompile(`(?m)^[\s{]*["']?(?:[A-Za-z0-9_-]+:)?(vnfd|nsd|pnfd|nfv|vnfd-catalog|nsd-catalog)["']?\s*:`)

const yangText = "a descriptor in YANG (SOL006), as OSM has it; this program reads TOSCA (SOL001) in a CSAR"

// looksLike says what a file that is no archive seems to be: "is …" or "looks like …".
func looksLike(head []byte) string {
	for _, m := range magics {
		if len(head) >= m.offset && bytes.HasPrefix(head[m.offset:], []byte(m.magic)) {
			return m.what
		}
	}
	for len(head) > 0 && !utf8.Valid(head) { // cut within a character, perhaps
		r, n := utf8.DecodeLastRune(head)
		if r != utf8.RuneError || n > 1 {
			return "is none that is known here"
		}
		head = head[:len(head)-1]
	}
	text := strings.TrimSpace(string(head))
	switch {
	case text == "":
		return "is empty"
	case strings.ContainsRune(text, 0):
		return "is none that is known here"
	case strings.Contains(text, "tosca_definitions_version"):
		return "is a TOSCA definition alone; pack it as a CSAR, with TOSCA-Metadata/TOSCA.meta"
	case yang.MatchString(text):
		return "looks like " + yangText
	case strings.HasPrefix(text, "<"):
		return "looks like XML or HTML, an answer that is no package perhaps"
	case strings.HasPrefix(text, "{"), strings.HasPrefix(text, "["):
		return "looks like JSON"
	}
	return "is a text file"
}

// hint says what an archive without an entry definition seems to be, "" when it cannot be told.
func (a *archive) hint() string {
	for _, name := range a.byBase[path.Base(metaPath)] {
		if strings.HasSuffix(name, "/"+metaPath) {
			return "; the package stands in the folder " + vnfd.Quote(strings.TrimSuffix(name, "/"+metaPath)) + ": pack what is in it, without the folder"
		}
	}
	looked := 0
	for _, e := range a.entries {
		switch base := path.Base(e.name); strings.ToLower(path.Ext(e.name)) {
		case ".yaml", ".yml", ".json":
			if base == "Chart.yaml" {
				return "; it looks like a Helm chart, which a package brings as an artifact"
			}
			if looked++; looked > 20 {
				return ""
			}
			if yang.Match(a.head(e)) {
				return "; " + vnfd.Quote(e.name) + " looks like " + yangText
			}
		}
	}
	return ""
}

// head returns the beginning of a file, nothing when it cannot be read.
func (a *archive) head(e *entry) []byte {
	r, err := e.zip.Open()
	if err != nil {
		return nil
	}
	defer r.Close() //nolint:errcheck // only read
	head := make([]byte, sniffed)
	n := 0
	for n < len(head) {
		k, err := r.Read(head[n:])
		n += k
		if err != nil {
			break
		}
	}
	return head[:n]
}
