package vnfpkgm

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfd/csar"
	"github.com/vnfm/vnfm/vnfpkg"
)

// VnfPkgInfo shows a package as SOL003 v3.7.1 §10.5.2.2 and SOL005 have it. Without its files, the additional artifacts are not shown.
func VnfPkgInfo(p *vnfpkg.Package, files []csar.File, self string) *sol.VnfPkgInfo {
	out := &sol.VnfPkgInfo{
		Id: p.ID, VnfdId: p.VnfdID, VnfProvider: p.Provider, VnfProductName: p.ProductName,
		VnfSoftwareVersion: p.SoftwareVersion, VnfdVersion: p.VnfdVersion, VnfmInfo: p.VnfmInfo,
		OnboardingState: p.Onboarding, OperationalState: p.Operational, UsageState: "NOT_IN_USE",
		UserDefinedData: p.UserDefinedData,
		Links:           sol.VnfPkgInfoLinks{Self: sol.Link{Href: self}, PackageContent: sol.Link{Href: self + "/package_content"}},
	}
	if p.InUse {
		out.UsageState = "IN_USE"
	}
	if p.SHA256 != "" {
		out.Checksum = "sha-256:" + p.SHA256
	}
	if p.Failure != "" {
		out.OnboardingFailureDetails = &sol.ProblemDetails{
			Title: "Onboarding failed", Status: http.StatusUnprocessableEntity, Detail: p.Failure,
		}
	}
	for _, f := range p.Findings {
		out.Findings = append(out.Findings, sol.PackageFinding{Rule: f.Rule, Text: f.Text, File: f.At.File, Line: f.At.Line})
	}
	if p.Onboarding != vnfpkg.StateOnboarded {
		return out
	}
	out.Links.Vnfd = &sol.Link{Href: self + "/vnfd"}
	if p.Signature != nil {
		out.PackageSecurityOption, out.SigningCertificate = p.Signature.Option, p.Signature.Certificate
	}
	for _, i := range p.Images {
		out.SoftwareImages = append(out.SoftwareImages, softwareImage(i, p))
	}
	for _, f := range files {
		if isArtifact(f, p) {
			out.AdditionalArtifacts = append(out.AdditionalArtifacts, sol.Artifact{
				ArtifactPath: f.Path, Checksum: "sha-256:" + f.SHA256, NonManoArtifactSetId: f.Set, ArtifactClassification: string(f.Class),
			})
		}
	}
	return out
}

// isArtifact says whether a file is an additional artifact: no part of the VNFD, no image, and nothing that describes the package.
func isArtifact(f csar.File, p *vnfpkg.Package) bool {
	return f.Role == csar.RoleArtifact && !slices.ContainsFunc(p.Images, func(i vnfd.Image) bool { return i.File == f.Path })
}

// softwareImage shows an image. What the VNFD leaves open is what an image is most often.
func softwareImage(i vnfd.Image, p *vnfpkg.Package) sol.SoftwareImage {
	return sol.SoftwareImage{
		Id: i.ID, Name: i.Name, Provider: p.Provider, Version: i.Version, Checksum: i.Checksum,
		ContainerFormat: strings.ToUpper(cmp.Or(i.Container, "bare")), DiskFormat: strings.ToUpper(cmp.Or(i.Format, "raw")),
		CreatedAt: p.Onboarded, MinDisk: i.MinDiskBytes, MinRam: i.MinRAMBytes, Size: i.SizeBytes, ImagePath: i.File,
	}
}
