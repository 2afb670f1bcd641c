package plan

import (
	"strings"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

// Syncing is what VIMs show of a VNF that differs from its records.
type Syncing struct {
	Vnf     *vnf.Instance
	Flavour *vnfd.Flavour
	// Missing are resources that their VIMs do not have, Drift the attributes of those that stand in another way than the records say.
	Missing map[vim.Token]bool
	Drift   map[vim.Token][]vim.Attribute
	// InPlace says what may be changed of a resource where it stands, by VIM connection.
	InPlace map[string]vim.InPlace
	// Strays are at the VIMs under the VNF's name, and not in its records.
	Strays []Stray
}

// Stray is a resource that the records do not have.
type Stray struct {
	Connection string
	vim.Resource
}

// Synced are the two sets of a plan that makes a VNF what its records say: only what differs, and what that refers to.
type Synced struct {
	Have []Resource
	Want *Wanted
	// Undoable is false when what is made again cannot be made once more as it was, since it referred to what is gone.
	Undoable bool
}

// Sync returns what a VNF has, and what it is to have so that it is what its records say. What is gone, or may be, is made again as a
// healing makes it, and what hangs on it; what differs where it stands is changed back; what the records do not have is released. What
// is as the records say is in neither set, unless something refers to it. Returns Conflict when something that is gone was made by a
// program that did not record how.
func Sync(s *Syncing, have []Resource) (*Synced, error) {
	tried := map[string]int{}
	for i := range s.Strays {
		t := s.Strays[i].Token
		tried[t.ID] = max(tried[t.ID], t.Generation)
	}
	touched := map[string]bool{}
	for i := range have {
		r := &have[i]
		if tried[r.ID] > r.Generation {
			r.Tried = max(r.Tried, tried[r.ID])
		}
		r.Drift, r.Lost = s.Drift[r.Token()], s.Missing[r.Token()]
		touched[r.ID] = len(r.Drift) > 0 || r.Unsure
	}
	want, err := Of(s.Vnf, have)
	if err != nil {
		return nil, err
	}
	want.FixedVars = true // boot data are those of the instantiation
	x := &healing{
		Healing: &Healing{Vnf: s.Vnf, Flavour: s.Flavour, Missing: s.Missing}, want: want,
		lost: map[string]bool{}, again: map[string]bool{}, tried: tried,
	}
	for i := range have {
		r := &have[i]
		x.lost[r.ID] = s.Missing[r.Token()]
		x.mark(r.ID, !s.InPlace[r.At.Connection].Can(r.Kind, r.Drift...)) // and so is what hangs on it
	}
	for i := range s.Vnf.Resources {
		r := &s.Vnf.Resources[i]
		x.lost[r.ID] = x.lost[r.ID] || r.MayBeGone
		x.tried[r.ID] = max(x.tried[r.ID], r.Tried)
	}
	for i := range s.Vnf.Leftovers {
		l := &s.Vnf.Leftovers[i]
		x.tried[l.ID] = max(x.tried[l.ID], l.Generation)
	}
	x.rest()
	undoable, err := x.anew()
	if err != nil {
		return nil, err
	}
	for id := range x.again {
		touched[id] = true
	}
	have = trimmed(have, want, s.reached(want, touched))
	return &Synced{Have: append(have, s.strays(have)...), Want: want, Undoable: undoable}, nil
}

// reached adds to what is touched the machines that refer to it: they may have to be changed, and a reader is told of their VNFCs.
func (s *Syncing) reached(want *Wanted, touched map[string]bool) map[string]bool {
	out := make(map[string]bool, len(touched))
	for i := range want.Resources {
		r := &want.Resources[i]
		out[r.ID] = out[r.ID] || touched[r.ID]
		for _, ref := range references(&r.Spec) {
			if touched[strings.TrimPrefix(ref, refPlan)] {
				out[r.ID] = true
			}
		}
	}
	return out
}

// strays are the resources that only a VIM knows, as something to be released.
func (s *Syncing) strays(have []Resource) []Resource {
	taken := map[string]bool{}
	for i := range have {
		taken[have[i].ID] = true
	}
	for i := range s.Vnf.Resources {
		taken[s.Vnf.Resources[i].ID] = true
	}
	var out []Resource
	for i := range s.Strays {
		x := &s.Strays[i]
		r := Resource{
			ID: x.Token.ID, Kind: x.Kind, Generation: x.Token.Generation, Revision: max(x.Revision, 1), Spec: vim.Spec{Name: x.Name}, Stray: true,
			At: &At{Connection: x.Connection, ID: x.Resource.ID, Type: x.Type, Zone: x.Zone, MAC: x.MAC, Addresses: x.Addresses},
		}
		if taken[r.ID] { // another generation of what the VNF has
			r.Allocated, r.ID = r.ID, x.Token.String()
		}
		taken[r.ID] = true
		out = append(out, r)
	}
	return out
}

// anew gives what is made again a generation that was never tried, and says whether all of it could be made once more as it was.
func (x *healing) anew() (undoable bool, err error) {
	undoable = true
	for i := range x.want.Resources {
		if r := &x.want.Resources[i]; x.again[r.ID] {
			if r.Revision == 0 {
				return false, vnfm.Errorf(vnfm.Conflict, "the %s %s was made by a program that did not record how: terminate the VNF and instantiate it again", r.Kind, r.Name())
			}
			if x.lost[r.ID] && r.Kind != vim.Compute && r.Kind != vim.Unit {
				undoable = false
			}
			r.Generation = max(r.Generation, x.tried[r.ID]) + 1
		}
	}
	x.groups()
	return undoable, nil
}
