package api_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/vnfm/vnfm/vim/sim"
)

// schemas makes the schemas of the document from Go types, each struct a component that has its doc comment.
type schemas struct {
	t    *testing.T
	all  openapi3.Schemas
	of   map[string]reflect.Type
	says map[string]string // by package.Type and package.Type.Field
}

// word is an enumeration, as package decode takes them.
type word interface{ Values() []string }

func newSchemas(t *testing.T) *schemas {
	t.Helper()
	s := &schemas{t: t, all: openapi3.Schemas{}, of: map[string]reflect.Type{}, says: map[string]string{}}
	for _, dir := range []string{"sol", "vim", "vim/sim"} {
		s.read(dir)
	}
	return s
}

// read takes the comments of a package's types.
func (s *schemas) read(dir string) {
	s.t.Helper()
	files, err := filepath.Glob(filepath.Join("..", dir, "*.go"))
	if err != nil || len(files) == 0 {
		s.t.Fatalf("no sources of %s: %v", dir, err)
	}
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, d := range f.Decls {
			gen, ok := d.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range gen.Specs {
				one, ok := spec.(*ast.TypeSpec)
				if !ok {
					continue
				}
				at := filepath.Base(dir) + "." + one.Name.Name
				if s.says[at] = said(one.Doc); one.Doc == nil {
					s.says[at] = said(gen.Doc)
				}
				if fields, ok := one.Type.(*ast.StructType); ok {
					for _, field := range fields.Fields.List {
						for _, n := range field.Names {
							if s.says[at+"."+n.Name] = said(field.Doc); field.Doc == nil {
								s.says[at+"."+n.Name] = said(field.Comment)
							}
						}
					}
				}
			}
		}
	}
}

// said is a comment on one line.
func said(c *ast.CommentGroup) string { return strings.Join(strings.Fields(c.Text()), " ") }

func nameOf(t reflect.Type) string {
	if pkg := filepath.Base(t.PkgPath()); pkg != "sol" {
		return strings.ToUpper(pkg[:1]) + pkg[1:] + t.Name()
	}
	return t.Name()
}

// ref is the schema of a type where it is used.
func (s *schemas) ref(t reflect.Type) *openapi3.SchemaRef {
	s.t.Helper()
	switch t {
	case reflect.TypeFor[time.Time]():
		return openapi3.NewDateTimeSchema().NewRef()
	case reflect.TypeFor[sim.Duration]():
		return openapi3.NewStringSchema().NewRef()
	}
	if w, ok := reflect.Zero(t).Interface().(word); ok {
		values := make([]any, 0, len(w.Values()))
		for _, v := range w.Values() {
			values = append(values, v)
		}
		return openapi3.NewStringSchema().WithEnum(values...).NewRef()
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.ref(t.Elem())
	case reflect.String:
		return openapi3.NewStringSchema().NewRef()
	case reflect.Bool:
		return openapi3.NewBoolSchema().NewRef()
	case reflect.Int, reflect.Int32:
		return openapi3.NewIntegerSchema().NewRef()
	case reflect.Int64:
		return openapi3.NewInt64Schema().NewRef()
	case reflect.Float64:
		return openapi3.NewFloat64Schema().NewRef()
	case reflect.Interface:
		return openapi3.NewSchema().NewRef()
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 { // JSON as it is: anything
			return openapi3.NewSchema().NewRef()
		}
		list := openapi3.NewArraySchema()
		list.Items = s.ref(t.Elem())
		return list.NewRef()
	case reflect.Map:
		object := openapi3.NewObjectSchema()
		object.AdditionalProperties = openapi3.AdditionalProperties{Schema: s.ref(t.Elem())}
		return object.NewRef()
	case reflect.Struct:
		if t.Name() == "" {
			return s.object(t).NewRef()
		}
		name := nameOf(t)
		if was := s.of[name]; was == nil {
			s.of[name], s.all[name] = t, openapi3.NewObjectSchema().NewRef() // it may be in itself
			*s.all[name].Value = *s.object(t)
			s.all[name].Value.Description = s.says[filepath.Base(t.PkgPath())+"."+t.Name()]
		} else if was != t {
			s.t.Errorf("two types are named %s: %v and %v", name, was, t)
		}
		return openapi3.NewSchemaRef("#/components/schemas/"+name, s.all[name].Value)
	default:
		s.t.Errorf("a type of the wire is %v", t)
		return openapi3.NewSchema().NewRef()
	}
}

// object is the schema of a struct as encoding/json writes it: what is embedded is in it, and what is outside hides what is inside.
func (s *schemas) object(t reflect.Type) *openapi3.Schema {
	s.t.Helper()
	object := openapi3.NewObjectSchema()
	for i := range t.NumField() {
		if f := t.Field(i); f.Anonymous {
			inner := s.object(f.Type)
			maps.Copy(object.Properties, inner.Properties)
			object.Required = append(object.Required, inner.Required...)
		}
	}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || !f.IsExported() || name == "-" {
			continue
		}
		if name == "" {
			s.t.Errorf("%v.%s has no name on the wire", t, f.Name)
		}
		ref := s.ref(f.Type)
		if says := s.says[filepath.Base(t.PkgPath())+"."+t.Name()+"."+f.Name]; says != "" {
			if ref.Ref != "" {
				ref = (&openapi3.Schema{AllOf: openapi3.SchemaRefs{ref}}).NewRef()
			}
			ref.Value.Description = says
		}
		object.Properties[name] = ref
		object.Required = slices.DeleteFunc(object.Required, func(n string) bool { return n == name })
		if !strings.Contains(options, "omitempty") && !strings.Contains(options, "omitzero") {
			object.Required = append(object.Required, name)
		}
	}
	slices.Sort(object.Required)
	return object
}

// typeWord says a schema in a table.
func typeWord(ref *openapi3.SchemaRef) string {
	if ref.Ref != "" {
		name := ref.Ref[strings.LastIndex(ref.Ref, "/")+1:]
		return "[" + name + "](#" + strings.ToLower(name) + ")"
	}
	v := ref.Value
	switch {
	case len(v.AllOf) == 1:
		return typeWord(v.AllOf[0])
	case v.Type.Is("array"):
		return "list of " + typeWord(v.Items)
	case v.Type.Is("object") && v.AdditionalProperties.Schema != nil:
		return "map of " + typeWord(v.AdditionalProperties.Schema)
	case len(v.Enum) > 0:
		words := make([]string, len(v.Enum))
		for i, e := range v.Enum {
			words[i] = fmt.Sprintf("`%v`", e)
		}
		return strings.Join(words, ", ")
	case v.Format == "date-time":
		return "time"
	case v.Type == nil:
		return "any"
	}
	return v.Type.Slice()[0]
}
