package screen

import (
	"io"
	"regexp"
	"strings"
)

// moves are how this program draws lines anew; they begin what it writes then.
var moves = regexp.MustCompile("^(\x1b\\[\\d+A\x1b\\[J|\r\x1b\\[K|\r)")

// controls are what a terminal takes for orders, but for colours, ends of lines and tabs.
var controls = regexp.MustCompile("\x1b\\[[0-9;:]*m|\x1b(?:\\[[0-?]*[ -/]*[@-~]|[\\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\\\)?|.)?|[\x00-\x08\x0b-\x1f\x7f\u0080-\u009f]")

// Safe returns a writer that passes on no orders for a terminal but colours, and what draws lines anew: names and texts come from others, and a terminal
// would do what they say.
func Safe(w io.Writer) io.Writer { return safe{w} }

type safe struct{ w io.Writer }

// Write writes what is safe of a text. Each call is a text of its own.
func (s safe) Write(b []byte) (int, error) {
	move := moves.Find(b)
	text := controls.ReplaceAllStringFunc(strings.ToValidUTF8(string(b[len(move):]), "�"), func(order string) string {
		if strings.HasPrefix(order, "\x1b[") && strings.HasSuffix(order, "m") {
			return order
		}
		return ""
	})
	if _, err := io.WriteString(s.w, string(move)+text); err != nil {
		return 0, err //nolint:wrapcheck // of the terminal
	}
	return len(b), nil
}

// inLine is a text in one line: a name with more could look like something that we say.
func inLine(text string) string {
	return strings.NewReplacer("\n", " ", "\r", " ", "\t", " ").Replace(text)
}

// plain is a text of others in one line, without orders for a terminal.
func plain(text string) string {
	return strings.Join(strings.Fields(controls.ReplaceAllString(text, "")), " ")
}
