package decode

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	strict "github.com/go-jose/go-jose/v4/json"

	"github.com/vnfm/vnfm"
)

var limits = Limits{Names: 1000, Values: 2000, Depth: 10, Text: 5000}

// What a body costs is bounded by what is in it, and it is read no further than the first thing that is too much.
func TestReadStopsAtTheFirstThingThatIsTooMuch(t *testing.T) {
	endless := func(head, again string) io.Reader {
		return io.MultiReader(strings.NewReader(head), &repeating{text: again})
	}
	for name, c := range map[string]struct {
		body io.Reader
		kind vnfm.Kind
		text string
	}{
		"names":                 {endless(`{"a":[`, `{"x":1},`), vnfm.TooLarge, "1000 names (http-json-names)"},
		"names of one object":   {&numbered{}, vnfm.TooLarge, "1000 names"},
		"values":                {endless(`{"a":[`, `0,`), vnfm.TooLarge, "2000 values (http-json-values)"},
		"empty objects":         {endless(`{"a":[`, `{},`), vnfm.TooLarge, "2000 values"},
		"objects in each other": {endless(``, `{"a":`), vnfm.Invalid, "deeper than 10 levels (http-json-depth)"},
		"arrays in each other":  {endless(`{"a":`, `[`), vnfm.Invalid, "deeper than 10 levels"},
		"a name twice":          {endless(`{"a":1,"a":`, ` `), vnfm.Invalid, "more than once"},
	} {
		in := &counting{Reader: c.body}
		_, err := Read(in, limits)
		if vnfm.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v", name, err)
		}
		if in.n > 100_000 {
			t.Errorf("%s: %d bytes were read", name, in.n)
		}
	}
}

func TestReadTakesWhatIsWithinTheLimits(t *testing.T) {
	for _, body := range []string{
		`{}`, " {\"a\" : [ ] }\n", `{"a":[[[[[[[[[1]]]]]]]]]}`, `{"a":{"b":{"a":1}},"b":[{"a":1},{"a":2}]}`, `{"":null,"é\u0001":-1.5e9}`,
		`{"a":[` + strings.Repeat("0,", 1998) + `0]}`,
	} {
		got, err := Read(strings.NewReader(body), limits)
		if err != nil || string(got) != body {
			t.Errorf("%.60s: %v, %d of %d bytes", body, err, len(got), len(body))
		}
	}
}

// What cannot be read is not taken for what ends.
func TestReadReturnsTheErrorOfItsReader(t *testing.T) {
	lost := errors.New("lost")
	for _, head := range []string{"", "{", `{"a":"b`, `{"a":1}`} {
		if _, err := Read(io.MultiReader(strings.NewReader(head), iotest.ErrReader(lost)), limits); !errors.Is(err, lost) {
			t.Errorf("%q: %v", head, err)
		}
	}
}

// FuzzRead: whatever comes is refused, or is a JSON object that every reader reads alike.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{`{"a":[1,{"b":null}]}`, `{"a":1,"a":2}`, `{"a":1,}`, `{}{}`, `[`, `{"\u0000":""}`, "\xff", `{"a" 1}`, `{"a":1 "b":2}`, `{"a":[1 2]}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := Read(bytes.NewReader(body), limits)
		if err != nil {
			if k := vnfm.KindOf(err); k != vnfm.Invalid && k != vnfm.TooLarge {
				t.Fatalf("%v", err)
			}
			return
		}
		var v map[string]any
		if !bytes.Equal(got, body) || strict.Unmarshal(body, &v) != nil {
			t.Fatalf("%q was taken, %q returned", body, got)
		}
	})
}

// repeating is a text again and again, without end.
type repeating struct {
	text string
	at   int
}

func (r *repeating) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = r.text[r.at%len(r.text)]
		r.at++
	}
	return len(p), nil
}

// numbered is an object of names that differ, without end.
type numbered struct {
	rest []byte
	i    int
}

func (n *numbered) Read(p []byte) (int, error) {
	for len(n.rest) == 0 {
		n.rest = fmt.Appendf(nil, `,"n%d":{}`, n.i)
		if n.i == 0 {
			n.rest = []byte(`{"n0":{}`)
		}
		n.i++
	}
	k := copy(p, n.rest)
	n.rest = n.rest[k:]
	return k, nil
}

type counting struct {
	io.Reader
	n int
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += n
	return n, err
}
