package vnfm_test

import (
	"cmp"
	"fmt"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/go/callgraph"
	"golang.org/x/tools/go/callgraph/cha"
	"golang.org/x/tools/go/callgraph/vta"
	gopackages "golang.org/x/tools/go/packages"
	"golang.org/x/tools/go/ssa"
	"golang.org/x/tools/go/ssa/ssautil"
)

// mayRead is the process memory that a Decide may touch all the same, by type or function, and why its commit does not depend
// on it.
var mayRead = map[string]string{
	"lru.Cache[V]":           "as lru.Cache[V any]",
	"lru.Cache[V any]":       "written for the next Load: what it keeps comes back by what was loaded",
	"saga.kept":              "what was made of a saga's data and items, which were loaded",
	"saga.index":             "as saga.kept",
	"saga.decoded":           "as saga.kept",
	"lcm.planData":           "decoded data of a saga, and the plan made of it and its grant",
	"lcm.instantiateData":    "as lcm.planData",
	"(*secret.Keyring).Seal": "the nonce of a sealed secret is drawn by chance: what is sealed is decided by what was loaded",
	"secret.NewSealer":       "the key of a VNF that has none yet is drawn by chance, and kept in the same commit",
	"vimmanager.stepping":    "of one step: what the call between its two commits brought",
	"net/http.Request":       "the request that the change answers",
}

// TestDecideReadsNoProcessMemory: what a commit says follows from what was loaded, and is the same on every node and after a
// restart. From every function that becomes the Decide of an eventstore.Work it walks all calls, and reports locks, atomics,
// channels, the clock, chance, files, and fields of long-lived structs that change after they were made. Seen failing with the
// VIM registry's memory of what it had read.
func TestDecideReadsNoProcessMemory(t *testing.T) {
	p := program(t)
	roots := p.decides()
	if len(roots) < 20 {
		t.Fatalf("%d functions decide: this test does not find them any more", len(roots))
	}
	p.reach(roots)
	mutable := p.mutableFields()
	if len(mutable) < 40 {
		t.Fatalf("%d fields change: this test does not find them any more", len(mutable))
	}
	used := map[string]bool{}
	found := map[string]bool{}
	report := func(what string, f *ssa.Function, names ...string) {
		generic := cmp.Or(f.Origin(), f)
		names = append(names, short(generic.String()))
		if r := generic.Signature.Recv(); r != nil {
			names = append(names, strings.TrimPrefix(short(types.TypeString(r.Type(), nil)), "*"))
		}
		for _, name := range names {
			if mayRead[name] != "" {
				used[name] = true
				return
			}
		}
		found[what+" in "+p.path(f)] = true
	}
	for f := range p.from {
		for _, b := range f.Blocks {
			for _, in := range b.Instrs {
				if what := touches(in); what != "" {
					report(what, f)
				}
				if n, name := field(in); n != nil && mutable[n.String()+"."+name] {
					report("reads "+short(n.String())+"."+name, f, short(n.String()), short(n.String())+"."+name)
				}
			}
		}
	}
	for _, line := range slices.Sorted(maps.Keys(found)) {
		t.Error(line)
	}
	for name := range mayRead {
		if !used[name] {
			t.Errorf("nothing reads %s: take it out of mayRead", name)
		}
	}
}

// analysed is the server's code of this module as SSA, with what calls what.
type analysed struct {
	functions map[*ssa.Function]bool
	calls     *callgraph.Graph
	from      map[*ssa.Function]*ssa.Function // reached, from whom
}

func program(t *testing.T) *analysed {
	t.Helper()
	all, err := gopackages.Load(&gopackages.Config{Mode: gopackages.NeedName | gopackages.NeedImports | gopackages.NeedDeps}, "./server")
	if err != nil {
		t.Fatal(err)
	}
	var own []string
	gopackages.Visit(all, nil, func(p *gopackages.Package) {
		if p.PkgPath == module || strings.HasPrefix(p.PkgPath, module+"/") {
			own = append(own, p.PkgPath)
		}
	})
	loaded, err := gopackages.Load(&gopackages.Config{Mode: gopackages.LoadSyntax}, own...)
	if err != nil {
		t.Fatal(err)
	}
	if gopackages.PrintErrors(loaded) > 0 {
		t.FailNow()
	}
	prog, _ := ssautil.Packages(loaded, ssa.InstantiateGenerics)
	prog.Build()
	functions := ssautil.AllFunctions(prog)
	return &analysed{functions: functions, calls: vta.CallGraph(functions, vta.CallGraph(functions, cha.CallGraph(prog)))}
}

// decides returns what package batch, which all back-ends share, calls as a Work's Decide.
func (p *analysed) decides() (out []*ssa.Function) {
	for f := range p.functions {
		if f.Pkg == nil || f.Pkg.Pkg.Path() != module+"/eventstore/internal/batch" {
			continue
		}
		for _, e := range p.calls.Nodes[f].Out {
			c := e.Site.Common()
			if !c.IsInvoke() && c.StaticCallee() == nil && strings.Contains(c.Signature().String(), "eventstore.Loaded) (*") {
				out = append(out, e.Callee.Func)
			}
		}
	}
	return out
}

// reach walks the calls. What is closed by someone's Close is not followed: nothing decides by closing, and the analysis takes
// every func() error for one.
func (p *analysed) reach(roots []*ssa.Function) {
	p.from = map[*ssa.Function]*ssa.Function{}
	for _, f := range roots {
		p.from[f] = nil
	}
	for queue := roots; len(queue) > 0; queue = queue[1:] {
		for _, e := range p.calls.Nodes[queue[0]].Out {
			f := e.Callee.Func
			if _, ok := p.from[f]; ok || strings.HasSuffix(f.Name(), "Close$bound") {
				continue
			}
			p.from[f] = queue[0]
			queue = append(queue, f)
		}
	}
}

func (p *analysed) path(f *ssa.Function) string {
	var out []string
	for ; f != nil; f = p.from[f] {
		out = append(out, short(f.String()))
	}
	return strings.Join(out, ", called by ")
}

// short names something of this module without the module.
func short(name string) string { return strings.ReplaceAll(name, module+"/", "") }

// touches says what an instruction does that a Decide must not, "" for nothing.
func touches(in ssa.Instruction) string {
	switch in := in.(type) {
	case *ssa.Send, *ssa.Select, *ssa.Go:
		return fmt.Sprintf("%T", in)
	case *ssa.UnOp:
		if in.Op == token.ARROW {
			return "receives"
		}
	case ssa.CallInstruction:
		c := in.Common()
		callee := c.StaticCallee()
		if callee == nil {
			if n := c.Signature().Params(); n.Len() > 0 && types.TypeString(n.At(0).Type(), nil) == "context.Context" {
				return "calls " + c.String()
			}
			return ""
		}
		if o := callee.Object(); o != nil && o.Pkg() != nil {
			return outside(o.Pkg().Path(), callee.Name())
		}
	}
	return ""
}

// outside says whether a function of another module or the standard library reaches beyond its arguments.
func outside(pkg, name string) string {
	switch pkg {
	case "sync":
		if strings.HasSuffix(name, "nlock") { // whoever unlocks has locked
			return ""
		}
	case "time":
		if name != "Now" && name != "Since" && name != "Until" && name != "Sleep" {
			return ""
		}
	case "github.com/google/uuid":
		if name != "New" && name != "NewString" && name != "NewRandom" {
			return ""
		}
	case "sync/atomic", "os", "net", "crypto/rand", "math/rand", "math/rand/v2", "database/sql":
	default:
		return ""
	}
	return "calls " + pkg + "." + name
}

// field returns the struct and the field that an instruction reads or takes the address of.
func field(in ssa.Instruction) (*types.Named, string) {
	var x ssa.Value
	var at int
	switch in := in.(type) {
	case *ssa.FieldAddr:
		x, at = in.X, in.Field
	case *ssa.Field:
		x, at = in.X, in.Field
	default:
		return nil, ""
	}
	t := x.Type()
	if p, ok := t.Underlying().(*types.Pointer); ok {
		t = p.Elem()
	}
	n, ok := types.Unalias(t).(*types.Named)
	if !ok {
		return nil, ""
	}
	return n.Origin(), n.Underlying().(*types.Struct).Field(at).Name()
}

// mutableFields returns "type.field" of the fields of long-lived structs that are set elsewhere than where such a struct is made.
func (p *analysed) mutableFields() map[string]bool {
	out := map[string]bool{}
	for f := range p.functions {
		name := strings.ToLower(f.Name())
		if strings.HasPrefix(name, "new") || strings.HasPrefix(name, "open") {
			continue
		}
		for _, b := range f.Blocks {
			for _, in := range b.Instrs {
				for addr := changed(in); addr != nil; addr, _ = addr.X.(*ssa.FieldAddr) {
					_, made := addr.X.(*ssa.Alloc)
					if n, name := field(addr); n != nil && !made && longLived(n, 0) {
						out[n.String()+"."+name] = true
					}
				}
			}
		}
	}
	return out
}

// changed returns the field that an instruction sets, or whose map it changes.
func changed(in ssa.Instruction) *ssa.FieldAddr {
	var addr ssa.Value
	switch in := in.(type) {
	case *ssa.Store:
		addr = in.Addr
	case *ssa.MapUpdate:
		if m, ok := in.Map.(*ssa.UnOp); ok {
			addr = m.X
		}
	case *ssa.Call:
		if b, ok := in.Call.Value.(*ssa.Builtin); ok && (b.Name() == "delete" || b.Name() == "clear") {
			if m, ok := in.Call.Args[0].(*ssa.UnOp); ok {
				addr = m.X
			}
		}
	}
	f, _ := addr.(*ssa.FieldAddr)
	return f
}

// longLived says whether a struct lives with the process: it has a lock, a channel, a logger or a seam to the store.
func longLived(t types.Type, depth int) bool {
	name := types.TypeString(types.Unalias(t), nil)
	if strings.HasPrefix(name, "sync.") || strings.HasPrefix(name, "sync/atomic.") || name == "*log/slog.Logger" {
		return true
	}
	switch u := t.Underlying().(type) {
	case *types.Chan:
		return true
	case *types.Interface:
		return strings.HasPrefix(name, module+"/eventstore.")
	case *types.Struct:
		for i := range u.NumFields() {
			if depth < 3 && longLived(u.Field(i).Type(), depth+1) {
				return true
			}
		}
	}
	return false
}
