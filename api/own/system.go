package own

import (
	"net/http"
	"time"

	"github.com/vnfm/vnfm/api/rest"
	"github.com/vnfm/vnfm/sol"
)

// System is what this node is.
type System struct {
	Node, Version, Go, Database string
	Started                     time.Time
	Settings                    []Setting
}

// Setting is a setting in force, with its value as text; of a secret one only whether it is set.
type Setting struct {
	Name, Value     string
	Secret, Default bool
}

// system shows what this node is. It shows no secret.
func (a *API) system(c *rest.Call) (*rest.Answer, error) {
	s, err := a.System(c.Ctx)
	if err != nil {
		return nil, err
	}
	out := sol.System{
		Node: s.Node, Version: s.Version, Go: s.Go, Database: s.Database, Started: s.Started, Settings: []sol.SystemSetting{},
	}
	for _, x := range s.Settings {
		out.Settings = append(out.Settings, sol.SystemSetting(x))
	}
	return rest.Respond(http.StatusOK).JSON(out), nil
}
