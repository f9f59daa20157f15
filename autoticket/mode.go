package autoticket

import (
	"fmt"
	"os"
)

// modeVariable is the environment variable by which an operator overrules what
// a program is configured to do.
const modeVariable = "SPANTICKET_MODE"

// Modes of an engine.
const (
	modeLive   = "live"
	modeShadow = "shadow"
	modeOff    = "off"
)

// overruled returns the configuration with what the operator says.
func (c Config) overruled() Config {
	if v := os.Getenv(modeVariable); v != "" {
		c.Mode = v
	}
	return c
}

func (c Config) validateMode() error {
	switch c.Mode {
	case "", modeLive, modeShadow, modeOff:
		return nil
	}
	return fmt.Errorf("autoticket: Config.Mode, or the environment variable %s, is %q; it must be live, shadow or off", modeVariable, c.Mode)
}
