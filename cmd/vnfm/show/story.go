package show

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"charm.land/lipgloss/v2"

	"github.com/vnfm/vnfm/cmd/vnfm/screen"
	"github.com/vnfm/vnfm/sol"
)

// What tells an event to people: a mark, what happened, and the command that brought it about.
func What(e *sol.VnfEvent) string {
	mark, style := "•", lipgloss.NewStyle()
	switch name := e.Type[strings.Index(e.Type, ".")+1:]; {
	case strings.HasSuffix(name, "failed") || strings.HasSuffix(name, "refused") || name == "failed-temporarily" || name == "leftovers-found":
		mark, style = "✗", screen.Bad
	case name == "completed" || name == "instantiated" || name == "healed" || name == "connected" || name == "flavour-changed" || name == "package-changed" || name == "snapshot-taken" || name == "reverted" || name == "vnfcs-reverted" || name == "terminated" || name == "onboarded" || name == "granted" || name == "resource-reserved":
		mark, style = "✓", screen.Good
	case strings.HasSuffix(name, "begun") || name == "started" || name == "retried" || name == "progressed":
		mark, style = "▸", screen.Moving
	case strings.HasSuffix(name, "rolled-back") || name == "resource-undone":
		mark, style = "↺", screen.Moving
	case strings.HasSuffix(name, "deleted") || strings.HasSuffix(name, "released") || strings.HasSuffix(name, "discarded"):
		mark, style = "⌫", screen.Faint
	}
	text := style.Render(mark + " " + e.Type)
	if said := said(e); said != "" {
		text += "  " + said
	}
	if e.Command != "" {
		text += "  " + screen.Faint.Render(e.Command)
	}
	return text
}

// said is what matters most of an event's data, "" for nothing.
func said(e *sol.VnfEvent) string {
	var data map[string]any
	if json.Unmarshal(e.Data, &data) != nil || len(data) == 0 {
		return ""
	}
	text := func(path ...string) string {
		var v any = data
		for _, name := range path {
			m, _ := v.(map[string]any)
			v = m[name]
		}
		if v == nil {
			return ""
		}
		return fmt.Sprint(v)
	}
	count := func(name, of string) string {
		all, _ := data[name].([]any)
		if len(all) == 1 {
			return "1 " + of
		}
		return fmt.Sprintf("%d %ss", len(all), of)
	}
	operation := func() string { return strings.Join(NonEmpty(text("operation"), screen.Short(text("opOccId"))), " ") }
	switch e.Type {
	case "vnf.instance-created":
		return strings.Join(NonEmpty(text("name"), text("productName"), text("softwareVersion")), " ")
	case "vnf.operation-begun", "vnf.operation-rolled-back":
		return operation()
	case "vnf.instantiated":
		return count("resources", "resource")
	case "vnf.scaled":
		return scaled(data, count("resources", "resource")+" made, "+count("released", "resource")+" released")
	case "vnf.healed":
		return strings.Join(NonEmpty(healed(data, count), text("cause")), ", ")
	case "vnf.connected":
		return strings.Join(NonEmpty(count("extCps", "connection point")+" connected", cutOff(data)), ", ")
	case "vnf.flavour-changed":
		return strings.Join(NonEmpty(text("instantiatedInfo", "flavourId"), rebuilt(count)), ", ")
	case "vnf.package-changed":
		return strings.Join(NonEmpty(strings.TrimSpace(text("package", "productName")+" "+text("package", "softwareVersion")), rebuilt(count)), ", ")
	case "vnf.snapshot-taken":
		return "snapshot " + screen.Short(text("snapshot", "vnfSnapshotInfoId"))
	case "vnf.reverted":
		return "to the snapshot " + screen.Short(text("vnfSnapshotInfoId")) + ", " + rebuilt(count)
	case "vnf.vnfcs-reverted":
		return "1 VNFC to the snapshot " + screen.Short(text("vnfSnapshotInfoId"))
	case "vnf.snapshot-discarded":
		return "snapshot " + screen.Short(text("vnfSnapshotInfoId"))
	case "vnf.drifted":
		return strings.Join(NonEmpty(text("vimConnectionId"), found(data)), ", ")
	case "vnf.pods-observed":
		return strings.Join(NonEmpty(text("vimConnectionId"), count("units", "workload")+" with other pods"), ", ")
	case "vnf.drift-ended":
		return text("vimConnectionId")
	case "vnf.terminated":
		return count("released", "resource") + " released"
	case "vnf.operation-failed", "vnf.leftovers-found":
		return strings.TrimSpace(operation() + " " + count("leftovers", "resource") + " left")
	case "vnf.cleanup-begun":
		return "saga " + screen.Short(text("saga"))
	case "vnf.cleanup-ended":
		return count("released", "resource") + " released"
	case "opocc.started":
		return strings.Join(NonEmpty(text("operation"), "on failure: "+text("policy")), ", ")
	case "opocc.granted":
		return text("grantId")
	case "opocc.refused", "opocc.failed-temporarily":
		return screen.Bad.Render(text("error", "detail"))
	case "opocc.rollback-begun":
		if text("byPolicy") == "true" {
			return "by policy"
		}
		return "by an operator"
	case "opocc.cancel-requested":
		return text("cancelMode")
	case "opocc.resource-reserved":
		return strings.Join(NonEmpty(text("kind"), text("resourceHandle", "resourceId")), " ")
	case "opocc.resource-released", "opocc.resource-undone":
		return strings.Join(NonEmpty(text("kind"), screen.Short(text("id"))), " ")
	case "vnf.operated":
		return text("vnfState") + ", " + count("changed", "machine") + " changed"
	case "vnf.modified":
		return strings.Join(NonEmpty(attributes(data), text("package", "vnfdVersion")), ", ")
	case "vnf.connections-changed":
		return strings.Join(NonEmpty(keys(data["vimConnections"]), removed(data)), ", ")
	case "opocc.info-changed":
		info, _ := data["changedInfo"].(map[string]any)
		return attributes(info)
	case "opocc.connectivity-changed":
		return count("changedExtConnectivity", "external link") + " changed"
	case "opocc.resource-changed":
		return strings.Join(NonEmpty(text("kind"), screen.Short(text("id"))), " ")
	case "opocc.coordinated":
		return strings.Join(NonEmpty(text("coordination", "coordinationActionName"), text("coordination", "coordinationResult")), " ")
	case "snapshot.info-created", "snapshot.info-modified":
		if p := text("vnfSnapshotPkgId"); p != "" {
			return "of the snapshot package " + screen.Short(p)
		}
		return ""
	case "snapshot.taken":
		return strings.Join(NonEmpty(count("vnfcSnapshots", "VNFC"), "into "+screen.Short(text("vnfSnapshotInfoId"))), ", ")
	case "opocc.warned":
		return text("text")
	case "opocc.progressed":
		return made(data)
	case "pkg.created", "pkg.upload-begun", "pkg.content-removed", "pkg.user-data-changed":
		return ""
	case "pkg.upload-failed":
		return screen.Bad.Render(text("reason"))
	case "pkg.onboarding-failed":
		return screen.Bad.Render(text("detail"))
	case "pkg.content-uploaded":
		return fmt.Sprintf("%.0f bytes", data["size"])
	case "pkg.onboarded":
		return strings.Join(NonEmpty(text("productName"), text("softwareVersion")), " ")
	case "pkg.operational-state-changed":
		return screen.Colour(text("operationalState"))
	}
	return screen.Cut(screen.Compact(e.Data), 100) // of a program newer than this one
}

// attributes names what was changed.
func attributes(data map[string]any) string {
	var out []string
	for name := range data {
		if name != "opOccId" {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// keys names the entries of a map.
func keys(v any) string {
	m, _ := v.(map[string]any)
	return attributes(m)
}

// removed names VIM connections that are gone.
func removed(data map[string]any) string {
	all, _ := data["removed"].([]any)
	if len(all) == 0 {
		return ""
	}
	return strings.TrimSpace(fmt.Sprintln(append([]any{"removed"}, all...)...))
}

// scaled tells what a scaling did, and the levels that the VNF has now.
func scaled(data map[string]any, what string) string {
	levels, _ := data["scaleStatus"].([]any)
	for _, l := range levels {
		m, _ := l.(map[string]any)
		what += fmt.Sprintf(", %v %v", m["aspectId"], m["scaleLevel"])
	}
	return what
}

// healed tells how many resources were made again, changed where they stand, and released.
func healed(data map[string]any, count func(name, of string) string) string {
	again, back := 0, 0
	all, _ := data["changed"].([]any)
	for _, r := range all {
		if m, _ := r.(map[string]any); m["revision"] == float64(1) {
			again++
		} else {
			back++
		}
	}
	plural := func(n int, what string) string {
		if n == 1 {
			return "1 resource " + what
		}
		return fmt.Sprintf("%d resources %s", n, what)
	}
	out := plural(again, "made again")
	if back > 0 {
		out += ", " + plural(back, "changed")
	}
	if released, _ := data["released"].([]any); len(released) > 0 {
		out += ", " + count("released", "resource") + " released"
	}
	return out
}

// rebuilt tells how many resources were made, changed and released.
func rebuilt(count func(name, of string) string) string {
	return count("resources", "resource") + " made, " + count("changed", "resource") + " changed, " + count("released", "resource") + " released"
}

// cutOff tells how many connection points were disconnected, "" for none.
func cutOff(data map[string]any) string {
	if gone, _ := data["extCpsGone"].([]any); len(gone) > 0 {
		return fmt.Sprintf("%d disconnected", len(gone))
	}
	return ""
}

// made tells how far resources got.
func made(data map[string]any) string {
	items, _ := data["items"].([]any)
	var out []string
	for _, item := range items {
		m, _ := item.(map[string]any)
		line := fmt.Sprintf("%v %s %s", m["step"], screen.Short(fmt.Sprint(m["id"])), screen.Colour(fmt.Sprint(m["state"])))
		if n, _ := m["attempt"].(float64); n > 1 {
			line += fmt.Sprintf(" #%.0f", n)
		}
		if reason, _ := m["reason"].(string); reason != "" {
			line += " " + reason
		}
		out = append(out, line)
	}
	return strings.Join(out, ", ")
}

// found tells what a comparison found to differ.
func found(data map[string]any) string {
	f, _ := data["found"].(map[string]any)
	n := map[string]int{}
	for what, v := range f {
		if x, ok := v.(float64); ok {
			n[what] = int(x)
		}
	}
	return strings.Join(counted(n, f["suspect"] == true, f["repairGivenUp"] == true), ", ")
}
