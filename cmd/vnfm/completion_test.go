package main

import (
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// free are the arguments that take what no server knows yet.
var free = []string{
	"config set <values>", "login <server>", "management register <id>", "vim register <id>", "package fetch <url>", "package artifact <path>", "sim tamper <id>",
	"subscription create <callback>",
}

// Each argument is completed, but for those that take what nobody knows. Seen failing with those of op saga, vnf events and fourteen others.
func TestEachArgumentIsCompleted(t *testing.T) {
	k, err := newParser(&cli{}, io.Discard, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	_ = kong.Visit(k.Model, func(n kong.Visitable, next kong.Next) error { // the function given never fails
		if p, ok := n.(*kong.Node); ok {
			for _, a := range p.Positional {
				if name := p.Path() + " <" + a.Name + ">"; !a.Tag.Has("predictor") && a.Enum == "" && !slices.Contains(free, name) {
					t.Errorf("nothing completes %s", name)
				}
			}
		}
		return next(nil)
	})
}

// What is wrong with a command line is said together with where the command is told about. Seen failing with vnfm --help for all of them.
func TestMistakesSayWhereToRead(t *testing.T) {
	for line, want := range map[string]string{
		"vnf show --bogus": "Try: vnfm vnf show --help", "get --bogus": "Try: vnfm get --help", "vnf scale fw1 --steps x": "Try: vnfm vnf scale --help", "magic": "Try: vnfm --help",
		"vnf": "Try: vnfm vnf --help",
	} {
		if code, _, errs := newFake(t).vnfm("", strings.Fields(line)...); code != exitUsage || !strings.HasSuffix(errs, want+"\n") {
			t.Errorf("%s: exit %d: %s", line, code, errs)
		}
	}
}

// A line is read as shells read it.
func TestLinesAreReadAsShellsDo(t *testing.T) {
	for line, want := range map[string]typed{
		"vnfm vnf sh":                      {words: []string{"vnfm", "vnf"}, last: "sh"},
		"vnfm vnf show ":                   {words: []string{"vnfm", "vnf", "show"}},
		`vnfm vnf create --vnfd Sample\ F`: {words: []string{"vnfm", "vnf", "create", "--vnfd"}, last: "Sample F"},
		`vnfm vnf create --vnfd "Sample F`: {words: []string{"vnfm", "vnf", "create", "--vnfd"}, last: "Sample F", quoted: true},
		`vnfm vnf show 'a b' "c\"d" e`:     {words: []string{"vnfm", "vnf", "show", "a b", `c"d`}, last: "e"},
		"vnfm vnf list --vnf=f":            {words: []string{"vnfm", "vnf", "list", "--vnf"}, last: "f"},
		"vnfm vnf show größe":              {words: []string{"vnfm", "vnf", "show"}, last: "größe"},
		"":                                 {},
	} {
		if got := lineOf(line); !slices.Equal(got.words, want.words) || got.last != want.last || got.quoted != want.quoted {
			t.Errorf("%q is %+v, want %+v", line, got, want)
		}
	}
	if got := escaped(`a b'c"d$e`); got != `a\ b\'c\"d\$e` {
		t.Errorf("it is typed as %s", got)
	}
}
