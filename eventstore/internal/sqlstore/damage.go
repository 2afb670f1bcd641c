package sqlstore

import (
	"errors"
	"sync/atomic"

	"github.com/vnfm/vnfm/eventstore"
)

// Damage remembers that a database was found damaged: most of it may still be readable. The zero value is of one that was not.
// It is safe for concurrent use.
type Damage struct{ found atomic.Pointer[error] }

// Note remembers an error that tells of damage, and returns it as it is.
func (d *Damage) Note(err error) error {
	if errors.Is(err, eventstore.ErrDamaged) {
		d.found.Store(&err)
	}
	return err
}

// Err returns the damage that was found last, nil when there was none.
func (d *Damage) Err() error {
	if err := d.found.Load(); err != nil {
		return *err
	}
	return nil
}

// Forget says that a look at everything found none.
func (d *Damage) Forget() { d.found.Store(nil) }
