// Package diff compares two JSON documents structurally.
//
// It promises that the changes, applied one after the other, turn the first document into the second: they are a JSON
// Patch (RFC 6902) that says what was there before, too. It knows no document of any kind.
package diff

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Op is a kind of change.
type Op string

// The kinds of changes; add, remove and replace in RFC 6902.
const (
	Added   Op = "added"
	Removed Op = "removed"
	Changed Op = "changed"
)

// Change is one difference at a place. Path is a JSON Pointer (RFC 6901) into the document as the changes before have
// left it. From is absent for what was added, To for what was removed.
type Change struct {
	Op       Op
	Path     string
	From, To json.RawMessage
}

// JSON returns what turns one document into another, nil when they mean the same. Attributes come in the order of their
// names. Entries of an array are told apart by their attribute id, or by their value when they are texts, as long as
// each has one of its own and those that stay keep their order; else by their place. The error is for what is no JSON.
func JSON(from, to []byte) ([]Change, error) {
	a, err := decode(from)
	if err != nil {
		return nil, fmt.Errorf("read the first document: %w", err)
	}
	b, err := decode(to)
	if err != nil {
		return nil, fmt.Errorf("read the second document: %w", err)
	}
	var d differ
	d.value("", a, b)
	return d.changes, nil
}

func decode(doc []byte) (v any, err error) {
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	err = dec.Decode(&v)
	return v, err //nolint:wrapcheck // wrapped by JSON
}

type differ struct{ changes []Change }

func (d *differ) add(op Op, path string, from, to any) {
	c := Change{Op: op, Path: path}
	if op != Added {
		c.From = encode(from)
	}
	if op != Removed {
		c.To = encode(to)
	}
	d.changes = append(d.changes, c)
}

// encode writes what was decoded from JSON.
func encode(v any) json.RawMessage {
	b, _ := json.Marshal(v)
	return b
}

func (d *differ) value(path string, from, to any) {
	switch a := from.(type) {
	case map[string]any:
		if b, ok := to.(map[string]any); ok {
			d.object(path, a, b)
			return
		}
	case []any:
		if b, ok := to.([]any); ok {
			d.array(path, a, b)
			return
		}
	}
	if !reflect.DeepEqual(from, to) {
		d.add(Changed, path, from, to)
	}
}

func (d *differ) object(path string, from, to map[string]any) {
	names := maps.Clone(from)
	maps.Copy(names, to)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		at := path + "/" + escape(name)
		a, before := from[name]
		b, after := to[name]
		switch {
		case !before:
			d.add(Added, at, nil, b)
		case !after:
			d.add(Removed, at, a, nil)
		default:
			d.value(at, a, b)
		}
	}
}

func escape(name string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(name) }

// array removes from the end, so that places before stay, adds from the beginning, so that places are those of the
// second document, and then looks into what stays.
func (d *differ) array(path string, from, to []any) {
	a, b := keys(from), keys(to)
	if a == nil || b == nil {
		d.byPlace(path, from, to)
		return
	}
	stays := func(in []string) func(string) bool { return func(k string) bool { return !slices.Contains(in, k) } }
	if !slices.Equal(slices.DeleteFunc(slices.Clone(a), stays(b)), slices.DeleteFunc(slices.Clone(b), stays(a))) {
		d.add(Changed, path, from, to) // the order is another
		return
	}
	for i, key := range slices.Backward(a) {
		if !slices.Contains(b, key) {
			d.add(Removed, place(path, i), from[i], nil)
		}
	}
	for i, key := range b {
		if !slices.Contains(a, key) {
			d.add(Added, place(path, i), nil, to[i])
		}
	}
	for i, key := range b {
		if j := slices.Index(a, key); j >= 0 {
			d.value(place(path, i), from[j], to[i])
		}
	}
}

func place(path string, i int) string { return path + "/" + strconv.Itoa(i) }

// keys names each entry of an array, nil when they cannot be told apart.
func keys(entries []any) []string {
	out := make([]string, 0, len(entries))
	for _, e := range entries {
		key, text := e.(string)
		if !text {
			object, _ := e.(map[string]any)
			id, ok := object["id"].(string)
			if !ok {
				return nil
			}
			key = "id:" + id
		}
		if slices.Contains(out, key) {
			return nil
		}
		out = append(out, key)
	}
	return out
}

func (d *differ) byPlace(path string, from, to []any) {
	for i := len(from) - 1; i >= len(to); i-- {
		d.add(Removed, place(path, i), from[i], nil)
	}
	for i := range min(len(from), len(to)) {
		d.value(place(path, i), from[i], to[i])
	}
	for i := len(from); i < len(to); i++ {
		d.add(Added, place(path, i), nil, to[i])
	}
}
