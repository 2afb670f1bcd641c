// Package contexts keeps the file of contexts: the servers that vnfm speaks to, by name, and how it says who it is there. The file is its
// owner's alone (0600), is replaced as a whole, and its secrets are never printed.
package contexts

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"go.yaml.in/yaml/v4"
)

// Context is a server, and how one says who one is there. Its fields are the flags of the same names.
type Context struct {
	Server       string `yaml:"server"                  json:"server"`
	Token        string `yaml:"token,omitempty"         json:"token,omitempty"`
	CACert       string `yaml:"cacert,omitempty"        json:"cacert,omitempty"`
	Cert         string `yaml:"cert,omitempty"          json:"cert,omitempty"`
	Key          string `yaml:"key,omitempty"           json:"key,omitempty"`
	TokenURL     string `yaml:"token-url,omitempty"     json:"token-url,omitempty"`
	ClientID     string `yaml:"client-id,omitempty"     json:"client-id,omitempty"`
	ClientSecret string `yaml:"client-secret,omitempty" json:"client-secret,omitempty"`
	Scope        string `yaml:"scope,omitempty"         json:"scope,omitempty"`
}

// Masked is a context with *** for its secrets.
func (c Context) Masked() Context {
	if c.Token != "" {
		c.Token = "***"
	}
	if c.ClientSecret != "" {
		c.ClientSecret = "***"
	}
	return c
}

// Set sets a field by the name it has in the file; "" removes its value.
func (c *Context) Set(name, value string) error {
	fields := map[string]*string{
		"server": &c.Server, "token": &c.Token, "cacert": &c.CACert, "cert": &c.Cert, "key": &c.Key, "token-url": &c.TokenURL,
		"client-id": &c.ClientID, "client-secret": &c.ClientSecret, "scope": &c.Scope,
	}
	field := fields[name]
	if field == nil {
		return fmt.Errorf("a context has no %q; it has %v", name, slices.Sorted(maps.Keys(fields)))
	}
	*field = value
	return nil
}

// File is what the file says.
type File struct {
	Current  string             `yaml:"current,omitempty"`
	Contexts map[string]Context `yaml:"contexts,omitempty"`
	path     string
}

// Variable says where the file is, in the environment.
const Variable = "VNFM_CONTEXTS"

// Path is where the file is: what Variable says, else vnfm/config.yaml in the user's folder of settings.
func Path() (string, error) {
	if path := os.Getenv(Variable); path != "" {
		return path, nil
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("there is no folder for settings: %w", err)
	}
	return filepath.Join(dir, "vnfm", "config.yaml"), nil
}

// Read reads the file; where there is none, it says nothing.
func Read() (*File, error) {
	f := &File{Contexts: map[string]Context{}}
	path, err := Path()
	if err != nil {
		return f, nil //nolint:nilerr // who has no folder has no file
	}
	f.path = path
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return nil, fmt.Errorf("contexts: %w", err)
	}
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(f); err != nil && len(bytes.TrimSpace(b)) > 0 {
		return nil, fmt.Errorf("contexts: %s: %w", path, err)
	}
	if f.Contexts == nil {
		f.Contexts = map[string]Context{}
	}
	return f, nil
}

// Get returns a context by its name; "" is the current one, which is empty when there is none.
func (f *File) Get(name string) (Context, error) {
	if name == "" {
		if name = f.Current; name == "" {
			return Context{}, nil
		}
	}
	c, ok := f.Contexts[name]
	if !ok {
		return c, fmt.Errorf("there is no context %q; vnfm config list shows those there are", name)
	}
	return c, nil
}

// Save replaces the file. Nobody but its owner may read it.
func (f *File) Save() error {
	if f.path == "" {
		return errors.New("contexts: there is no folder for settings; set VNFM_CONTEXTS to a file")
	}
	b, err := yaml.Marshal(f)
	if err != nil {
		return fmt.Errorf("contexts: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(f.path), 0o700); err != nil {
		return fmt.Errorf("contexts: %w", err)
	}
	part, err := os.CreateTemp(filepath.Dir(f.path), ".config-*") // 0600
	if err != nil {
		return fmt.Errorf("contexts: %w", err)
	}
	defer func() { _ = os.Remove(part.Name()) }() // it is not there when all went well
	_, err = part.Write(b)
	if err = errors.Join(err, part.Sync(), part.Close()); err != nil {
		return fmt.Errorf("contexts: %w", err)
	}
	if err := os.Rename(part.Name(), f.path); err != nil {
		return fmt.Errorf("contexts: %w", err)
	}
	return nil
}
