package postgres

import (
	"encoding/json"
	"strings"

	"github.com/vnfm/vnfm/filter"
)

// jsonPath returns a filter as an SQL/JSON path (lax mode) that holds for every document the filter holds for, and for
// few others: PostgreSQL looks one array deeper than a filter does, and knows no instants of time.
func jsonPath(f filter.Filter) string {
	terms := make([]string, len(f))
	for i, t := range f {
		terms[i] = "exists(" + jsonPathOf(t) + ")"
	}
	return "$ ? (" + strings.Join(terms, " && ") + ")"
}

func jsonPathOf(t filter.Term) string {
	var b strings.Builder
	b.WriteByte('@')
	value := "@"
	for _, s := range t.Path {
		if s.Keys {
			b.WriteString(` ? (@.type() == "object").keyvalue()`) // of another type it is an error
			value = "@.key"
		} else {
			b.WriteString("." + jsonText(s.Name))
		}
	}
	return b.String() + " ? (" + jsonCondition(value, t) + ")"
}

// anyTime holds for texts that may be date-times, of which only Match knows how they compare.
const anyTime = `like_regex "^[0-9]{4}-[0-9]{2}-[0-9]{2}T"`

// jsonCondition is the condition of a term on one value, a disjunction over the types a value may have.
func jsonCondition(v string, t filter.Term) string {
	type condition = func(x string) string
	is := func(op string) condition { return func(x string) string { return v + " " + op + " " + x } }
	typed := func(name, also string) string {
		c := v + `.type() == "` + name + `"`
		if also != "" {
			c += " && (" + also + ")"
		}
		return "(" + c + ")"
	}
	time := "(" + v + " " + anyTime + ")"
	switch t.Op {
	case filter.Eq, filter.In:
		return either(texts(t, is("==")), numbers(t, is("==")), booleans(t, is("==")), ifTime(t, time))
	case filter.Neq, filter.Nin:
		text := ""
		if !anyIsTime(t) {
			text = strings.Join(texts(t, is("!=")), " && ")
		}
		return either([]string{
			typed("string", text), typed("number", strings.Join(numbers(t, is("!=")), " && ")),
			typed("boolean", strings.Join(booleans(t, is("!=")), " && ")),
		})
	case filter.Cont:
		return either(texts(t, contains(v)), []string{time})
	case filter.Ncont:
		var not []string
		for _, c := range texts(t, contains(v)) {
			not = append(not, "!("+c+")")
		}
		return either([]string{typed("string", strings.Join(not, " && ")), time})
	}
	op := map[filter.Op]string{filter.Gt: ">", filter.Gte: ">=", filter.Lt: "<", filter.Lte: "<="}[t.Op]
	if anyIsTime(t) {
		return either([]string{typed("string", "")}, numbers(t, is(op)), []string{typed("boolean", "")})
	}
	return either(texts(t, is(op)), numbers(t, is(op)), []string{typed("boolean", ""), time})
}

func either(conditions ...[]string) string {
	var all []string
	for _, c := range conditions {
		all = append(all, c...)
	}
	return strings.Join(all, " || ")
}

func texts(t filter.Term, condition func(string) string) []string {
	var out []string
	for _, x := range t.Values {
		out = append(out, "("+condition(jsonText(x))+")")
	}
	return out
}

// numbers are conditions for the values that are numbers. One that is too large for PostgreSQL stands for any number, or
// for none that must differ.
func numbers(t filter.Term, condition func(string) string) []string {
	var out []string
	for _, x := range t.Values {
		is, small := filter.IsNumber(x)
		switch {
		case is && small:
			out = append(out, "("+condition(x)+")")
		case is && t.Op != filter.Neq && t.Op != filter.Nin:
			out = append(out, `(@.type() == "number")`)
		}
	}
	return out
}

func booleans(t filter.Term, condition func(string) string) []string {
	var out []string
	for _, x := range t.Values {
		if x == "true" || x == "false" {
			out = append(out, "("+condition(x)+")")
		}
	}
	return out
}

func contains(v string) func(string) string {
	return func(x string) string {
		if x == `""` {
			return v + `.type() == "string"`
		}
		return v + " like_regex " + x + ` flag "q"`
	}
}

func anyIsTime(t filter.Term) bool {
	for _, x := range t.Values {
		if filter.IsTime(x) {
			return true
		}
	}
	return false
}

func ifTime(t filter.Term, condition string) []string {
	if anyIsTime(t) {
		return []string{condition}
	}
	return nil
}

// jsonText is a text as a string of JSON, and of a path.
func jsonText(s string) string {
	b, _ := json.Marshal(s) // a string
	return string(b)
}
