package openstack_test

import "testing"

func TestDriver(t *testing.T) { newFake(t).site().run(t) }
