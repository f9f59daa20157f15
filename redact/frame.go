package redact

import "strings"

// phpFrame finds the arguments that a frame of a PHP stack quotes, whose '#' is
// at s[i], and that have texts: #0 /app/login.php(12): login('bob', 'x').
func phpFrame(s string, i int) (match, bool) {
	n := skip(s, i+1, isDigit)
	if n == i+1 || n == len(s) || s[n] != ' ' {
		return match{}, false
	}
	end := lineEnd(s, n, 0)
	call := strings.Index(s[n:end], "): ")
	if call < 0 {
		if call = strings.Index(s[n:end], "]: "); call < 0 { // [internal function]
			return match{}, false
		}
	}
	open := strings.IndexByte(s[n+call+3:end], '(')
	if open < 0 {
		return match{}, false
	}
	from := n + call + 3 + open + 1
	var out []byte
	done := from
	for j := from; j < end; j++ {
		if s[j] != '\'' {
			continue
		}
		to := end // of a text that was cut off
		for k := j + 1; k < end; k++ {
			// A quote within a text is not escaped: the last before a comma counts.
			if s[k] == '\'' && (k+1 == end || s[k+1] == ',' || s[k+1] == ')' || s[k+1] == ']') {
				to = k
				break
			}
		}
		out = append(append(out, s[done:j+1]...), literal...)
		done = to
		j = to
	}
	if out == nil {
		return match{}, false
	}
	with := string(append(out, s[done:end]...))
	return match{from, end, with}, with != s[from:end]
}
