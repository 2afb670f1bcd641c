package sqlite

import (
	"database/sql/driver"
	"sync"

	sqlite "modernc.org/sqlite"

	"github.com/vnfm/vnfm/filter"
)

// matchFunction is the SQL function (filter, document) → 0 or 1 that runs filter.Filter.Match within a query.
const matchFunction = "vnfm_match"

// registerMatch gives every connection of the process the function, once.
var registerMatch = sync.OnceValue(func() error {
	var last struct {
		sync.Mutex
		text   string
		filter filter.Filter
	}
	return sqlite.RegisterDeterministicScalarFunction(matchFunction, 2,
		func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
			text, _ := args[0].(string)
			last.Lock()
			if text != last.text { // the same for all rows of a query
				f, err := filter.Parse(text)
				if err != nil {
					last.Unlock()
					return nil, err
				}
				last.text, last.filter = text, f
			}
			f := last.filter
			last.Unlock()
			doc, _ := args[1].(string)
			return f.Match([]byte(doc)), nil
		})
})
