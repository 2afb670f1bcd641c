package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

var (
	block    = regexp.MustCompile("(?ms)^ *```\\w*\n(.*?)^ *```$")
	span     = regexp.MustCompile("`(vnfm [^`\n]+)`")
	flagName = regexp.MustCompile(`(?:^|\s)--([a-z][a-z-]*)`)
)

// TestDocumentedCommandsExist checks every vnfm command line in the pages people read: command and flags are there.
// Seen failing with an invented command and an invented flag.
func TestDocumentedCommandsExist(t *testing.T) {
	k, err := kong.New(&cli{}, kong.Name("vnfm"))
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Join("..", "..")
	pages, err := filepath.Glob(filepath.Join(root, "docs", "howto", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	pages = append(pages, filepath.Join(root, "README.md"), filepath.Join(root, "docs", "architecture.md"))
	checked := 0
	for _, page := range pages {
		b, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for _, m := range block.FindAllStringSubmatch(string(b), -1) {
			lines = append(lines, strings.Split(m[1], "\n")...)
		}
		for _, m := range span.FindAllStringSubmatch(block.ReplaceAllString(string(b), ""), -1) {
			lines = append(lines, m[1])
		}
		for _, line := range lines {
			line, _, _ = strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "$ "), "#")
			for one := range strings.SplitSeq(line, "&&") {
				words := strings.Fields(one)
				if len(words) < 3 || words[0] != "vnfm" || strings.Contains(one, "COMMAND") {
					continue
				}
				checked++
				words = withoutFlags(k, words[1:])
				leaf := find(k, strings.Join(words[:min(2, len(words))], " "))
				if leaf == nil { // a command of one word
					leaf = find(k, words[0])
				}
				if leaf == nil {
					t.Errorf("%s: there is no command for %q", page, one)
					continue
				}
				for _, f := range flagName.FindAllStringSubmatch(one, -1) {
					if !slices.ContainsFunc(slices.Concat(leaf.Flags, k.Model.Flags), func(g *kong.Flag) bool { return g.Name == f[1] }) {
						t.Errorf("%s: %q has no flag --%s", page, leaf.Path(), f[1])
					}
				}
			}
		}
	}
	if checked < 20 {
		t.Errorf("only %d command lines were found", checked)
	}
}

// withoutFlags leaves out the flags before the command, with their values.
func withoutFlags(k *kong.Kong, words []string) []string {
	for len(words) > 0 && strings.HasPrefix(words[0], "--") {
		name := strings.TrimPrefix(words[0], "--")
		words = words[1:]
		if slices.ContainsFunc(k.Model.Flags, func(f *kong.Flag) bool { return f.Name == name && !f.IsBool() }) {
			words = words[min(1, len(words)):]
		}
	}
	return words
}

func find(k *kong.Kong, path string) *kong.Node {
	for _, leaf := range k.Model.Leaves(true) {
		name, _, _ := strings.Cut(leaf.Path(), " (") // its aliases follow
		if strings.TrimPrefix(name, "vnfm ") == path {
			return leaf
		}
	}
	return nil
}
