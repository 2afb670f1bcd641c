package filter_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/filter"
)

const doc = `{
	"id": "i1", "name": "it's, (a) test", "empty": "", "nothing": null, "count": 10, "big": 9007199254740993, "small": 1.50,
	"on": true, "at": "2026-01-02T03:04:05.5Z", "a/b": "slash", "~t": "tilde", "c,d": "comma", "@key": "odd",
	"info": {"nodes": [{"vdu": "db", "n": 1, "ips": ["10.0.0.1", "10.0.0.2"]}, {"vdu": "web", "n": 2}], "none": [], "deep": [["x"]]},
	"metadata": {"owner": "me", "Owner": "you"}
}`

func TestMatch(t *testing.T) {
	for text, want := range map[string]bool{
		"":                                     true,
		"(eq,id,i1)":                           true,
		"(eq,id,i2)":                           false,
		"(eq,id,i1);(eq,count,10)":             true,
		"(eq,id,i1);(eq,count,11)":             false,
		"(neq,id,i2)":                          true,
		"(neq,id,i1)":                          false,
		"(eq,name,'it''s, (a) test')":          true,
		"(cont,name,'(a)',zzz)":                true,
		"(cont,name,zzz,yyy)":                  false,
		"(ncont,name,zzz,yyy)":                 true,
		"(ncont,name,zzz,test)":                false,
		"(in,id,a,i1)":                         true,
		"(in,id,a,b)":                          false,
		"(nin,id,a,b)":                         true,
		"(nin,id,a,i1)":                        false,
		"(eq,count,10.0)":                      true,
		"(eq,count,1e1)":                       true,
		"(gt,count,9)":                         true, // as text it would not be
		"(gt,count,10)":                        false,
		"(gte,count,10)":                       true,
		"(lt,count,100)":                       true,
		"(lte,count,9.99)":                     false,
		"(gt,count,ten)":                       false,
		"(neq,count,ten)":                      true,
		"(eq,big,9007199254740992)":            false, // as floating point it would be
		"(eq,small,1.5)":                       true,
		"(cont,count,1)":                       false,
		"(ncont,count,5)":                      false,
		"(eq,on,true)":                         true,
		"(eq,on,True)":                         false,
		"(neq,on,false)":                       true,
		"(eq,at,2026-01-02T04:04:05.50+01:00)": true,
		"(gt,at,2026-01-02T03:04:05Z)":         true, // as text it would not be
		"(lt,at,2026-01-02T03:04:05.50001Z)":   true,
		"(gte,at,2026-01)":                     true,
		"(lt,at,2026-01)":                      false,
		"(eq,a~1b,slash)":                      true,
		"(eq,~0t,tilde)":                       true,
		"(eq,c~ad,comma)":                      true,
		"(eq,~bkey,odd)":                       true,
		"(eq,info/nodes/vdu,web)":              true,
		"(eq,info/nodes/vdu,db);(eq,info/nodes/n,2)": true, // not of the same element
		"(neq,info/nodes/vdu,db)":                    true, // any element
		"(eq,info/nodes/ips,10.0.0.2)":               true,
		"(eq,info/none,x)":                           false,
		"(neq,info/none,x)":                          false,
		"(eq,info/deep,x)":                           false, // an array within an array is no value
		"(neq,info,x)":                               false, // an object is none
		"(eq,metadata/@key,owner)":                   true,
		"(eq,metadata/@key,OWNER)":                   false,
		"(cont,metadata/@key,wne)":                   true,
		"(eq,info/nodes/@key,ips)":                   true, // of any element
		"(eq,id/@key,x)":                             false,
		"(neq,absent,x)":                             false,
		"(nin,absent/at/all,x)":                      false,
		"(neq,nothing,x)":                            false,
		"(neq,empty,x)":                              false,
		"(eq,empty,)":                                false,
		"(neq,id,)":                                  true, // "has an id"
		"(neq,empty,)":                               false,
		"(eq,ID,i1)":                                 false, // names are exact
	} {
		f, err := filter.Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := f.Match([]byte(doc)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	if f, _ := filter.Parse("(neq,id,x)"); f.Match([]byte(`{"id":`)) || f.Match([]byte(`"id"`)) || f.Match(nil) {
		t.Error("what is no object matched")
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"x":                       "character 1: an expression begins with '('",
		"(":                       `character 2: there is no operator ""`,
		"(like,id,a)":             `character 2: there is no operator "like"; there are eq, neq, gt, gte, lt, lte, in, nin, cont, ncont`,
		"(EQ,id,a)":               `no operator "EQ"`,
		"(eq":                     "character 4: an attribute must follow the operator",
		"(eq)":                    "character 4: an attribute must follow the operator",
		"(eq,)":                   "character 5: an attribute name is missing",
		"(eq,/id,a)":              "character 5: an attribute name is missing",
		"(eq,id/,a)":              "character 8: an attribute name is missing",
		"(eq,id)":                 "character 7: a value must follow the attribute",
		"(eq,id,a":                "character 9: the expression is not closed by ')'",
		"(eq,id,a,b)":             "character 9: eq takes one value",
		"(eq,id,a)(eq,id,b)":      "character 10: a ';' must separate",
		"(eq,id,a);":              "character 11: an expression begins with '('",
		"(eq,id,a); (eq,id,b)":    "character 11: an expression begins with '('",
		"(eq,id,it's)":            "character 10: a value that contains a single quote",
		"(eq,id,'a)":              "character 8: the quoted value is not closed",
		"(eq,id,'a'b)":            "character 11: the expression is not closed",
		"(eq,a~2,b)":              "character 6: '~' is followed by 0, 1, a or b",
		"(eq,a~,b)":               "character 6: '~'",
		"(eq,a@b,c)":              "character 6: '@'",
		"(eq,m/@key/x,c)":         "character 12: @key is the last step",
		"(eq,üü,a);x":             "character 11: an expression begins", // characters, not bytes
		"(eq,id,a\x00)":           "character 9: control characters",
		"(eq,id,\xff)":            "character 8: control characters and invalid UTF-8",
		strings.Repeat("a", 9000): "8192 is the limit",
		strings.TrimSuffix(strings.Repeat("(eq,a,b);", 33), ";"): "more than 32 expressions",
		"(in,a" + strings.Repeat(",b", 201) + ")":                "more than 200 values",
		"(eq,a" + strings.Repeat("/a", 16) + ",b)":               "more than 16 steps",
	} {
		f, err := filter.Parse(text)
		if vnfm.KindOf(err) != vnfm.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: %v, %v; want %s", text, f, err, want)
		}
	}
}

func TestParse(t *testing.T) {
	got, err := filter.Parse("(cont,a~1b/@key,'x,y','it''s',z);(eq,c,)")
	want := filter.Filter{
		{Op: filter.Cont, Path: []filter.Step{{Name: "a/b"}, {Keys: true}}, Values: []string{"x,y", "it's", "z"}},
		{Op: filter.Eq, Path: []filter.Step{{Name: "c"}}, Values: []string{""}},
	}
	if err != nil || !cmp.Equal(want, got) {
		t.Errorf("%v\n%s", err, cmp.Diff(want, got))
	}
	if a := got[0].Attribute(); a != "a~1b" {
		t.Errorf("the attribute is %s", a)
	}
}

func TestKeysOfTimesAreInOrder(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 600_000_000, time.UTC)
	if k := filter.KeyOf(at); k != filter.Key(at.Format(time.RFC3339Nano)) || k != filter.Key(at.In(time.FixedZone("", 3600)).Format(time.RFC3339Nano)) ||
		k >= filter.KeyOf(at.Add(time.Microsecond)) || k <= filter.KeyOf(at.Add(-time.Second)) {
		t.Errorf("%s", k)
	}
	for _, s := range []string{"", "a", "2026-01-02", "2026-13-02T03:04:05Z", "0000-01-01T00:00:00+01:00"} {
		if filter.Key(s) != s {
			t.Errorf("%q became %q", s, filter.Key(s))
		}
	}
	if filter.KeyOf(time.Time{}) != "" || filter.Key("a\x00b") != "a\uFFFDb" {
		t.Error("a zero time or a NUL has another key")
	}
}

// FuzzFilter: any text is a filter or a client's error; a filter written again is the same filter, and matching ends.
func FuzzFilter(f *testing.F) {
	for _, s := range []string{
		"(eq,id,i1);(in,a/b~1~0~a~b/@key,'it''s',)", "(cont,name,'(a)',zzz)", "(gt,count,1e400)", "(lt,at,2026-01-02T03:04:05.5+01:00)",
	} {
		f.Add(s, doc)
	}
	f.Fuzz(func(t *testing.T, text, doc string) {
		got, err := filter.Parse(text)
		if err != nil {
			if vnfm.KindOf(err) != vnfm.Invalid {
				t.Errorf("%v", err)
			}
			return
		}
		again, err := filter.Parse(got.String())
		if err != nil || !cmp.Equal(got, again) {
			t.Errorf("%q written again is %q: %v", text, got.String(), err)
		}
		if m := got.Match([]byte(doc)); m != again.Match([]byte(doc)) {
			t.Error("the same filter matches and does not")
		}
		for _, term := range got { // what an operator holds for, its opposite does not, where there is one value
			one := []byte(`{"v":` + quoted(doc) + `}`)
			a := filter.Term{Op: term.Op, Path: []filter.Step{{Name: "v"}}, Values: term.Values}
			if opposite, ok := map[filter.Op]filter.Op{filter.Eq: filter.Neq, filter.In: filter.Nin, filter.Cont: filter.Ncont, filter.Gt: filter.Lte, filter.Lt: filter.Gte}[a.Op]; ok && doc != "" {
				b := a
				if b.Op = opposite; a.Match(one) == b.Match(one) {
					t.Errorf("%s and %s of %s agree", a, b, one)
				}
			}
		}
	})
}

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}
