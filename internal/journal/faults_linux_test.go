package journal

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/internal/baddisk"
)

// childPath is the variable that makes this program a process that puts records
// into a journal and releases some, so many times, and says what became of each.
const childPath, childPuts = "SPANTICKET_TEST_JOURNAL", "SPANTICKET_TEST_PUTS"

func init() {
	path := os.Getenv(childPath)
	if path == "" {
		return
	}
	n, _ := strconv.Atoi(os.Getenv(childPuts))
	j, err := Open(path, "shop/checkout")
	if err != nil {
		fmt.Println("open:", err)
		os.Exit(0)
	}
	var held []Entry
	for i := range n {
		e, err := j.Put(sample(i))
		if err != nil {
			fmt.Println("failed", i, err)
			continue
		}
		fmt.Println("ok", i)
		if held = append(held, e); len(held) > 20 {
			j.Release(held[0])
			held = held[1:]
		}
	}
	_ = j.Close()
	os.Exit(0)
}

// sample is a record that shows whether it is whole, of one to four sectors.
func sample(i int) []byte {
	return bytes.Repeat(fmt.Appendf(nil, "%08d;", i), 1+i*37%(MaxRecord/9))
}

func requireSample(t *testing.T, data []byte) int {
	t.Helper()
	require.GreaterOrEqual(t, len(data), 9)
	i, err := strconv.Atoi(string(data[:8]))
	require.NoError(t, err, "%q", data)
	require.Equal(t, sample(i), data)
	return i
}

// TestPowerLoss: no file that a power loss leaves is harmful, nothing in it is torn,
// and what the system had written is there. The disk is a loop device; a copy of it,
// made while it is mounted, is what a power loss leaves.
func TestPowerLoss(t *testing.T) {
	for _, row := range []struct {
		rule, option string
	}{
		{rule: "names of files after their contents", option: "data=ordered"},
		{rule: "in any order", option: "data=writeback"},
	} {
		t.Run(row.rule, func(t *testing.T) {
			image, folder, ok := baddisk.Ext4(t, row.option)
			if !ok {
				return
			}
			acks, err := os.Create(filepath.Join(t.TempDir(), "acks"))
			require.NoError(t, err)
			defer acks.Close()
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), childPath+"="+filepath.Join(folder, "journal"), childPuts+"=10000000")
			cmd.Stdout = acks
			require.NoError(t, cmd.Start())
			defer func() {
				_ = cmd.Process.Kill()
				_ = cmd.Wait()
			}()
			seed := rand.Uint64()
			random := rand.New(rand.NewPCG(seed, 0))
			t.Logf("seed %d", seed)
			found := 0
			for round := range 6 {
				require.Eventually(t, func() bool {
					info, err := acks.Stat()
					return err == nil && info.Size() > int64(100+round*random.IntN(100_000))
				}, 10*time.Second, time.Millisecond)
				found += afterPowerLoss(t, cmd, image, folder, round%2 == 1, acks.Name())
			}
			require.Positive(t, found, "what the system has written is there")
		})
	}
}

// afterPowerLoss stops a child, cuts the power, and looks at what is left. It
// returns how many records there are.
func afterPowerLoss(t *testing.T, cmd *exec.Cmd, image, folder string, synced bool, acks string) int {
	require.NoError(t, cmd.Process.Signal(syscall.SIGSTOP))
	var status syscall.WaitStatus
	_, err := syscall.Wait4(cmd.Process.Pid, &status, syscall.WUNTRACED, nil)
	require.NoError(t, err)
	require.True(t, status.Stopped())
	if synced {
		baddisk.Run(t, "sync", "-f", folder)
	}
	said, err := os.ReadFile(acks)
	require.NoError(t, err)
	after, ok := baddisk.AfterPowerLoss(t, image)
	require.NoError(t, cmd.Process.Signal(syscall.SIGCONT))
	if !ok {
		return 1
	}
	j := reopen(t, filepath.Join(after, "journal"))
	there := map[int]bool{}
	for _, r := range j.Records() {
		there[requireSample(t, r.Data)] = true
	}
	if synced {
		lines := strings.Split(strings.TrimSuffix(string(said[:bytes.LastIndexByte(said, '\n')+1]), "\n"), "\n")
		for _, line := range lines[max(0, len(lines)-20):] {
			var i int
			if _, err := fmt.Sscanf(line, "ok %d", &i); err == nil {
				require.True(t, there[i], "%d had been written", i)
			}
		}
	}
	for _, r := range j.Records() {
		j.Release(r.Entry)
	}
	put(t, j, "it goes on")
	require.NoError(t, j.Close())
	require.Equal(t, []string{"it goes on"}, texts(reopen(t, filepath.Join(after, "journal"))))
	return len(there)
}

func TestAFullDisk(t *testing.T) {
	folder, ok := baddisk.Tmpfs(t, "2m")
	if !ok {
		return
	}
	path, ballast := filepath.Join(folder, "journal"), filepath.Join(folder, "ballast")
	fill := func() {
		f, err := os.Create(ballast)
		require.NoError(t, err)
		defer f.Close()
		_, err = io.Copy(f, zeros{})
		require.ErrorIs(t, err, syscall.ENOSPC)
	}
	fill()
	_, err := Open(path, "shop/checkout")
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.ErrorContains(t, err, path)
	require.ErrorContains(t, err, "it needs 1048576 bytes")

	require.NoError(t, os.Truncate(ballast, 1500<<10)) // there is room for a half
	_, err = Open(path, "shop/checkout")
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.Empty(t, image(t, path), "what cannot be used takes no room")

	require.NoError(t, os.Remove(ballast))
	j := reopen(t, path)
	fill()
	for i := range slots {
		_, err := j.Put(sample(i))
		require.NoError(t, err, "its room was taken when it was made")
	}
	require.NoError(t, j.Close())
	require.Len(t, reopen(t, path).Records(), slots)
	_, err = Open(path, "shop/checkout")
	require.ErrorIs(t, err, syscall.ENOSPC, "and there is none for a second process")
}

// zeros never ends.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestAReadOnlyDisk(t *testing.T) {
	folder, ok := baddisk.Tmpfs(t, "4m")
	if !ok {
		return
	}
	path := filepath.Join(folder, "journal")
	j := reopen(t, path)
	put(t, j, "left")
	require.NoError(t, j.Close())
	baddisk.Run(t, "mount", "-o", "remount,ro", folder)
	for _, path := range []string{path, filepath.Join(folder, "new")} {
		_, err := Open(path, "shop/checkout")
		require.ErrorIs(t, err, syscall.EROFS)
	}
	baddisk.Run(t, "mount", "-o", "remount,rw", folder)
	require.Equal(t, []string{"left"}, texts(reopen(t, path)), "it stays until it can be taken")
}

// TestAFailingDisk: what Put returned for is there and what it returned an error for
// is not, whichever write fails.
func TestAFailingDisk(t *testing.T) {
	if !baddisk.Possible(t, "strace") {
		return
	}
	for _, row := range []struct {
		rule   string
		inject string
		says   string
		stays  bool // what failed, as the disk takes nothing back
	}{
		{rule: "one write fails", inject: "pwrite64:error=EIO:when=10", says: "input/output error"},
		{rule: "writes fail now and then", inject: "pwrite64:error=EIO:when=7+5", says: "input/output error"},
		{rule: "all fail from one on", inject: "pwrite64:error=EIO:when=30+", says: "input/output error"},
		{rule: "the first fails", inject: "pwrite64:error=EIO:when=1", says: "open: "},
		{rule: "there is no room now and then", inject: "pwrite64:error=ENOSPC:when=7+6", says: "no space left on device"},
		{rule: "it becomes read-only", inject: "pwrite64:error=EROFS:when=20+", says: "read-only file system"},
	} {
		t.Run(row.rule, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "journal")
			cmd := baddisk.Failing(row.inject)
			cmd.Env = append(os.Environ(), childPath+"="+path, childPuts+"=100", "GOMAXPROCS=1")
			out, err := cmd.Output()
			require.NoError(t, err, "nothing dies of it: %s", out)
			require.Contains(t, string(out), row.says)
			there := map[int]bool{}
			for _, r := range reopen(t, path).Records() {
				there[requireSample(t, r.Data)] = true
			}
			var made []int
			for line := range strings.Lines(string(out)) {
				var i int
				if _, err := fmt.Sscanf(line, "ok %d", &i); err == nil {
					made = append(made, i)
				} else if _, err := fmt.Sscanf(line, "failed %d", &i); err == nil {
					require.False(t, there[i], line)
				}
			}
			for _, i := range made[max(0, len(made)-20):] { // the others were released
				require.True(t, there[i], "%d was made", i)
			}
		})
	}
}

// A file that the disk cannot read costs what is in it, and not the journal.
func TestAFileThatCannotBeRead(t *testing.T) {
	if !baddisk.Possible(t, "strace") {
		return
	}
	path := filepath.Join(t.TempDir(), "journal")
	j := reopen(t, path)
	put(t, j, "unreadable for now")
	require.NoError(t, j.Close())
	cmd := baddisk.Failing("read:error=EIO")
	cmd.Args = slices.Insert(cmd.Args, 1, "-P", path)
	cmd.Env = append(os.Environ(), childPath+"="+path, childPuts+"=3")
	out, err := cmd.Output()
	require.NoError(t, err)
	require.Equal(t, "ok 0\nok 1\nok 2\n", string(out))
	require.Len(t, parsed(image(t, path+".1")), 3)
	j = reopen(t, path)
	require.Empty(t, j.Unreadable())
	require.Len(t, j.Records(), 4, "when it can be read it is")
}

// TestAFrozenDisk: a disk on which each write waits holds up one caller for a
// moment, and nothing else of the process.
func TestAFrozenDisk(t *testing.T) {
	if !baddisk.Possible(t, "fsfreeze") {
		return
	}
	_, folder, ok := baddisk.Ext4(t)
	if !ok {
		return
	}
	path := filepath.Join(folder, "journal")
	j := reopen(t, path)
	put(t, j, "before")
	thaw := baddisk.Freeze(t, folder)
	began := time.Now()
	_, err := j.Put([]byte("stuck"))
	require.ErrorIs(t, err, ErrStalled)
	for range 10_000 {
		_, err = j.Put([]byte("skipped"))
		require.ErrorIs(t, err, ErrStalled)
	}
	runtime.GC()
	require.Less(t, time.Since(began), 5*time.Second, "nobody waits, and nothing stops")

	// A process that starts meanwhile does without.
	_, err = openWithin(maxWait, path, "shop/checkout")
	require.ErrorIs(t, err, ErrStalled)
	thaw()
	require.Eventually(t, func() bool {
		_, err := j.Put([]byte("again"))
		return err == nil
	}, 5*time.Second, time.Millisecond)
	require.NoError(t, j.Close())
	// The one that came too late has let go of its file by now, or will soon.
	require.Eventually(t, func() bool {
		j, err := Open(path, "shop/checkout")
		require.NoError(t, err)
		defer j.Close()
		got := strings.Join(texts(j), " ")
		return strings.HasPrefix(got, "before stuck again")
	}, 5*time.Second, time.Millisecond)
}

// A file that is damaged all over, or cannot be read, costs no journal.
func TestAFileOfWhichNothingCanBeTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	rubbish := bytes.Repeat([]byte("rubbish "), fileSize/8)
	require.NoError(t, os.WriteFile(path, rubbish, 0o600))
	for range 2 {
		j := reopen(t, path)
		require.Equal(t, path+".1", j.Path())
		require.Equal(t, []string{path}, j.Unreadable())
		put(t, j, "there")
		require.NoError(t, j.Close())
	}
	require.Equal(t, rubbish, image(t, path), "it may be somebody's")
	require.Len(t, reopen(t, path).Records(), 2)
}
