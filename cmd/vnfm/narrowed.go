package main

import "github.com/vnfm/vnfm/client"

// narrowed is the flags of lists that take attribute filters and selectors.
type narrowed struct {
	Filter string `help:"Only those that match, e.g. \"(eq,vnfProvider,Acme);(cont,id,1f)\"; see docs/howto/query.md." placeholder:"FILTER"`
	Fields string `help:"Only these attributes and the mandatory ones, separated by commas; for -o json." placeholder:"NAMES"`
}

func (n narrowed) query() client.Query { return client.Query{Filter: n.Filter, Fields: n.Fields} }
