package sol001

import (
	"strings"

	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfd/tosca"
)

// mciop reads a Helm chart of the descriptor: its archive, whose pods it makes, and after which others it comes.
func (s *scope) mciop(nt *tosca.NodeTemplate) vnfd.Mciop {
	m := vnfd.Mciop{ID: nt.Name, At: nt.At}
	for _, r := range s.Requirements(nt, "associatedVdu") {
		target := s.Template(r.Text())
		if target == nil || !s.isVdu(target.Kind) {
			s.Failf("unknown-reference", r.At, "the associatedVdu of %s names %s, which is no VDU of this template", vnfd.Quote(nt.Name), vnfd.Quote(r.Text()))
			continue
		}
		m.Vdus = addOnce(m.Vdus, r.Text())
	}
	for _, r := range s.Requirements(nt, "dependency") {
		if target := s.Template(r.Text()); target != nil && s.Derives(tosca.NodeTypes, target.Kind, typeMciop) {
			m.After = addOnce(m.After, r.Text())
		}
	}
	for _, f := range s.Of(nt, "artifacts").Named() {
		kind := f.Value.Get("type").Text()
		if !strings.HasSuffix(kind, "HelmChart") && !s.Derives(tosca.ArtifactTypes, kind, "tosca.artifacts.nfv.HelmChart") {
			continue
		}
		file := fileOf(f.Value)
		switch {
		case tosca.IsURL(file.Text()):
			s.Findf("not-supported", file.At, "the chart of %s is at a URL: charts come with the package, and are not fetched", vnfd.Quote(nt.Name))
		case file.Text() != "" && m.Chart == "":
			m.Chart = s.artifactFile(file)
		}
	}
	if m.Chart == "" {
		s.Findf("not-supported", nt.At, "%s is a %s without a Helm chart in the package: nothing makes its pods", vnfd.Quote(nt.Name), typeMciop)
	}
	return m
}
