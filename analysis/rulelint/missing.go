package rulelint

// missing looks at alerts without a label or an annotation.
func missing(id, about, hint string, has func(*rule) bool) Check {
	return Check{ID: id, About: about, run: func(l *linter, r *rule) {
		if r.Alert != "" && !has(r) {
			l.find(r, nil, Info, hint, "%s", about)
		}
	}}
}

func missingSeverity() Check {
	return missing("missing-severity", "an alert without the label severity", "routes choose by it: critical, warning or info",
		func(r *rule) bool { return r.Severity() != "" || r.group.Labels["severity"] != "" })
}

func missingSummary() Check {
	return missing("missing-summary", "an alert without the annotation summary", "say in a line what is wrong, and where: {{ $labels.instance }}",
		func(r *rule) bool {
			return r.Annotations["summary"] != "" || r.Annotations["description"] != "" || r.Annotations["message"] != ""
		})
}

func missingRunbook() Check {
	return missing("missing-runbook", "an alert without the annotation runbook_url", "say what to do about it, or where that stands",
		func(r *rule) bool { return r.Annotations["runbook_url"] != "" || r.Annotations["runbook"] != "" })
}
