package redact

// queryKeys are parameters of URLs whose value is a right, besides those of
// secretKind, with their words joined: signatures of URLs, of S3, Google, Azure
// (sig), CloudFront, Alibaba, Tencent and Akamai, and what links in mails and sign-ins
// carry. True are those that mean other things too: only a value that looks drawn is
// one.
var queryKeys = map[string]bool{
	"signature": false, "sig": false, "hmac": false,
	"sign": true, "mac": true, "hash": true, "checksum": true, "qak": false, "hdnts": false, "hdnea": false, "hdntl": false,
	"keypairid": false, "ossaccesskeyid": false, "accesskeyid": false, "secid": true,
	"code": true, "usercode": true, "devicecode": false, "authcode": false, "resetcode": false, "verificationcode": false,
	"activationcode": false, "confirmationcode": false, "invitecode": true, "codeverifier": false, "oauthverifier": false, "verifier": true,
	"ticket": true, "loginticket": false, "serviceticket": false, "invite": true, "invitation": true, "invitationid": true, "verify": true, "verification": true,
	"confirm": true, "confirmation": true, "activate": true, "activation": true, "reset": true, "magic": true, "magiclink": true, "unsubscribe": true,
	"bearer": false, "samlresponse": false, "samlrequest": false, "assertion": false, "wresult": false, "idtokenhint": false,
	"csrf": true, "xsrf": true, "sid": true, "mceid": true, "rlkey": false, "subscriptionkey": false, "sharekey": false, "appkey": true, "authkey": false, "key": true, "nonce": true, "state": true,
	"continuation": true, "resume": true, "sharing": true, "share": true, "shareid": true, "access": true, "grant": true,
}

// queryKind returns the kind of secret that the parameter of a URL called key holds
// besides those of secretKind, or "". What follows the separator is rest.
func queryKind(key, rest string) string {
	const signature = "signature"
	var b keyBuffer
	w := b.split(key)
	for k := min(3, len(w.ends)); k > 0; k-- {
		start := 0
		if n := len(w.ends) - k; n > 0 {
			start = w.ends[n-1]
		}
		drawn, ok := queryKeys[string(w.letters[start:])]
		if !ok {
			continue
		}
		if drawn && !capability(rest[:skip(rest[:min(len(rest), maxAuthority)], 0, isToken68)]) {
			return ""
		}
		return signature
	}
	return ""
}
