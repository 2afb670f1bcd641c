package openstack

import (
	"context"
	"net/http"
	"net/url"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// call is one operation of the driver on its way through a cloud.
type call struct {
	*cloud
	driver   *Driver
	op, what string
}

func (c call) fail(class message.Class, hint string) *vim.Error {
	return &vim.Error{Op: c.op, Resource: c.what, Class: class, Hint: hint}
}

// good are the codes of answers that are no errors.
func good() []int {
	return []int{http.StatusOK, http.StatusCreated, http.StatusAccepted, http.StatusNonAuthoritativeInfo, http.StatusNoContent}
}

// do makes a request. in is sent as JSON unless it is nil, and the answer goes to out unless that is nil. Errors are *vim.Error.
func (c call) do(ctx context.Context, s *service, method, path string, in, out any) error {
	if err := ctx.Err(); err != nil {
		return c.errorOf(s, err)
	}
	client, err := c.client(ctx, s)
	if err != nil {
		return c.errorOf(s, err)
	}
	o := &gophercloud.RequestOpts{OkCodes: good()}
	if in != nil {
		o.JSONBody = in
	}
	if out != nil {
		o.JSONResponse = out
	}
	if _, err = client.Request(ctx, method, client.ServiceURL(path), o); err != nil { //nolint:bodyclose // the client has read and closed it
		return c.errorOf(s, err)
	}
	return nil
}

func (c call) get(ctx context.Context, s *service, path string, query url.Values, out any) error {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return c.do(ctx, s, http.MethodGet, path, nil, out)
}

func (c call) post(ctx context.Context, s *service, path string, in, out any) error {
	return c.do(ctx, s, http.MethodPost, path, in, out)
}

func (c call) put(ctx context.Context, s *service, path string, in, out any) error {
	return c.do(ctx, s, http.MethodPut, path, in, out)
}

// remove deletes something; gone says that it was not there.
func (c call) remove(ctx context.Context, s *service, path string) (gone bool, err error) {
	err = c.do(ctx, s, http.MethodDelete, path, nil, nil)
	if vim.ClassOf(err) == message.NotFound {
		return true, nil
	}
	return false, err
}

// object is a JSON object.
type object map[string]any

// escaped is an id as part of a path.
func escaped(id string) string { return url.PathEscape(id) }
