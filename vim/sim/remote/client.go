package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/sim"
)

// Client is the driver of simulated VIMs in another process. It is safe for concurrent use.
type Client struct {
	url  string
	http *http.Client
}

var (
	_ vim.Driver      = (*Client)(nil)
	_ vim.AssetFinder = (*Client)(nil)
	_ vim.Observer    = (*Client)(nil)
)

// New returns a client of the process at a URL such as http://127.0.0.1:8090.
func New(url string) *Client {
	t := &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute}
	return &Client{url: url, http: &http.Client{Transport: t}}
}

// Close ends the connections that are idle.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// call asks one question. what names the resource in errors.
func (c *Client) call(ctx context.Context, q question, what string) (result, error) {
	q.Deadline, _ = ctx.Deadline() // the zero time: none
	fail := func(class message.Class, err error) error {
		return &vim.Error{Op: q.Op, Resource: what, Class: class, Hint: "the simulated VIM did not answer", Err: err}
	}
	body, err := json.Marshal(q)
	if err != nil {
		return result{}, fail(message.Permanent, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+driverPath, bytes.NewReader(body))
	if err != nil {
		return result{}, fail(message.Permanent, err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := c.http.Do(req)
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) && op.Op == "dial" { // nothing was sent
			return result{}, fail(message.Unavailable, err)
		}
		return result{}, fail(message.UnknownOutcome, err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return result{}, fail(message.Permanent, fmt.Errorf("status %d", res.StatusCode))
	}
	var out result
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		return result{}, fail(message.UnknownOutcome, err)
	}
	if out.Error != nil {
		return result{}, out.Error
	}
	return out, nil
}

// Start creates a resource, once per token.
func (c *Client) Start(ctx context.Context, conn vim.Connection, r vim.StartRequest) (vim.Resource, error) {
	out, err := c.call(ctx, question{Op: "start", Connection: conn.ID, Start: &r}, r.Token.String())
	return out.Resource, err
}

// Change changes a resource that stands.
func (c *Client) Change(ctx context.Context, conn vim.Connection, r vim.ChangeRequest) (vim.Resource, error) {
	out, err := c.call(ctx, question{Op: "change", Connection: conn.ID, Change: &r}, r.Token.String())
	return out.Resource, err
}

// Poll looks at a resource by its id.
func (c *Client) Poll(ctx context.Context, conn vim.Connection, kind vim.Kind, id string) (vim.Resource, error) {
	out, err := c.call(ctx, question{Op: "poll", Connection: conn.ID, Kind: kind, Name: id}, id)
	return out.Resource, err
}

// Find looks a resource up by its token.
func (c *Client) Find(ctx context.Context, conn vim.Connection, kind vim.Kind, token vim.Token) (vim.Resource, error) {
	out, err := c.call(ctx, question{Op: "find", Connection: conn.ID, Kind: kind, Token: token}, token.String())
	return out.Resource, err
}

// Release deletes what carries a token; done is false until it is gone.
func (c *Client) Release(ctx context.Context, conn vim.Connection, kind vim.Kind, token vim.Token) (bool, error) {
	out, err := c.call(ctx, question{Op: "release", Connection: conn.ID, Kind: kind, Token: token}, token.String())
	return out.Done, err
}

// List returns a page of the resources of a VIM, or of those of one VNF.
func (c *Client) List(ctx context.Context, conn vim.Connection, r vim.ListRequest) (vim.ListPage, error) {
	out, err := c.call(ctx, question{Op: "list", Connection: conn.ID, List: &r}, r.Owner)
	return out.Page, err
}

// Observe returns a page of the resources of a VIM as they stand, or of those of one VNF.
func (c *Client) Observe(ctx context.Context, conn vim.Connection, r vim.ListRequest) (vim.ObservedPage, error) {
	out, err := c.call(ctx, question{Op: "observe", Connection: conn.ID, List: &r}, r.Owner)
	if err != nil || out.Observed == nil {
		return vim.ObservedPage{}, err
	}
	return *out.Observed, nil
}

// InPlace returns what a simulated VIM can change unless it was told otherwise, which this side does not know.
func (c *Client) InPlace() vim.InPlace { return sim.InPlace() }

// Runs returns all forms.
func (c *Client) Runs() []vim.Form { return sim.Runs() }

// Assets describes what the site offers.
func (c *Client) Assets(ctx context.Context, conn vim.Connection) (vim.Assets, error) {
	out, err := c.call(ctx, question{Op: "assets", Connection: conn.ID}, conn.ID)
	if err != nil || out.Assets == nil {
		return vim.Assets{}, err
	}
	return *out.Assets, nil
}

// FindFlavour returns the flavour of a name.
func (c *Client) FindFlavour(ctx context.Context, conn vim.Connection, name string) (vim.Flavour, error) {
	out, err := c.call(ctx, question{Op: "flavour", Connection: conn.ID, Name: name}, name)
	if err != nil || out.Flavour == nil {
		return vim.Flavour{}, err
	}
	return *out.Flavour, nil
}

// FindImage returns the image with a checksum, else with a name.
func (c *Client) FindImage(ctx context.Context, conn vim.Connection, name, checksum string) (vim.Image, error) {
	out, err := c.call(ctx, question{Op: "image", Connection: conn.ID, Name: name, Checksum: checksum}, name)
	if err != nil || out.Image == nil {
		return vim.Image{}, err
	}
	return *out.Image, nil
}

// Configure configures a VNF's machines.
func (c *Client) Configure(ctx context.Context, conn vim.Connection, token string, computes []string) error {
	_, err := c.call(ctx, question{Op: "configure", Connection: conn.ID, Name: token, Computes: computes}, token)
	return err
}

// Replies returns how often the message that answers a command is to be sent, once when the simulator does not say. It
// has the shape of the VIM manager's Tap.
func (c *Client) Replies(connection string, kind vim.Kind, op string) int {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	out, err := c.call(ctx, question{Op: "replies", Connection: connection, Kind: kind, Name: op}, "")
	if err != nil {
		return 1
	}
	return max(1, out.Copies)
}
