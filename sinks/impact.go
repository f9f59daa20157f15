package sinks

import (
	"math"
	"strconv"
)

// impact writes whom and what the problem reaches.
func (p *page) impact(i Impact) {
	if len(i.Operations) == 0 && i.Traces == 0 {
		return
	}
	p.heading("Impact")
	if s := join("; ", join(", ", about(i.Traces, "trace"), about(i.Users, "user")), i.Share.says("its")); s != "" {
		p.item(2, s)
	}
	for _, a := range i.Operations {
		p.item(2, join("; ", clean(join(" ", a.Service, a.Operation), "")+": "+number(a.Count, "failed request"), a.Share.says("all")))
	}
	if i.Others > 0 {
		p.item(2, "and "+number(i.Others, "failed request")+" through other operations")
	}
}

// says returns a text such as "12 % of all requests fail (30 of 250 in 5
// minutes)", or "" if the share is not known.
func (s Share) says(whose string) string {
	if s.Requests <= 0 {
		return ""
	}
	percent, digits := 100*float64(s.Failed)/float64(s.Requests), 0
	if percent < 10 || percent > 99 && percent < 100 {
		percent, digits = math.Floor(percent*10)/10, 1 // what is not all does not become all
	}
	text := strconv.FormatFloat(percent, 'f', digits, 64)
	if percent == 0 && s.Failed > 0 {
		text = "under 0.1"
	}
	return text + " % of " + whose + " requests fail (" + strconv.FormatInt(s.Failed, 10) + " of " + strconv.FormatInt(s.Requests, 10) + " in 5 minutes)"
}

// exactly is up to how many distinct things are counted exactly.
const exactly = 128

// about is number for what is counted with an error.
func about(n int64, thing string) string {
	if n > exactly {
		return "about " + number(n, thing)
	}
	return number(n, thing)
}

// number returns n of a thing, or "" for none.
func number(n int64, thing string) string {
	switch n {
	case 0:
		return ""
	case 1:
		return "1 " + thing
	}
	return strconv.FormatInt(n, 10) + " " + thing + "s"
}
