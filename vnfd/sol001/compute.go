package sol001

import (
	"math"
	"path"
	"slices"
	"strings"

	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfd/tosca"
)

// vdu reads a Vdu.Compute or a container deployable unit.
func (s *scope) vdu(nt *tosca.NodeTemplate) vnfd.Vdu {
	v := vnfd.Vdu{ID: nt.Name, Name: s.prop(nt, "name"), Description: s.Prop(nt, "description").Text(), At: nt.At}
	if v.Name == "" {
		v.Name = v.ID
	}
	profile := s.Prop(nt, "vdu_profile")
	v.Min = s.instances(profile.Get("min_number_of_instances"), 1)
	v.Max = s.Count(profile.Get("max_number_of_instances"), max(1, v.Min))
	if v.Max < v.Min {
		s.Failf("bad-value", profile.Where(), "max_number_of_instances is less than min_number_of_instances")
	}
	v.Configurable = s.configurable(declaration{def: s.definition(nt.Kind, "configurable_properties"), value: s.Prop(nt, "configurable_properties")})
	v.BootData = s.bootData(nt, s.Prop(nt, "boot_data"))
	v.Image = s.image(nt)
	for _, r := range s.Requirements(nt, "virtual_storage") {
		if target := s.Template(r.Text()); target == nil || !s.isStorage(target.Kind) {
			s.Failf("unknown-reference", r.At, "the virtual_storage of %s names %s, which is no storage of this template", vnfd.Quote(nt.Name), vnfd.Quote(r.Text()))
			continue
		}
		v.Storages = addOnce(v.Storages, r.Text())
	}
	s.virtualCompute(nt, &v)
	return v
}

// instances reads a number of instances, which no VNF may exceed.
func (s *scope) instances(n *tosca.Node, def int) int {
	v := s.Count(n, def)
	if v > s.r.maxVnfcs {
		s.ExceedSetting(vnfd.LimitVnfcs, "too-large", s.Val(n).Where(), "the number of instances is %d, more than %d", v, s.r.maxVnfcs)
		return s.r.maxVnfcs
	}
	return v
}

// prop reads a property that is a name.
func (s *scope) prop(nt *tosca.NodeTemplate, name string) string {
	n := s.Prop(nt, name)
	return s.Identifier(n.Text(), n.Where(), "the "+name)
}

// virtualCompute reads how large a virtual machine is. What has no such capability is taken for a container; the field
// describes those so, too.
func (s *scope) virtualCompute(nt *tosca.NodeTemplate, v *vnfd.Vdu) {
	if !s.Derives(tosca.NodeTypes, nt.Kind, typeCompute) {
		v.Container = true
		if id := s.Prop(nt, "mcio_identification_data"); !id.Empty() {
			v.Mcio = &vnfd.Mcio{
				Name: s.Identifier(id.Get("name").Text(), id.Where(), "the name of an MCIO"), Kind: s.Identifier(id.Get("type").Text(), id.Where(), "the type of an MCIO"),
			}
		}
		return
	}
	given := nt.N.Get("capabilities", "virtual_compute")
	properties := s.Of(nt, "capabilities", "virtual_compute", "properties")
	get := func(name string) *tosca.Node {
		if p := properties.Get(name); p != nil {
			return p
		}
		return s.Capability(nt, "virtual_compute", name)
	}
	cpu, memory := get("virtual_cpu"), get("virtual_memory")
	at := nt.At
	switch {
	case !properties.Empty():
		at = properties.At
	case cpu != nil || memory != nil: // of the type
	case given == nil:
		s.Findf("virtual-compute", nt.At, "%s is a Vdu.Compute without a virtual_compute; it is taken for a container", vnfd.Quote(nt.Name))
		v.Container = true
		return
	case given.Has("virtual_cpu") || given.Has("virtual_memory"):
		s.Findf("virtual-compute", given.At, "the virtual_compute of %s has its values beside 'properties:' and not in it; they are taken", vnfd.Quote(nt.Name))
		properties = s.Of(nt, "capabilities", "virtual_compute")
		cpu, memory, at = get("virtual_cpu"), get("virtual_memory"), given.At
	default:
		s.Findf("virtual-compute", nt.At, "the virtual_compute of %s has no properties: nothing says how large the virtual machine is", vnfd.Quote(nt.Name))
	}
	v.VCPUs = s.Count(cpu.Get("num_virtual_cpu"), 0)
	v.MemoryBytes = s.Size(memory.Get("virtual_mem_size"))
	for _, disk := range get("virtual_local_storage").List() {
		if storage := disk.Get("virtual_block_storage_data"); storage != nil {
			disk = storage
		}
		v.DiskBytes = plus(v.DiskBytes, s.Size(disk.Get("size_of_storage")))
	}
	v.FlavourName = s.capabilityName(get("requested_additional_capabilities"))
	s.checkCompute(v, at)
}

// plus adds sizes, up to the largest there is.
func plus(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// boot settles what each virtual machine starts from, once all storages are known. boot_order is a list of storages, or, since
// SOL001 v3.3.1, says whether the order of the storages is one.
func (s *scope) boot(f *vnfd.Flavour) {
	images := make(map[string]bool, len(f.Storages)) // storage to whether it has an image
	for _, st := range f.Storages {
		images[st.ID] = st.Image != nil
	}
	for i := range f.Vdus {
		v := &f.Vdus[i]
		n := s.Prop(s.Template(v.ID), "boot_order")
		if ordered, ok := tosca.Truth(n.Text()); ok {
			for _, id := range v.Storages {
				if ordered && images[id] {
					v.BootOrder = append(v.BootOrder, id)
				}
			}
		} else {
			s.bootList(v, n, images)
		}
		if !f.Bootable(v) {
			s.Findf("nothing-to-boot-from", v.At, "%s has nothing to boot from: neither an image nor a storage with one", vnfd.Quote(v.ID))
		}
	}
}

func (s *scope) bootList(v *vnfd.Vdu, n *tosca.Node, images map[string]bool) {
	for _, item := range n.List() {
		switch id := item.Text(); {
		case id == v.ID, id == "sw_image": // the image of its own
		case !slices.Contains(v.Storages, id):
			s.Findf("boot-order", item.At, "the boot_order of %s names %s, which is none of its storages", vnfd.Quote(v.ID), vnfd.Quote(id))
		default:
			if !images[id] && v.Image == nil && len(v.BootOrder) == 0 {
				s.Findf("boot-order", item.At, "the boot_order of %s begins with %s, which has no image", vnfd.Quote(v.ID), vnfd.Quote(id))
			}
			v.BootOrder = addOnce(v.BootOrder, id)
		}
	}
}

// capabilityName finds requested_additional_capability_name: in the map of capabilities SOL001 has, or at its top.
func (s *scope) capabilityName(n *tosca.Node) string {
	const name = "requested_additional_capability_name"
	if v := n.Get(name); v != nil {
		return s.Identifier(v.Text(), v.At, "the "+name)
	}
	for _, f := range n.Each() {
		if v := f.Value.Get(name); v.Text() != "" {
			return s.Identifier(v.Text(), v.At, "the "+name)
		}
	}
	return ""
}

// checkCompute finds sizes that no virtual machine can have.
func (s *scope) checkCompute(v *vnfd.Vdu, where vnfd.Position) {
	if v.VCPUs == 0 {
		s.Findf("implausible-size", where, "%s has no virtual CPU", vnfd.Quote(v.ID))
	}
	if v.MemoryBytes == 0 {
		s.Findf("implausible-size", where, "%s has no memory", vnfd.Quote(v.ID))
	}
	if v.Image == nil {
		return
	}
	at := s.imageAt(s.Template(v.ID))
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
		ID: nt.Name, Type: kind, SizeBytes: s.Size(n.Get(size)), Image: s.image(nt),
		PerVnfc: s.Boolean(s.Prop(nt, "per_vnfc_instance"), true), At: nt.At,
	}
	if st.SizeBytes == 0 && kind != "OBJECT" {
		s.Findf("implausible-size", nt.At, "the storage %s has no size", vnfd.Quote(nt.Name))
	}
	if st.Image != nil && st.SizeBytes > 0 && max(st.Image.SizeBytes, st.Image.MinDiskBytes) > st.SizeBytes {
		s.Findf("implausible-size", s.imageAt(nt), "the image of %s needs %d bytes, more than its storage of %d", vnfd.Quote(nt.Name), max(st.Image.SizeBytes, st.Image.MinDiskBytes), st.SizeBytes)
	}
	return st
}

// image reads the software image of a compute or storage node: sw_image_data (until SOL001 v4.2.1), and the artifact that brings
// it, which has the same properties since v3.3.1.
func (s *scope) image(nt *tosca.NodeTemplate) *vnfd.Image {
	data := s.Prop(nt, "sw_image_data")
	artifact := s.imageArtifact(nt)
	if data.Empty() && artifact == nil {
		return nil
	}
	get := func(name string) *tosca.Node {
		if v := data.Get(name); v != nil {
			return v
		}
		return artifact.Get("properties", name)
	}
	name := func(attribute string) string {
		n := get(attribute)
		return s.Identifier(n.Text(), n.Where(), "the "+attribute+" of the image")
	}
	at := s.imageAt(nt)
	img := &vnfd.Image{
		ID: nt.Name, Name: name("name"), Version: name("version"), Format: name("disk_format"), Container: name("container_format"),
		MinDiskBytes: s.Size(get("min_disk")), MinRAMBytes: s.Size(get("min_ram")), SizeBytes: s.Size(get("size")),
	}
	checksum := get("checksum")
	if checksum != nil && checksum.Kind == tosca.ScalarNode { // older descriptors give the hash alone
		img.Checksum = strings.ToLower(checksum.Value)
	} else if h := checksum.Get("hash").Text(); h != "" {
		img.Checksum = strings.ToLower(checksum.Get("algorithm").Text() + ":" + h)
	}
	img.Checksum = s.Identifier(img.Checksum, checksum.Where(), "the checksum")
	file := fileOf(artifact)
	switch {
	case img.Name != "":
	case data.Empty() && file.Text() != "":
		img.Name = s.Identifier(strings.TrimSuffix(path.Base(file.Text()), path.Ext(file.Text())), file.At, "the file of the image")
		s.Findf("image-name", at, "the software image of %s has no name; it is looked for at the VIM by the name of its file, %s", vnfd.Quote(nt.Name), vnfd.Quote(img.Name))
	default:
		s.Failf("missing-property", at, "the software image of %s has no name", vnfd.Quote(nt.Name))
	}
	if v := get("min_disk"); v != nil && img.MinDiskBytes == 0 {
		s.Findf("implausible-size", v.At, "the image of %s has a min_disk of 0", vnfd.Quote(nt.Name))
	}
	if file.Text() != "" && !tosca.IsURL(file.Text()) {
		img.File = s.artifactFile(file) // an image that is not in the package must be at the VIM already
	}
	return img
}

// imageAt is where the image of a node is described.
func (s *scope) imageAt(nt *tosca.NodeTemplate) vnfd.Position {
	if data := s.Prop(nt, "sw_image_data"); !data.Empty() {
		return data.At
	}
	return s.imageArtifact(nt).Where()
}

// imageArtifact finds the software image among the artifacts of a node.
func (s *scope) imageArtifact(nt *tosca.NodeTemplate) *tosca.Node {
	for _, f := range s.Of(nt, "artifacts").Named() {
		kind := f.Value.Get("type").Text()
		if f.Name == "sw_image" || strings.HasSuffix(kind, "SwImage") || s.Derives(tosca.ArtifactTypes, kind, "tosca.artifacts.nfv.SwImage") {
			return f.Value
		}
	}
	return nil
}

// fileOf returns the file of an artifact: {file: path}, or the path alone.
func fileOf(artifact *tosca.Node) *tosca.Node {
	if artifact != nil && artifact.Kind == tosca.ScalarNode {
		return artifact
	}
	return artifact.Get("file")
}

// checkArtifacts finds artifacts whose file is not in the package.
func (s *scope) checkArtifacts(nt *tosca.NodeTemplate) {
	for _, f := range s.Of(nt, "artifacts").Named() {
		if file := fileOf(f.Value); file.Text() != "" && !tosca.IsURL(file.Text()) {
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
