package vnfd

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/vnfm/vnfm"
)

// variable matches ${name}, and $${name}, which stands for ${name} itself.
var variable = regexp.MustCompile(`\$?\$\{([A-Za-z_][A-Za-z0-9_.-]*)\}`)

// NewBootData returns boot data with the variables that its content uses.
func NewBootData(content string) *BootData {
	b := &BootData{Content: content}
	seen := map[string]bool{}
	for _, m := range variable.FindAllStringSubmatch(content, -1) {
		if !strings.HasPrefix(m[0], "$$") && !seen[m[1]] {
			seen[m[1]] = true
			b.Variables = append(b.Variables, m[1])
		}
	}
	return b
}

// Text returns a JSON value as boot data shows it: a string as it is, anything else as JSON.
func Text(value json.RawMessage) string {
	var s string
	if json.Unmarshal(value, &s) == nil {
		return s
	}
	return string(value)
}

// Render puts values into boot data; what vars does not have, the descriptor's defaults may. Variables that the
// descriptor declares must have a value: returns Unprocessable naming those that have none. Other ${…} without a value stay as they are, and $${name} becomes ${name}. No boot data
// renders as "".
func Render(boot *BootData, vars map[string]string) (string, error) {
	if boot == nil {
		return "", nil
	}
	value := func(name string) (string, bool) {
		if v, ok := vars[name]; ok {
			return v, true
		}
		v, ok := boot.Defaults[name]
		return v, ok
	}
	var missing []string
	for _, name := range boot.Variables {
		if _, ok := value(name); !ok {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return "", vnfm.Errorf(vnfm.Unprocessable, "the boot data needs values for %s", Join(missing)).At("/additionalParams")
	}
	return variable.ReplaceAllStringFunc(boot.Content, func(m string) string {
		if strings.HasPrefix(m, "$$") {
			return m[1:]
		}
		if v, ok := value(m[2 : len(m)-1]); ok {
			return v
		}
		return m
	}), nil
}
