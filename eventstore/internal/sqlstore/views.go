package sqlstore

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/filter"
)

// Views lists views by kind, in order of id or of a column. Terms over columns become conditions on them, which indexes serve; the
// others one condition on the document. Terms whose condition may hold for more than they do are matched again in what comes
// back, and the next rows are read until there are enough.
func (r *Reader) Views(ctx context.Context, v eventstore.ViewQuery) ([]eventstore.View, error) {
	limit := v.Limit
	if limit <= 0 {
		limit = 1000
	}
	var out []eventstore.View
	table, err := r.driven(ctx, v)
	if err != nil {
		return nil, err
	}
	for {
		q := r.Dialect.selectFrom(table, ViewColumns).is("kind", v.Kind).is("parent", v.Parent).is("state", v.State).is("name", v.Name)
		doubtful := q.where(&r.Dialect, v)
		by := q.after(v)
		scan := ScanView
		if v.Docs && len(doubtful) == 0 && v.Order == "" { // each column costs
			q.columns, scan = "id, doc", scanDoc
		}
		if v.Heads && len(doubtful) == 0 {
			q.columns = headColumns
		}
		if q.order(by, limit); v.Order != "" || len(v.Where) > 0 || v.Parent != "" || v.State != "" || v.Name != "" {
			q.once() // else the order says how to go
		}
		rows, err := list(ctx, &r.Dialect, q, scan)
		if err != nil || len(doubtful) == 0 {
			return rows, err
		}
		for _, row := range rows {
			if len(out) < limit && matches(v, row, doubtful) {
				out = append(out, row)
			}
		}
		if len(rows) < limit || len(out) == limit {
			return out, nil
		}
		v = v.Behind(&rows[len(rows)-1])
	}
}

// headColumns are ViewColumns without the document.
var headColumns = strings.Replace(ViewColumns, ", doc,", ", '',", 1) //nolint:gochecknoglobals // a constant

// after adds where the query begins and returns the order of what it lists.
func (q *query) after(v eventstore.ViewQuery) (by string) {
	operator, direction := ">", ""
	if v.Desc {
		operator, direction = "<", " desc"
	}
	by, place := "id"+direction+", kind", "id "+operator+" %s"
	if v.Order != "" {
		by, place = string(v.Order)+direction+", "+by, "("+string(v.Order)+", id) "+operator+" (%s, %s)"
	}
	if v.After == "" {
		return by
	}
	if v.Order != "" {
		q.args = append(q.args, v.AfterValue)
		place = fmt.Sprintf(place, "$"+strconv.Itoa(len(q.args)), "%s")
	}
	q.and(place, v.After)
	return by
}

// driven returns the table of views with the index by which a query is to go through it, for a database that does not know
// how often values occur: that of the rarest term, by counting up to a bound. When even that is frequent, a page is found
// sooner in order of id, in an index that has all columns.
func (r *Reader) driven(ctx context.Context, v eventstore.ViewQuery) (table string, err error) {
	const by = "views indexed by views_"
	switch {
	case !r.Dialect.NoStatistics || len(v.Where) == 0 || v.Order != "":
		return "views", nil
	case v.Parent != "":
		return by + "parent", nil
	}
	const frequent = 5000
	best, fewest := by+"walk", frequent
	for _, t := range v.Where {
		column, ok := columnOf(v, t)
		if !ok || t.Op == filter.Neq || t.Op == filter.Nin || t.Op == filter.Cont || t.Op == filter.Ncont {
			continue
		}
		table := by + string(column)
		if column == eventstore.ColumnID {
			table = by + "walk"
		}
		q := r.Dialect.selectFrom(table, "1").is("kind", v.Kind)
		q.term(&r.Dialect, column, t)
		found, err := list(ctx, &r.Dialect, q.count(fewest), func(row Row) (n int, err error) { err = row.Scan(&n); return n, err })
		if err != nil {
			return "", err
		}
		if found[0] < fewest {
			best, fewest = table, found[0]
		}
		if fewest == 0 {
			break
		}
	}
	return best, nil
}

// columnOf returns the column that holds the values a term is about, if one does.
func columnOf(v eventstore.ViewQuery, t filter.Term) (eventstore.Column, bool) {
	column, ok := v.Columns[t.Attribute()]
	return column, ok && !t.Path[len(t.Path)-1].Keys
}

// where adds the conditions of a filter and returns the terms whose condition may hold for more than they do.
func (q *query) where(d *Dialect, v eventstore.ViewQuery) (doubtful filter.Filter) {
	var rest filter.Filter
	for _, t := range v.Where {
		column, ok := columnOf(v, t)
		if !ok {
			rest = append(rest, t)
			continue
		}
		if !q.term(d, column, t) {
			doubtful = append(doubtful, t)
		}
	}
	if len(rest) > 0 {
		q.and(d.Match(rest))
	}
	return append(doubtful, rest...)
}

// matches says whether a row that was found matches the terms that are in doubt. What contains a text is in no doubt where
// the column holds all of the value: the document need not be decoded.
func matches(v eventstore.ViewQuery, row eventstore.View, doubtful filter.Filter) bool {
	for _, t := range doubtful {
		column, ok := columnOf(v, t)
		whole := ok && (t.Op == filter.Cont || t.Op == filter.Ncont) && len(row.Column(column)) < filter.CutFrom
		if !whole && !t.Match(row.Doc) {
			return false
		}
	}
	return true
}

var comparison = map[filter.Op]string{filter.Gt: ">", filter.Gte: ">=", filter.Lt: "<", filter.Lte: "<="}

// term adds the condition of a term over a column. What a column holds may have been cut, and so is what it is compared
// with: then the condition holds for whatever may match.
func (q *query) term(d *Dialect, of eventstore.Column, t filter.Term) (exact bool) {
	column := string(of)
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
