package kube

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/vnfm/vnfm/vim"
)

// What an object of ours carries. The labels may be copied to objects that a cluster makes of ours (the slices of a service);
// the annotation Object names the one that it was put on.
const (
	LabelOwner         = "vnfm.io/owner"    // VNF instance id; also on pods
	LabelToken         = "vnfm.io/token"    // id.generation
	LabelUnit          = "vnfm.io/unit"     // on the pods of a workload: its token
	LabelMarker        = "vnfm.io/marker"   // on markers: the token
	AnnotationRevision = "vnfm.io/revision" // of the spec that was asked for last
	AnnotationObject   = "vnfm.io/object"   // the object it was put on
	AnnotationToken    = "vnfm.io/token"    // id:generation
	AnnotationOwner    = "vnfm.io/owner"    // as given, where a label cannot hold it
)

// FieldManager is the name under which fields of objects are ours.
const FieldManager = "vnfm"

// Ref names one object.
type Ref struct {
	Kind      schema.GroupVersionKind `json:"kind"`
	Namespace string                  `json:"namespace,omitempty"`
	Name      string                  `json:"name"`
}

func RefOf(u *unstructured.Unstructured) Ref {
	return Ref{u.GroupVersionKind(), u.GetNamespace(), u.GetName()}
}

// String names the object for people, and in AnnotationObject: "Deployment.v1.apps/shop/web", "Namespace.v1//shop".
func (r Ref) String() string {
	kind := r.Kind.Kind + "." + r.Kind.Version
	if r.Kind.Group != "" {
		kind += "." + r.Kind.Group
	}
	return kind + "/" + r.Namespace + "/" + r.Name
}

// Same reports whether two name the same object; the version of a kind is only how it is read.
func (r Ref) Same(o Ref) bool {
	return r.Kind.GroupKind() == o.Kind.GroupKind() && r.Namespace == o.Namespace && r.Name == o.Name
}

// ID is the id of a resource: the object's name, and what tells it from one that had the name before.
func (r Ref) ID(uid string) string { return r.String() + "/" + uid }

// ParseRef reads what String wrote.
func ParseRef(text string) (Ref, bool) {
	parts := strings.Split(text, "/")
	if len(parts) != 3 {
		return Ref{}, false
	}
	kind := strings.SplitN(parts[0], ".", 3)
	if len(kind) < 2 || slices.Contains(kind, "") || parts[2] == "" {
		return Ref{}, false
	}
	gvk := schema.GroupVersionKind{Kind: kind[0], Version: kind[1]}
	if len(kind) == 3 {
		gvk.Group = kind[2]
	}
	return Ref{gvk, parts[1], parts[2]}, true
}

// ParseID reads what id wrote.
func ParseID(id string) (Ref, string, bool) {
	i := strings.LastIndexByte(id, '/')
	if i < 0 {
		return Ref{}, "", false
	}
	r, ok := ParseRef(id[:i])
	return r, id[i+1:], ok && id[i+1:] != ""
}

var (
	labelValue = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$`)
	dnsName    = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,198}[a-z0-9])?$`)
)

// Label is text as the value of a label: as it is where it can be one.
func Label(text string) string {
	if labelValue.MatchString(text) {
		return text
	}
	return Short(text, 40)
}

// Short is a digest of a text, of n characters that every name may have.
func Short(text string, n int) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:n]
}

// TokenLabel is a token as the value of a label.
func TokenLabel(t vim.Token) string { return Label(t.ID + "." + strconv.Itoa(t.Generation)) }

// MarkerName is the name of the marker of a token.
func MarkerName(t vim.Token) string {
	id := t.ID
	if !dnsName.MatchString(id) {
		id = Short(id, 40)
	}
	return "vnfm-" + id + "-" + strconv.Itoa(t.Generation)
}
