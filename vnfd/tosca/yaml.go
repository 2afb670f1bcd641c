package tosca

import (
	"errors"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/vnfm/vnfm/vnfd"
)

// parseYAML reads one document of at most so many values. Its error is a *vnfd.Error.
func parseYAML(file string, data []byte, limits vnfd.Limits, budget int) (*Node, error) {
	c := &converter{file: file, limits: limits, budget: budget, anchored: map[*yaml.Node]converted{}}
	if mayHold(data) > budget {
		return nil, c.tooMany(vnfd.Position{File: file})
	}
	var doc yaml.Node
	if err := yaml.Load(data, &doc, yaml.WithSingleDocument()); err != nil {
		return nil, yamlError(file, err)
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) == 0 {
		return &Node{At: vnfd.Position{File: file, Line: 1}}, nil
	}
	n, err := c.convert(doc.Content[0], 0)
	if err != nil {
		return nil, err
	}
	return n.node, nil
}

// mayHold returns how many values a document holds at most. The parser makes hundreds of bytes of each value before it
// returns the first, so their number must be known before. Every value stands at the beginning or behind an indicator or a
// line break; some indicators have an empty value behind them, or a mapping and its first key.
func mayHold(data []byte) int {
	n := 2
	for i, b := range data {
		switch b {
		case '\n', '\r', 0x85, 0xa8, 0xa9: // the last three end UTF-8 line breaks that YAML 1.1 knows
			n++
		case ',', '[', '{':
			n += 2
		case ':': // between two letters it is one
			switch {
			case i == 0 || strings.IndexByte(" \t\r\n,[]{}:\x00", data[i-1]) >= 0:
				n += 3 // the key may be empty, and this the first of a mapping
			case ends(data, i) || data[i-1] == '"' || data[i-1] == '\'':
				n++
			}
		case '-', '?':
			if ends(data, i) {
				n += 2
			}
		}
	}
	return n
}

// ends says whether what is behind an indicator lets it be one: a blank, a break, a flow indicator or the end. The zero is
// the other half of a character in UTF-16.
func ends(data []byte, i int) bool {
	return i+1 == len(data) || strings.IndexByte(" \t\r\n,[]{}\x00\xc2\xe2\xef", data[i+1]) >= 0
}

func yamlError(file string, err error) error {
	at := vnfd.Position{File: file}
	text := err.Error()
	var le *yaml.LoadError
	if errors.As(err, &le) {
		at.Line, at.Column = le.Mark.Line, le.Mark.Column
		text = le.Message
	}
	rule := "yaml"
	if strings.Contains(text, "alias") || strings.Contains(text, "depth") {
		rule = "yaml-bomb"
	}
	return &vnfd.Error{Rule: rule, Text: "the YAML cannot be read: " + text, At: at}
}

type converter struct {
	file     string
	limits   vnfd.Limits
	budget   int
	anchored map[*yaml.Node]converted // the node is nil while it is being converted
}

// converted is a value and how many levels are below it.
type converted struct {
	node  *Node
	depth int
}

func (c *converter) tooMany(at vnfd.Position) error {
	return vnfd.Exceeded("values", "yaml-bomb", at, "the definitions hold or expand to more than %d values", c.limits.Values)
}

func (c *converter) tooDeep(at vnfd.Position) error {
	return vnfd.Exceeded("depth", "yaml-bomb", at, "the YAML nests deeper than %d levels", c.limits.Depth)
}

func (c *converter) convert(y *yaml.Node, depth int) (converted, error) {
	if y.Kind == yaml.AliasNode {
		return c.alias(y, depth)
	}
	at := vnfd.Position{File: c.file, Line: y.Line, Column: y.Column}
	if depth > c.limits.Depth {
		return converted{}, c.tooDeep(at)
	}
	if y.Anchor != "" {
		c.anchored[y] = converted{}
	}
	out := converted{node: &Node{At: at, Value: y.Value, tag: y.ShortTag(), weight: Weigh(y.Value)}}
	var err error
	switch y.Kind {
	case yaml.MappingNode:
		out.node.Kind = MappingNode
		err = c.mapping(y, depth, &out)
	case yaml.SequenceNode:
		out.node.Kind = SequenceNode
		out.node.Items = make([]*Node, 0, len(y.Content))
		for _, child := range y.Content {
			var item converted
			if item, err = c.convert(child, depth+1); err != nil {
				break
			}
			out.node.Items = append(out.node.Items, item.node)
			out.grow(item)
		}
	default:
		if out.node.tag != "!!null" {
			out.node.Kind = ScalarNode
		}
	}
	if err != nil {
		return converted{}, err
	}
	if out.node.weight > c.budget {
		return converted{}, c.tooMany(at)
	}
	if y.Anchor != "" {
		c.anchored[y] = out
	}
	return out, nil
}

// Weigh counts a value and its text.
func Weigh(text string) int { return 1 + len(text)/32 }

// grow counts a child. It cannot overflow: no child is heavier than the budget, and a document has few children of one.
func (out *converted) grow(child converted) {
	out.node.weight += child.node.weight
	out.depth = max(out.depth, child.depth+1)
}

func (c *converter) alias(y *yaml.Node, depth int) (converted, error) {
	at := vnfd.Position{File: c.file, Line: y.Line, Column: y.Column}
	target, ok := c.anchored[y.Alias]
	switch {
	case y.Alias == nil || !ok:
		return target, &vnfd.Error{Rule: "yaml", Text: "the alias *" + vnfd.Printable(y.Value) + " names no anchor before it", At: at}
	case target.node == nil:
		return target, &vnfd.Error{Rule: "yaml-bomb", Text: "the alias *" + vnfd.Printable(y.Value) + " stands inside its own anchor", At: at}
	case depth+target.depth > c.limits.Depth:
		return target, c.tooDeep(at)
	}
	return target, nil
}

func (c *converter) mapping(y *yaml.Node, depth int, out *converted) error {
	seen := make(map[string]bool, len(y.Content)/2)
	out.node.Fields = make([]Field, 0, len(y.Content)/2)
	var merged []Field
	for i := 0; i+1 < len(y.Content); i += 2 {
		k, v := y.Content[i], y.Content[i+1]
		at := vnfd.Position{File: c.file, Line: k.Line, Column: k.Column}
		if k.Kind != yaml.ScalarNode {
			return &vnfd.Error{Rule: "yaml", Text: "a key is not a plain value", At: at}
		}
		value, err := c.convert(v, depth+1)
		if err != nil {
			return err
		}
		out.grow(value)
		out.node.weight += len(k.Value) / 32
		if k.ShortTag() == "!!merge" {
			from := value.node.Items
			if value.node.Kind == MappingNode {
				from = []*Node{value.node}
			}
			for _, m := range from {
				merged = append(merged, m.Fields...)
			}
			continue
		}
		if seen[k.Value] {
			return &vnfd.Error{Rule: "yaml", Text: "the key " + vnfd.Quote(k.Value) + " is given twice", At: at}
		}
		seen[k.Value] = true
		out.node.Fields = append(out.node.Fields, Field{Name: k.Value, Key: at, Value: value.node})
	}
	for _, f := range merged { // own keys win, then the earlier merge
		if !seen[f.Name] {
			seen[f.Name] = true
			out.node.Fields = append(out.node.Fields, f)
		}
	}
	if len(out.node.Fields) > 16 {
		out.node.index = make(map[string]int, len(out.node.Fields))
		for i, f := range out.node.Fields {
			out.node.index[f.Name] = i
		}
	}
	return nil
}
