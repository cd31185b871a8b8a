package alertscmd

import (
	"strings"

	"llmops/cmd/internal/render"
)

// bar draws when an alert was firing, and when only pending: characters of equal width.
func (r *report) bar(s streak) string {
	const width = 32
	length := r.result.End - r.result.Start
	if length <= 0 {
		return ""
	}
	cells := []rune(strings.Repeat("░", width))
	fill := func(from, to int64, with rune) {
		part := func(t int64) int { return int(min(width-1, max(0, (t-r.result.Start)*width/length))) }
		for i := part(from); i <= part(max(from, to-1)); i++ {
			if cells[i] != '█' {
				cells[i] = with
			}
		}
	}
	for _, i := range s.all {
		a := r.result.Alerts[i]
		if !fired(a) {
			fill(a.ActiveAt, r.until(a), '▒')
			continue
		}
		fill(a.FiredAt, r.until(a), '█')
		fill(a.ActiveAt, a.FiredAt, '▒')
	}
	return string(cells)
}

// timeline draws how many alerts were firing at a time.
func (v *view) timeline() {
	edges, counts := v.firing(columns)
	if len(edges) == 0 {
		return
	}
	values := make([]*float64, len(edges))
	most := 0
	for i := range edges {
		n := 0
		for _, c := range counts {
			n += c[i]
		}
		values[i] = new(float64(n))
		most = max(most, n)
	}
	if most == 0 {
		return
	}
	v.Printf("\n%s\n%s at most %d\n", v.Style.Bold("alerts firing over time"), render.Spark(values, columns, v.ascii), most)
}

// firing counts the alerts that fire in each of n parts of the replay, by severity.
func (r *report) firing(n int) (starts []int64, counts map[severity][]int) {
	length := r.result.End - r.result.Start
	if length <= 0 {
		return nil, nil
	}
	counts = map[severity][]int{}
	for i := range n {
		starts = append(starts, r.result.Start+length*int64(i)/int64(n))
	}
	for _, a := range r.result.Alerts {
		if !fired(a) {
			continue
		}
		s := severityOf(a.Severity)
		if counts[s] == nil {
			counts[s] = make([]int, n)
		}
		part := func(t int64) int { return int(min(int64(n)-1, (t-r.result.Start)*int64(n)/length)) }
		last := part(r.until(a))
		if resolved(a) && last > part(a.FiredAt) && starts[last] == a.ResolvedAt {
			last--
		}
		for i := part(a.FiredAt); i <= last; i++ {
			counts[s][i]++
		}
	}
	return starts, counts
}
