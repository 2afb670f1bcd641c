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

func TestMembersChangesNeitherMap(t *testing.T) {
	document, patch := map[string]json.RawMessage{"a": json.RawMessage(`1`)}, map[string]json.RawMessage{"a": nil, "b": json.RawMessage(`{"x":null}`)}
	got := mergepatch.Members(document, patch)
	if len(document) != 1 || len(patch) != 2 || len(got) != 1 || string(got["b"]) != `{}` {
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
