package filter

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Match says whether a JSON document satisfies every expression. What is not JSON satisfies none.
func (f Filter) Match(doc []byte) bool {
	return !slices.ContainsFunc(f, func(t Term) bool { return !t.Match(doc) })
}

// Match says whether a JSON document satisfies the expression.
func (t Term) Match(doc []byte) bool { return t.walk(doc, t.Path) }

// walk follows the rest of a path and says whether the expression holds for any value at its end.
func (t Term) walk(raw []byte, path []Step) bool {
	raw = bytes.TrimLeft(raw, " \t\r\n")
	if len(raw) == 0 {
		return false
	}
	if raw[0] == '[' {
		var items []json.RawMessage
		return json.Unmarshal(raw, &items) == nil && slices.ContainsFunc(items, func(item json.RawMessage) bool {
			return len(item) > 0 && item[0] != '[' && t.walk(item, path)
		})
	}
	if len(path) == 0 {
		return t.holds(raw)
	}
	if raw[0] != '{' {
		return false
	}
	var attributes map[string]json.RawMessage
	if json.Unmarshal(raw, &attributes) != nil {
		return false
	}
	if path[0].Keys {
		for key := range attributes {
			if t.text(key) {
				return true
			}
		}
		return false
	}
	next, ok := attributes[path[0].Name]
	return ok && t.walk(next, path[1:])
}

// holds says whether the expression holds for one value in JSON.
func (t Term) holds(raw []byte) bool {
	switch raw[0] {
	case '"':
		var s string
		return json.Unmarshal(raw, &s) == nil && t.text(s)
	case 't', 'f':
		return t.Op != Cont && t.Op != Ncont && t.text(string(raw))
	case '{', 'n':
		return false
	}
	n, ok := parseNumber(string(raw))
	return ok && t.number(n)
}

// text says whether the expression holds for a text.
func (t Term) text(s string) bool {
	if s == "" {
		return false
	}
	return t.test(Key(s), func(have, value string) (int, bool) { return strings.Compare(have, Key(value)), true })
}

// number says whether the expression holds for a number.
func (t Term) number(n number) bool {
	if t.Op == Cont || t.Op == Ncont {
		return false
	}
	return t.test("", func(_, value string) (int, bool) {
		v, ok := parseNumber(value)
		return n.compare(v), ok
	})
}

// test applies the operator. compare orders the value at hand against one of the expression's, or says that they have no
// order and are not equal.
func (t Term) test(have string, compare func(have, value string) (int, bool)) bool {
	equal := func(value string) bool { c, ok := compare(have, value); return ok && c == 0 }
	contained := func(value string) bool { return strings.Contains(have, value) }
	switch t.Op {
	case Eq, In:
		return slices.ContainsFunc(t.Values, equal)
	case Neq, Nin:
		return !slices.ContainsFunc(t.Values, equal)
	case Cont:
		return slices.ContainsFunc(t.Values, contained)
	case Ncont:
		return !slices.ContainsFunc(t.Values, contained)
	case Gt, Gte, Lt, Lte:
		return slices.ContainsFunc(t.Values, func(value string) bool {
			c, ok := compare(have, value)
			return ok && (c > 0 && (t.Op == Gt || t.Op == Gte) || c < 0 && (t.Op == Lt || t.Op == Lte) ||
				c == 0 && (t.Op == Gte || t.Op == Lte))
		})
	}
	return false
}

// keyTime is the form of date-times in keys: in it, order of text is order of time.
const keyTime = "2006-01-02T15:04:05.000000000Z"

// Key returns the form in which texts compare: a date-time (RFC 3339) in UTC with nine digits of a second, so that
// instants compare whatever their offset, anything else as it is. A NUL, which not every database can hold, becomes U+FFFD.
func Key(s string) string {
	if IsTime(s) {
		if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
			if t = t.UTC(); t.Year() >= 0 && t.Year() <= 9999 {
				return t.Format(keyTime)
			}
		}
	}
	if strings.IndexByte(s, 0) >= 0 {
		return strings.ReplaceAll(s, "\x00", "\uFFFD")
	}
	return s
}

// KeyOf returns the key of a time, as it has when it is in a document; "" for the zero time.
func KeyOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(keyTime)
}

// IsTime says whether a text looks like a date-time. It may yet be none; nothing else is one.
func IsTime(s string) bool {
	const least = len("2006-01-02T15:04:05Z")
	return len(s) >= least && s[4] == '-' && s[7] == '-' && s[10] == 'T' && s[0] >= '0' && s[0] <= '9'
}
