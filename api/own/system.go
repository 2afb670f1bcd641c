package own

import (
	"net/http"
	"time"

	"github.com/vnfm/vnfm/api/rest"
	"github.com/vnfm/vnfm/sol"
)

// System is how this node is.
type System struct {
	Node, Version, Go, Database string
	Started                     time.Time
	Lanes                       []Lanes
	Consumers                   []Consumer
	Settings                    []Setting
}

// Lanes says how many lanes of a role the node holds in a database.
type Lanes struct {
	Database, Role string
	Held, All      int
}

// Consumer says how many messages wait for a consumer.
type Consumer struct {
	Name, Topic string
	Behind      int64
	Parked      int
}

// Setting is a setting in force, with its value as text; of a secret one only whether it is set.
type Setting struct {
	Name, Value     string
	Secret, Default bool
}

// system shows how this node is. It shows no secret.
func (a *API) system(c *rest.Call) (*rest.Answer, error) {
	s, err := a.System(c.Ctx)
	if err != nil {
		return nil, err
	}
	out := sol.System{
		Node: s.Node, Version: s.Version, Go: s.Go, Database: s.Database, Started: s.Started,
		Lanes: []sol.SystemLanes{}, Consumers: []sol.SystemConsumer{}, Settings: []sol.SystemSetting{},
	}
	for _, x := range s.Lanes {
		out.Lanes = append(out.Lanes, sol.SystemLanes(x))
	}
	for _, x := range s.Consumers {
		out.Consumers = append(out.Consumers, sol.SystemConsumer(x))
	}
	for _, x := range s.Settings {
		out.Settings = append(out.Settings, sol.SystemSetting(x))
	}
	return rest.Respond(http.StatusOK).JSON(out), nil
}
