package api_test

import (
	"context"
	"encoding/json"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/vim/sim"
	"github.com/vnfm/vnfm/vimregistry"
)

// vims are one VIM connection that has a secret.
type vims struct{ *cases }

func oneVim() *vimregistry.Connection {
	return &vimregistry.Connection{ID: "sim-1", Default: true, Enabled: true, BuiltIn: true, Version: 3, Public: vimregistry.Public{
		VimID: "sim-1", Type: sim.Type, InterfaceInfo: map[string]json.RawMessage{"endpoint": json.RawMessage(`"http://vim"`)},
		AccessInfo: map[string]json.RawMessage{"password": json.RawMessage(`"***"`)},
	}}
}

func (v vims) Register(_ context.Context, doc json.RawMessage, by request.Info) (*vimregistry.Connection, error) {
	return oneVim(), v.enter("register "+string(doc), by)
}

func (v vims) Change(_ context.Context, id string, patch json.RawMessage, by request.Info) (*vimregistry.Connection, error) {
	return oneVim(), v.enter("change "+id+" "+string(patch), by)
}

func (v vims) Delete(_ context.Context, id string, by request.Info) error {
	return v.enter("delete "+id, by)
}

func (vims) Get(_ context.Context, id string) (*vimregistry.Connection, error) {
	if id != "sim-1" {
		return nil, vnfm.Errorf(vnfm.NotFound, "There is no VIM connection %q.", id)
	}
	return oneVim(), nil
}

func (vims) List(context.Context) ([]vimregistry.Connection, error) {
	return []vimregistry.Connection{*oneVim()}, nil
}

func (vims) Check(context.Context, string) (*vimregistry.Checked, error) {
	return &vimregistry.Checked{Detail: "it does not answer", Took: 7 * time.Millisecond}, nil
}

// parked has one message, m1, with another behind it.
type parked struct{}

func (parked) Retry(_ context.Context, id string, _ request.Info) (int, error) {
	if id != "m1" {
		return 0, vnfm.Errorf(vnfm.NotFound, "There is no parked message %q.", id)
	}
	return 2, nil
}

func (p parked) Skip(ctx context.Context, id, _ string, by request.Info) (int, error) {
	n, err := p.Retry(ctx, id, by)
	return max(n-1, 0), err
}
