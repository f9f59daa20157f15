package webhook

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The vector of the Standard Webhooks repository, libraries/go/webhook_test.go.
func TestSignVector(t *testing.T) {
	keys, err := keys([]string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})
	require.NoError(t, err)
	require.Equal(t, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
		sign(keys, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`)))
}
