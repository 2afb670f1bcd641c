package filter

import "unicode/utf8"

// MaxIndex bounds what a column keeps of a text, in bytes: databases bound the size of an index's entries.
const MaxIndex = 200

// CutFrom is the least size of a text that was cut: a cut never splits a character.
const CutFrom = MaxIndex - utf8.UTFMax + 1

// Index returns what a column of a database keeps of a text so that terms can be looked up in it: the beginning of its key.
func Index(s string) string {
	k := Key(s)
	if len(k) <= MaxIndex {
		return k
	}
	n := MaxIndex
	for n > CutFrom && !utf8.RuneStart(k[n]) {
		n--
	}
	return k[:n]
}

// Cut says whether a text is so long that comparing its Index with another's does not tell how the texts compare. Shorter
// ones compare with any as their Index does.
func Cut(s string) bool { return len(Key(s)) >= CutFrom }
