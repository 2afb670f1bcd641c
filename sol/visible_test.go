package sol_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/sol"
)

// Every attribute of every type that is for one reference point says so: a name is for the same point wherever it is, and
// whatever shows a VIM connection is for orchestrators. Seen failing with the tag of one of the types left out.
func TestEveryAttributeSaysWhoseItIs(t *testing.T) {
	only := map[string][]string{} // by name of an attribute: the tags it has
	forEachField(t, func(typ, name, goType string, tag reflect.StructTag) {
		p := tag.Get("only")
		if p != "" && p != string(sol.OrVnfm) && p != string(sol.VeVnfm) {
			t.Errorf("%s.%s is for %q, which is no reference point", typ, name, p)
		}
		if strings.Contains(goType, "VimConnectionInfo") && p != string(sol.OrVnfm) {
			t.Errorf("%s.%s shows VIM connections, and does not say to whom", typ, name)
		}
		only[name] = append(only[name], p)
	})
	for name, points := range only {
		slices.Sort(points)
		if points = slices.Compact(points); len(points) > 1 {
			t.Errorf("%s is for %q here and there", name, points)
		}
	}
	if got, want := sol.Hidden(sol.VeVnfm), []string{"resourceDefinitionId", "vimConnectionInfo", "vimConnectionInfoDeleteIds", "zoneId"}; !slices.Equal(got, want) {
		t.Errorf("element managers do not see %v, want %v", got, want)
	}
	if got := sol.Hidden(sol.OrVnfm); len(got) > 0 {
		t.Errorf("orchestrators do not see %v", got)
	}
}

// forEachField goes through the fields of all types of the package.
func forEachField(t *testing.T, each func(typ, name, goType string, tag reflect.StructTag)) {
	t.Helper()
	set := token.NewFileSet()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(node ast.Node) bool {
			spec, ok := node.(*ast.TypeSpec)
			if !ok {
				return true
			}
			s, ok := spec.Type.(*ast.StructType)
			if !ok {
				return true
			}
			for _, field := range s.Fields.List {
				if field.Tag == nil {
					continue
				}
				raw, _ := strconv.Unquote(field.Tag.Value)
				tag := reflect.StructTag(raw)
				name, _, _ := strings.Cut(tag.Get("json"), ",")
				n++
				each(spec.Name.Name, name, text(field.Type), tag)
			}
			return true
		})
	}
	if n < 300 {
		t.Errorf("only %d attributes seen", n)
	}
}

// text is the names in a type's expression.
func text(e ast.Expr) string {
	var names []string
	ast.Inspect(e, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			names = append(names, id.Name)
		}
		return true
	})
	return strings.Join(names, " ")
}

func TestNarrow(t *testing.T) {
	for in, want := range map[string]string{
		`{"id":"a","n":12345678901234567890}`:                                                    `{"id":"a","n":12345678901234567890}`,
		`{"vimConnectionInfo":{"v":{"accessInfo":{}}},"id":"a"}`:                                 `{"id":"a"}`,
		`[{"instantiatedVnfInfo":{"vnfcResourceInfo":[{"id":"c","zoneId":"z"}]}}]`:               `[{"instantiatedVnfInfo":{"vnfcResourceInfo":[{"id":"c"}]}}]`,
		`{"operationParams":{"vimConnectionInfo":[],"additionalParams":{"zoneId":"mine"}}}`:      `{"operationParams":{"additionalParams":{"zoneId":"mine"}}}`,
		`{"metadata":{"vimConnectionInfo":"a client's word"},"extensions":{"a":{"zoneId":"z"}}}`: `{"metadata":{"vimConnectionInfo":"a client's word"},"extensions":{"a":{"zoneId":"z"}}}`,
		`{"changedInfo":{"vimC\u006fnnectionInfo":{}}}`:                                          `{"changedInfo":{}}`,
		`{"vimConnectionInfoDeleteIds":["a"]}`:                                                   `{}`,
	} {
		if got := sol.Narrow(json.RawMessage(in), sol.VeVnfm); string(got) != want {
			t.Errorf("%s is seen as %s, want %s", in, got, want)
		}
		if got := sol.Narrow(json.RawMessage(in), sol.OrVnfm); string(got) != in {
			t.Errorf("%s is seen by orchestrators as %s", in, got)
		}
	}
	if got := sol.Narrow(json.RawMessage(`{"vimConnectionInfo"`), sol.VeVnfm); got != nil {
		t.Errorf("what is no JSON is seen as %s", got)
	}
	for in, want := range map[string]string{
		`{"flavourId":"f"}`: "", `{"vimConnectionInfo":{}}`: "vimConnectionInfo", `{"additionalParams":{"vimConnectionInfo":1}}`: "", `{"a":{"zoneId":1}}`: "a zoneId",
		`{"vimConnectionInf\u006f":{},"n":1e400}`: "vimConnectionInfo",
	} {
		if got := strings.Join(sol.Beyond(json.RawMessage(in), sol.VeVnfm), " "); got != want {
			t.Errorf("%s sets %q, want %q", in, got, want)
		}
	}
}
