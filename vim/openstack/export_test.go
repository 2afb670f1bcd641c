package openstack

// Idle waits until nothing is being uploaded.
func (d *Driver) Idle() {
	d.uploads.Range(func(_, done any) bool {
		<-done.(chan struct{}) //nolint:forcetypeassert // upload puts it there
		return true
	})
}
