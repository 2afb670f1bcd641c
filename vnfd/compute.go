package vnfd

import (
	"path"
	"slices"
	"strings"
)

// vdu reads a Vdu.Compute or a container deployable unit.
func (s *scope) vdu(nt *nodeTemplate) Vdu {
	v := Vdu{ID: nt.name, Name: s.prop(nt, "name").text(), Description: s.prop(nt, "description").text(), At: nt.at}
	if v.Name == "" {
		v.Name = v.ID
	}
	profile := s.prop(nt, "vdu_profile")
	v.Min = s.count(s.get(profile, "min_number_of_instances"), 1)
	v.Max = s.count(s.get(profile, "max_number_of_instances"), max(1, v.Min))
	if v.Max < v.Min {
		s.failf("bad-value", profile.where(), "max_number_of_instances is less than min_number_of_instances")
	}
	v.Configurable = s.configurable(declaration{def: s.definition(nt.kind, "configurable_properties"), value: s.prop(nt, "configurable_properties")})
	v.BootOrder = s.prop(nt, "boot_order").texts()
	v.BootData = s.bootData(s.prop(nt, "boot_data"))
	v.Image = s.image(nt)
	for _, r := range s.requirements(nt, "virtual_storage") {
		if target := s.byName[r.text()]; target == nil || !s.isStorage(target.kind) {
			s.failf("unknown-reference", r.at, "the virtual_storage of %s names %s, which is no storage of this template", quote(nt.name), quote(r.text()))
			continue
		}
		v.Storages = addOnce(v.Storages, r.text())
	}
	for _, b := range v.BootOrder {
		if b != nt.name && !slices.Contains(v.Storages, b) && b != "sw_image" {
			s.findf("boot-order", s.prop(nt, "boot_order").where(), "the boot_order of %s names %s, which is none of its storages", quote(nt.name), quote(b))
		}
	}
	compute := s.get(nt.n, "capabilities", "virtual_compute", "properties")
	if compute.empty() || !s.derives(nodeTypes, nt.kind, typeCompute) {
		v.Container = true
		return v
	}
	v.VCPUs = s.count(s.get(compute, "virtual_cpu", "num_virtual_cpu"), 0)
	v.MemoryBytes = s.size(s.get(compute, "virtual_memory", "virtual_mem_size"))
	for _, disk := range s.get(compute, "virtual_local_storage").list() {
		if storage := s.get(disk, "virtual_block_storage_data"); storage != nil {
			disk = storage
		}
		v.DiskBytes += s.size(s.get(disk, "size_of_storage"))
	}
	v.FlavourName = s.capabilityName(s.get(compute, "requested_additional_capabilities"))
	s.checkCompute(&v, compute)
	return v
}

// capabilityName finds requested_additional_capability_name: in the map of capabilities SOL001 has, or at its top.
func (s *scope) capabilityName(n *node) string {
	const name = "requested_additional_capability_name"
	if v := s.get(n, name); v != nil {
		return v.text()
	}
	for _, f := range n.each() {
		if v := s.get(f.value, name); v.text() != "" {
			return v.text()
		}
	}
	return ""
}

// checkCompute finds sizes that no virtual machine can have.
func (s *scope) checkCompute(v *Vdu, compute *node) {
	if v.VCPUs == 0 {
		s.findf("implausible-size", compute.at, "%s has no virtual CPU", quote(v.ID))
	}
	if v.MemoryBytes == 0 {
		s.findf("implausible-size", compute.at, "%s has no memory", quote(v.ID))
	}
	if v.Image == nil {
		return
	}
	at := s.prop(s.byName[v.ID], "sw_image_data").where()
	if v.DiskBytes > 0 && max(v.Image.SizeBytes, v.Image.MinDiskBytes) > v.DiskBytes {
		s.findf("implausible-size", at, "the image of %s needs %d bytes, more than its disk of %d", quote(v.ID), max(v.Image.SizeBytes, v.Image.MinDiskBytes), v.DiskBytes)
	}
	if v.Image.MinRAMBytes > v.MemoryBytes {
		s.findf("implausible-size", at, "the image of %s needs %d bytes of memory, more than its %d", quote(v.ID), v.Image.MinRAMBytes, v.MemoryBytes)
	}
}

func (s *scope) isVdu(kind string) bool {
	return s.derives(nodeTypes, kind, typeCompute) || s.derives(nodeTypes, kind, typeDeployable)
}

func (s *scope) isStorage(kind string) bool {
	return s.derives(nodeTypes, kind, typeBlockStorage) || s.derives(nodeTypes, kind, typeObjectStore) ||
		s.derives(nodeTypes, kind, typeFileStorage)
}

// storage reads a virtual storage node.
func (s *scope) storage(nt *nodeTemplate, kind, data, size string) Storage {
	n := s.prop(nt, data)
	st := Storage{
		ID: nt.name, Type: kind, SizeBytes: s.size(s.get(n, size)), Image: s.image(nt),
		PerVnfc: s.boolean(s.prop(nt, "per_vnfc_instance"), true), At: nt.at,
	}
	if st.SizeBytes == 0 && kind != "OBJECT" {
		s.findf("implausible-size", nt.at, "the storage %s has no size", quote(nt.name))
	}
	if st.Image != nil && st.SizeBytes > 0 && max(st.Image.SizeBytes, st.Image.MinDiskBytes) > st.SizeBytes {
		s.findf("implausible-size", s.prop(nt, "sw_image_data").where(), "the image of %s needs %d bytes, more than its storage of %d", quote(nt.name), max(st.Image.SizeBytes, st.Image.MinDiskBytes), st.SizeBytes)
	}
	return st
}

// image reads the software image of a compute or storage node: sw_image_data, and the artifact that brings it.
func (s *scope) image(nt *nodeTemplate) *Image {
	n := s.prop(nt, "sw_image_data")
	if n.empty() {
		return nil
	}
	img := &Image{
		ID: nt.name, Name: s.get(n, "name").text(), Version: s.get(n, "version").text(),
		Format: s.get(n, "disk_format").text(), Container: s.get(n, "container_format").text(),
		MinDiskBytes: s.size(s.get(n, "min_disk")), MinRAMBytes: s.size(s.get(n, "min_ram")), SizeBytes: s.size(s.get(n, "size")),
	}
	checksum := s.get(n, "checksum")
	if checksum != nil && checksum.kind == scalarNode { // older descriptors give the hash alone
		img.Checksum = strings.ToLower(checksum.value)
	} else if h := s.get(checksum, "hash").text(); h != "" {
		img.Checksum = strings.ToLower(s.get(checksum, "algorithm").text() + ":" + h)
	}
	if img.Name == "" {
		s.failf("missing-property", n.at, "the sw_image_data of %s has no name", quote(nt.name))
	}
	if v := s.get(n, "min_disk"); v != nil && img.MinDiskBytes == 0 {
		s.findf("implausible-size", v.at, "the image of %s has a min_disk of 0", quote(nt.name))
	}
	img.File = s.imageFile(nt)
	return img
}

// imageFile finds the image among the artifacts. An image that is not in the package must be at the VIM already.
func (s *scope) imageFile(nt *nodeTemplate) string {
	for _, f := range nt.n.get("artifacts").named() {
		file := s.get(f.value, "file")
		if f.value != nil && f.value.kind == scalarNode {
			file = f.value
		}
		kind := s.get(f.value, "type").text()
		if file.text() == "" || (f.name != "sw_image" && !strings.HasSuffix(kind, "SwImage")) || isURL(file.text()) {
			continue
		}
		return s.artifactFile(file)
	}
	return ""
}

// checkArtifacts finds artifacts whose file is not in the package.
func (s *scope) checkArtifacts(nt *nodeTemplate) {
	for _, f := range nt.n.get("artifacts").named() {
		file := s.get(f.value, "file")
		if f.value != nil && f.value.kind == scalarNode {
			file = f.value
		}
		if file.text() != "" && !isURL(file.text()) {
			s.artifactFile(file)
		}
	}
}

// artifactFile resolves the file of an artifact, which is relative to the definition that names it; "" when the package
// does not hold it.
func (s *scope) artifactFile(file *node) string {
	name, ok := s.inPackage(path.Dir(file.at.File), file.text(), file.at)
	if !ok {
		return ""
	}
	if s.archive.byName[name] == nil {
		s.findf("artifact-missing", file.at, "the artifact file %s is not in the package", quote(file.text()))
		return ""
	}
	return name
}
