package mergepatch_test

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"

	"github.com/vnfm/vnfm/mergepatch"
)

// The examples of RFC 7396, appendix A, in its order, and one that the text of §2 gives.
func TestApply(t *testing.T) {
	for _, c := range []struct{ document, patch, want string }{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`["a","b"]`, `["c","d"]`, `["c","d"]`},
		{`{"a":"b"}`, `["c"]`, `["c"]`},
		{`{"a":"foo"}`, `null`, `null`},
		{`{"a":"foo"}`, `"bar"`, `"bar"`},
		{`{"e":null}`, `{"a":1}`, `{"a":1,"e":null}`},
		{`[1,2]`, `{"a":"b","c":null}`, `{"a":"b"}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
		{``, `{"n":12345678901234567890.10}`, `{"n":12345678901234567890.10}`},
	} {
		if got := mergepatch.Apply(json.RawMessage(c.document), json.RawMessage(c.patch)); string(got) != c.want {
			t.Errorf("%s with %s is %s, want %s", c.document, c.patch, got, c.want)
		}
	}
}

// Seen failing with the document changed in place.
func TestMembersChangesNeitherMap(t *testing.T) {
	document, patch := map[string]json.RawMessage{"a": json.RawMessage(`1`)}, map[string]json.RawMessage{"a": nil, "b": json.RawMessage(`{"x":null}`)}
	got := mergepatch.Members(document, patch)
	if len(document) != 1 || string(document["a"]) != `1` || len(patch) != 2 || len(got) != 1 || string(got["b"]) != `{}` {
		t.Errorf("%s, %s give %s", document, patch, got)
	}
	if mergepatch.Members(nil, nil) == nil {
		t.Error("nothing with nothing is nil")
	}
}

// value draws JSON: objects of few names, so that documents and patches meet.
func value(depth int) *rapid.Generator[any] {
	flat := rapid.SampledFrom([]any{nil, 1, "x", []any{nil, "x"}})
	if depth == 0 {
		return flat
	}
	return rapid.OneOf(flat, rapid.Map(rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "c"}), value(depth-1), 0, 3), func(m map[string]any) any { return m }))
}

// shaped draws JSON that has objects at "a" and nowhere else, so that a patch has words for every change.
func shaped(depth int) *rapid.Generator[any] {
	inner := value(0)
	if depth > 0 {
		inner = shaped(depth - 1)
	}
	return rapid.Custom(func(t *rapid.T) any {
		m := map[string]any{}
		if depth > 0 && rapid.Bool().Draw(t, "deep") {
			m["a"] = inner.Draw(t, "a")
		}
		if rapid.Bool().Draw(t, "flat") {
			m["b"] = value(0).Draw(t, "b")
		}
		return m
	})
}

func raw(t *rapid.T, v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// reference is the pseudo code of RFC 7396 §2.
func reference(target, patch any) any {
	p, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	m, _ := target.(map[string]any)
	out := map[string]any{}
	for k, v := range m {
		out[k] = v
	}
	for k, v := range p {
		if v == nil {
			delete(out, k)
		} else {
			out[k] = reference(out[k], v)
		}
	}
	return out
}

func TestApplyIsWhatTheStandardWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		document, patch := value(3).Draw(t, "document"), value(3).Draw(t, "patch")
		once := mergepatch.Apply(raw(t, document), raw(t, patch))
		if want := raw(t, reference(document, patch)); !mergepatch.Equal(once, want) {
			t.Fatalf("%s, want %s", once, want)
		}
		if twice := mergepatch.Apply(once, raw(t, patch)); !mergepatch.Equal(once, twice) {
			t.Fatalf("once %s, twice %s", once, twice)
		}
	})
}

// Seen failing with Compose dropping the nulls of the second patch.
func TestComposedPatchesDoWhatBothDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		document := raw(t, shaped(3).Draw(t, "document"))
		first, second := raw(t, shaped(3).Draw(t, "first")), raw(t, shaped(3).Draw(t, "second"))
		want := mergepatch.Apply(mergepatch.Apply(document, first), second)
		if got := mergepatch.Apply(document, mergepatch.Compose(first, second)); !mergepatch.Equal(got, want) {
			t.Fatalf("%s, want %s", got, want)
		}
	})
}

// What a patch says stays in it when another comes after it, at whatever depth. Seen failing with what the second removes forgotten
// where the first has an object.
func TestCompose(t *testing.T) {
	for _, c := range []struct{ first, second, want string }{
		{`{"a":1}`, `{"b":null}`, `{"a":1,"b":null}`},
		{`{"a":1}`, `{"a":null}`, `{"a":null}`},
		{`{"a":null}`, `{"a":1}`, `{"a":1}`},
		{`{"a":{"b":null}}`, `{"a":{"c":2}}`, `{"a":{"b":null,"c":2}}`},
		{`{"a":{}}`, `{"a":{"b":null}}`, `{"a":{"b":null}}`},
		{`{"a":{"a":{}}}`, `{"a":{"a":{"b":null}}}`, `{"a":{"a":{"b":null}}}`},
		{`{"a":{"b":1}}`, `{"a":2}`, `{"a":2}`},
	} {
		if got := mergepatch.Compose(json.RawMessage(c.first), json.RawMessage(c.second)); string(got) != c.want {
			t.Errorf("%s and then %s is %s, want %s", c.first, c.second, got, c.want)
		}
	}
}

// objects draws an object as it is written.
func objects(t *rapid.T, name string) json.RawMessage {
	return raw(t, rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "c", "d"}), value(3), 0, 4).Draw(t, name))
}

func members(t *rapid.T, doc json.RawMessage) map[string]json.RawMessage {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(doc, &m); err != nil {
		return nil
	}
	return m
}

// What a patch removes is gone, and what it does not name stays as it was written. Seen failing with
// null kept as a value, and with a document's members left out where the patch has an object.
func TestApplyTouchesWhatIsNamedAndNothingElse(t *testing.T) {
	var look func(t *rapid.T, before, patch, after json.RawMessage)
	look = func(t *rapid.T, before, patch, after json.RawMessage) {
		old, change, now := members(t, before), members(t, patch), members(t, after)
		for name := range change {
			value, there := now[name]
			switch {
			case mergepatch.Null(change[name]) == there:
				t.Fatalf("%q of %s, with %s: %s", name, before, patch, after)
			case members(t, change[name]) != nil:
				look(t, old[name], change[name], value)
			}
		}
		for name := range old {
			if _, named := change[name]; !named && string(now[name]) != string(old[name]) {
				t.Fatalf("%q of %s became %s, with %s", name, before, now[name], patch)
			}
		}
		for name := range now {
			if _, had := old[name]; !had && change[name] == nil {
				t.Fatalf("%q of %s came from nowhere: %s with %s", name, after, before, patch)
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		document, patch := objects(t, "document"), objects(t, "patch")
		look(t, document, patch, mergepatch.Apply(document, patch))
	})
}

// Patches are composed in any grouping, and one that says nothing changes nothing. Seen failing with Compose dropping the nulls
// of the second patch.
func TestComposeIsAssociativeAndHasAnIdentity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := raw(t, shaped(3).Draw(t, "a")), raw(t, shaped(3).Draw(t, "b")), raw(t, shaped(3).Draw(t, "c"))
		left, right := mergepatch.Compose(mergepatch.Compose(a, b), c), mergepatch.Compose(a, mergepatch.Compose(b, c))
		if !mergepatch.Equal(left, right) {
			t.Fatalf("(%s, %s), %s is %s; %s, (%s, %s) is %s", a, b, c, left, a, b, c, right)
		}
		nothing := json.RawMessage(`{}`)
		if !mergepatch.Equal(mergepatch.Compose(nothing, a), a) || !mergepatch.Equal(mergepatch.Compose(a, nothing), a) {
			t.Fatalf("%s with nothing is %s and %s", a, mergepatch.Compose(nothing, a), mergepatch.Compose(a, nothing))
		}
		if document := objects(t, "document"); !mergepatch.Equal(mergepatch.Apply(document, nothing), document) {
			t.Fatalf("%s patched with nothing is %s", document, mergepatch.Apply(document, nothing))
		}
	})
}
