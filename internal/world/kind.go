package world

// Kind says what goes wrong. Each is written after reports of incidents, some of
// which are named; what they have in common is how it looks from outside.
type Kind string

// What a deployment does.
const (
	Crash  Kind = "crash"  // most of all requests fail
	Leak   Kind = "leak"   // each process runs out of something, some time after it started
	Route  Kind = "route"  // one operation fails
	Tenant Kind = "tenant" // one customer's requests fail
	// Dependency is a caller that fails, of what the service answers since.
	Dependency Kind = "dependency"
	Canary     Kind = "canary" // it fails, and has a small share of the traffic
	// Config is pushed everywhere within seconds, and no version changes: Cloudflare,
	// "Details of the Cloudflare outage on July 2, 2019"; CrowdStrike, "External
	// Technical Root Cause Analysis: Channel File 291" (2024).
	Config Kind = "config"
	// Flag is turned on for more and more of the requests: Slack, "A Terrible,
	// Horrible, No-Good, Very Bad Day at Slack" (2020), began with one.
	Flag Kind = "flag"
	// Half is a release that stops in the middle: U.S. Securities and Exchange
	// Commission, Release No. 70694 (2013), on Knight Capital: seven servers of eight.
	Half Kind = "half"
	// Twin is one of two that were deployed in the same minute, the other a service that
	// it calls or that calls it.
	Twin Kind = "twin"
	// Hotfix is one that has another on top soon, which does not help.
	Hotfix Kind = "hotfix"
)

// What a deployment does that is hard to see from what is told and counted.
const (
	// Slow runs out after hours: Amazon Web Services, "Summary of the Amazon Kinesis
	// Event in the Northern Virginia (US-EAST-1) Region" (2020), of threads, of which there
	// were more with each server that was added in the night.
	Slow Kind = "slow leak"
	// Migration changes data that the old version needs too, and rolling back does not
	// help: GitHub, "GitHub Availability Report: November 2021".
	Migration Kind = "migration"
	// Caller asks for far more than what it calls can bear: "Site Reliability
	// Engineering" (2016), chapter 22, Addressing Cascading Failures.
	Caller Kind = "caller"
)

// What nobody deployed.
const (
	Traffic  Kind = "traffic"  // more requests than the service can bear
	Provider Kind = "provider" // something that is called is away, which nobody here deploys
	// Hour is something that happens at a fixed time, on some days before, too: "Site
	// Reliability Engineering" (2016), chapter 24, Distributed Periodic Scheduling with Cron.
	Hour Kind = "hour"
	// Data is a record that nothing was prepared for: Fastly, "Summary of June 8 outage"
	// (2021), one customer's settings, four weeks after the release that could not bear them.
	Data Kind = "data"
	// Certificate has expired, so that every call fails from one second to the next:
	// Microsoft Teams in February 2020; the root of Let's Encrypt in September 2021.
	Certificate Kind = "certificate"
	// DNS is a name that is found no more, as caches lose it one after another: Slack,
	// "The Case of the Recursive Resolvers" (2021).
	DNS Kind = "dns"
	// Quota is used up, until midnight: Google, "Google Cloud Infrastructure Components
	// Incident #20013" (2020), of one that was cut.
	Quota Kind = "quota"
	// Storm is of callers who try again, and keep it up: Bronson and others, "Metastable
	// Failures in Distributed Systems" (HotOS 2021).
	Storm Kind = "retry storm"
	// Region is away, and many services with it: Amazon Web Services, "Summary of the AWS
	// Service Event in the US East Region" (2012).
	Region Kind = "region"
	// Ongoing begins small, and somebody deploys while it grows.
	Ongoing Kind = "ongoing"
	// Untold is changed by hand, and nobody is told: Amazon Web Services, "Summary of the
	// Amazon S3 Service Disruption in the Northern Virginia (US-EAST-1) Region" (2017).
	Untold Kind = "by hand"
)

// Share is how many faults there are of a kind.
type Share struct {
	Kind Kind
	N    int
}

// Bad are the faults that deployments bring, Hard those that are hard to see, and Others those
// that nobody deployed. A world has them in this order.
var (
	Bad = []Share{
		{Hotfix, 2}, {Twin, 3}, {Flag, 3}, {Config, 4}, // for which there are the fewest occasions
		{Crash, 8}, {Leak, 8}, {Route, 8}, {Tenant, 8}, {Dependency, 8}, {Canary, 6}, {Half, 2},
	}
	Hard   = []Share{{Slow, 3}, {Migration, 3}, {Caller, 3}}
	Others = []Share{
		{Traffic, 5}, {Provider, 5}, {Hour, 4}, {Data, 4}, {Certificate, 3}, {DNS, 3},
		{Quota, 3}, {Storm, 4}, {Region, 3}, {Ongoing, 3}, {Untold, 3},
	}
)
