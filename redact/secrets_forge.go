package redact

const (
	githubDocs    = "https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github"
	gitlabDocs    = "https://docs.gitlab.com/security/tokens/"
	atlassianDocs = "https://support.atlassian.com/bitbucket-cloud/docs/access-tokens/"
	slackDocs     = "https://docs.slack.dev/authentication/tokens/"
)

// Tokens of GitHub and npm end in a checksum. It is not asked: a token that was
// mistyped by a byte is one all the same.
var forgeSecrets = []secret{
	{kind: "github-token", source: githubDocs, shapes: []string{"ghp_{a30+}", "gho_{a30+}", "ghu_{a30+}", "ghs_{x30+}", "ghr_{a30+}"}},
	{kind: "github-fine-grained-token", source: githubDocs, shapes: []string{"github_pat_{x30+}"}},
	{kind: "github-app-secret", source: "https://docs.github.com/en/apps/oauth-apps", words: []string{"github"}, shapes: []string{"^{h40}$"}},
	{kind: "gitlab-token", source: gitlabDocs, shapes: []string{"glpat-{w20+}"}},
	{kind: "gitlab-oauth-secret", source: gitlabDocs, shapes: []string{"gloas-{w40+}"}},
	{kind: "gitlab-deploy-token", source: gitlabDocs, shapes: []string{"gldt-{w20+}"}},
	{kind: "gitlab-runner-token", source: gitlabDocs, shapes: []string{"glrt-{w20+}", "glrtr-{w20+}", "GR1348941{w20+}"}},
	{kind: "gitlab-ci-token", source: gitlabDocs, shapes: []string{"glcbt-{w20+}"}},
	{kind: "gitlab-trigger-token", source: gitlabDocs, shapes: []string{"glptt-{w20+}"}},
	{kind: "gitlab-feed-token", source: gitlabDocs, shapes: []string{"glft-{w20+}"}},
	{kind: "gitlab-mail-token", source: gitlabDocs, shapes: []string{"glimt-{w20+}"}},
	{kind: "gitlab-agent-token", source: gitlabDocs, shapes: []string{"glagent-{w40+}"}},
	{kind: "gitlab-scim-token", source: gitlabDocs, shapes: []string{"glsoat-{w20+}"}},
	{kind: "gitlab-feature-token", source: gitlabDocs, shapes: []string{"glffct-{w20+}"}},
	{kind: "gitlab-workspace-token", source: gitlabDocs, shapes: []string{"glwt-{w20+}"}},
	{kind: "bitbucket-app-password", source: atlassianDocs, shapes: []string{"ATBB{a24+}"}},
	{kind: "bitbucket-access-token", source: atlassianDocs, shapes: []string{"ATCTT3xFfG{t60+}"}},
	{kind: "atlassian-token", source: "https://support.atlassian.com/atlassian-account/docs/manage-api-tokens-for-your-atlassian-account/",
		shapes: []string{"ATATT3xFfG{t60+}", "ATSTT3xFfG{t60+}", "ATOAT{t60+}"}},
	{kind: "atlassian-token", source: "https://support.atlassian.com/atlassian-account/docs/manage-api-tokens-for-your-atlassian-account/",
		words: []string{"atlassian", "jira", "confluence"}, shapes: []string{"^{a24}$"}},
	{kind: "bitbucket-client-secret", source: "https://support.atlassian.com/bitbucket-cloud/docs/use-oauth-on-bitbucket-cloud/", words: []string{"bitbucket"}, shapes: []string{"^{a32}$", "^{B44}$", "^{w64}$"}},
	{kind: "gitea-token", source: "https://docs.gitea.com/development/api-usage", words: []string{"gitea", "forgejo", "codeberg", "gogs"}, shapes: []string{"^{h40}$"}},
	{kind: "sourcegraph-token", source: "https://sourcegraph.com/docs/cli/how-tos/creating_an_access_token", shapes: []string{"^sgp_{h40}", "^sgp_{a5-16}_{h40}", "^slk_{h64}", "^sgd_{h64}"}},
	{kind: "circleci-token", source: "https://circleci.com/docs/managing-api-tokens/", shapes: []string{"CCIPAT_{a22}_{h40}", "CCIPRJ_{a22}_{h40}"}},
	{kind: "circleci-token", source: "https://circleci.com/docs/managing-api-tokens/", words: []string{"circleci", "circle_token", "circle-token"}, shapes: []string{"^{h40}$"}},
	{kind: "buildkite-token", source: "https://buildkite.com/docs/apis/managing-api-tokens", shapes: []string{"^bkua_{l40}", "^bkaj_{t40+}", "^bkct_{a30+}", "^bkpt_{a30+}", "^bkat_{a30+}"}},
	{kind: "travis-token", source: "https://developer.travis-ci.com/authentication", words: []string{"travis"}, shapes: []string{"^{w22}$"}},
	{kind: "drone-token", source: "https://docs.drone.io/api/overview/", words: []string{"drone"}, shapes: []string{"^{a32}$"}},
	{kind: "jenkins-token", source: "https://www.jenkins.io/doc/book/system-administration/authenticating-scripted-clients/", words: []string{"jenkins"}, shapes: []string{"^{h32}$", "^11{h32}$"}},
	{kind: "appveyor-token", source: "https://www.appveyor.com/docs/api/", shapes: []string{"^v2.{l20}$"}},
	{kind: "codecov-token", source: "https://docs.codecov.com/docs/codecov-tokens", words: []string{"codecov"}, shapes: []string{"^{uuid}$", "^{a32}$"}},
	{kind: "sonar-token", source: "https://docs.sonarsource.com/sonarqube-server/latest/user-guide/managing-tokens/", shapes: []string{"^squ_{h40}", "^sqp_{h40}", "^sqa_{h40}", "^sqb_{h40}"}},
	{kind: "sonar-token", source: "https://docs.sonarsource.com/sonarqube-cloud/", words: []string{"sonar"}, shapes: []string{"^{h40}$"}},
	{kind: "socket-token", source: "https://docs.socket.dev/reference/authentication", shapes: []string{"^sktsec_{w30+}"}},
	{kind: "endor-key", source: "https://docs.endorlabs.com/administration/api-keys/", shapes: []string{"^endr+{w16+}"}},
	{kind: "aikido-key", source: "https://help.aikido.dev/", shapes: []string{"^AIK_RUNTIME_{x20+}", "^AIK_CLIENT_{x20+}", "^AIK_SECRET_{x20+}"}},
	{kind: "snyk-token", source: "https://docs.snyk.io/snyk-api/authentication-for-api", shapes: []string{"^snyk_uat.{h8}.{w40+}", "^snyk_sat.{h8}.{w40+}"}},
	{kind: "snyk-token", source: "https://docs.snyk.io/snyk-api/authentication-for-api", words: []string{"snyk"}, shapes: []string{"^{uuid}$"}},
	{kind: "semgrep-token", source: "https://semgrep.dev/docs/deployment/core-deployment", words: []string{"semgrep"}, shapes: []string{"^{h64}$"}},
	{kind: "postman-key", source: "https://learning.postman.com/docs/developer/postman-api/authentication/", shapes: []string{"PMAK-{h24}-{h34}"}},
	{kind: "postman-token", source: "https://learning.postman.com/docs/collaborating-in-postman/sharing/", shapes: []string{"PMAT-{u26}"}},
	{kind: "linear-key", source: "https://linear.app/developers/graphql", shapes: []string{"lin_api_{a32+}", "lin_oauth_{h40+}", "lin_wh_{a30+}"}},
	{kind: "shortcut-token", source: "https://developer.shortcut.com/api/rest/v3", words: []string{"shortcut", "clubhouse"}, shapes: []string{"^{uuid}$"}},
	{kind: "cloudbees-token", source: "https://docs.cloudbees.com/", words: []string{"cloudbees", "codeship"}, shapes: []string{"^{h32}$", "^{h40}$"}},
	{kind: "launchpad-token", source: "https://help.launchpad.net/API/SigningRequests", words: []string{"launchpad"}, shapes: []string{"^{a80}$", "^{a20}$"}},
}

var packageSecrets = []secret{
	{kind: "npm-token", source: "https://docs.npmjs.com/about-access-tokens", shapes: []string{"npm_{a36}"}},
	{kind: "npm-token", source: "https://docs.npmjs.com/about-access-tokens", words: []string{"_authtoken"}, shapes: []string{"^{uuid}$"}},
	{kind: "pypi-token", source: "https://pypi.org/help/#apitoken", shapes: []string{"pypi-A{w50+}"}},
	{kind: "rubygems-key", source: "https://guides.rubygems.org/api-key-scopes/", shapes: []string{"rubygems_{h48}"}},
	{kind: "crates-token", source: "https://doc.rust-lang.org/cargo/reference/publishing.html", shapes: []string{"^cio{a32}$"}},
	{kind: "nuget-key", source: "https://learn.microsoft.com/nuget/nuget-org/scoped-api-keys", shapes: []string{"^oy2{l43}$"}},
	{kind: "clojars-token", source: "https://github.com/clojars/clojars-web/wiki/Deploy-Tokens", shapes: []string{"CLOJARS_{l60}"}},
	{kind: "packagist-token", source: "https://packagist.com/docs/authentication", shapes: []string{
		"packagist_org_{h60+}", "packagist_ack_{h60+}", "packagist_uut_{h60+}", "packagist_out_{h60+}", "packagist_cut_{h60+}", "packagist_ucb_{h60+}"}},
	{kind: "jfrog-key", source: "https://jfrog.com/help/r/jfrog-platform-administration-documentation/access-tokens", shapes: []string{"^AKCp{a60+}", "^cmVmdGtu{a56}"}},
	{kind: "deno-token", source: "https://docs.deno.com/subhosting/manual/", shapes: []string{"^ddp_{a30+}", "^ddw_{a30+}", "^ddo_{a30+}"}},
	{kind: "hex-key", source: "https://hex.pm/docs/publish", words: []string{"hex_api_key", "hexpm", "hex.pm"}, shapes: []string{"^{h32}$"}},
	{kind: "cloudsmith-key", source: "https://help.cloudsmith.io/docs/api-key", words: []string{"cloudsmith"}, shapes: []string{"^{h40}$"}},
	{kind: "nexus-token", source: "https://help.sonatype.com/en/user-tokens.html", words: []string{"nexus", "sonatype", "ossrh"}, shapes: []string{"^{b44}$", "^NpmToken.{uuid}", "^{a64}$"}},
	{kind: "gradle-key", source: "https://docs.gradle.com/develocity/", words: []string{"gradle", "develocity"}, shapes: []string{"^{l52}$"}},
	{kind: "expo-token", source: "https://docs.expo.dev/accounts/programmatic-access/", words: []string{"expo_token", "expo-token"}, shapes: []string{"^{w40}$"}},
	{kind: "unity-key", source: "https://docs.unity3d.com/Manual/ManagingYourUnityLicense.html", shapes: []string{"^U3-{u4}-{u4}-{u4}-{u4}-{u4}", "^SB-{u4}-{u4}-{u4}-{u4}-{u4}"}},
}
