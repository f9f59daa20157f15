package boltstore

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/baddisk"
)

// childEnv makes the test program a process that uses a store until it is
// killed, or has made so many updates.
const childEnv = "BOLTSTORE_CHILD"

func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		os.Exit(child(path))
	}
	os.Exit(m.Run())
}

// child counts in a record, of which there are ten, and says on its output what
// became of each update: the record, or what went wrong.
func child(path string) int {
	n, err := strconv.Atoi(os.Args[len(os.Args)-1])
	if err != nil {
		fmt.Println(err)
		return 2
	}
	s, err := Open(Config{Path: path})
	if err != nil {
		fmt.Println("open:", err)
		return 1
	}
	for i := range n {
		id := strconv.Itoa(i % 10)
		switch err := s.Update(context.Background(), key(id), countOne); {
		case err == nil:
			fmt.Println("ok", id)
		case errors.Is(err, ErrUnknown):
			fmt.Println("unknown", err)
		default:
			fmt.Println("failed", err)
		}
	}
	_ = s.Close()
	return 0
}

// countOne adds one to a record, which grows.
func countOne(cur correlate.Record, _ bool) (correlate.Record, []correlate.Delivery, error) {
	data := make([]byte, max(8, len(cur.Data)+10))
	copy(data, cur.Data)
	binary.LittleEndian.PutUint64(data, binary.LittleEndian.Uint64(data)+1)
	return correlate.Record{Version: 1, Data: data}, nil, nil
}

// counted returns what a child has counted, by record.
func counted(t *testing.T, s *Store) map[string]int {
	t.Helper()
	out := map[string]int{}
	for _, rec := range list(t, s) {
		out[rec.Key.ID] = int(binary.LittleEndian.Uint64(rec.Data))
	}
	return out
}

// said returns the updates that a child says were made, by record, and its
// other lines.
func said(t *testing.T, output []byte) (made map[string]int, rest []string) {
	t.Helper()
	made = map[string]int{}
	for line := range strings.Lines(string(output)) {
		line = strings.TrimSuffix(line, "\n")
		if id, ok := strings.CutPrefix(line, "ok "); ok {
			made[id]++
		} else {
			rest = append(rest, line)
		}
	}
	return made, rest
}

func TestDiskFull(t *testing.T) {
	folder, ok := baddisk.Tmpfs(t, "1m")
	if !ok {
		return
	}
	path, ballast := filepath.Join(folder, "store.db"), filepath.Join(folder, "ballast")
	require.NoError(t, os.WriteFile(ballast, make([]byte, 300<<10), 0o600))
	s := openStore(t, path)
	made := map[string]bool{}
	fill := func() (failed error) {
		for i := 0; failed == nil && i < 10_000; i++ {
			id := fmt.Sprintf("%d", len(made))
			if failed = write(t.Context(), s, id, make([]byte, 2000), time.Time{}, "jira"); failed == nil {
				made[id] = true
			}
		}
		return failed
	}
	err := fill()
	require.ErrorIs(t, err, ErrDiskFull)
	require.ErrorContains(t, err, path)
	require.ErrorContains(t, err, "make room")
	require.Greater(t, len(made), 20)
	require.Len(t, list(t, s), len(made), "reading goes on, and nothing is there that failed")
	require.ErrorIs(t, fill(), ErrDiskFull)

	_, err = Open(Config{Path: filepath.Join(folder, "second.db"), LockTimeout: -1})
	require.ErrorIs(t, err, ErrDiskFull, "nor is a second one made")

	require.NoError(t, os.Remove(ballast))
	before := len(made)
	require.ErrorIs(t, fill(), ErrDiskFull)
	require.Greater(t, len(made), before, "when there is room it goes on")
	require.Len(t, list(t, s), len(made))
	closeStore(t, s)

	// A damaged file cannot be copied where there is no room: it stays.
	flip(t, path, 16+56, 1)
	_, err = Open(Config{Path: path, LockTimeout: -1})
	require.ErrorIs(t, err, ErrDiskFull)
	require.Empty(t, asides(t, path))
	flip(t, path, 16+56, 1)
	s = openStore(t, path)
	require.Len(t, list(t, s), len(made))
	closeStore(t, s)
}

func TestReadOnly(t *testing.T) {
	folder, ok := baddisk.Tmpfs(t, "4m")
	if !ok {
		return
	}
	path := filepath.Join(folder, "store.db")
	closeStore(t, openStore(t, path))
	baddisk.Run(t, "mount", "-o", "remount,ro", folder)
	for _, path := range []string{path, filepath.Join(folder, "new.db")} {
		_, err := Open(Config{Path: path, LockTimeout: -1})
		require.ErrorIs(t, err, ErrReadOnly)
		require.ErrorContains(t, err, "a path that it may write to")
	}
	baddisk.Run(t, "mount", "-o", "remount,rw", folder)
	openStore(t, path)
}

// TestFailingDisk: what Update returned for is there and what it returned an
// error for is not, whichever call of the system fails; but for what it says is
// unknown, when the disk does not recover.
func TestFailingDisk(t *testing.T) {
	if !baddisk.Possible(t, "strace") {
		return
	}
	for _, test := range []struct {
		rule   string
		inject string // of each thread the calls by number, so that it is the data or the root that fails
		says   error
		may    bool // be that nothing fails: what does is tried again
	}{
		{rule: "one fsync fails", inject: "fdatasync:error=EIO:when=5", may: true},
		{rule: "another fsync fails", inject: "fdatasync:error=EIO:when=6", may: true},
		{rule: "every third fails", inject: "fdatasync:error=EIO:when=3+3"},
		{rule: "every fifth fails", inject: "fdatasync:error=EIO:when=2+5"},
		{rule: "all fail from one on", inject: "fdatasync:error=EIO:when=9+"},
		{rule: "all fail from another on", inject: "fdatasync:error=EIO:when=10+"},
		{rule: "the disk becomes read-only", inject: "pwrite64:error=EROFS:when=20+", says: ErrReadOnly},
		{rule: "writes fail now and then", inject: "pwrite64:error=EIO:when=20+7"},
		{rule: "there is no room now and then", inject: "pwrite64:error=ENOSPC:when=20+9", says: ErrDiskFull},
	} {
		t.Run(test.rule, func(t *testing.T) {
			t.Parallel() // some wait for the disk to recover
			path := newPath(t)
			closeStore(t, openStore(t, path)) // what fails is an update
			cmd := baddisk.Failing(test.inject, "60")
			cmd.Env = append(os.Environ(), childEnv+"="+path, "GOMAXPROCS=1")
			out, err := cmd.Output()
			require.NoError(t, err, "%s", out)
			made, rest := said(t, out)
			require.NotEmpty(t, made)
			require.True(t, len(rest) > 0 || test.may, "nothing fails")
			unknown := 0
			for _, line := range rest {
				if strings.HasPrefix(line, "unknown ") {
					unknown++
				}
				if test.says != nil {
					require.Contains(t, line, test.says.Error())
				} else {
					require.Contains(t, line, "input/output error")
				}
			}
			got := counted(t, openStore(t, path))
			more := 0
			for id, n := range got {
				require.GreaterOrEqual(t, n, made[id], "what was made is there")
				more += n - made[id]
			}
			for id := range made {
				require.Contains(t, got, id)
			}
			require.LessOrEqual(t, more, unknown, "what failed is not: %q", rest)
			t.Logf("%d made, %d failed, %d of them unknown", len(strings.Split(string(out), "\n"))-1-len(rest), len(rest), unknown)
		})
	}
}

// TestPowerLoss: of what Update returned for nothing is missing when the power
// fails, and the file is sound. The disk is a loop device; a copy of it, made
// while it is mounted, is what a power loss leaves.
func TestPowerLoss(t *testing.T) {
	image, folder, ok := baddisk.Ext4(t)
	if !ok {
		return
	}

	cmd := exec.Command(os.Args[0], "1000000")
	cmd.Env = append(os.Environ(), childEnv+"="+filepath.Join(folder, "store.db"))
	// What the child says is in a file of another disk before its next update.
	acks := filepath.Join(t.TempDir(), "acks")
	output, err := os.Create(acks)
	require.NoError(t, err)
	defer output.Close()
	cmd.Stdout = output
	require.NoError(t, cmd.Start())
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	require.Eventually(t, func() bool {
		info, err := os.Stat(acks)
		return err == nil && info.Size() > 100
	}, 10*time.Second, time.Millisecond, "the child makes updates")

	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 6 {
		busy(time.Duration(random.IntN(60_000)) * time.Microsecond)
		require.NoError(t, cmd.Process.Signal(syscall.SIGSTOP))
		waitStopped(t, cmd.Process.Pid)
		text, err := os.ReadFile(acks)
		require.NoError(t, err)
		made, rest := said(t, text[:bytes.LastIndexByte(text, '\n')+1])
		require.Empty(t, rest)
		after, ok := baddisk.AfterPowerLoss(t, image)
		require.NoError(t, cmd.Process.Signal(syscall.SIGCONT))
		if !ok {
			return
		}
		s := openStore(t, filepath.Join(after, "store.db"))
		got := counted(t, s)
		closeStore(t, s)
		more := 0
		for id, n := range made {
			require.GreaterOrEqual(t, got[id], n, "seed %d: what was made is there", seed)
			more += got[id] - n
		}
		require.LessOrEqual(t, more, 1, "and at most the one under way besides")
	}
}

// busy lets time pass in which another process works.
func busy(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	<-timer.C
}

// waitStopped returns when a process has stopped.
func waitStopped(t *testing.T, pid int) {
	t.Helper()
	require.Eventually(t, func() bool {
		f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			return false
		}
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if state, ok := strings.CutPrefix(lines.Text(), "State:"); ok {
				return strings.HasPrefix(strings.TrimSpace(state), "T")
			}
		}
		return false
	}, 10*time.Second, time.Millisecond)
}
