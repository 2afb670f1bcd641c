package vim

import "context"

// Checker is implemented by drivers that can say, before anything is made, what a connection allows and what its VIM has.
type Checker interface {
	// Check asks the VIM. It changes nothing there. Errors are as the Driver's; what the connection may not be told is no error, but
	// a fact that says so.
	Check(ctx context.Context, conn Connection) ([]Fact, error)
}

// Fact is one thing that is known of a connection. No secrets are in it.
type Fact struct {
	Area  Area
	Name  string // what it is about: a right as "create deployments.apps", a quota, a class
	Value string
	// Lacks: it is needed, and not there.
	Lacks bool
}

// Area says what a fact is about.
type Area string

// The areas.
const (
	AreaVersion      Area = "version"
	AreaRight        Area = "right"
	AreaQuota        Area = "quota"
	AreaStorageClass Area = "storage class"
	AreaExtension    Area = "extension" // of a VIM's API, which a site may lack
)

// CheckerOf returns what checks connections of a driver, also of one that is wrapped; nil: nobody can.
func CheckerOf(d Driver) Checker {
	for {
		if c, ok := d.(Checker); ok {
			return c
		}
		w, ok := d.(interface{ Unwrap() Driver })
		if !ok {
			return nil
		}
		d = w.Unwrap()
	}
}
