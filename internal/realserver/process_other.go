//go:build !linux

package realserver

import "os/exec"

func dieWithParent(*exec.Cmd) {}

// kill ends a process; PostgreSQL's children end when they notice.
func kill(cmd *exec.Cmd) { _ = cmd.Process.Kill() }

func notAsRoot(*exec.Cmd, string) error { return nil }
