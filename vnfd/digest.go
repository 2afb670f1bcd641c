package vnfd

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// Digest returns the SHA-256 of a descriptor, in hex, and the bytes it is of: the descriptor as JSON, the same for equal
// descriptors. It panics for a descriptor made by hand that holds invalid JSON; Open makes none.
func Digest(d *Descriptor) (digest string, canonical []byte) {
	canonical, err := json.Marshal(d)
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:]), canonical
}
