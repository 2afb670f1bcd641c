package kubernetes

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

// ref names one object.
type ref struct {
	Kind      schema.GroupVersionKind `json:"kind"`
	Namespace string                  `json:"namespace,omitempty"`
	Name      string                  `json:"name"`
}

func refOf(u *unstructured.Unstructured) ref {
	return ref{u.GroupVersionKind(), u.GetNamespace(), u.GetName()}
}

// String names the object for people, and in AnnotationObject: "Deployment.v1.apps/shop/web", "Namespace.v1//shop".
func (r ref) String() string {
	kind := r.Kind.Kind + "." + r.Kind.Version
	if r.Kind.Group != "" {
		kind += "." + r.Kind.Group
	}
	return kind + "/" + r.Namespace + "/" + r.Name
}

// same reports whether two name the same object; the version of a kind is only how it is read.
func (r ref) same(o ref) bool {
	return r.Kind.GroupKind() == o.Kind.GroupKind() && r.Namespace == o.Namespace && r.Name == o.Name
}

// id is the id of a resource: the object's name, and what tells it from one that had the name before.
func (r ref) id(uid string) string { return r.String() + "/" + uid }

// parseRef reads what String wrote.
func parseRef(text string) (ref, bool) {
	parts := strings.Split(text, "/")
	if len(parts) != 3 {
		return ref{}, false
	}
	kind := strings.SplitN(parts[0], ".", 3)
	if len(kind) < 2 || slices.Contains(kind, "") || parts[2] == "" {
		return ref{}, false
	}
	gvk := schema.GroupVersionKind{Kind: kind[0], Version: kind[1]}
	if len(kind) == 3 {
		gvk.Group = kind[2]
	}
	return ref{gvk, parts[1], parts[2]}, true
}

// parseID reads what id wrote.
func parseID(id string) (ref, string, bool) {
	i := strings.LastIndexByte(id, '/')
	if i < 0 {
		return ref{}, "", false
	}
	r, ok := parseRef(id[:i])
	return r, id[i+1:], ok && id[i+1:] != ""
}

var (
	labelValue = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$`)
	dnsName    = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,198}[a-z0-9])?$`)
)

// label is text as the value of a label: as it is where it can be one.
func label(text string) string {
	if labelValue.MatchString(text) {
		return text
	}
	return short(text, 40)
}

// short is a digest of a text, of n characters that every name may have.
func short(text string, n int) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:n]
}

// tokenLabel is a token as the value of a label.
func tokenLabel(t vim.Token) string { return label(t.ID + "." + strconv.Itoa(t.Generation)) }

// markerName is the name of the marker of a token.
func markerName(t vim.Token) string {
	id := t.ID
	if !dnsName.MatchString(id) {
		id = short(id, 40)
	}
	return "vnfm-" + id + "-" + strconv.Itoa(t.Generation)
}
