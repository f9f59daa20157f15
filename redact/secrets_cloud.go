package redact

// The documents that describe what the clouds give out.
const (
	awsDocs     = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html"
	gcpDocs     = "https://cloud.google.com/docs/authentication/api-keys"
	oauthGoogle = "https://developers.google.com/identity/protocols/oauth2"
	azureDocs   = "https://github.com/microsoft/security-utilities"
	yandexDocs  = "https://yandex.cloud/en/docs/iam/concepts/authorization/"
)

var cloudSecrets = []secret{
	{kind: "aws-access-key", source: awsDocs, words: []string{"AKIA", "ASIA", "ABIA", "ACCA"}, exact: true, find: awsAccessKey},
	{kind: "aws-secret-key", source: awsDocs, words: []string{"aws_secret", "awssecret", "aws-secret", "secret_access_key", "secretaccesskey", "aws_key", "aws secret"},
		shapes: []string{"^{b40}$"}},
	{kind: "aws-session-token", source: "https://docs.aws.amazon.com/STS/latest/APIReference/API_Credentials.html",
		shapes: []string{"FwoGZXIvYXdz{B60+}", "IQoJb3JpZ2lu{B60+}", "FQoGZXIvYXdz{B60+}", "AQoDYXdz{B60+}", "FwoDYXdz{B60+}"}},
	{kind: "aws-appsync-key", source: "https://docs.aws.amazon.com/appsync/latest/devguide/security-authz.html", shapes: []string{"^da2-{l26}$"}},
	{kind: "aws-bedrock-key", source: "https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys.html",
		shapes: []string{"^ABSK{B100+}", "bedrock-api-key-{B40+}"}},
	{kind: "aws-mws-token", source: "https://developer-docs.amazon.com/sp-api/docs/migrating-from-amazon-marketplace-web-service", shapes: []string{"amzn.mws.{uuid}"}},
	{kind: "amazon-oauth-token", source: "https://developer.amazon.com/docs/login-with-amazon/access-token.html",
		shapes: []string{"Atza|{t40+}", "Atzr|{t40+}", "amzn1.oa2-cs.v1.{h64}", "amzn1.application-oa2-client.({h64}"}},
	{kind: "aws-signature", source: "https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html", shapes: []string{"^Signature=({h64}"}},
	{kind: "google-api-key", source: gcpDocs, shapes: []string{"AIza{w30-35}"}},
	{kind: "google-token", source: oauthGoogle, shapes: []string{"ya29.{t20+}"}},
	{kind: "google-refresh-token", source: oauthGoogle, shapes: []string{"^1//0{w40+}"}},
	{kind: "google-oauth-code", source: oauthGoogle, shapes: []string{"^4/0A{w30+}"}},
	{kind: "google-oauth-secret", source: oauthGoogle, shapes: []string{"GOCSPX-{w28}"}},
	{kind: "google-hmac-key", source: "https://cloud.google.com/storage/docs/authentication/hmackeys", shapes: []string{"^GOOG1E{a55}", "^GOOG{u20}$"}},
	{kind: "google-session-token", source: oauthGoogle, shapes: []string{"^g.a000{w60+}"}},
	{kind: "firebase-messaging-key", source: "https://firebase.google.com/docs/cloud-messaging/auth-server", shapes: []string{"AAAA{w7}:APA91b{w100+}"}},
	{kind: "alibaba-access-key", source: "https://www.alibabacloud.com/help/en/ram/user-guide/create-an-accesskey-pair", shapes: []string{"^LTAI{a12-20}$", "^STS.{a12-26}$"}},
	{kind: "alibaba-secret-key", source: "https://www.alibabacloud.com/help/en/ram/user-guide/create-an-accesskey-pair", words: []string{"alibaba", "aliyun", "alicloud", "accesskeysecret"},
		shapes: []string{"^{a30}$"}},
	{kind: "tencent-secret-id", source: "https://www.tencentcloud.com/document/product/598/34227", shapes: []string{"^AKID{a32}$"}},
	{kind: "tencent-secret-key", source: "https://www.tencentcloud.com/document/product/598/34227", words: []string{"tencent", "qcloud"}, shapes: []string{"^{a32}$"}},
	{kind: "ibm-cloud-key", source: "https://cloud.ibm.com/docs/account?topic=account-userapikey", words: []string{"ibm", "bluemix", "watson"}, shapes: []string{"^{w44}$"}},
	{kind: "yandex-api-key", source: yandexDocs, shapes: []string{"^AQVN{w35-38}$"}},
	{kind: "yandex-iam-token", source: yandexDocs, shapes: []string{"^t1.{t40+}"}},
	{kind: "yandex-oauth-token", source: yandexDocs, shapes: []string{"^y0_{w50+}"}},
	{kind: "yandex-secret-key", source: yandexDocs, shapes: []string{"^YCAJE{w20}$", "^YCP{w35-38}$", "^YCM{w35-38}$", "^YCO{w35-38}$", "^YCN{w35-38}$", "^YCA{w37}$"}},
	{kind: "baidu-key", source: "https://cloud.baidu.com/doc/Reference/s/Um5wtu5ay", shapes: []string{"bce-v3/ALTAK-{a16+}/{h40}"}},
	{kind: "exoscale-key", source: "https://community.exoscale.com/documentation/iam/", shapes: []string{"^EXO{h24}$"}},
	{kind: "upcloud-token", source: "https://developers.upcloud.com/1.3/", shapes: []string{"^ucat_{u26}"}},
	{kind: "volcengine-key", source: "https://www.volcengine.com/docs/6291/65568", shapes: []string{"^AKLT{B40+}"}},
	{kind: "digitalocean-token", source: "https://docs.digitalocean.com/reference/api/create-personal-access-token/",
		shapes: []string{"dop_v1_{h40+}", "doo_v1_{h40+}", "dor_v1_{h40+}"}},
	{kind: "digitalocean-spaces-key", source: "https://docs.digitalocean.com/products/spaces/how-to/manage-access/", shapes: []string{"^DO00{u16}$"}},
	{kind: "digitalocean-agent-key", source: "https://docs.digitalocean.com/products/gradient-ai-platform/", shapes: []string{"^doo_agent_{w30+}"}},
}

// Azure's keys hold a signature of the service at a known place, and a checksum.
var azureSecrets = []secret{
	{kind: "azure-storage-key", source: azureDocs, shapes: []string{"{b76}+ASt{b5}{B3}"}},
	{kind: "azure-batch-key", source: azureDocs, shapes: []string{"{b76}+ABa{b5}{B3}"}},
	{kind: "azure-ml-key", source: azureDocs, shapes: []string{"{b76}+AMC{b5}{B3}"}},
	{kind: "azure-apim-key", source: azureDocs, shapes: []string{"{b76}APIM{b5}{B3}"}},
	{kind: "azure-cosmos-key", source: azureDocs, shapes: []string{"{b76}ACDb{b5}{B3}"}},
	{kind: "azure-servicebus-key", source: azureDocs, shapes: []string{"{b33}+ASb{b6}{B1}"}},
	{kind: "azure-eventhub-key", source: azureDocs, shapes: []string{"{b33}+AEh{b6}{B1}"}},
	{kind: "azure-relay-key", source: azureDocs, shapes: []string{"{b33}+ARm{b6}{B1}"}},
	{kind: "azure-iot-key", source: azureDocs, shapes: []string{"{b33}AIoT{b6}="}},
	{kind: "azure-redis-key", source: azureDocs, shapes: []string{"{a33}AzCa{a6}="}},
	{kind: "azure-search-key", source: azureDocs, shapes: []string{"{a42}AzSe{a6}$"}},
	{kind: "azure-function-key", source: azureDocs, shapes: []string{"{w44}AzFu{w6}=="}},
	{kind: "azure-registry-key", source: azureDocs, shapes: []string{"{b42}+ACR{b6}"}},
	{kind: "azure-ai-key", source: azureDocs, shapes: []string{"{a52}JQQJ99{a26}"}},
	{kind: "azure-account-key", source: "https://learn.microsoft.com/azure/storage/common/storage-account-keys-manage",
		words: []string{"accountkey=", "azure_storage", "azurestorage", "storage_account", "documentdb", "cosmos"}, shapes: []string{"{b86}=="}},
	{kind: "azure-client-secret", source: "https://learn.microsoft.com/purview/sit-defn-azure-ad-client-secret", shapes: []string{"{t3}{d1}Q~{t31-34}"}},
	{kind: "azure-access-signature", source: "https://learn.microsoft.com/rest/api/eventhub/generate-sas-token", words: []string{"sharedaccesssignature "}, find: sharedAccessSignature},
	{kind: "azure-devops-token", source: "https://learn.microsoft.com/azure/devops/organizations/accounts/use-personal-access-tokens-to-authenticate", shapes: []string{"{a76}AZDO{a4}"}},
	{kind: "azure-devops-token", source: "https://learn.microsoft.com/azure/devops/organizations/accounts/use-personal-access-tokens-to-authenticate",
		words: []string{"azure_devops", "azuredevops", "azure devops", "vsts", "ado_pat", "dev.azure.com", "visualstudio.com", "system_accesstoken"}, shapes: []string{"^{l52}$"}},
	{kind: "azure-subscription-key", source: "https://learn.microsoft.com/azure/api-management/api-management-subscriptions",
		words: []string{"ocp-apim-subscription-key", "subscription-key", "subscription_key", "cognitiveservices", "azure_openai", "azure-openai"}, shapes: []string{"^{h32}$"}},
	{kind: "azure-connection-string", source: "https://learn.microsoft.com/azure/azure-app-configuration/", words: []string{"azconfig.io"}, shapes: []string{"{b36-110}="}},
}
