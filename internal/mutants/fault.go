package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Mutant is the program with one small fault in it.
type Mutant struct {
	Name string
	File string // in the module
	// Tests are the packages whose unit tests may find it, tried in this order.
	Tests []string
	Note  string // what the fault means, and where it comes from
	// Equivalent says why nothing can tell the fault from the original; "" when something must.
	Equivalent string
	Old, New   string
}

// Apply returns a source with the fault in it. The text it changes must be there exactly once.
func (m *Mutant) Apply(source string) (string, error) {
	if n := strings.Count(source, m.Old); n != 1 {
		return "", fmt.Errorf("%s has the text %d times, not once: change the fault, or take it out", m.File, n)
	}
	return strings.Replace(source, m.Old, m.New, 1), nil
}

// Parse reads faults. Each begins with a line that names it, the file it is in, and the packages whose tests look for it; without
// them it is the file's own. Lines of "#" say what it means, one of "=" why it is equivalent. Then come the lines that it takes
// out and those it puts in their place, as in a diff:
//
//	@@ lane/another-hash eventstore/lane.go
//	# by hand: events of one VNF are in two lanes
//	-	h := fnv.New32a()
//	+	h := fnv.New32()
//
// A line that stays is written with a blank in front, where the others alone are not there only once.
func Parse(text string) ([]*Mutant, error) {
	var out []*Mutant
	var m *Mutant
	var before, after []string
	end := func() error {
		if m == nil {
			return nil
		}
		m.Old, m.New = strings.Join(before, "\n"), strings.Join(after, "\n")
		if m.Old == "" || m.Old == m.New {
			return fmt.Errorf("%s changes nothing", m.Name)
		}
		if m.Note == "" {
			return fmt.Errorf("%s does not say what it means", m.Name)
		}
		out = append(out, m)
		before, after = nil, nil
		return nil
	}
	lines := bufio.NewScanner(strings.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		rest := line
		if line != "" {
			rest = line[1:]
		}
		switch {
		case strings.HasPrefix(line, "@@ "):
			if err := end(); err != nil {
				return nil, err
			}
			words := strings.Fields(line)[1:]
			if len(words) < 2 {
				return nil, fmt.Errorf("line %d: want a name and a file", n)
			}
			m = &Mutant{Name: words[0], File: words[1], Tests: words[2:]}
			if len(m.Tests) == 0 {
				m.Tests = []string{"./" + path.Dir(m.File)}
			}
		case line == "":
		case m == nil:
			return nil, fmt.Errorf("line %d: %q is in no fault", n, line)
		case line[0] == '#':
			m.Note = strings.TrimSpace(m.Note + " " + strings.TrimSpace(rest))
		case line[0] == '=':
			m.Equivalent = strings.TrimSpace(rest)
		case line[0] == '-':
			before = append(before, rest)
		case line[0] == '+':
			after = append(after, rest)
		case line[0] == ' ':
			before, after = append(before, rest), append(after, rest)
		default:
			return nil, fmt.Errorf("line %d: %q begins with none of # = - + and a blank", n, line)
		}
	}
	if err := errors.Join(lines.Err(), end()); err != nil {
		return nil, err
	}
	return out, nil
}

// read returns the faults of a folder, in order of file.
func read(dir string) ([]*Mutant, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.diff"))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	var out []*Mutant
	names := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		found, err := Parse(string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
		for _, m := range found {
			if names[m.Name] {
				return nil, fmt.Errorf("%s: %s is there twice", filepath.Base(file), m.Name)
			}
			names[m.Name] = true
		}
		out = append(out, found...)
	}
	return out, nil
}
