package show

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/vnfm/vnfm/cmd/vnfm/screen"
	"github.com/vnfm/vnfm/sol"
)

// Drift prints a line for each VIM connection, then a line for each resource that differs, with its fields below it.
func Drift(w io.Writer, d *sol.Drift) {
	for _, v := range d.Vims {
		said := fmt.Sprintf("%d of %d resources are there", v.Found, v.Recorded)
		switch {
		case v.Error != "":
			said = screen.Bad.Render(v.Error)
		case v.Suspect:
			said += screen.Bad.Render(" (suspect: a repair is to be confirmed)")
		}
		_, _ = fmt.Fprintln(w, screen.Bold.Render(v.VimConnectionId), said)
	}
	if d.OperationUnderWay != "" {
		_, _ = fmt.Fprintf(w, "operation %s is under way: some of what differs may be its work\n", d.OperationUnderWay)
	}
	if d.InSync {
		_, _ = fmt.Fprintln(w, screen.Good.Render("nothing differs from the records"))
		return
	}
	var rows [][]string
	for _, x := range d.Differences {
		about := x.Kept
		if x.Type == sol.DifferenceOrphaned {
			about = "generation " + strconv.Itoa(x.Generation)
		}
		rows = append(rows, []string{string(x.Type), x.Kind, x.Name, x.VimConnectionId, x.ResourceId, strings.Join(x.VnfcInfoIds, " "), about})
		for _, f := range x.Fields {
			by := ""
			if f.By != "" {
				by = "by " + f.By
			}
			rows = append(rows, []string{"", "", screen.Faint.Render(f.Attribute), "", fmt.Sprintf("%s, recorded: %s", orNone(f.Found), orNone(f.Recorded)), "", by})
		}
	}
	screen.Of(w).Table([]string{"DIFFERENCE", "KIND", "NAME", "VIM", "VIM ID", "VNFC", ""}, rows)
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
