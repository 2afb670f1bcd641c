package client

import "net/url"

// Query narrows a list (SOL013 v3.7.1 §5.2 and §5.3). The zero value selects everything with all its attributes.
type Query struct {
	// Filter is an attribute filter: "(eq,instantiationState,INSTANTIATED);(cont,vnfInstanceName,fw)".
	Filter string
	// Fields names the attributes wanted besides the mandatory ones, separated by ","; "" for all.
	Fields string
}

func queryOf(q []Query) string {
	out := url.Values{}
	for _, q := range q {
		if q.Filter != "" {
			out.Set("filter", q.Filter)
		}
		if q.Fields != "" {
			out.Set("fields", q.Fields)
		}
	}
	if !out.Has("fields") {
		out.Set("all_fields", "")
	}
	return "?" + out.Encode()
}
