package vim

import (
	"cmp"
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

// Of returns the connection at which what has a form is to be: of those wanted and named, and those the VNF is at, one that runs it and
// least else (objects are for a cluster, where a VIM that simulates everything is named, too); of several alike the default, else the
// likeliest. When none of them runs it, and they are not all that the request allows: the default, else the only one registered that does.
// One of the others that nobody knows, or that has no driver, counts only where nothing else runs the form.
// runs tells the forms of a vimType; nil: all. Returns Unprocessable when there is none, or several might be meant, and the registry's errors.
func (p Places) Of(ctx context.Context, f Form, reg Connections, runs func(vimType string) []Form) (string, error) {
	usual, err := reg.Default(ctx)
	if err != nil {
		return "", err //nolint:wrapcheck // the registry's
	}
	ids := p.Others
	switch {
	case p.Wanted != "":
		ids = slices.Insert(slices.Clone(ids), 0, p.Wanted)
	case slices.Contains(ids, usual):
		ids = slices.Insert(slices.Clone(ids), 0, usual)
	}
	best, most := "", 0
	var not []string
	look := func(id string) error {
		typ, err := p.typeOf(ctx, id, reg)
		if err != nil {
			return err
		}
		n := 0
		if runs != nil {
			if n = len(runs(typ)); n == 0 {
				return vnfm.Errorf(vnfm.Unprocessable, "VIM connection %s has type %s, for which there is no driver.", id, typ)
			}
		}
		switch {
		case runs != nil && !slices.Contains(runs(typ), f):
			if text := id + " (" + typ + ")"; !slices.Contains(not, text) {
				not = append(not, text)
			}
		case best == "" || n < most:
			best, most = id, n
		}
		return nil
	}
	var unusable error
	for _, id := range ids {
		err := look(id)
		if vnfm.KindOf(err) == vnfm.Unprocessable && id != p.Wanted {
			unusable = cmp.Or(unusable, err)
			continue
		}
		if err != nil {
			return "", err
		}
	}
	if best == "" && unusable != nil {
		return "", unusable
	}
	if best == "" && !p.Named && usual != "" {
		err = look(usual)
	}
	if best != "" || err != nil {
		return best, err
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

// typeOf is the vimType of a connection.
func (p Places) typeOf(ctx context.Context, id string, reg Connections) (string, error) {
	if typ := p.Brought[id]; typ != "" {
		return typ, nil
	}
	c, err := reg.Connection(ctx, p.VnfID, id)
	if vnfm.KindOf(err) == vnfm.NotFound {
		return "", vnfm.Errorf(vnfm.Unprocessable, "There is no VIM connection %s.", id)
	}
	return c.Type, err //nolint:wrapcheck // the registry's
}

func aside(not []string) string {
	if len(not) == 0 {
		return ""
	}
	return ", not " + strings.Join(not, ", ")
}
