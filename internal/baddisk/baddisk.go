// Package baddisk gives tests disks that are full, read-only, failing, frozen or
// without power: tmpfs, ext4 in a file, and strace. It takes root, and a machine that
// lets it mount.
package baddisk

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// Possible reports whether there is root and the tools that a test needs. Where
// there are not the test says so loudly, and fails in CI, which has them.
func Possible(t testing.TB, tools ...string) bool {
	t.Helper()
	var lacks []string
	if os.Geteuid() != 0 {
		lacks = append(lacks, "root")
	}
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			lacks = append(lacks, tool)
		}
	}
	if len(lacks) == 0 {
		return true
	}
	message := fmt.Sprintf("%s LEFT OUT: it needs %s\n", t.Name(), strings.Join(lacks, ", "))
	if os.Getenv("CI") == "true" {
		t.Fatal(message)
	}
	fmt.Fprint(os.Stderr, message)
	return false
}

// Tmpfs mounts a file system in memory, of a size like 1m, until the end of the
// test.
func Tmpfs(t testing.TB, size string) (folder string, ok bool) {
	t.Helper()
	if !Possible(t, "mount", "umount") {
		return "", false
	}
	return Mount(t, "-t", "tmpfs", "-o", "size="+size, "none")
}

// Ext4 makes a disk of 24 MiB in a file, and mounts it until the end of the test.
// By itself the system writes to it after 30 seconds at the earliest.
func Ext4(t testing.TB, options ...string) (image, folder string, ok bool) {
	t.Helper()
	if !Possible(t, "mount", "umount", "mkfs.ext4", "cp") {
		return "", "", false
	}
	image = filepath.Join(t.TempDir(), "disk.img")
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, 24<<20); err != nil {
		t.Fatal(err)
	}
	Run(t, "mkfs.ext4", "-q", image)
	folder, ok = Mount(t, "-o", strings.Join(append(options, "loop", "commit=300"), ","), image)
	return image, folder, ok
}

// AfterPowerLoss mounts what would be on the disk if the power failed now.
func AfterPowerLoss(t testing.TB, image string) (folder string, ok bool) {
	t.Helper()
	crash := filepath.Join(t.TempDir(), "crash.img")
	Run(t, "cp", "--sparse=always", image, crash)
	return Mount(t, "-o", "loop", crash)
}

// Mount mounts a file system until the end of the test. Where the machine does not
// let it, as in most containers, the test says so, also in CI: nothing that could be
// installed is missing.
func Mount(t testing.TB, args ...string) (folder string, ok bool) {
	t.Helper()
	folder = t.TempDir()
	out, err := exec.Command("mount", append(args, folder)...).CombinedOutput()
	if err != nil && notPermitted(string(out)) {
		fmt.Fprintf(os.Stderr, "%s LEFT OUT: nothing can be mounted here: %s", t.Name(), out)
		return "", false
	}
	if err != nil {
		t.Fatalf("mount %q: %v: %s", args, err, out)
	}
	t.Cleanup(func() { unmount(t, folder) })
	return folder, true
}

// unmount waits a moment for whoever still has a file there.
func unmount(t testing.TB, folder string) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		out, err := exec.Command("umount", folder).CombinedOutput()
		switch {
		case err == nil:
			return
		case ctx.Err() != nil || !strings.Contains(string(out), "busy"):
			t.Errorf("umount %s: %v: %s", folder, err, out)
			return
		}
		<-again.C
	}
}

func notPermitted(said string) bool {
	for _, text := range []string{"permission denied", "Operation not permitted", "must be superuser", "failed to setup loop device", "cannot allocate loop device"} {
		if strings.Contains(said, text) {
			return true
		}
	}
	return false
}

// Freeze makes all writers of a file system wait, until thaw is called or the test
// ends. Whatever becomes of the test, they wait for 20 seconds at most: a process
// with a thread that waits cannot be ended.
func Freeze(t testing.TB, folder string) (thaw func()) {
	t.Helper()
	watch := exec.Command("sh", "-c", `timeout 20 cat; fsfreeze -u "$0"`, folder)
	in, err := watch.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := watch.Start(); err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	thaw = func() {
		once.Do(func() {
			_ = in.Close()
			if err := watch.Wait(); err != nil {
				t.Errorf("%s was frozen for too long: %v", folder, err)
			}
		})
	}
	t.Cleanup(thaw)
	Run(t, "fsfreeze", "-f", folder)
	return thaw
}

// Run runs a program that must not fail.
func Run(t testing.TB, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v: %s", name, args, err, out)
	}
}

// Failing returns a command that runs this test program, in which calls of the
// system fail as strace is told to: "pwrite64:error=EIO:when=20+", for one.
func Failing(inject string, args ...string) *exec.Cmd {
	call, _, _ := strings.Cut(inject, ":")
	return exec.Command("strace", append([]string{"-f", "-qq", "-o", "/dev/null", "-e", "trace=" + call, "-e", "inject=" + inject, os.Args[0]}, args...)...)
}
