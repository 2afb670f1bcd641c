package main

import (
	"context"
	"os"
	"time"

	"github.com/alecthomas/kong"
	kongcompletion "github.com/jotaen/kong-completion"
	"github.com/posener/complete"

	"github.com/vnfm/vnfm/client"
	"github.com/vnfm/vnfm/cmd/vnfm/contexts"
)

// patience is how long a shell waits for names.
const patience = 2 * time.Second

// complete answers a shell that completes a line (COMP_LINE is set); false when none asks.
func (p *program) complete(ctx context.Context, parser *kong.Kong) bool {
	if os.Getenv("COMP_LINE") == "" {
		return false
	}
	kongcompletion.Register(parser, kongcompletion.WithPredictors(map[string]complete.Predictor{
		"vnf":     p.names(ctx, vnfWords),
		"op":      p.names(ctx, opWords),
		"package": p.names(ctx, packageWords),
		"vim":     p.names(ctx, vimWords),
		"context": complete.PredictFunc(func(complete.Args) []string {
			f, err := contexts.Read()
			if err != nil {
				return nil
			}
			var out []string
			for name := range f.Contexts {
				out = append(out, name)
			}
			return out
		}),
	}), kongcompletion.WithExitFunc(func(int) {}))
	return true
}

// names predicts words that the server knows. Whoever cannot ask it gets none: a shell shows no errors.
func (p *program) names(ctx context.Context, read func(s *session) ([]string, error)) complete.Predictor {
	return complete.PredictFunc(func(complete.Args) []string {
		var c cli
		parser, err := newParser(&c, p.stdout, p.stderr)
		if err != nil {
			return nil
		}
		if _, err := parser.Parse([]string{"version"}); err != nil { // the settings of the environment and the context
			return nil
		}
		s := p.session(&c)
		if s.Client, err = c.client(s); err != nil {
			return nil
		}
		s.Lost, s.Retries = nil, -1
		var stop context.CancelFunc
		s.ctx, stop = context.WithTimeout(ctx, patience)
		defer stop()
		words, err := read(s)
		if err != nil {
			return nil
		}
		return words
	})
}

// suggested is how many of a kind are suggested at most.
const suggested = 200

func vnfWords(s *session) ([]string, error) {
	all, err := s.Vnfs(s.ctx, client.Query{Fields: "vnfInstanceName", Limit: suggested})
	var out []string
	for _, v := range all {
		out = append(out, ref{v.Id, v.VnfInstanceName}.label())
	}
	return out, err
}

// opWords are the operations that have not ended, and the VNFs, which stand for their newest ones.
func opWords(s *session) ([]string, error) {
	out, err := vnfWords(s)
	if err != nil {
		return nil, err
	}
	all, err := s.Ops(s.ctx, client.Query{Filter: live, Fields: "operation", Limit: suggested})
	for _, o := range all {
		out = append(out, o.Id)
	}
	return out, err
}

func packageWords(s *session) ([]string, error) {
	all, err := s.Packages(s.ctx, client.Query{Fields: "vnfdId,vnfProductName", Limit: suggested})
	var out []string
	for _, p := range all {
		out = append(out, p.Id)
		if p.VnfdId != "" {
			out = append(out, p.VnfdId)
		}
	}
	return out, err
}

func vimWords(s *session) ([]string, error) {
	all, err := s.Vims(s.ctx)
	var out []string
	for _, v := range all {
		out = append(out, v.Id)
	}
	return out, err
}
