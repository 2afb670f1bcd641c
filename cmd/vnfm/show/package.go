package show

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/vnfm/vnfm/cmd/vnfm/screen"
	"github.com/vnfm/vnfm/sol"
)

func Package(w io.Writer, p *sol.VnfPkgInfo) {
	screen.Of(w).Fields("id", p.Id, "vnfdId", p.VnfdId, "product", p.VnfProductName, "provider", p.VnfProvider,
		"software", p.VnfSoftwareVersion, "vnfd version", p.VnfdVersion, "checksum", p.Checksum,
		"onboarding", screen.Colour(p.OnboardingState), "operational", screen.Colour(p.OperationalState), "usage", p.UsageState)
	if p.OnboardingFailureDetails != nil {
		screen.Of(w).Heading("Rejected")
		for line := range strings.Lines(p.OnboardingFailureDetails.Detail) {
			_, _ = fmt.Fprintln(w, " ", screen.Bad.Render(strings.TrimSpace(line)))
		}
	}
	if len(p.SoftwareImages) > 0 {
		screen.Of(w).Heading("Images")
		var rows [][]string
		for _, i := range p.SoftwareImages {
			rows = append(rows, []string{i.Name, i.Version, i.DiskFormat, i.ImagePath})
		}
		screen.Of(w).Table([]string{"NAME", "VERSION", "FORMAT", "FILE"}, rows)
	}
	if len(p.AdditionalArtifacts) > 0 {
		screen.Of(w).Heading("Artifacts")
		var rows [][]string
		for _, a := range p.AdditionalArtifacts {
			rows = append(rows, []string{a.ArtifactPath, cmp.Or(a.ArtifactClassification, a.NonManoArtifactSetId)})
		}
		screen.Of(w).Table([]string{"FILE", "KIND"}, rows)
	}
	Findings(w, p.Findings)
}

// Findings prints what deviates in a package and does not reject it.
func Findings(w io.Writer, all []sol.PackageFinding) {
	if len(all) == 0 {
		return
	}
	screen.Of(w).Heading("Findings")
	for _, f := range all {
		where := f.File
		if f.Line > 0 {
			where += ":" + strconv.Itoa(f.Line)
		}
		_, _ = fmt.Fprintf(w, "  %s\n    %s %s\n", f.Text, screen.Faint.Render(f.Rule), screen.Faint.Render(where))
	}
}
