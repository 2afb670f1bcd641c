package main

import (
	"fmt"
	"time"

	"github.com/alecthomas/kong"

	"github.com/vnfm/vnfm/client"
)

// graceful is a flag that may carry a time: --graceful or --graceful=30s.
type graceful struct {
	set     bool
	timeout time.Duration
}

// IsBool lets the flag stand without a value.
func (*graceful) IsBool() bool { return true }

// Decode reads the flag.
func (g *graceful) Decode(ctx *kong.DecodeContext) error {
	g.set = true
	if ctx.Scan.Peek().Type != kong.FlagValueToken {
		return nil
	}
	text := fmt.Sprint(ctx.Scan.Pop().Value)
	timeout, err := time.ParseDuration(text)
	if err != nil || timeout < time.Second {
		return fmt.Errorf("%q is not a time of a second or more, like 30s", text)
	}
	g.timeout = timeout
	return nil
}

// seconds is the time as requests have it; nil when there is none.
func (g *graceful) seconds() *int {
	if g.timeout == 0 {
		return nil
	}
	n := int(g.timeout.Seconds())
	return &n
}

// narrowed is the flags of lists that take attribute filters and selectors.
type narrowed struct {
	Filter string `help:"Only those that match, e.g. \"(eq,vnfProvider,Acme);(cont,id,1f)\"; see docs/howto/query.md." placeholder:"FILTER"`
	Fields string `help:"Only these attributes and the mandatory ones, separated by commas; for -o json." placeholder:"NAMES"`
}

func (n narrowed) query() client.Query { return client.Query{Filter: n.Filter, Fields: n.Fields} }
