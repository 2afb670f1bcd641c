package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
)

// diskSize is that of a disk, in bytes; it takes only what is written.
const diskSize = 8 << 30

// disk is a real file system of its own, in a file, so that it can be full without harm to anything else.
type disk struct {
	dir    string // where it is mounted
	filler string
}

// newDisk makes a disk in a file of a folder and mounts it. It needs root, mke2fs and a loop device.
func newDisk(ctx context.Context, folder string) (*disk, error) {
	image := filepath.Join(folder, "disk.img")
	f, err := os.Create(image)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(f.Truncate(diskSize), f.Close()); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "vnfm-disk-")
	if err != nil {
		return nil, err
	}
	err = os.Chmod(dir, 0o755) // the database has a user of its own
	for _, c := range [][]string{{"mke2fs", "-q", "-F", "-t", "ext4", "-m", "0", image}, {"mount", "-o", "loop", image, dir}} {
		if err == nil {
			err = command(ctx, c...)
		}
	}
	if err != nil {
		return nil, errors.Join(err, os.Remove(dir), os.Remove(image))
	}
	return &disk{dir: dir, filler: filepath.Join(dir, "filler")}, nil
}

func command(ctx context.Context, args ...string) error {
	if said, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", args[0], err, said)
	}
	return nil
}

// fill takes all the room there is. The bulk is taken without being written, the rest byte by byte.
func (d *disk) fill(ctx context.Context) error {
	var s syscall.Statfs_t
	if err := syscall.Statfs(d.dir, &s); err != nil {
		return err
	}
	const rest = 1 << 20
	if free := int64(s.Bavail) * s.Bsize; free > 2*rest {
		if err := command(ctx, "fallocate", "-l", strconv.FormatInt(free-rest, 10), d.filler); err != nil {
			return err
		}
	}
	f, err := os.OpenFile(d.filler, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	block := make([]byte, 4096)
	for err == nil {
		_, err = f.Write(block)
	}
	if errors.Is(err, syscall.ENOSPC) {
		err = nil
	}
	return errors.Join(err, f.Close())
}

// free gives the room back.
func (d *disk) free() error { return os.Remove(d.filler) }

// close unmounts the disk. What it holds stays in its file: mount -o loop shows it.
func (d *disk) close() error {
	return errors.Join(command(context.Background(), "umount", d.dir), os.Remove(d.dir))
}
