package vnfd

// Limits bound what reading a package may cost. A zero field means its default. They are enforced on what is really
// read, never on what the archive's headers claim.
type Limits struct {
	Files           int   // entries of the archive; default 10,000
	TotalBytes      int64 // all files together, expanded; default 16 GiB
	Ratio           int64 // expanded size to archive size, judged beyond the first 16 MiB; default 200
	DefinitionBytes int64 // one definition, manifest or boot data file; default 4 MiB
	// Nodes bounds the YAML values of all definitions together, aliases expanded, and what is made from them: types that
	// hold types, defaults and boot data that many share. 32 bytes of text count as one more. Default 1,000,000.
	Nodes       int
	Depth       int   // nesting of one definition; default 64
	NestedBytes int64 // a CSAR inside a signed package (SOL004 option 2), which is held in memory; default 64 MiB
}

// WithDefaults returns the limits with each zero field replaced by its default.
func (l Limits) WithDefaults() Limits {
	setInt := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	setInt64 := func(p *int64, v int64) {
		if *p == 0 {
			*p = v
		}
	}
	setInt(&l.Files, 10_000)
	setInt64(&l.TotalBytes, 16<<30)
	setInt64(&l.Ratio, 200)
	setInt64(&l.DefinitionBytes, 4<<20)
	setInt(&l.Nodes, 1_000_000)
	setInt(&l.Depth, 64)
	setInt64(&l.NestedBytes, 64<<20)
	return l
}
