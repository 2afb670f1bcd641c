package memory_test

import (
	"testing"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/eventstoretest"
	"github.com/vnfm/vnfm/eventstore/memory"
)

func open(*testing.T) eventstore.Store { return memory.New(memory.Config{}) }

func TestStore(t *testing.T) { eventstoretest.Run(t, open) }
