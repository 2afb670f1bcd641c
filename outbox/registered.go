package outbox

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/vnfm/vnfm/eventstore"
)

// Registration says that a consumer reads this store's outbox: what it has not had stays there, whether the program that prunes
// knows it or not. So a newer program's consumer loses nothing while older programs run beside it.
type Registration struct {
	Name    string    `json:"-"`
	Since   time.Time `json:"since"`
	Version string    `json:"version,omitempty"` // of the program that registered it
}

const registeredState = "REGISTERED"

// Register makes the consumers of a store's outbox those named. Those in past are registered no more: the program knows them,
// and has no use for them as it runs now. It is to be called before the program sends anything. Doing it again changes nothing.
func Register(ctx context.Context, doer eventstore.Doer, version string, consumers, past []string) error {
	for _, name := range slices.Concat(consumers, past) {
		ref := registration(name)
		_, err := doer.Do(ctx, &eventstore.Work{
			Keys: []string{registrationKey(name)},
			Load: func() eventstore.Load { return eventstore.Load{Records: []eventstore.RecordRef{ref}} },
			Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
				old := l.Records[ref]
				if old == nil && slices.Contains(consumers, name) {
					doc, err := json.Marshal(Registration{Since: l.Now, Version: version})
					return &eventstore.Commit{Records: []eventstore.RecordWrite{{Record: eventstore.Record{
						Table: ref.Table, ID: name, Key: registrationKey(name), State: registeredState, Doc: doc,
					}}}}, err
				}
				if old != nil && !slices.Contains(consumers, name) {
					return unregister(old), nil
				}
				return nil, nil
			},
		})
		if err != nil {
			return fmt.Errorf("register the consumer %s: %w", name, err)
		}
	}
	return nil
}

// Forget ends the registration of a consumer, and returns how many there were: what it has not had may go. It is for an operator who
// knows that no program with that consumer will run again.
func Forget(ctx context.Context, store eventstore.Executor, name string) (n int, err error) {
	ref := registration(name)
	_, err = eventstore.NewCommitter(store, eventstore.CommitterConfig{}).Do(ctx, &eventstore.Work{
		Keys: []string{registrationKey(name)},
		Load: func() eventstore.Load { return eventstore.Load{Records: []eventstore.RecordRef{ref}} },
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			if n = 0; l.Records[ref] == nil {
				return nil, nil
			}
			n = 1
			return unregister(l.Records[ref]), nil
		},
	})
	if err != nil {
		return 0, fmt.Errorf("forget the consumer %s: %w", name, err)
	}
	return n, nil
}

func unregister(row *eventstore.Record) *eventstore.Commit {
	return &eventstore.Commit{Records: []eventstore.RecordWrite{{Record: *row, Expected: row.Version, Delete: true}}}
}

func registration(name string) eventstore.RecordRef {
	return eventstore.RecordRef{Table: eventstore.TableOutboxConsumers, ID: name}
}

func registrationKey(name string) string { return "consumer-" + name }

// Registered lists the consumers that are registered, in order of their names.
func Registered(ctx context.Context, store interface {
	Records(ctx context.Context, q eventstore.RecordQuery) ([]eventstore.Record, error)
},
) ([]Registration, error) {
	rows, err := store.Records(ctx, eventstore.RecordQuery{Table: eventstore.TableOutboxConsumers})
	if err != nil {
		return nil, fmt.Errorf("list the consumers of the outbox: %w", err)
	}
	out := make([]Registration, len(rows))
	for i, row := range rows {
		if err := json.Unmarshal(row.Doc, &out[i]); err != nil {
			return nil, fmt.Errorf("decode the registration of %s: %w", row.ID, err)
		}
		out[i].Name = row.ID
	}
	return out, nil
}
