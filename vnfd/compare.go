package vnfd

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"
)

// Beyond returns where two descriptors differ in more than their identity, their software images, and what a VNF that stands does
// not feel, as a JSON pointer into the descriptor; "" when they do not.
func Beyond(a, b *Descriptor) string {
	x, y := plain(a), plain(b)
	if x == nil || y == nil {
		return "/"
	}
	return differ(x, y, "")
}

// plain returns a descriptor as JSON, without identity, positions in files, what its images are, and what is ignored.
func plain(d *Descriptor) any {
	raw, err := json.Marshal(d)
	if err != nil {
		return nil
	}
	var c Descriptor
	if json.Unmarshal(raw, &c) != nil {
		return nil
	}
	c.ID, c.Version, c.Provider, c.ProductName, c.SoftwareVersion, c.VnfmInfo = "", "", "", "", "", nil
	c.PackageChanges = nil
	for i := range c.Flavours {
		c.Flavours[i].ignore()
	}
	level(reflect.ValueOf(&c).Elem())
	if raw, err = json.Marshal(c); err != nil {
		return nil
	}
	var out any
	if json.Unmarshal(raw, &out) != nil {
		return nil
	}
	return out
}

// ignore removes what nothing looks at once a VNF stands: scripts, which are never run; rules of placement, which moved nothing
// when they changed; layers; and words for people.
func (f *Flavour) ignore() {
	f.Scripts, f.Affinity, f.Description = nil, nil, ""
	for i := range f.Vdus {
		f.Vdus[i].Name, f.Vdus[i].Description = "", ""
	}
	for i := range f.Links {
		f.Links[i].Protocols = nil
	}
	for i := range f.Cps {
		f.Cps[i].Protocols = nil
	}
	for i := range f.ExtCps {
		f.ExtCps[i].Protocols = nil
	}
	for i := range f.Aspects {
		f.Aspects[i].Name, f.Aspects[i].Description = "", ""
	}
	for i := range f.Levels {
		f.Levels[i].Description = ""
	}
}

// level makes positions and images all the same.
func level(v reflect.Value) {
	switch {
	case v.Type() == reflect.TypeFor[Position](), v.Type() == reflect.TypeFor[Image]():
		v.SetZero()
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			level(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			level(v.Field(i))
		}
	case reflect.Slice:
		for i := range v.Len() {
			level(v.Index(i))
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			e := reflect.New(v.Type().Elem()).Elem()
			e.Set(v.MapIndex(k))
			level(e)
			v.SetMapIndex(k, e)
		}
	default: // values
	}
}

// differ returns the pointer of the first difference.
func differ(a, b any, at string) string {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok {
			return at
		}
		both := maps.Clone(a)
		maps.Copy(both, b)
		for _, k := range slices.Sorted(maps.Keys(both)) {
			if w := differ(a[k], b[k], at+"/"+k); w != "" {
				return w
			}
		}
		return ""
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return at
		}
		for i := range a {
			if w := differ(a[i], b[i], at+"/"+strconv.Itoa(i)); w != "" {
				return w
			}
		}
		return ""
	}
	if !reflect.DeepEqual(a, b) {
		return at
	}
	return ""
}
