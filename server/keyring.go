package server

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/vnfm/vnfm/config"
	"github.com/vnfm/vnfm/secret"
)

// openKeyring reads the file of the keys that stored credentials are sealed with. The one in the data folder, which
// nobody names, is made when it is missing; one that the settings name is not.
func openKeyring(c *config.Config) (*secret.Keyring, error) {
	name := c.Secret.KeyFile
	if name == "" {
		name = filepath.Join(c.Data, "secret.key")
		if err := makeKeyFile(name); err != nil {
			return nil, fmt.Errorf("make the key file: %w", err)
		}
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("secret-key-file: %w", err)
	}
	r, err := secret.Parse(string(b))
	if err != nil {
		return nil, fmt.Errorf("secret-key-file %s: %w", name, err)
	}
	return r, nil
}

// makeKeyFile writes a new key file unless there is one. It is written whole or not at all: a key that was used and then
// lost cannot be had again.
func makeKeyFile(name string) error {
	if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".secret-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // it was renamed, or the next start makes another
	_, err = f.WriteString("# Keys of stored credentials, the newest first. Whoever has this file and the database can read them.\n" + secret.NewKey() + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
