package sagabench

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/saga"
)

// inFlight is how many commands are under way at once in a measurement of items.
const inFlight = 60

// Items measures what an item of a saga costs: sagas of a size are run until as many items as wanted are done, with the same
// number of commands under way whatever the size. It returns the processor time of this process per item.
func Items(ctx context.Context, store eventstore.Store, size, wanted int, o Options) (time.Duration, error) {
	ctx, stop := context.WithCancel(ctx)
	m, err := newMachine(ctx, store, o)
	if err != nil {
		stop()
		return 0, err
	}
	defer m.wait()
	defer stop()
	sagas := make(chan struct{}, wanted/size+1)
	for range cap(sagas) {
		sagas <- struct{}{}
	}
	close(sagas)
	var wg sync.WaitGroup
	failed := make(chan error, inFlight)
	begin, done := cpuTime(), cap(sagas)*size
	for range max(1, inFlight/size) {
		wg.Go(func() {
			for range sagas {
				if state, err := m.run(ctx, "many", json.RawMessage(strconv.Itoa(size))); err != nil || state != saga.Completed {
					failed <- fmt.Errorf("a saga of %d items is %s: %w", size, state, err)
					return
				}
			}
		})
	}
	wg.Wait()
	select {
	case err := <-failed:
		return 0, err
	default:
		return (cpuTime() - begin) / time.Duration(done), nil
	}
}
