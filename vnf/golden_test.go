package vnf_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/vnfm/vnfm/vnf"
)

// stored is one event as some version of the program wrote it.
type stored struct {
	Type   string          `json:"type"`
	Schema int             `json:"schema"`
	Data   json.RawMessage `json:"data"`
}

// TestGoldenEvents decodes every form of every event ever written with today's code: unknown attributes are errors, and
// encoding gives the bytes back. Add to testdata/events.golden.json, never change what is there; -update adds the types that are
// missing, with every attribute set.
func TestGoldenEvents(t *testing.T) {
	path := filepath.Join("testdata", "events.golden.json")
	var all []stored
	if b, err := os.ReadFile(path); err == nil {
		if err := json.Unmarshal(b, &all); err != nil {
			t.Fatal(err)
		}
	} else if !*update {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, s := range all {
		seen[fmt.Sprint(s.Type, s.Schema)] = true
	}
	for _, f := range vnf.Events() {
		if len(f.Upcasts) != f.Schema-1 {
			t.Errorf("%s schema %d has %d upcasts", f.Type, f.Schema, len(f.Upcasts))
		}
		for schema := 1; schema < f.Schema; schema++ {
			if !seen[fmt.Sprint(f.Type, schema)] {
				t.Errorf("%s schema %d is not in the golden set any more", f.Type, schema)
			}
		}
		if seen[fmt.Sprint(f.Type, f.Schema)] {
			continue
		}
		if !*update {
			t.Errorf("%s schema %d is not in the golden set", f.Type, f.Schema)
			continue
		}
		e := f.New()
		fill(reflect.ValueOf(e).Elem())
		data, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, stored{f.Type, f.Schema, data})
	}
	if *update {
		b, err := json.MarshalIndent(all, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		golden(t, path, string(b)+"\n")
	}
	forms := map[string]vnf.EventForm{}
	for _, f := range vnf.Events() {
		forms[f.Type] = f
	}
	for _, s := range all {
		f, ok := forms[s.Type]
		if !ok {
			t.Errorf("%s was written once and is unknown today", s.Type)
			continue
		}
		if s.Schema > f.Schema || len(f.Upcasts) != f.Schema-1 {
			t.Errorf("%s schema %d: the present form is %d and nothing turns the one into the other", s.Type, s.Schema, f.Schema)
			continue
		}
		data := s.Data
		for i := s.Schema; i < f.Schema; i++ {
			var err error
			if data, err = f.Upcasts[i-1](data); err != nil {
				t.Fatalf("%s: from schema %d: %v", s.Type, i, err)
			}
		}
		e := f.New()
		d := json.NewDecoder(bytes.NewReader(data))
		d.DisallowUnknownFields()
		if err := d.Decode(e); err != nil {
			t.Errorf("%s: %v", s.Type, err)
			continue
		}
		if s.Schema != f.Schema {
			continue // an upcast form need not give the old bytes back
		}
		again, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		var want bytes.Buffer
		if err := json.Compact(&want, s.Data); err != nil {
			t.Fatal(err)
		}
		if want.String() != string(again) {
			t.Errorf("%s: decoded and encoded again:\n%s\nwant\n%s", s.Type, again, want.String())
		}
	}
}

func TestEventTypesAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range vnf.Events() {
		_, instance := f.New().(vnf.InstanceEvent)
		_, op := f.New().(vnf.OpEvent)
		_, snapshot := f.New().(vnf.SnapshotEvent)
		of := 0
		for _, is := range []bool{instance, op, snapshot} {
			if is {
				of++
			}
		}
		if seen[f.Type] || of != 1 {
			t.Errorf("%s is listed twice, or belongs to no one aggregate", f.Type)
		}
		seen[f.Type] = true
	}
}

// fill sets every field of a value to something.
func fill(v reflect.Value) {
	if v.Type() == reflect.TypeFor[json.RawMessage]() {
		v.SetBytes([]byte(`{"a":1}`))
		return
	}
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(time.Date(2026, time.November, 30, 1, 2, 3, 4000, time.UTC)))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("x")
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		k, x := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(k)
		fill(x)
		v.SetMapIndex(k, x)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	default:
		panic("fill: " + v.Kind().String())
	}
}
