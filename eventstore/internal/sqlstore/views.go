package sqlstore

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/filter"
)

// Views lists views by kind, in order of id. Terms over columns become conditions on them, which indexes serve; the
// others one condition on the document. Where the conditions may hold for more than the filter does, what comes back is
// matched again, and the next rows are read until there are enough.
func (r *Reader) Views(ctx context.Context, v eventstore.ViewQuery) ([]eventstore.View, error) {
	limit := v.Limit
	if limit <= 0 {
		limit = 1000
	}
	var out []eventstore.View
	index, err := r.driving(ctx, v)
	if err != nil {
		return nil, err
	}
	for after := v.After; ; {
		q := r.Dialect.selectFrom("views", ViewColumns).is("kind", v.Kind).is("parent", v.Parent).is("state", v.State).is("name", v.Name)
		exact := q.where(&r.Dialect, v, index)
		if after != "" {
			q.and("id > %s", after)
		}
		rows, err := list(ctx, &r.Dialect, q.order("id, kind", limit).once(), ScanView)
		if err != nil || exact {
			return rows, err
		}
		for _, row := range rows {
			if len(out) < limit && v.Where.Match(row.Doc) {
				out = append(out, row)
			}
		}
		if len(rows) < limit || len(out) == limit {
			return out, nil
		}
		after = rows[len(rows)-1].ID
	}
}

// The answers of driving beside the place of a term.
const (
	anyIndex = -1 // the database chooses
	noIndex  = -2 // rows are walked in order of id
)

// driving returns the term of a filter whose index selects the rows of a query, for a database that does not know how
// often values occur: the rarest, by counting up to a bound. When even that is frequent, walking finds a page sooner.
func (r *Reader) driving(ctx context.Context, v eventstore.ViewQuery) (int, error) {
	if !r.Dialect.CountTerms || len(v.Where) == 0 {
		return anyIndex, nil
	}
	const frequent = 2000
	best, fewest := noIndex, frequent
	for i, t := range v.Where {
		column, ok := v.Columns[t.Attribute()]
		if !ok || t.Op == filter.Neq || t.Op == filter.Nin || t.Op == filter.Cont || t.Op == filter.Ncont {
			continue
		}
		q := r.Dialect.selectFrom("views", "1").is("kind", v.Kind)
		q.term(&r.Dialect, string(column), t)
		found, err := list(ctx, &r.Dialect, q.order("null", fewest), func(row Row) (n int, err error) { return n, row.Scan(&n) })
		if err != nil {
			return anyIndex, err
		}
		if len(found) < fewest {
			best, fewest = i, len(found)
		}
		if fewest == 0 {
			return best, nil
		}
	}
	return best, nil
}

// where adds the conditions of a filter and says whether they hold for exactly what it holds for. index is the term that
// may use its index, or as driving says.
func (q *query) where(d *Dialect, v eventstore.ViewQuery, index int) (exact bool) {
	exact = true
	var rest filter.Filter
	for i, t := range v.Where {
		column, ok := v.Columns[t.Attribute()]
		if !ok || t.Path[len(t.Path)-1].Keys {
			rest = append(rest, t)
			continue
		}
		name := string(column)
		if index != anyIndex && i != index {
			name = "+" + name // as an expression, it uses no index
		}
		exact = q.term(d, name, t) && exact
	}
	if len(rest) > 0 {
		q.and(d.Match(rest))
		exact = false
	}
	return exact
}

var comparison = map[filter.Op]string{filter.Gt: ">", filter.Gte: ">=", filter.Lt: "<", filter.Lte: "<="}

// term adds the condition of a term over a column. What a column holds may have been cut, and so is what it is compared
// with: then the condition holds for whatever may match.
func (q *query) term(d *Dialect, column string, t filter.Term) (exact bool) {
	exact = true
	var holes []string
	for _, v := range t.Values {
		exact = exact && !filter.Cut(v)
		if t.Op != filter.Cont && t.Op != filter.Ncont {
			v = filter.Index(v)
		}
		q.args = append(q.args, v)
		holes = append(holes, "$"+strconv.Itoa(len(q.args)))
	}
	var conditions []string
	operator, ordered := comparison[t.Op]
	switch {
	case ordered && exact:
		conditions = append(conditions, column+" "+operator+" "+holes[0])
	case ordered:
		conditions = append(conditions, column+" "+operator[:1]+"= "+holes[0])
	case t.Op == filter.Eq || t.Op == filter.In:
		conditions = append(conditions, column+" in ("+strings.Join(holes, ", ")+")")
	case t.Op == filter.Cont || t.Op == filter.Ncont:
		var found []string
		for _, hole := range holes {
			found = append(found, d.Instr+"("+column+", "+hole+") > 0")
		}
		exact = false
		contains := strings.Join(found, " or ")
		if t.Op == filter.Cont {
			conditions = append(conditions, "("+contains+" or octet_length("+column+") >= "+strconv.Itoa(filter.CutFrom)+")")
		} else {
			conditions = append(conditions, "not ("+contains+")")
		}
	case exact: // neq and nin; of what was cut nothing is known
		conditions = append(conditions, column+" not in ("+strings.Join(holes, ", ")+")")
	default:
		for _, hole := range holes { // every argument is named in the query
			conditions = append(conditions, hole+" <> ''")
		}
	}
	fmt.Fprintf(&q.sql, " and %s <> '' and %s", column, strings.Join(conditions, " and "))
	return exact
}
