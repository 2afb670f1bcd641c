// Package filter is the attribute filter of SOL013 v3.7.1 §5.2: the text a client sends, parsed, and what it means for a
// JSON document.
//
//	filter=(op,attr[/attr]*,value[,value]*)[;(...)]*     all expressions must hold
//	one value:  eq neq gt gte lt lte       many values:  in nin cont ncont
//
// It is pure and knows no resource: paths are followed in whatever document it is given. It is the definition of a
// match: back-ends that turn a Filter into SQL must find what Match finds (suite eventstoretest).
//
// # Matching
//
// A path names the values it leads to. An array on the way, or at the end, stands for its elements, and an expression
// holds when it holds for any of them. "@key" as the last step stands for the keys of an object. What is not there, null,
// an empty string, an object, and an array within an array are no values: no operator holds for them, neq and nin
// included. So (neq,attr,) asks for the objects that have the attribute.
//
// Numbers compare as numbers, exactly; a number is not equal to, nor less or more than, a value that is no number.
// Everything else compares as text, in order of code points, after Key: date-times compare as instants whatever their
// offsets. cont and ncont look into strings only.
package filter

import (
	"strings"

	"github.com/vnfm/vnfm"
)

// Op is the operator of an expression.
type Op string

// The operators (SOL013 v3.7.1 table 5.2.2-1).
const (
	Eq    Op = "eq"    // equal to the value
	Neq   Op = "neq"   // not equal to the value
	Gt    Op = "gt"    // greater than the value
	Gte   Op = "gte"   // greater than or equal to the value
	Lt    Op = "lt"    // less than the value
	Lte   Op = "lte"   // less than or equal to the value
	In    Op = "in"    // equal to one of the values
	Nin   Op = "nin"   // equal to none of the values
	Cont  Op = "cont"  // a string that contains one of the values
	Ncont Op = "ncont" // a string that contains none of the values
)

// Ops lists the operators.
var Ops = []Op{Eq, Neq, Gt, Gte, Lt, Lte, In, Nin, Cont, Ncont}

// many says whether an operator takes more than one value.
func (o Op) many() bool { return o == In || o == Nin || o == Cont || o == Ncont }

// MapKey as the last step of a path stands for the keys of a map ("@key").
const MapKey = "@key"

// Limits of a filter; more is Invalid.
const (
	MaxLength = 8192 // bytes of text, decoded
	MaxTerms  = 32   // expressions
	MaxValues = 200  // values of one expression
	MaxSteps  = 16   // steps of one path
)

// Step is one step of a path: the name of an attribute, or the keys of a map.
type Step struct {
	Name string // unescaped
	Keys bool   // "@key"; Name is empty
}

// Term is one expression.
type Term struct {
	Op     Op
	Path   []Step
	Values []string // unquoted; exactly one unless Op is In, Nin, Cont or Ncont
}

// Filter is a conjunction of expressions. The empty one holds for every document.
type Filter []Term

// path returns the path as a filter has it: escaped, joined by "/".
func (t Term) path() string {
	var b strings.Builder
	for i, s := range t.Path {
		if i > 0 {
			b.WriteByte('/')
		}
		b.WriteString(s.String())
	}
	return b.String()
}

var escapeName = strings.NewReplacer("~", "~0", "/", "~1", ",", "~a", "@", "~b")

// String returns the step as a filter has it, escaped.
func (s Step) String() string {
	if s.Keys {
		return MapKey
	}
	return escapeName.Replace(s.Name)
}

// Attribute returns the path as people write it, without "@key".
func (t Term) Attribute() string { return strings.TrimSuffix(t.path(), "/"+MapKey) }

// String returns the expression in the form Parse reads.
func (t Term) String() string {
	var b strings.Builder
	b.WriteString("(" + string(t.Op) + "," + t.path())
	for _, v := range t.Values {
		b.WriteByte(',')
		if strings.ContainsAny(v, ",)'") {
			v = "'" + strings.ReplaceAll(v, "'", "''") + "'"
		}
		b.WriteString(v)
	}
	b.WriteByte(')')
	return b.String()
}

// String returns the filter in the form Parse reads.
func (f Filter) String() string {
	terms := make([]string, len(f))
	for i, t := range f {
		terms[i] = t.String()
	}
	return strings.Join(terms, ";")
}

// invalid is the error of a filter text: where and why.
func invalid(at int, format string, args ...any) error {
	args = append([]any{at + 1}, args...)
	return vnfm.Errorf(vnfm.Invalid, "The filter is wrong at character %d: "+format+".", args...)
}
