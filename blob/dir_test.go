package blob_test

import (
	"os"
	"testing"

	"github.com/vnfm/vnfm/blob"
	"github.com/vnfm/vnfm/blob/blobtest"
)

func TestDir(t *testing.T) {
	dir := t.TempDir()
	blobtest.Run(t, blob.Dir(dir))
	// The suite deletes what it stored; what is left is a file that was written in part.
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
