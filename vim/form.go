package vim

import (
	"context"
	"slices"
	"strings"

	"github.com/vnfm/vnfm"
)

// Form is a form in which the parts of a VNF run at a VIM.
type Form string

// The forms.
const (
	Machines Form = "machines" // with what belongs to them: networks, ports, volumes, images
	Objects  Form = "objects"  // of a container infrastructure, by their manifests
	Charts   Form = "charts"   // releases of them
)

// FormOf returns the form of a resource.
func FormOf(kind Kind, spec Spec) Form {
	if kind != Unit {
		return Machines
	}
	if _, ok := ChartOf(spec.Unit); ok {
		return Charts
	}
	return Objects
}

// FormsOf tells what VIMs of a type run, by the drivers of the types.
func FormsOf(drivers map[string]Driver) func(vimType string) []Form {
	return func(vimType string) []Form {
		if d := drivers[vimType]; d != nil {
			return d.Runs()
		}
		return nil
	}
}

// Places are where the parts of a VNF may be when nobody says it of each.
type Places struct {
	VnfID string
	// Wanted is the connection that the request wants, Others those that it names besides, or that the VNF has, the likeliest first.
	Wanted string
	Others []string
	// Brought are the vimTypes of connections that nobody has registered yet, by id.
	Brought map[string]string
	// Named: the request has named Wanted and Others: nothing is placed elsewhere.
	Named bool
}

// Connections is what a choice needs of a Registry.
type Connections interface {
	Connection(ctx context.Context, vnfID, id string) (Connection, error)
	Default(ctx context.Context) (string, error)
	Connections(ctx context.Context) ([]Connection, error)
}

// Of returns the connection at which what has a form is to be: the one wanted, when it runs the form, else the first of the others that
// does, else the default, else the only one registered that does. runs tells the forms of a vimType; nil: all. Returns Unprocessable when there is
// none, or several might be meant, and the registry's errors.
func (p Places) Of(ctx context.Context, f Form, reg Connections, runs func(vimType string) []Form) (string, error) {
	usual, err := reg.Default(ctx)
	if err != nil {
		return "", err //nolint:wrapcheck // the registry's
	}
	ids := slices.Clone(p.Others)
	switch {
	case p.Wanted != "":
		ids = slices.Insert(ids, 0, p.Wanted)
	case slices.Contains(ids, usual): // of several alike
		ids = slices.Insert(ids, 0, usual)
	}
	if !p.Named && usual != "" {
		ids = append(ids, usual)
	}
	var not []string
	for _, id := range ids {
		typ := p.Brought[id]
		if typ == "" {
			c, err := reg.Connection(ctx, p.VnfID, id)
			if vnfm.KindOf(err) == vnfm.NotFound {
				return "", vnfm.Errorf(vnfm.Unprocessable, "There is no VIM connection %s.", id)
			}
			if err != nil {
				return "", err //nolint:wrapcheck // as above
			}
			typ = c.Type
		}
		if runs == nil || slices.Contains(runs(typ), f) {
			return id, nil
		}
		if len(runs(typ)) == 0 {
			return "", vnfm.Errorf(vnfm.Unprocessable, "VIM connection %s has type %s, for which there is no driver.", id, typ)
		}
		if text := id + " (" + typ + ")"; !slices.Contains(not, text) {
			not = append(not, text)
		}
	}
	if p.Named {
		return "", vnfm.Errorf(vnfm.Unprocessable, "The VNF has %s, which no VIM connection that is named runs: %s. Name one that does in vimConnectionInfo, too.", f, strings.Join(not, ", "))
	}
	all, err := reg.Connections(ctx)
	if err != nil {
		return "", err //nolint:wrapcheck // as above
	}
	var can []string
	for _, c := range all {
		if !c.Disabled && (runs == nil || slices.Contains(runs(c.Type), f)) {
			can = append(can, c.ID)
		}
	}
	switch len(can) {
	case 1:
		return can[0], nil
	case 0:
		return "", vnfm.Errorf(vnfm.Unprocessable, "The VNF has %s, which no VIM connection runs%s: register one that does.", f, aside(not))
	}
	return "", vnfm.Errorf(vnfm.Unprocessable, "The VNF has %s, which several VIM connections run (%s), and the default is none of them%s: name one in vimConnectionInfo.",
		f, strings.Join(can, ", "), aside(not))
}

func aside(not []string) string {
	if len(not) == 0 {
		return ""
	}
	return ", not " + strings.Join(not, ", ")
}
