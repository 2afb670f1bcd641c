package openstack

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/vnfm/vnfm/vim"
)

// What stands on resources. A server has the tags; a server, a volume and an image have the keys in their metadata, the revision among
// them unless it is 1.
const (
	mark     = "vnfm"                // on everything of ours
	tagToken = "vnfm:"               // and the token
	tagOwner = "vnfm-owner:"         // and the owner
	keyToken = "vnfm_token"          //nolint:gosec // a name
	keyOwner = "vnfm_owner"          //
	keyRev   = "vnfm_revision"       //
	keyKind  = "vnfm_kind"           // of a volume that is a snapshot
	keyBytes = "vnfm_bytes"          // of a volume: the size that was asked for
	keyOff   = "vnfm_off"            // a server that is to be off once it was made
	keyImage = "vnfm_image"          // a server made of a snapshot: the image it stands for,
	keyOf    = "vnfm_image_snapshot" // and the snapshot
)

// ours reports whether a key of metadata is the driver's own.
func ours(key string) bool { return strings.HasPrefix(key, mark+"_") || key == mark }

// marks is what a resource tells of itself.
type marks struct {
	token    vim.Token
	owner    string
	revision int
}

// marksIn reads metadata; ok is false when the resource is none of ours.
func marksIn(m map[string]string) (x marks, ok bool) {
	t, err := vim.ParseToken(m[keyToken])
	if err != nil || m[keyOwner] == "" {
		return marks{}, false
	}
	return marks{t, m[keyOwner], revision(m[keyRev])}, true
}

// marksInTags reads the tags of a server.
func marksInTags(tags []string) (x marks, ok bool) {
	for _, t := range tags {
		if text, is := strings.CutPrefix(t, tagToken); is {
			token, err := vim.ParseToken(text)
			x.token, ok = token, err == nil
		}
		if text, is := strings.CutPrefix(t, tagOwner); is {
			x.owner = text
		}
	}
	return x, ok && x.owner != ""
}

// put writes the marks into metadata.
func (x marks) put(m map[string]string) map[string]string {
	if m == nil {
		m = map[string]string{}
	}
	m[mark], m[keyToken], m[keyOwner] = "resource", x.token.String(), x.owner
	if x.revision > 1 {
		m[keyRev] = strconv.Itoa(x.revision)
	}
	return m
}

func revision(s string) int {
	if n, err := strconv.Atoi(s); err == nil && n > 1 {
		return n
	}
	return 1
}

// description marks what is Neutron's with a token: it can be looked for by the whole of it only.
func description(t vim.Token) string { return tagToken + t.String() }

// A name at Neutron ends with the owner, and with the revision from 2 on: "link@owner#2". A change is then one request that says all of
// it. A server group's name ends with the token, too: it has nothing else.
var nameForm = regexp.MustCompile(`^(?s)(.*)@([0-9A-Za-z._-]+)(?:#([0-9]+))?( [^ ]+)?$`)

func (x marks) name(given string) string {
	tail := "@" + x.owner
	if x.revision > 1 {
		tail += "#" + strconv.Itoa(x.revision)
	}
	return fitting(given, maxName-len(tail)) + tail
}

func (x marks) groupName(given string) string {
	tail := "@" + x.owner + " " + x.token.String()
	return fitting(given, maxName-len(tail)) + tail
}

// marksOf reads a name and a description; ok is false when the resource is none of ours.
func marksOf(name, description string) (x marks, given string, ok bool) {
	t, err := vim.ParseToken(strings.TrimPrefix(description, tagToken))
	m := nameForm.FindStringSubmatch(name)
	if err != nil || m == nil || !strings.HasPrefix(description, tagToken) {
		return marks{}, "", false
	}
	return marks{t, m[2], revision(m[3])}, m[1], true
}

// marksOfGroup reads the name of a server group.
func marksOfGroup(name string) (x marks, given string, ok bool) {
	head, tok, found := cutLast(name, " ")
	t, err := vim.ParseToken(tok)
	m := nameForm.FindStringSubmatch(head)
	if !found || err != nil || m == nil {
		return marks{}, "", false
	}
	return marks{t, m[2], 1}, m[1], true
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// maxName is how long a name may be at OpenStack, in bytes to be sure.
const maxName = 255

// What names were altered by: a name that has one of the two may stand for another.
const (
	replaced = '\uFFFD'
	cut      = "…"
)

// fitting returns a name that OpenStack takes: printable, without characters that its databases may not hold, at most so many bytes.
func fitting(name string, most int) string {
	name = strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r > 0xFFFF || r == utf8.RuneError {
			return replaced
		}
		return r
	}, name))
	if name == "" {
		name = "-"
	}
	if len(name) <= most {
		return name
	}
	end := most - len(cut)
	for end > 0 && !utf8.RuneStart(name[end]) {
		end--
	}
	return strings.TrimSpace(name[:end]) + cut
}

// whole reports whether a name is the one that was given.
func whole(name string) bool {
	return name != "-" && !strings.HasSuffix(name, cut) && !strings.ContainsRune(name, replaced)
}
