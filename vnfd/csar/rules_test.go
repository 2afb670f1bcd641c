package csar_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Every rule by which an error or a finding is known is on the page that explains them, and no other.
func TestRulesAreDocumented(t *testing.T) {
	t.Parallel()
	said := regexp.MustCompile(`(?:Failf|Findf|wrongf|Rule:)\(?\s*"([a-z-]+)"|(?:Exceedf|Exceeded|ExceedSetting)\([a-zA-Z.]+"?[a-z-]*"?, "([a-z-]+)"|(?:Exceedf|Exceeded)\("[a-z-]+", "([a-z-]+)"|return "([a-z]+(?:-[a-z]+)*)", "the`)
	var code []string
	for _, dir := range []string{"..", filepath.Join("..", "..", "vnfpkg")} {
		err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, m := range said.FindAllStringSubmatch(string(text), -1) {
				code = append(code, m[1]+m[2]+m[3]+m[4])
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "reference", "packages.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "## Rules")
	var documented []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\|").FindAllStringSubmatch(table, -1) {
		documented = append(documented, m[1])
	}
	slices.Sort(code)
	code = slices.Compact(code)
	if !slices.IsSorted(documented) {
		t.Error("the page is not sorted")
	}
	for _, rule := range code {
		if !slices.Contains(documented, rule) {
			t.Errorf("the rule %s is not on the page", rule)
		}
	}
	for _, rule := range documented {
		if !slices.Contains(code, rule) {
			t.Errorf("the rule %s on the page is nowhere in the code", rule)
		}
	}
}
