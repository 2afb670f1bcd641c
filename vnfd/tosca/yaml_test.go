package tosca

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/vnfm/vnfm/vnfd"
)

// mayHold is never less than what the parser makes, or it would bound nothing.
func FuzzMayHold(f *testing.F) {
	for _, text := range []string{
		"", "a", "a: b", "[a,b,c]", "{a, b}", "[a: b, ? c : d]", "- - - a", "? - a\n: - b", "a:\n- b\n- c: d\n", "{\"a\":1}", "[ {a : b :c} ]",
		"- \n- \n- ", "a: |\n  x\n  y\nb: >-\n  z", "--- a\n...", "&a [*a]", "!!map {? , ? }", "[::a,:b]", "{::a}", "a:\r- b\r- c", "[[],[],{}]",
		"\xff\xfe[\x00a\x00,\x00b\x00]\x00", "a\xc2\x85b: c", "{? a,? b}", "[?,?]", "{'a':'b','c':d}",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var doc yaml.Node
		if yaml.Load(data, &doc, yaml.WithSingleDocument()) != nil || doc.Kind != yaml.DocumentNode {
			return
		}
		if n, most := values(&doc)-1, mayHold(data); n > most {
			t.Errorf("%q holds %d values, not at most %d", data, n, most)
		}
	})
}

func values(n *yaml.Node) int {
	total := 1
	for _, c := range n.Content {
		total += values(c)
	}
	return total
}

// What a descriptor of the field holds is not taken for much more than it is.
func TestMayHoldIsNear(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"nfv": string(builtinNfv), "tosca": string(builtinTosca)} {
		var doc yaml.Node
		if err := yaml.Load([]byte(text), &doc); err != nil {
			t.Fatal(err)
		}
		if n, most := values(&doc), mayHold([]byte(text)); most > 2*n {
			t.Errorf("%s: %d values are taken for %d", name, n, most)
		}
	}
}

// The number of values is known before the parser makes any of them.
func TestTooManyValuesAreNotParsed(t *testing.T) {
	limits := vnfd.Limits{}.WithDefaults()
	data := []byte("a: [" + strings.Repeat("a,", 1_900_000) + "a]")
	allocated := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, err := parseYAML("x", data, limits, limits.Values)
			if es := vnfd.Errors(err); len(es) != 1 || es[0].Limit != "package-max-values" {
				b.Fatal(err)
			}
		}
	}).AllocedBytesPerOp()
	if allocated > 64<<10 {
		t.Errorf("%d bytes for a document that is refused", allocated)
	}
}
