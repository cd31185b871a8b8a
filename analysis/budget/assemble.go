package budget

import (
	"cmp"
	"slices"

	"llmops/rules/slo"
)

// Report judges all events that were added. The shards must be at rest. An
// error is one of the temporary file.
func (c *Counter) Report(source Source) (Report, error) {
	out := c.blank(source)
	out.Source.OfWhich = c.ofWhich()
	first, last, events, weights, ok := c.settle()
	if c.store.err != nil {
		return Report{}, c.store.err
	}
	if c.cfg.At != nil {
		last = *c.cfg.At
		out.Now = new(Time(last))
	}
	if !ok {
		return out, nil
	}
	out.Now = new(Time(last))
	f := c.frame(last, first)
	batches, workers := c.batches(&f, events)
	for n, rules := range batches {
		model := c.newPass(f, weights)
		passes, err := run(&c.store, workers, func() *pass {
			p := c.newPass(f, weights)
			p.rules, p.metrics, p.groups = rules, n == 0, model.groups
			return p
		}, (*pass).block)
		if err != nil {
			return Report{}, err
		}
		all := passes[0]
		for i, p := range passes[1:] {
			all.merge(p)
			passes[i+1] = nil // the memory of what comes
		}
		for _, g := range all.groups {
			g.prune(maxGroups)
		}
		if n == 0 {
			if out.Metrics, err = c.percentiles(all); err != nil {
				return Report{}, err
			}
		}
		c.judgeAll(&out, all)
	}
	return out, nil
}

// blank is the report without any event.
func (c *Counter) blank(source Source) Report {
	out := Report{Schema: Schema, Source: source, Verdict: NoData}
	if out.Source.Files == nil {
		out.Source.Files = []string{}
	}
	for _, r := range c.rules {
		out.SLOs = append(out.SLOs, r.head())
	}
	return out
}

// judgeAll fills in what became of each objective that was counted, and of all.
func (c *Counter) judgeAll(out *Report, all *pass) {
	for _, i := range all.rules {
		j := c.judge(i, all)
		s := j.slo()
		if j.slice == 0 {
			s.Contributors = contributors(i, s.Bad, all)
		}
		s.Course = j.course(c.cfg.Course, j.since(j.window.start))
		out.SLOs[i] = s
		all.counts[i] = count{} // the memory of the next one
	}
	out.Verdict = overall(out.SLOs)
	if out.Verdict != NoData {
		out.Release = release(out.SLOs)
	}
}

// settle takes what the shards hold: the oldest and the newest event, how many
// there are, and the weights of all keys. False without an event.
func (c *Counter) settle() (first, last, events int64, w *[dimensions]weights, ok bool) {
	w = new([dimensions]weights)
	for _, s := range c.shards {
		s.flush()
		if s.events == 0 {
			continue
		}
		if !ok {
			first, last, ok = s.first, s.last, true
		}
		first, last, events = min(first, s.first), max(last, s.last), events+s.events
		for d := range w {
			for i := 0; s.weights != nil && i < len(w[d]); i++ {
				w[d][i] += s.weights[d][i]
			}
		}
	}
	return first, last, events, w, ok
}

// contributors lists who spent the budget of rule i, by dimension the largest
// first. Events that name nothing are in no list.
func contributors(i int, all int64, p *pass) (out []Contributor) {
	for d, g := range p.groups {
		list := make([]Contributor, 0, len(g.byKey))
		for key, x := range g.byKey {
			if n := x.bad[i]; n > 0 {
				list = append(list, Contributor{By: dimensionNames[d], Key: key, Bad: n, Share: fraction(n, all)})
			}
		}
		slices.SortFunc(list, func(a, b Contributor) int { return cmp.Or(cmp.Compare(b.Bad, a.Bad), cmp.Compare(a.Key, b.Key)) })
		out = slices.Concat(out, list)
		if n := g.rest.bad[i]; n > 0 {
			out = append(out, Contributor{By: dimensionNames[d], Key: "other", Bad: n, Share: fraction(n, all), Rest: true})
		}
	}
	return out
}

// overall is the worst of the verdicts: fail, else no data, else undetermined.
func overall(slos []SLO) Verdict {
	for _, v := range []Verdict{Fail, NoData, Undetermined} {
		if slices.ContainsFunc(slos, func(s SLO) bool { return s.Verdict == v }) {
			return v
		}
	}
	return Pass
}

// name is what a rule's window is called.
func (r *rule) name() string { return slo.FormatDuration(r.Window) }
