package client

import "net/url"

// Query narrows a list (SOL013 v3.7.1 §5.2 and §5.3). The zero value selects everything with all its attributes.
type Query struct {
	// Filter is an attribute filter: "(eq,instantiationState,INSTANTIATED);(cont,vnfInstanceName,fw)".
	Filter string
	// Fields names the attributes wanted besides the mandatory ones, separated by ","; "" for all.
	Fields string
	// Limit is how many entries are read, in whole pages; 0: all.
	Limit int
	// Sort is by which attribute our own lists are sorted; after a "-" the greatest comes first.
	Sort string
}

// limitOf is the limit of a query.
func limitOf(q []Query) int {
	n := 0
	for _, q := range q {
		n = max(n, q.Limit)
	}
	return n
}

func queryOf(q []Query) string {
	out := valuesOf(q)
	if !out.Has("fields") {
		out.Set("all_fields", "")
	}
	return "?" + out.Encode()
}

// ownQuery is a query of our own lists, which are of few words as they come.
func ownQuery(q []Query) string {
	if out := valuesOf(q); len(out) > 0 {
		return "?" + out.Encode()
	}
	return ""
}

func valuesOf(q []Query) url.Values {
	out := url.Values{}
	for _, q := range q {
		for name, value := range map[string]string{"filter": q.Filter, "fields": q.Fields, "sort": q.Sort} {
			if value != "" {
				out.Set(name, value)
			}
		}
	}
	return out
}
