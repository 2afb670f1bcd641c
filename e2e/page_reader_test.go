package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A page tells how it is run in comments, which its readers do not see. At its top:
//
//	<!-- run: dev --flag -->        beside vnfmd dev with these flags
//	<!-- run: postgres -->          the same on a PostgreSQL database of its own
//	<!-- run: alone -->             it starts what it needs itself
//	<!-- run: kubernetes --flag --> as dev, on the cluster of make test-kubernetes, with a file admin.kubeconfig
//	<!-- run: kafka -->             it starts what it needs itself, on the Kafka of make test-kafka
//	<!-- run: kafka capture -->     the same, with Kafka Connect, and a database whose log it may read
//	<!-- run: openstack --flag -->  as dev, on the cloud of make test-openstack, with files password and store.csar
//
// Before a block of commands:
//
//	<!-- before
//	vnfm vnf create …               what the reader has done, or done elsewhere: a command a line
//	-->
//	<!-- let WORD = command -->     WORD stands for what the command prints
//	<!-- file: NAME -->             the block is a file of this name
//	<!-- serves: URL -->            its last command runs on; the next waits until somebody answers there
//	<!-- until: TEXT -->            its last command is ended once it printed this
//	<!-- not run: reason -->        nobody can run it here
type page struct {
	name, run, text string
	parts           []part
}

// part is a block of a page, or a comment before one.
type part struct {
	line     int
	kind     string // before, let, file, serves, until, not run; else the language of a block
	text     string
	commands []shown // of a block
}

// shown is a command of a page, with the output that the page has of it; "" for none.
type shown struct{ command, output string }

var (
	runLine = regexp.MustCompile(`(?m)^<!-- run: (.*?) -->$`)
	partOf  = regexp.MustCompile("(?ms)^ *<!-- (before|let|file|serves|until|not run):?\\s(.*?)-->$|^( *)```(\\w*)\n(.*?)^ *```$")
)

// pagesOf are the pages for people who use the program.
func pagesOf(t *testing.T) []page {
	t.Helper()
	names, err := filepath.Glob("../docs/howto/*.md")
	if err != nil || len(names) < 30 {
		t.Fatalf("only %d pages: %v", len(names), err)
	}
	var all []page
	for _, name := range append(names, "../README.md") {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		p := page{name: strings.TrimPrefix(name, "../"), text: string(b)}
		if m := runLine.FindSubmatch(b); m != nil {
			p.run = string(m[1])
		}
		for _, at := range partOf.FindAllSubmatchIndex(b, -1) {
			of := func(n int) string {
				if at[2*n] < 0 {
					return ""
				}
				return string(b[at[2*n]:at[2*n+1]])
			}
			one := part{line: strings.Count(string(b[:at[0]]), "\n") + 1, kind: of(1), text: strings.TrimSpace(of(2))}
			if one.kind == "" {
				one.kind, one.text = of(4), strings.ReplaceAll("\n"+of(5), "\n"+of(3), "\n")[1:] // a block in a list is indented
				one.commands = commandsOf(one.kind, one.text)
			}
			p.parts = append(p.parts, one)
		}
		all = append(all, p)
	}
	return all
}

// commandsOf reads the commands of a block.
func commandsOf(kind, text string) []shown {
	var out []shown
	for line := range strings.Lines(text) {
		command, begins := strings.CutPrefix(line, "$ ")
		if kind != "console" {
			command, begins = line, kind == "sh"
		}
		last := len(out) - 1
		switch {
		case last >= 0 && out[last].output == "" && unfinished(out[last].command):
			out[last].command += line
		case begins:
			out = append(out, shown{command: command})
		case kind == "console" && last >= 0:
			out[last].output += line
		}
	}
	return out
}

// unfinished says whether a command goes on with the next line.
func unfinished(command string) bool {
	if strings.HasSuffix(command, "\\\n") {
		return true
	}
	b, err := exec.Command("bash", "-n", "-c", command).CombinedOutput()
	if strings.Contains(string(b), "here-document") {
		return true
	}
	return err != nil && (strings.Contains(string(b), "unexpected EOF") || strings.Contains(string(b), "unexpected end of file"))
}

// masks stand for what differs from run to run.
var masks = []struct {
	what *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "ID"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?Z?|\d{8}T\d{6}\.\d+Z|\b\d\d:\d\d:\d\d(\.\d+)?`), "TIME"},
	{regexp.MustCompile(`\b(\d+(\.\d+)?(ms|s|m|h|d))+\b|\b\d+ ms\b`), "TOOK"},
	{regexp.MustCompile(`\b\d+(\.\d+)? [kMG]?B\b`), "SIZE"},
	{regexp.MustCompile(`\b[0-9a-f]{7}[0-9a-f]+\b`), "ID"},
	{regexp.MustCompile(`[·█▒]{4,}`), "BAR"},
	{regexp.MustCompile(` +`), " "},
}

// masked is a text without what differs from run to run.
func masked(text string) string {
	for _, m := range masks {
		text = m.what.ReplaceAllString(text, m.with)
	}
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, strings.TrimSpace(line))
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// prints says whether an output is what a page shows: a line of … stands for any lines, and … in a line for any text.
func prints(output, page string) bool {
	pattern := "(?s)^\n"
	for line := range strings.Lines(masked(page) + "\n") {
		if line = strings.TrimSuffix(line, "\n"); line == "…" {
			pattern += `(?:[^\n]*\n)*?`
			continue
		}
		pattern += strings.ReplaceAll(regexp.QuoteMeta(line), "…", `[^\n]*`) + "\n"
	}
	return regexp.MustCompile(pattern + "$").MatchString("\n" + masked(output) + "\n")
}

// TestWhatPagesPrint: an output is compared line by line, but for what differs from run to run.
func TestWhatPagesPrint(t *testing.T) {
	for _, c := range []struct {
		output, page string
		same         bool
	}{
		{"fw1 DONE in 12ms\n", "fw1  DONE in 1.2s", true},
		{"fw1 DONE in 12ms\n", "fw1  FAILED in 1.2s", false},
		{"a\nb\nc\n", "a\n…\nc", true},
		{"a\nb\nc\n", "a\nc", false},
		{"a\nb\nc\n", "…\nc", true},
		{"a\nb\nc\n", "a\n…", true},
		{"op d2eb38e4-1bd5-4f5a-8c5f-2f0c6e1a7d11 is 3 of 4", "op 1be1af00-0000-4f5a-8c5f-2f0c6e1a7d11 is 3 of 4", true},
		{"op 1 is 3 of 5", "op 1 is 3 of 4", false},
		{"a long line", "a … line", true},
		{"a long\nline", "a … line", false},
	} {
		if got := prints(c.output, c.page); got != c.same {
			t.Errorf("%q as %q: %t", c.output, c.page, got)
		}
	}
}
