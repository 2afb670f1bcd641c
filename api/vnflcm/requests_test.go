package vnflcm

import (
	"encoding/json"
	"testing"

	"github.com/vnfm/vnfm"
)

// FuzzInstantiateRequest: whatever is sent, the answer is a command or an error that the client can act on.
func FuzzInstantiateRequest(f *testing.F) {
	for _, seed := range []string{
		`{"flavourId":"f"}`, `[]`, `null`, `{"flavourId":{}}`, `{"flavourId":"f","extVirtualLinks":[null]}`, `{"flavourId":"\ud800"}`,
		`{"flavourId":"f","extVirtualLinks":[{"id":"e","resourceId":"n","extCps":[{"cpdId":"c","cpConfig":{"a~/b":{"cpProtocolData":[{"layerProtocol":"IP_OVER_ETHERNET","ipOverEthernet":{"ipAddresses":[{"type":"IPV4","addressRange":{"minAddress":"a","maxAddress":"b"}}]}}]}}}]}]}`,
		`{"flavourId":"f","vimConnectionInfo":{"v":{"vimType":"t","accessInfo":{"p":[1,{"a":null}]}}},"additionalParams":{"n":1e400}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		command, err := InstantiateCommand(body)
		if err == nil && (command.FlavourID == "" || !json.Valid(command.Params)) {
			t.Errorf("taken: %+v", command)
		}
		if kind := vnfm.KindOf(err); err != nil && kind != vnfm.Invalid && kind != vnfm.Unprocessable {
			t.Errorf("%s: %v", kind, err)
		}
	})
}
