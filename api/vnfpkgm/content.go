package vnfpkgm

import (
	"archive/zip"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/api/decode"
	"github.com/vnfm/vnfm/api/rest"
	"github.com/vnfm/vnfm/egress"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vnfd/csar"
	"github.com/vnfm/vnfm/vnfpkg"
)

// The query parameters of files of packages. All are flags but sets.
const (
	signatures = "include_signatures"
	noMano     = "exclude_all_mano_artifacts"
	noOthers   = "exclude_all_non_mano_artifacts"
	external   = "include_external_artifacts"    // nothing from outside is part of a package here
	sets       = "select_non_mano_artifact_sets" // their identifiers, separated by ','
)

// putContent hands the body on as it arrives. It is hashed on its way when the request has an Idempotency-Key.
func (a *API) putContent(c *rest.Call) (*rest.Answer, error) {
	return rest.Effect(c, func(by request.Info) (*vnfpkg.Package, error) {
		return a.Packages.PutContent(c.Ctx, c.ID, c.Request.Body, by)
	}, accepted)
}

func (a *API) fetchContent(c *rest.Call) (*rest.Answer, error) {
	var body sol.UploadVnfPackageFromUriRequest
	if err := decode.Into(c.Body, &body); err != nil {
		return nil, err
	}
	from := vnfpkg.Origin{URI: body.AddressInformation, Auth: decode.Auth(body.Authentication)}
	switch plain := body.UserName != "" || body.Password != ""; {
	case plain && from.Auth != nil:
		return nil, decode.Wrong("/authentication", "is given beside userName and password: one of them tells how to authenticate")
	case plain && body.UserName == "":
		return nil, decode.Wrong("/userName", "is needed with password")
	case plain:
		from.Auth = &egress.Auth{Types: []string{egress.BasicAuth}, Basic: &egress.Basic{UserName: body.UserName, Password: body.Password}}
	}
	return rest.Effect(c, func(by request.Info) (*vnfpkg.Package, error) {
		return a.Packages.FetchContent(c.Ctx, c.ID, from, by)
	}, accepted)
}

func accepted(*vnfpkg.Package) *rest.Answer { return rest.Respond(http.StatusAccepted) }

// opened is the content of a package while a request is about it.
type opened struct {
	*vnfpkg.Contents
	pkg    *vnfpkg.Package
	signed bool // signatures are asked for, too
}

// open opens the content of the package of a request, and reads its flags.
func (s shelf) open(c *rest.Call) (*opened, error) {
	for name, values := range c.Query {
		if name != sets && values[0] != "" {
			return nil, rest.BadQuery(name, "The query parameter %s takes no value.", name)
		}
	}
	p, err := s.find(c.Ctx, c.ID)
	if err != nil {
		return nil, err
	}
	content, err := s.Packages.Contents(c.Ctx, p.ID)
	if err != nil {
		return nil, err //nolint:wrapcheck // has its kind
	}
	return &opened{Contents: content, pkg: p, signed: c.Query.Has(signatures)}, nil
}

// answer opens the content and answers with what choose makes of it.
func (s shelf) answer(c *rest.Call, choose func(o *opened) (rest.File, error)) (*rest.Answer, error) {
	o, err := s.open(c)
	if err != nil {
		return nil, err
	}
	f, err := choose(o)
	if err != nil {
		o.Close()
		return nil, err
	}
	f.Modified, f.Done = o.Since, o.Close
	return c.File(f)
}

// content is all of a package as it was uploaded.
func (s shelf) content(c *rest.Call) (*rest.Answer, error) {
	return s.answer(c, func(o *opened) (rest.File, error) {
		return rest.File{
			Type: c.Media, Name: o.pkg.ID + ".csar", Tag: o.SHA256, Size: o.Size(), Ranged: true,
			Write: func(w io.Writer, offset, length int64) error { return whole(w, o.Whole(offset, length), length) },
		}, nil
	})
}

// vnfd is the descriptor: its one file, or an archive of all that it is made of (SOL003 v3.7.1 §10.4.4.3.2).
func (s shelf) vnfd(c *rest.Call) (*rest.Answer, error) {
	return s.answer(c, func(o *opened) (rest.File, error) {
		parts := o.having(csar.RoleDefinition)
		text := len(parts) == 1 && !o.signed
		types := []string{rest.ZipType}
		if text {
			types = []string{rest.TextType, rest.ZipType}
		}
		media, err := c.Choose(types...)
		switch {
		case err != nil:
			return rest.File{}, err //nolint:wrapcheck // an answer
		case media == rest.TextType:
			return o.file(parts[0], media), nil
		}
		all := append(o.having(csar.RoleMeta), parts...)
		if o.signed {
			all = o.withSignatures(append(all, o.having(csar.RoleManifest)...))
		}
		return o.archive(all), nil
	})
}

// manifest is the manifest; with a certificate in a file of its own, where that is asked for.
func (s shelf) manifest(c *rest.Call) (*rest.Answer, error) {
	return s.answer(c, func(o *opened) (rest.File, error) {
		found := o.having(csar.RoleManifest)
		if len(found) == 0 {
			return rest.File{}, vnfm.Errorf(vnfm.NotFound, "The VNF package %s has no manifest.", o.pkg.ID)
		}
		all := o.withSignatures(found)
		if cert := o.pkg.Signature; cert != nil && cert.Certificate != "" && o.Listed(cert.Certificate) != nil && o.signed {
			all = append(all, *o.Listed(cert.Certificate))
		}
		media := rest.TextType
		if o.signed && len(all) > 1 {
			media = rest.ZipType
		}
		if _, err := c.Choose(media); err != nil {
			return rest.File{}, err //nolint:wrapcheck // an answer
		}
		if media == rest.ZipType {
			return o.archive(all), nil
		}
		return o.file(found[0], media), nil
	})
}

// artifacts is an archive of the additional artifacts, or of some of them (SOL003 v3.7.1 §10.4.5a.3.2).
func (s shelf) artifacts(c *rest.Call) (*rest.Answer, error) {
	return s.answer(c, func(o *opened) (rest.File, error) {
		var some []csar.File
		wanted := strings.Split(c.Query.Get(sets), ",")
		for _, f := range o.Files {
			switch {
			case !isArtifact(f, o.pkg), f.Set == "" && c.Query.Has(noMano), f.Set != "" && c.Query.Has(noOthers):
			case f.Set != "" && c.Query.Has(sets) && !slices.Contains(wanted, f.Set):
			default:
				some = append(some, f)
			}
		}
		return o.archive(o.withSignatures(some)), nil
	})
}

// artifact is one file of the package, whatever it is to it.
func (s shelf) artifact(c *rest.Call) (*rest.Answer, error) {
	return s.answer(c, func(o *opened) (rest.File, error) {
		name := c.Request.PathValue("path")
		f := o.Listed(name)
		if f == nil {
			return rest.File{}, vnfm.Errorf(vnfm.NotFound, "The VNF package %s has no file %q.", o.pkg.ID, name)
		}
		types := typesOf(name)
		if o.signed {
			types = []string{rest.ZipType}
		}
		media, err := c.Choose(types...)
		if err != nil {
			return rest.File{}, err //nolint:wrapcheck // an answer
		}
		if o.signed {
			return o.archive(o.withSignatures([]csar.File{*f})), nil
		}
		file := o.file(*f, media)
		file.Ranged = true
		return file, nil
	})
}

// typesOf returns the media types that a file may be sent as, the closest first. It is by its name, and the same on every machine.
func typesOf(name string) []string {
	switch strings.ToLower(path.Ext(name)) {
	case ".yaml", ".yml":
		return []string{"application/yaml", rest.TextType, rest.BytesType}
	case ".json":
		return []string{rest.JSONType, rest.TextType, rest.BytesType}
	case ".xml":
		return []string{"application/xml", rest.TextType, rest.BytesType}
	case ".txt", ".mf", ".meta", ".md", ".rst", ".log", ".cfg", ".conf", ".ini", ".sh", ".py", ".pl", ".j2", ".tpl", ".csv":
		return []string{rest.TextType, rest.BytesType}
	case ".zip", ".csar":
		return []string{rest.ZipType, rest.BytesType}
	case ".gz", ".tgz":
		return []string{"application/gzip", rest.BytesType}
	case ".tar":
		return []string{"application/x-tar", rest.BytesType}
	}
	return []string{rest.BytesType}
}

// having returns the files with a role.
func (o *opened) having(r csar.Role) []csar.File {
	return slices.DeleteFunc(slices.Clone(o.Files), func(f csar.File) bool { return f.Role != r })
}

// withSignatures returns files and, when that is asked for, those that sign them, each once.
func (o *opened) withSignatures(files []csar.File) []csar.File {
	if !o.signed {
		return files
	}
	out := slices.Clone(files)
	for _, f := range files {
		for _, name := range []string{f.Signature, f.Certificate} {
			if s := o.Listed(name); s != nil && !slices.ContainsFunc(out, func(f csar.File) bool { return f.Path == name }) {
				out = append(out, *s)
			}
		}
	}
	return out
}

// file is one file of the package.
func (o *opened) file(f csar.File, media string) rest.File {
	return rest.File{Type: media, Name: path.Base(f.Path), Tag: f.SHA256, Size: f.Size, Write: func(w io.Writer, offset, length int64) error {
		r, err := o.Open(f.Path, offset)
		if err != nil {
			return err //nolint:wrapcheck // for the log
		}
		err = whole(w, r, length)
		if err == nil && offset+length == f.Size { // at its end the reader checks the sum
			if n, end := io.ReadFull(r, make([]byte, 1)); n > 0 || !errors.Is(end, io.EOF) {
				err = fmt.Errorf("read the end of %s: %w", f.Path, cmp.Or(end, errLonger))
			}
		}
		return errors.Join(err, r.Close())
	}}
}

// archive is an archive of files under their names. The same files make the same bytes: they are stored as they are, without times.
func (o *opened) archive(files []csar.File) rest.File {
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b csar.File) int { return cmp.Compare(a.Path, b.Path) })
	sum := sha256.New()
	for _, f := range files {
		_, _ = fmt.Fprintf(sum, "%q %s\n", f.Path, f.SHA256)
	}
	return rest.File{Type: rest.ZipType, Name: o.pkg.ID + ".zip", Tag: hex.EncodeToString(sum.Sum(nil)), Size: -1, Write: func(w io.Writer, _, _ int64) error {
		z := zip.NewWriter(w)
		for _, f := range files {
			into, err := z.CreateHeader(&zip.FileHeader{Name: f.Path, Method: zip.Store})
			if err != nil {
				return fmt.Errorf("write %s: %w", f.Path, err)
			}
			if err := o.file(f, "").Write(into, 0, f.Size); err != nil {
				return err
			}
		}
		return z.Close() //nolint:wrapcheck // for the log
	}}
}

var errLonger = errors.New("it is longer than it is listed")

// whole copies so many bytes, and fails when there are fewer.
func whole(w io.Writer, r io.Reader, length int64) error {
	if _, err := io.CopyN(w, r, length); err != nil {
		return fmt.Errorf("copy: %w", err)
	}
	return nil
}
