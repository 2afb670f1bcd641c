package readmodel

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/filter"
	"github.com/vnfm/vnfm/vnf"
)

// Large is the number of resources up to which the whole document of an instance is in its row. The row of a larger one is a shell: what
// does not grow with the VNF. Live folds the rest from the stream, so that an operation costs what it changes (ADR 27).
const Large = 64

// columnLarge holds isLarge in the rows that are shells.
const columnLarge = 1

const (
	large   = "large" // as an attribute that queries select by
	isLarge = "1"
)

// shell is an instance without its lists. A reader that takes it for an instance fails, also one of an older program: it must never be taken
// for an instance that holds nothing.
type shell struct {
	Resources string `json:"resources"`
	Large     string `json:"large"` // isLarge, for who selects by the document
	*vnf.Instance
}

// elsewhere stands in the place of the resources.
const elsewhere = "in the events"

// beginning is how the document of a shell begins, and no other.
var beginning = []byte(`{"resources":"` + elsewhere + `"`)

func isShell(v *eventstore.View) bool {
	return v.Kind == KindVnf && bytes.HasPrefix(v.Doc, beginning) || v.Kind == KindSnapshot && v.Attrs[columnLarge] == isLarge
}

// shelled returns the document of an instance without what grows with the VNF.
func shelled(v *vnf.Instance) json.RawMessage {
	c := *v
	c.Resources, c.Snapshots, c.Leftovers, c.Values = nil, nil, nil, nil
	if i := v.Info; i != nil {
		c.Info = &vnf.InstantiatedInfo{
			FlavourID: i.FlavourID, Level: i.Level, VnfState: i.VnfState, ScaleStatus: i.ScaleStatus, MaxScaleLevels: i.MaxScaleLevels, Localization: i.Localization,
		}
	}
	return encode(&shell{elsewhere, isLarge, &c})
}

// inForm returns a row of an instance in the form in which it is written now: an older program wrote all whole.
func inForm(v eventstore.View) eventstore.View {
	var in vnf.Instance
	if v.Kind != KindVnf || isShell(&v) || json.Unmarshal(v.Doc, &in) != nil || !IsLarge(&in) {
		return v
	}
	v.Doc, v.Attrs[columnLarge] = shelled(&in), isLarge
	return v
}

// IsLarge reports whether an instance is too large to be written whole.
func IsLarge(v *vnf.Instance) bool { return len(v.Held()) > Large }

// shells is the query for those rows of a query that are shells, as far as columns tell.
func shells(q eventstore.ViewQuery) eventstore.ViewQuery {
	q.Where = append(slices.DeleteFunc(slices.Clone(q.Where), func(t filter.Term) bool {
		_, ok := q.Columns[t.Attribute()]
		return !ok
	}), filter.Term{Op: filter.Eq, Path: []filter.Step{{Name: large}}, Values: []string{isLarge}})
	columns := map[string]eventstore.Column{large: eventstore.ColumnAttr(columnLarge)}
	maps.Copy(columns, q.Columns)
	q.Columns = columns
	return q
}
