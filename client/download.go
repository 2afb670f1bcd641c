package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/vnfm/vnfm/sol"
)

// FetchPackage has the server fetch the content of a package from an address. WaitPackage tells what becomes of it.
func (c *Client) FetchPackage(ctx context.Context, id string, r sol.UploadVnfPackageFromUriRequest) error {
	_, err := c.do(ctx, jsonCall(http.MethodPost, at(packages, id, "package_content", "upload_from_uri"), r), nil)
	return err
}

// Into says where a file goes that has a media type. It is called once, before the first byte.
type Into func(media string) (io.Writer, error)

// PackageContent reads all of a package, as it was uploaded. A download that breaks off goes on where it did.
func (c *Client) PackageContent(ctx context.Context, id string, into Into) error {
	return c.download(ctx, at(packages, id, "package_content"), "application/zip", into)
}

// PackageVnfd reads the VNFD: its one file (text/plain), or an archive of the files it is made of (application/zip).
func (c *Client) PackageVnfd(ctx context.Context, id string, into Into) error {
	return c.download(ctx, at(packages, id, "vnfd"), "text/plain, application/zip", into)
}

// PackageManifest reads the manifest.
func (c *Client) PackageManifest(ctx context.Context, id string, into Into) error {
	return c.download(ctx, at(packages, id, "manifest"), "text/plain", into)
}

// PackageArtifacts reads an archive of what is in a package beside the VNFD and images.
func (c *Client) PackageArtifacts(ctx context.Context, id string, into Into) error {
	return c.download(ctx, at(packages, id, "artifacts"), "application/zip", into)
}

// PackageArtifact reads one file of a package, by its path there.
func (c *Client) PackageArtifact(ctx context.Context, id, path string, into Into) error {
	steps := strings.Split(path, "/")
	for i, s := range steps {
		steps[i] = url.PathEscape(s)
	}
	return c.download(ctx, at(packages, id, append([]string{"artifacts"}, steps...)...), "*/*", into)
}

// download reads a file until it is whole. Where the server serves ranges it goes on where a connection broke.
func (c *Client) download(ctx context.Context, path, accept string, into Into) error {
	d := &download{c: c, path: path, accept: accept, into: into}
	for attempt := 0; ; attempt++ {
		before := d.done
		again, err := d.once(ctx)
		if err == nil || again < 0 || ctx.Err() != nil {
			return err
		}
		if d.done > before {
			attempt = 0
		}
		if attempt >= c.Retries {
			return err
		}
		if again == 0 {
			again = min(200*time.Millisecond<<attempt, 5*time.Second)
		}
		if werr := c.Wait(ctx, again); werr != nil {
			return err
		}
	}
}

// download is a file on its way.
type download struct {
	c            *Client
	path, accept string
	into         Into
	to           io.Writer // nil before the first answer
	tag          string    // of what came so far; "": it cannot go on
	done         int64     // bytes
}

// once asks for what is missing. again is how long to wait before it is worth asking again, below 0 when it is not.
func (d *download) once(ctx context.Context) (again time.Duration, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, d.c.base+d.path, nil)
	if err != nil {
		return -1, fmt.Errorf("%s: %w", d.path, err)
	}
	r.Header.Set("Accept", d.accept)
	if d.done > 0 {
		r.Header.Set("Range", "bytes="+strconv.FormatInt(d.done, 10)+"-")
		r.Header.Set("If-Range", d.tag)
	}
	res, again, err := d.c.send(r)
	if err != nil {
		return again, err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode >= http.StatusMultipleChoices {
		b, err := io.ReadAll(res.Body)
		if err != nil {
			return 0, fmt.Errorf("read the answer: %w", err)
		}
		return retryAfter(res), problem(res, b)
	}
	if d.done > 0 && (res.StatusCode != http.StatusPartialContent || !strings.HasPrefix(res.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", d.done))) {
		return -1, fmt.Errorf("the connection broke, and %s is not what it was: begin again", d.path)
	}
	if d.to == nil {
		media, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
		if d.to, err = d.into(media); err != nil {
			return -1, err
		}
		if res.Header.Get("Accept-Ranges") == "bytes" {
			d.tag = res.Header.Get("ETag")
		}
	}
	body := &watched{Reader: res.Body}
	n, err := io.Copy(d.to, body)
	d.done += n
	switch {
	case err == nil:
		return -1, nil
	case body.err == nil:
		return -1, fmt.Errorf("keep %s: %w", d.path, err)
	case d.done > 0 && d.tag == "":
		return -1, fmt.Errorf("the connection broke: %w", err)
	}
	return 0, fmt.Errorf("the connection broke: %w", err)
}

// watched remembers that reading failed: copying fails where it is written to, too.
type watched struct {
	io.Reader
	err error
}

func (w *watched) Read(b []byte) (int, error) {
	n, err := w.Reader.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		w.err = err
	}
	return n, err //nolint:wrapcheck // io.EOF must stay what it is
}
