package vnflcm

import (
	"encoding/json"
	"testing"

	"github.com/vnfm/vnfm"
)

// TestATimeoutOfAForcefulTermination has no meaning, and clients send it: it is not looked at (SOL003 v3.7.1 §5.5.2.8: "only applicable in
// case of graceful termination"). Seen failing with 400.
func TestATimeoutOfAForcefulTermination(t *testing.T) {
	c, err := TerminateCommand([]byte(`{"terminationType":"FORCEFUL","gracefulTerminationTimeout":600}`))
	if err != nil || c.GracefulTimeout != 0 {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := TerminateCommand([]byte(`{"terminationType":"GRACEFUL","gracefulTerminationTimeout":-1}`)); vnfm.KindOf(err) != vnfm.Invalid {
		t.Errorf("a negative one: %v", err)
	}
}

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
