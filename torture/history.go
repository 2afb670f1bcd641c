package main

import (
	"bufio"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// The bounds of what a report repeats of the nodes' logs.
const (
	mostVnfs  = 3
	mostLines = 200
	mostWidth = 400 // bytes
)

var anID = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// histories are the lines of the nodes' logs in a folder that tell of the first few VNFs and resources that violations name, in the order of their
// times. The folder may be gone when somebody reads the report.
func histories(dir string, violations []string) ([]string, error) {
	var ids []string
	for _, v := range violations {
		for _, id := range anID.FindAllString(v, -1) {
			if !slices.Contains(ids, id) && len(ids) < 2*mostVnfs {
				ids = append(ids, id)
			}
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	logs, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil {
		return nil, err
	}
	var out []string
	var errs []error
	for _, log := range logs {
		lines, err := telling(log, ids)
		out, errs = append(out, lines...), append(errs, err)
	}
	slices.SortStableFunc(out, func(a, b string) int { return strings.Compare(at(a), at(b)) })
	if left := len(out) - mostLines; left > 0 {
		out = out[left:]
	}
	return out, errors.Join(errs...)
}

// at is the time that a line of a log begins with, as text: all nodes write it in the same form.
func at(line string) string {
	time, _, _ := strings.Cut(line, " ")
	return time
}

// telling returns the lines of a file that name one of some ids.
func telling(file string, ids []string) ([]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	var out []string
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		if l := lines.Text(); slices.ContainsFunc(ids, func(id string) bool { return strings.Contains(l, id) }) {
			out = append(out, l[:min(len(l), mostWidth)])
		}
	}
	return out, lines.Err()
}
