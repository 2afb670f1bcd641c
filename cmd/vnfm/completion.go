package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	kongcompletion "github.com/jotaen/kong-completion"
	"github.com/posener/complete"

	"github.com/vnfm/vnfm/client"
	"github.com/vnfm/vnfm/cmd/vnfm/contexts"
	"github.com/vnfm/vnfm/sol"
)

// patience is how long a shell waits for names.
const patience = 2 * time.Second

// words are those that the server knows and that begin so, or others too, by the tag of an argument or a flag that takes one.
var words = map[string]func(s *session, begun string) ([]string, error){
	"vnf": vnfWords, "op": opWords, "package": packageWords,
	"vim":        wordsOf(func(s *session) ([]sol.Vim, error) { return s.Vims(s.ctx) }, func(v *sol.Vim) string { return v.Id }),
	"management": wordsOf(func(s *session) ([]sol.ManagementConnection, error) { return s.ManagementConnections(s.ctx) }, func(v *sol.ManagementConnection) string { return v.Id }),
	"snapshot": wordsOf(func(s *session) ([]sol.VnfSnapshotInfo, error) {
		return s.Snapshots(s.ctx, client.Query{Fields: "id", Limit: suggested})
	}, func(v *sol.VnfSnapshotInfo) string { return v.Id }),
	"subscription": wordsOf(func(s *session) ([]sol.LccnSubscription, error) { return s.Subscriptions(s.ctx) }, func(v *sol.LccnSubscription) string { return v.Id }),
	"notification": wordsOf(func(s *session) ([]sol.Notification, error) { return s.Notifications(s.ctx, "", "") }, func(v *sol.Notification) string { return v.Id }),
	"parked":       wordsOf(func(s *session) ([]sol.ParkedMessage, error) { return s.Parked(s.ctx) }, func(v *sol.ParkedMessage) string { return v.Id }),
}

func wordsOf[T any](list func(s *session) ([]T, error), word func(*T) string) func(s *session, begun string) ([]string, error) {
	return func(s *session, _ string) ([]string, error) {
		all, err := list(s)
		out := make([]string, len(all))
		for i := range all {
			out[i] = word(&all[i])
		}
		return out, err
	}
}

// complete answers a shell that completes a line (COMP_LINE is set); false when none asks.
func (p *program) complete(ctx context.Context, parser *kong.Kong) bool {
	line := os.Getenv("COMP_LINE")
	if line == "" {
		return false
	}
	point, err := strconv.Atoi(os.Getenv("COMP_POINT"))
	// bash, and zsh as it does for bash, tell where the cursor is, and take what is as one would type it; fish quotes by itself, and names no files
	quotes := err == nil
	if r := []rune(line); quotes && point >= 0 && point < len(r) {
		line = string(r[:point])
	}
	predictors := map[string]complete.Predictor{
		"file":  complete.PredictNothing, // what a shell does by itself when there is nothing else
		"form":  complete.PredictSet("table", "wide", "name", "csv", "json", "yaml", "jsonpath="),
		"level": complete.PredictSet(sol.LogLevels...),
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
	}
	if !quotes {
		predictors["file"] = complete.PredictFiles("*")
	}
	for kind, read := range words {
		predictors[kind] = p.names(ctx, read)
	}
	command, err := kongcompletion.Command(parser, kongcompletion.WithPredictors(predictors))
	if err != nil {
		panic(err) // a tag that names no predictor
	}
	several(parser.Model.Node, &command, nil)
	typed := lineOf(line)
	for _, word := range slices.Compact(slices.Sorted(slices.Values(command.Predict(typed.args())))) {
		if !strings.HasPrefix(word, typed.last) {
			continue
		}
		if quotes && !typed.quoted {
			word = escaped(word)
		}
		_, _ = io.WriteString(p.stdout, word+"\n")
	}
	return true
}

// several has a command's last argument completed as often as it may stand there, each time without what stands there already, and
// arguments be counted whatever flags of the commands above it stand between them.
func several(n *kong.Node, c *complete.Command, above []*kong.Flag) {
	flags := slices.Concat(above, n.Flags)
	if args, ok := c.Args.(*kongcompletion.PositionalPredictor); ok {
		for _, f := range above {
			names := []string{"--" + f.Name}
			if f.Short != 0 {
				names = append(names, "-"+string(f.Short))
			}
			if f.IsBool() {
				args.BoolFlags = append(args.BoolFlags, names...)
			} else {
				args.ArgFlags = append(args.ArgFlags, names...)
			}
		}
		if i := len(n.Positional) - 1; i >= 0 && n.Positional[i].IsCumulative() {
			more := others{args.Predictors[i]}
			args.Predictors[i] = more
			for range suggested {
				args.Predictors = append(args.Predictors, more)
			}
		}
	}
	for _, child := range n.Children {
		if sub, ok := c.Sub[child.Name]; ok {
			several(child, &sub, flags)
		}
	}
}

// others predicts what does not stand on the line already.
type others struct{ complete.Predictor }

// Predict returns the words.
func (o others) Predict(a complete.Args) []string {
	if o.Predictor == nil {
		return nil
	}
	return slices.DeleteFunc(o.Predictor.Predict(a), func(word string) bool { return slices.Contains(a.Completed, word) })
}

// typed is a command line as far as it was typed.
type typed struct {
	words  []string // those that are complete, the program first
	last   string   // what was begun; "" of nothing
	quoted bool     // within quotes
}

// lineOf reads a command line as shells do, as far as completing one needs. A flag's value behind = is a word of its own.
func lineOf(line string) typed {
	var t typed
	var word strings.Builder
	var quote rune
	begun, escape := false, false
	for _, r := range line {
		switch {
		case escape:
			word.WriteRune(r)
			escape = false
		case r == '\\' && quote != '\'':
			begun, escape = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			begun, quote = true, r
		case quote == 0 && (r == ' ' || r == '\t'):
			if begun {
				t.words = append(t.words, word.String())
			}
			begun = false
			word.Reset()
		default:
			begun = true
			word.WriteRune(r)
		}
	}
	t.last, t.quoted = word.String(), quote != 0
	if flag, value, ok := strings.Cut(t.last, "="); ok && strings.HasPrefix(flag, "-") {
		t.words, t.last = append(t.words, flag), value
	}
	return t
}

// args is the line as predictors take it.
func (t typed) args() complete.Args {
	done := t.words[min(1, len(t.words)):]
	a := complete.Args{All: append(slices.Clone(done), t.last), Completed: done, Last: t.last}
	if len(done) > 0 {
		a.LastCompleted = done[len(done)-1]
	}
	return a
}

// escaped is a word as one types it.
func escaped(word string) string {
	var b strings.Builder
	for _, r := range word {
		if strings.ContainsRune(" \t\\'\"`$&|;<>()[]{}*?!#~", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// names predicts words that the server knows. Whoever cannot ask it gets none: a shell shows no errors.
func (p *program) names(ctx context.Context, read func(s *session, begun string) ([]string, error)) complete.Predictor {
	return complete.PredictFunc(func(a complete.Args) []string {
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
		s.unspaced = os.Getenv("COMP_POINT") != "" && os.Getenv("COMP_TYPE") == "" // zsh as it does for bash, which takes what is behind a space for another word
		var stop context.CancelFunc
		s.ctx, stop = context.WithTimeout(ctx, patience)
		defer stop()
		words, err := read(s, a.Last)
		if err != nil {
			return nil
		}
		return words
	})
}

// suggested is how many of a kind are suggested at most.
const suggested = 200

// takes says whether a shell can be told a word.
func (s *session) takes(word string) bool { return !s.unspaced || !strings.ContainsAny(word, " \t") }

// vnfWords are the names of VNFs that begin so, and the ids of those that have none.
func vnfWords(s *session, begun string) ([]string, error) {
	q := client.Query{Fields: "vnfInstanceName", Limit: suggested}
	if begun != "" {
		q.Filter = fmt.Sprintf("(gte,vnfInstanceName,%s);(lt,vnfInstanceName,%s)", quotedValue(begun), quotedValue(begun+"\U0010FFFD"))
	}
	all, err := s.Vnfs(s.ctx, q)
	var out []string
	for _, v := range all {
		if word := (ref{v.Id, v.VnfInstanceName}).label(); s.takes(word) {
			out = append(out, word)
		}
	}
	if byID := beginsWith("id", begun); err == nil && len(all) == 0 && byID != "" {
		q.Filter = byID
		all, err = s.Vnfs(s.ctx, q)
		for _, v := range all {
			out = append(out, v.Id)
		}
	}
	return out, err
}

// opWords are the operations that have not ended, and the VNFs, which stand for their newest ones.
func opWords(s *session, begun string) ([]string, error) {
	out, err := vnfWords(s, begun)
	if err != nil {
		return nil, err
	}
	all, err := s.Ops(s.ctx, client.Query{Filter: live, Fields: "operation", Limit: suggested})
	for _, o := range all {
		out = append(out, o.Id)
	}
	return out, err
}

func packageWords(s *session, _ string) ([]string, error) {
	all, err := s.Packages(s.ctx, client.Query{Fields: "vnfdId,vnfProductName", Limit: suggested})
	var out []string
	for _, p := range all {
		switch { // a product is what people know a package by, where it is of one package
		case s.takes(p.VnfProductName) && p.VnfProductName != "" && !slices.ContainsFunc(all, func(q sol.VnfPkgInfo) bool { return q.Id != p.Id && q.VnfProductName == p.VnfProductName }):
			out = append(out, p.VnfProductName)
		case p.VnfdId != "":
			out = append(out, p.VnfdId)
		default:
			out = append(out, p.Id)
		}
	}
	return out, err
}
