package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/vnfm/vnfm/eventstore"
)

// The SQLSTATEs that vnfm_guard raises.
const (
	guardVersion = "VN001"
	guardHandled = "VN002"
	guardTimeout = "VN003"
	guardFenced  = "VN004"
)

var states = map[string]error{
	guardVersion: eventstore.ErrVersion,
	guardHandled: eventstore.ErrHandled,
	guardTimeout: eventstore.ErrTimeoutGone,
	guardFenced:  eventstore.ErrFenced,
	"40001":      eventstore.ErrVersion, // serialization failure
	"40P01":      eventstore.ErrVersion, // deadlock
}

// Guards that are unique constraints; the others of them guard a version.
var constraints = map[string]error{
	"processed_replies_pkey": eventstore.ErrHandled,
	"idempotency_keys_pkey":  eventstore.ErrIdempotencyKeyUsed,
	"views_name":             eventstore.ErrNameTaken,
	"cursors_pkey":           eventstore.ErrFenced,
}

const uniqueViolation = "23505"

// meaning gives an error of the driver its meaning.
func meaning(err error) error {
	if err == nil {
		return nil
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		if known, ok := states[pg.Code]; ok {
			return fmt.Errorf("%w: %w", known, err)
		}
		if pg.Code == uniqueViolation {
			known, ok := constraints[pg.ConstraintName]
			if !ok {
				known = eventstore.ErrVersion
			}
			return fmt.Errorf("%w: %s: %w", known, pg.Detail, err)
		}
		if pg.Code == "XX001" || pg.Code == "XX002" { // data_corrupted, index_corrupted
			return fmt.Errorf("%w: %w", eventstore.ErrDamaged, err)
		}
		if pg.Code == "53100" { // disk_full
			return fmt.Errorf("%w: %w: %w", eventstore.ErrUnavailable, eventstore.ErrFull, err)
		}
		if broken(err) {
			return fmt.Errorf("%w: %w", eventstore.ErrUnavailable, err)
		}
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, pgx.ErrNoRows) || errors.Is(err, eventstore.ErrUnavailable) {
		return err
	}
	if broken(err) {
		return fmt.Errorf("%w: %w", eventstore.ErrUnavailable, err)
	}
	return err
}

// broken reports whether an error means that the connection is lost or cannot be made, not that a statement failed.
func broken(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		// Connection exceptions, operator intervention, too many connections, out of disk, timeouts of the session.
		return strings.HasPrefix(pg.Code, "08") || strings.HasPrefix(pg.Code, "57P") || strings.HasPrefix(pg.Code, "53") ||
			pg.Code == "25P03" || pg.Code == "25P02" && pg.Severity == "FATAL"
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || pgconn.Timeout(err) || pgconn.SafeToRetry(err) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, net.ErrClosed) || strings.Contains(err.Error(), "EOF") ||
		strings.Contains(err.Error(), "conn closed") || strings.Contains(err.Error(), "connection reset") ||
		strings.Contains(err.Error(), "broken pipe") || strings.Contains(err.Error(), "closed pool")
}
