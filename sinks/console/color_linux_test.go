package console

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAutoOnATerminal(t *testing.T) {
	pty, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	require.NoError(t, err)
	defer pty.Close()
	for rule, c := range map[string]struct {
		noColor, term string
		want          bool
	}{
		"a terminal has colour":            {"", "xterm", true},
		"NO_COLOR takes it away":           {"1", "xterm", false},
		"an empty NO_COLOR does not":       {"", "", true},
		"a dumb terminal does not know it": {"", "dumb", false},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Setenv("NO_COLOR", c.noColor)
			t.Setenv("TERM", c.term)
			require.Equal(t, c.want, Auto.on(pty))
		})
	}
}
