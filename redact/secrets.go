package redact

import "slices"

// secrets returns the built-in kinds of secrets. The first that fits counts, of
// those that begin at the same place the one with the longest keyword.
func secrets() []secret {
	return slices.Concat(cloudSecrets, azureSecrets, hostingSecrets, infrastructureSecrets, forgeSecrets, packageSecrets,
		chatSecrets, hookSecrets, paymentSecrets, messagingSecrets, aiSecrets, observabilitySecrets, productSecrets,
		webSecrets, keySecrets, genericSecrets)
}

var keySecrets = []secret{
	{kind: "private-key", source: "https://www.rfc-editor.org/rfc/rfc7468", words: []string{"-----BEGIN", "---- BEGIN"}, exact: true, find: privateKey},
	{kind: "private-key", source: "https://www.rfc-editor.org/rfc/rfc7468", words: []string{"-----END", "---- END"}, exact: true, find: privateKeyEnd},
	{kind: "private-key-base64", source: "https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/",
		words: []string{"LS0tLS1CRUdJTi"}, exact: true, find: codedPrivateKey},
	{kind: "putty-key", source: "https://the.earth.li/~sgtatham/putty/0.81/htmldoc/AppendixC.html", words: []string{"Private-Lines:"}, exact: true, find: puttyKey},
	{kind: "jwk", source: "https://www.rfc-editor.org/rfc/rfc7517", words: []string{`"d"`, `"dp"`, `"dq"`, `"qi"`, `"k"`, `"p"`, `"q"`, `"d\"`, `"dp\"`, `"dq\"`, `"qi\"`, `"k\"`, `"p\"`, `"q\"`}, find: jwkPrivate},
	{kind: "age-key", source: "https://github.com/C2SP/C2SP/blob/main/age.md", shapes: []string{"AGE-SECRET-KEY-1{u58}", "AGE-PLUGIN-{w50+}"}},
	{kind: "minisign-key", source: "https://jedisct1.github.io/minisign/", shapes: []string{"RWRTY0Iy{b100+}"}},
	{kind: "wireguard-key", source: "https://www.wireguard.com/", words: []string{"wireguard", "presharedkey", "wg0"}, shapes: []string{"{b43}="}},
	{kind: "bip32-key", source: "https://github.com/bitcoin/bips/blob/master/bip-0032.mediawiki", shapes: []string{"^xprv{a107}", "^tprv{a107}", "^yprv{a107}", "^zprv{a107}"}},
	{kind: "nostr-key", source: "https://github.com/nostr-protocol/nips/blob/master/19.md", shapes: []string{"^nsec1{l58}$"}},
	{kind: "wallet-key", source: "https://ethereum.org/en/developers/docs/accounts/", words: []string{"ethereum", "wallet", "eth_private", "deployer", "mnemonic"},
		shapes: []string{"0x{h64}$"}},
	{kind: "bitcoin-key", source: "https://en.bitcoin.it/wiki/Wallet_import_format", words: []string{"bitcoin", "wif_", "wif=", "wif:", "btc_"}, shapes: []string{"^{a51-52}$"}},
	{kind: "stellar-key", source: "https://developers.stellar.org/docs/learn/encyclopedia/security/keys", words: []string{"stellar", "xlm"}, shapes: []string{"^S{c55}$"}},
	{kind: "password-hash", source: "https://man7.org/linux/man-pages/man5/crypt.5.html", shapes: []string{
		"$2a${d2}${p53}", "$2b${d2}${p53}", "$2y${d2}${p53}", "$argon2id${v30+}", "$argon2i${v30+}", "$6${v40+}", "$5${v40+}", "$1${p1-8}${p22}", "$y${v40+}",
		"$apr1${p1-8}${p22}", "$scrypt${v30+}", "pbkdf2_sha256${v40+}", "SSHA}{B20+}", "SCRAM-SHA-256${v40+}"}},
	{kind: "onepassword-key", source: "https://support.1password.com/secret-key-security/", shapes: []string{"^A3-{u6}-{u6-11}-{u5}"}},
}

var webSecrets = []secret{
	{kind: "jwt", source: "https://www.rfc-editor.org/rfc/rfc7519", words: []string{"eyJ"}, exact: true, find: jwt},
	{kind: "paseto", source: "https://github.com/paseto-standard/paseto-spec", shapes: []string{
		"v1.local.{w32+}", "v2.local.{w32+}", "v3.local.{w32+}", "v4.local.{w32+}",
		"v1.public.{w32+}", "v2.public.{w32+}", "v3.public.{w32+}", "v4.public.{w32+}",
		"k1.secret.{w32+}", "k2.secret.{w32+}", "k3.secret.{w32+}", "k4.secret.{w32+}", "k1.local.{w32+}", "k2.local.{w32+}", "k3.local.{w32+}", "k4.local.{w32+}"}},
	{kind: "macaroon", source: "https://research.google/pubs/macaroons-cookies-with-contextual-caveats-for-decentralized-authorization-in-the-cloud/",
		shapes: []string{"^MDAx{t40+}", "^AgEU{t60+}"}},
	{kind: "bearer-token", source: "https://www.rfc-editor.org/rfc/rfc6750", words: []string{"bearer "}, find: bearer},
	{kind: "basic-credentials", source: "https://www.rfc-editor.org/rfc/rfc7617", words: []string{"basic "}, find: basic},
	{kind: "ntlm-message", source: "https://learn.microsoft.com/openspecs/windows_protocols/ms-nlmp/", shapes: []string{"TlRMTVNTUAA{B20+}"}},
	{kind: "kerberos-ticket", source: "https://www.rfc-editor.org/rfc/rfc4559", shapes: []string{"Negotiate (YI{B40+}", "Negotiate (oY{B40+}"}},
	{kind: "digest-response", source: "https://www.rfc-editor.org/rfc/rfc7616", shapes: []string{`response="({h32}`, `cnonce="({a8+}`, `response=\"({h32}`, `cnonce=\"({a8+}`}},
	{kind: "oauth-code", source: "https://www.rfc-editor.org/rfc/rfc6749", words: []string{"code=", "code_verifier=", "auth_code=", "authorization_code=", "device_code="}, find: queryCode, url: true},
	{kind: "oauth-assertion", source: "https://www.rfc-editor.org/rfc/rfc7521", words: []string{"assertion=", "client_assertion=", "subject_token=", "id_token_hint=", "request_uri="}, find: queryCode, url: true},
	{kind: "saml-message", source: "https://docs.oasis-open.org/security/saml/v2.0/saml-bindings-2.0-os.pdf", words: []string{"samlresponse=", "samlrequest=", "samlart=", "wresult="}, find: queryCode, url: true},
	{kind: "session-cookie", source: "https://owasp.org/www-project-web-security-testing-guide/", words: []string{"connect.sid", ".aspxauth", ".aspnetcore.", "wordpress_logged_in", "wordpress_sec",
		"phpsessid", "laravel_session", "remember_web", "cf_clearance", "csrftoken", "xsrf-token", "__host-", "__secure-", "_gh_sess", "asp.net_sessionid", "connect.sess", "sid=", "cfid", "awsalb", "rack.session", "_csrf", "keycloak_identity"}, find: sessionCookie},
}

var genericSecrets = []secret{
	{kind: "api-key", source: "https://platform.openai.com/docs/api-reference/authentication", words: []string{"sk-"}, exact: true, find: skKey},
	{kind: "api-key", source: "https://docs.stripe.com/keys", words: []string{"sk_", "rk_"}, exact: true, find: snakeKey},
	{kind: "api-key", source: "https://owasp.org/www-community/vulnerabilities/Use_of_hard-coded_password", words: []string{"key"}, find: genericKey},
	{kind: "password", source: "https://owasp.org/www-community/vulnerabilities/Use_of_hard-coded_password", words: []string{"password", "passwd", "passphrase"}, find: quotedPassword},
	{kind: "password", source: "https://owasp.org/www-community/vulnerabilities/Use_of_hard-coded_password",
		words: []string{"auth(", "set password for ", "credential(", "credentials(", "authentication(", "getconnection("}, find: loginArgument},
	{kind: "password", source: "https://learn.microsoft.com/powershell/module/microsoft.powershell.security/convertto-securestring",
		words: []string{"convertto-securestring"}, find: secureString},
	{kind: "password", source: "https://www.postgresql.org/docs/current/libpq-pgpass.html", words: []string{":5432:", ":6432:"}, find: pgpass},
	{kind: "password", source: "https://docs.oracle.com/en/database/oracle/oracle-database/", words: []string{"oracle:thin:", "oracle:oci:", "sqlplus ", "expdp ", "impdp ", "sqlldr ", "rman target "}, find: userPassword},
	{kind: "password", source: "https://learn.microsoft.com/windows-server/administration/windows-commands/net-use", words: []string{"net use "}, find: netUse},
	{kind: "password", source: "https://redis.io/docs/latest/operate/oss_and_stack/management/config/", words: []string{"requirepass "}, find: nextWord},
	{kind: "password", source: "https://www.cisco.com/c/en/us/td/docs/ios-xml/ios/security/a1/sec-a1-cr-book.html",
		words: []string{"enable secret ", "enable password ", "password 0 ", "password 7 ", "secret 0 ", "secret 5 "}, find: nextWord},
	{kind: "password", source: "https://owasp.org/www-community/vulnerabilities/Use_of_hard-coded_password",
		words: []string{"contraseña", "hasło", "lösenord", "пароль", "密码", "密碼", "パスワード", "비밀번호", "şifre"}, find: pairAfter},
	{kind: "code-climate-id", source: "https://docs.codeclimate.com/docs/configuring-test-coverage", words: []string{"cc_test_reporter_id"}, find: pairAfter},
	{kind: "secret", source: "https://owasp.org/www-community/vulnerabilities/Use_of_hard-coded_password", words: []string{"token", "secret", "credential", "api key", "access key", "password"}, find: proseSecret},
}
