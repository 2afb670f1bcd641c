package sol001

import (
	"path"
	"slices"
	"strings"

	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfd/tosca"
)

// vdu reads a Vdu.Compute or a container deployable unit.
func (s *scope) vdu(nt *tosca.NodeTemplate) vnfd.Vdu {
	v := vnfd.Vdu{ID: nt.Name, Name: s.Prop(nt, "name").Text(), Description: s.Prop(nt, "description").Text(), At: nt.At}
	if v.Name == "" {
		v.Name = v.ID
	}
	profile := s.Prop(nt, "vdu_profile")
	v.Min = s.Count(s.Get(profile, "min_number_of_instances"), 1)
	v.Max = s.Count(s.Get(profile, "max_number_of_instances"), max(1, v.Min))
	if v.Max < v.Min {
		s.Failf("bad-value", profile.Where(), "max_number_of_instances is less than min_number_of_instances")
	}
	v.Configurable = s.configurable(declaration{def: s.definition(nt.Kind, "configurable_properties"), value: s.Prop(nt, "configurable_properties")})
	v.BootOrder = s.Prop(nt, "boot_order").Texts()
	v.BootData = s.bootData(s.Prop(nt, "boot_data"))
	v.Image = s.image(nt)
	for _, r := range s.Requirements(nt, "virtual_storage") {
		if target := s.Template(r.Text()); target == nil || !s.isStorage(target.Kind) {
			s.Failf("unknown-reference", r.At, "the virtual_storage of %s names %s, which is no storage of this template", vnfd.Quote(nt.Name), vnfd.Quote(r.Text()))
			continue
		}
		v.Storages = addOnce(v.Storages, r.Text())
	}
	for _, b := range v.BootOrder {
		if b != nt.Name && !slices.Contains(v.Storages, b) && b != "sw_image" {
			s.Findf("boot-order", s.Prop(nt, "boot_order").Where(), "the boot_order of %s names %s, which is none of its storages", vnfd.Quote(nt.Name), vnfd.Quote(b))
		}
	}
	compute := s.Get(nt.N, "capabilities", "virtual_compute", "properties")
	if compute.Empty() || !s.Derives(tosca.NodeTypes, nt.Kind, typeCompute) {
		v.Container = true
		return v
	}
	v.VCPUs = s.Count(s.Get(compute, "virtual_cpu", "num_virtual_cpu"), 0)
	v.MemoryBytes = s.Size(s.Get(compute, "virtual_memory", "virtual_mem_size"))
	for _, disk := range s.Get(compute, "virtual_local_storage").List() {
		if storage := s.Get(disk, "virtual_block_storage_data"); storage != nil {
			disk = storage
		}
		v.DiskBytes += s.Size(s.Get(disk, "size_of_storage"))
	}
	v.FlavourName = s.capabilityName(s.Get(compute, "requested_additional_capabilities"))
	s.checkCompute(&v, compute)
	return v
}

// capabilityName finds requested_additional_capability_name: in the map of capabilities SOL001 has, or at its top.
func (s *scope) capabilityName(n *tosca.Node) string {
	const name = "requested_additional_capability_name"
	if v := s.Get(n, name); v != nil {
		return v.Text()
	}
	for _, f := range n.Each() {
		if v := s.Get(f.Value, name); v.Text() != "" {
			return v.Text()
		}
	}
	return ""
}

// checkCompute finds sizes that no virtual machine can have.
func (s *scope) checkCompute(v *vnfd.Vdu, compute *tosca.Node) {
	if v.VCPUs == 0 {
		s.Findf("implausible-size", compute.At, "%s has no virtual CPU", vnfd.Quote(v.ID))
	}
	if v.MemoryBytes == 0 {
		s.Findf("implausible-size", compute.At, "%s has no memory", vnfd.Quote(v.ID))
	}
	if v.Image == nil {
		return
	}
	at := s.Prop(s.Template(v.ID), "sw_image_data").Where()
	if v.DiskBytes > 0 && max(v.Image.SizeBytes, v.Image.MinDiskBytes) > v.DiskBytes {
		s.Findf("implausible-size", at, "the image of %s needs %d bytes, more than its disk of %d", vnfd.Quote(v.ID), max(v.Image.SizeBytes, v.Image.MinDiskBytes), v.DiskBytes)
	}
	if v.Image.MinRAMBytes > v.MemoryBytes {
		s.Findf("implausible-size", at, "the image of %s needs %d bytes of memory, more than its %d", vnfd.Quote(v.ID), v.Image.MinRAMBytes, v.MemoryBytes)
	}
}

func (s *scope) isVdu(kind string) bool {
	return s.Derives(tosca.NodeTypes, kind, typeCompute) || s.Derives(tosca.NodeTypes, kind, typeDeployable)
}

func (s *scope) isStorage(kind string) bool {
	return s.Derives(tosca.NodeTypes, kind, typeBlockStorage) || s.Derives(tosca.NodeTypes, kind, typeObjectStore) ||
		s.Derives(tosca.NodeTypes, kind, typeFileStorage)
}

// storage reads a virtual storage node.
func (s *scope) storage(nt *tosca.NodeTemplate, kind, data, size string) vnfd.Storage {
	n := s.Prop(nt, data)
	st := vnfd.Storage{
		ID: nt.Name, Type: kind, SizeBytes: s.Size(s.Get(n, size)), Image: s.image(nt),
		PerVnfc: s.Boolean(s.Prop(nt, "per_vnfc_instance"), true), At: nt.At,
	}
	if st.SizeBytes == 0 && kind != "OBJECT" {
		s.Findf("implausible-size", nt.At, "the storage %s has no size", vnfd.Quote(nt.Name))
	}
	if st.Image != nil && st.SizeBytes > 0 && max(st.Image.SizeBytes, st.Image.MinDiskBytes) > st.SizeBytes {
		s.Findf("implausible-size", s.Prop(nt, "sw_image_data").Where(), "the image of %s needs %d bytes, more than its storage of %d", vnfd.Quote(nt.Name), max(st.Image.SizeBytes, st.Image.MinDiskBytes), st.SizeBytes)
	}
	return st
}

// image reads the software image of a compute or storage node: sw_image_data, and the artifact that brings it.
func (s *scope) image(nt *tosca.NodeTemplate) *vnfd.Image {
	n := s.Prop(nt, "sw_image_data")
	if n.Empty() {
		return nil
	}
	img := &vnfd.Image{
		ID: nt.Name, Name: s.Get(n, "name").Text(), Version: s.Get(n, "version").Text(),
		Format: s.Get(n, "disk_format").Text(), Container: s.Get(n, "container_format").Text(),
		MinDiskBytes: s.Size(s.Get(n, "min_disk")), MinRAMBytes: s.Size(s.Get(n, "min_ram")), SizeBytes: s.Size(s.Get(n, "size")),
	}
	checksum := s.Get(n, "checksum")
	if checksum != nil && checksum.Kind == tosca.ScalarNode { // older descriptors give the hash alone
		img.Checksum = strings.ToLower(checksum.Value)
	} else if h := s.Get(checksum, "hash").Text(); h != "" {
		img.Checksum = strings.ToLower(s.Get(checksum, "algorithm").Text() + ":" + h)
	}
	if img.Name == "" {
		s.Failf("missing-property", n.At, "the sw_image_data of %s has no name", vnfd.Quote(nt.Name))
	}
	if v := s.Get(n, "min_disk"); v != nil && img.MinDiskBytes == 0 {
		s.Findf("implausible-size", v.At, "the image of %s has a min_disk of 0", vnfd.Quote(nt.Name))
	}
	img.File = s.imageFile(nt)
	return img
}

// imageFile finds the image among the artifacts. An image that is not in the package must be at the VIM already.
func (s *scope) imageFile(nt *tosca.NodeTemplate) string {
	for _, f := range nt.N.Get("artifacts").Named() {
		file := s.Get(f.Value, "file")
		if f.Value != nil && f.Value.Kind == tosca.ScalarNode {
			file = f.Value
		}
		kind := s.Get(f.Value, "type").Text()
		if file.Text() == "" || (f.Name != "sw_image" && !strings.HasSuffix(kind, "SwImage")) || tosca.IsURL(file.Text()) {
			continue
		}
		return s.artifactFile(file)
	}
	return ""
}

// checkArtifacts finds artifacts whose file is not in the package.
func (s *scope) checkArtifacts(nt *tosca.NodeTemplate) {
	for _, f := range nt.N.Get("artifacts").Named() {
		file := s.Get(f.Value, "file")
		if f.Value != nil && f.Value.Kind == tosca.ScalarNode {
			file = f.Value
		}
		if file.Text() != "" && !tosca.IsURL(file.Text()) {
			s.artifactFile(file)
		}
	}
}

// artifactFile resolves the file of an artifact, which is relative to the definition that names it; "" when the package
// does not hold it.
func (s *scope) artifactFile(file *tosca.Node) string {
	name, ok := s.InPackage(path.Dir(file.At.File), file.Text(), file.At)
	if !ok {
		return ""
	}
	if !s.Files.Has(name) {
		s.Findf("artifact-missing", file.At, "the artifact file %s is not in the package", vnfd.Quote(file.Text()))
		return ""
	}
	return name
}
