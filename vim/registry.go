package vim

// Registry resolves VIM connections by id. The VIM manager and the grant policy read it; what it returns never leaves
// the process.
type Registry interface {
	// Connection returns a connection; NotFound when there is none with that id.
	Connection(id string) (Connection, error)
	// Default returns the id of the connection used when neither request nor grant names one; "" when there is none.
	Default() string
	// Connections lists all of them, in order of id.
	Connections() []Connection
}
