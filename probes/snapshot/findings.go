package snapshot

import "cmp"

// ServerFindings says which servers did not answer, and why by the problems that came
// of asking them.
func ServerFindings(servers []Server, problems []Problem) []Finding {
	var out []Finding
	for _, s := range servers {
		if s.Up {
			continue
		}
		f := Finding{ID: "server_down", Severity: Critical, Entity: "server=" + s.URL, Summary: s.URL + " does not answer"}
		for _, p := range problems {
			if p.Source == s.URL {
				f.Why, f.Action = cmp.Or(p.Detail, string(p.Status)), p.Hint
				break
			}
		}
		out = append(out, f)
	}
	return out
}
