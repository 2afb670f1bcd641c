package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/blob"
)

// chunk is the size of a row of a file.
const chunk = 1 << 20

// Blobs keeps files in the database, in chunks.
type Blobs struct{ store *Store }

var _ blob.Store = (*Blobs)(nil)

// Blobs returns the files of the store's database.
func (s *Store) Blobs() *Blobs { return &Blobs{store: s} }

// Put stores a file under a name, in one transaction.
func (b *Blobs) Put(ctx context.Context, name string, r io.Reader) error {
	const longest = 255
	if name == "" || len(name) > longest {
		return vnfm.Errorf(vnfm.Invalid, "the name of a file must have 1 to %d bytes", longest)
	}
	err := pgx.BeginFunc(ctx, b.store.reading, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "delete from blobs where name = $1", name); err != nil {
			return err
		}
		var id int64
		if err := tx.QueryRow(ctx, "insert into blobs (name) values ($1) returning id", name).Scan(&id); err != nil {
			return err
		}
		buffer := make([]byte, chunk)
		for seq := 0; ; seq++ {
			n, err := fill(r, buffer)
			if n > 0 {
				if _, err := tx.Exec(ctx, "insert into blob_chunks (blob, seq, data) values ($1, $2, $3)", id, seq, buffer[:n]); err != nil {
					return err
				}
			}
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
		}
	})
	if err != nil {
		return fmt.Errorf("store file %s: %w", name, meaning(err))
	}
	return nil
}

// fill reads until the buffer is full or the reader ends. Unlike io.ReadFull it leaves the reader's error alone: that of
// an upload cut short is io.ErrUnexpectedEOF.
func fill(r io.Reader, buffer []byte) (n int, err error) {
	for n < len(buffer) && err == nil {
		var more int
		more, err = r.Read(buffer[n:])
		n += more
	}
	return n, err
}

// Get opens a file, which can be read anywhere. It is read chunk by chunk; when it is replaced or deleted meanwhile, reading it
// fails.
func (b *Blobs) Get(ctx context.Context, name string) (io.ReadCloser, error) {
	f := &file{ctx: ctx, store: b.store, name: name}
	err := b.store.reading.QueryRow(ctx, `select b.id, coalesce((select c.seq * $2::bigint + octet_length(c.data) from blob_chunks c
		where c.blob = b.id order by c.seq desc limit 1), 0) from blobs b where b.name = $1`, name, chunk).Scan(&f.id, &f.size)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, vnfm.Wrap(vnfm.NotFound, err, "there is no file %s", name)
	}
	if err != nil {
		return nil, fmt.Errorf("open file %s: %w", name, meaning(err))
	}
	f.SectionReader = io.NewSectionReader(f.at(), 0, f.size)
	return f, nil
}

// Delete removes a file.
func (b *Blobs) Delete(ctx context.Context, name string) error {
	if _, err := b.store.reading.Exec(ctx, "delete from blobs where name = $1", name); err != nil {
		return fmt.Errorf("delete file %s: %w", name, meaning(err))
	}
	return nil
}

// Exists reports whether there is a file of the name.
func (b *Blobs) Exists(ctx context.Context, name string) (found bool, err error) {
	err = b.store.reading.QueryRow(ctx, "select exists (select 1 from blobs where name = $1)", name).Scan(&found)
	return found, meaning(err)
}

// file reads a file chunk by chunk: all chunks but the last have the same size.
type file struct {
	*io.SectionReader
	ctx   context.Context //nolint:containedctx // io.Reader has no place for it
	store *Store
	name  string
	id    int64
	size  int64

	mu   sync.Mutex
	seq  int64 // of the chunk at hand
	data []byte
}

// at reads without the bounds that the SectionReader keeps.
func (f *file) at() io.ReaderAt { return (*chunks)(f) }

// chunks is the file as a reader of its chunks.
type chunks file

// ReadAt reads from the chunk at hand, or fetches the one that is asked for.
func (f *chunks) ReadAt(p []byte, off int64) (n int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for n < len(p) && off < f.size {
		seq := off / chunk
		if f.data == nil || f.seq != seq {
			if err := f.fetch(seq); err != nil {
				return n, err
			}
		}
		part := f.data[min(off-seq*chunk, int64(len(f.data))):]
		if len(part) == 0 {
			return n, vnfm.Errorf(vnfm.Internal, "file %s has a short chunk", f.name)
		}
		m := copy(p[n:], part)
		n, off = n+m, off+int64(m)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *chunks) fetch(seq int64) error {
	err := f.store.reading.QueryRow(f.ctx, "select data from blob_chunks where blob = $1 and seq = $2", f.id, seq).Scan(&f.data)
	f.seq = seq
	if errors.Is(err, pgx.ErrNoRows) {
		f.data = nil
		return vnfm.Wrap(vnfm.NotFound, err, "file %s was replaced or deleted while it was read", f.name)
	}
	if err != nil {
		f.data = nil
		return fmt.Errorf("read file %s: %w", f.name, meaning(err))
	}
	return nil
}

// Close gives up what is in memory.
func (f *file) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.data = nil
	return nil
}
