package diagnosecmd

import (
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"llmops/analysis/diagnose"
	"llmops/analysis/series"
	"llmops/cmd/internal/render"
	"llmops/rules/fault"
)

// Labels that say what commands are about, the surest first.
var (
	podLabels        = []string{"pod", "exported_pod", "pod_name", "kubernetes_pod_name"}
	namespaceLabels  = []string{"namespace", "exported_namespace", "kubernetes_namespace"}
	deploymentLabels = []string{"deployment", "exported_deployment"}
	statefulLabels   = []string{"statefulset"}
	unitLabels       = []string{"unit", "systemd_unit"}
	aboutLabels      = slices.Concat([]string{"replica"}, podLabels, []string{"server", "instance", "exported_instance", "node", "host", "Hostname", "hostname", "upstream"})
)

// An index has the labels of the series by what they are about; "": of all of them.
type index map[string][]labels.Labels

func indexOf(s *series.Store) index {
	x := index{}
	for _, s := range s.Series() {
		ls := s.Labels()
		x[""] = append(x[""], ls)
		var seen []string
		for _, l := range aboutLabels {
			if v := ls.Get(l); v != "" && !slices.Contains(seen, v) {
				seen = append(seen, v)
				x[v] = append(x[v], ls)
			}
		}
	}
	return x
}

// one is the value of the first of some labels that some series have; "" if there is
// none, or if they do not agree: a command must not be about one of several.
func one(all []labels.Labels, names []string) string {
	for _, name := range names {
		found := ""
		for _, ls := range all {
			v := ls.Get(name)
			if v == "" || v == found {
				continue
			}
			if found != "" {
				return ""
			}
			found = v
		}
		if found != "" {
			return found
		}
	}
	return ""
}

// of are the names that commands about an entity need, as far as labels say them.
func (x index) of(e diagnose.Entity) fault.Names {
	all := x[e.Name]
	n := fault.Names{
		Replica: e.Name, GPU: e.GPU, Namespace: one(all, namespaceLabels), Deployment: one(all, deploymentLabels),
		Stateful: one(all, statefulLabels), Unit: one(all, unitLabels),
	}
	if e.Name == "" {
		return n
	}
	if pod := one(all, podLabels); pod != "" {
		n.Replica = pod
	}
	var engines []labels.Labels
	for _, ls := range all {
		if name := ls.Get(model.MetricNameLabel); strings.HasPrefix(name, "vllm:") || strings.HasPrefix(name, "sglang") || strings.HasPrefix(name, "tgi_") || strings.HasPrefix(name, "llamacpp:") {
			engines = append(engines, ls)
		}
	}
	if at := one(engines, []string{"instance"}); strings.Contains(at, ":") && !strings.Contains(at, "/") {
		n.Metrics = render.Masked("http://" + at + "/metrics")
	}
	return n
}

// name puts the names of what commands are about into them, and takes out of all names
// what nobody should read.
func (s *shown) name(store *series.Store) {
	x := indexOf(store)
	s.names = map[diagnose.Entity]fault.Names{}
	masked := func(list []diagnose.Evidence) {
		for i := range list {
			list[i].Series = render.Masked(list[i].Series)
		}
	}
	for i := range s.Incidents {
		in := &s.Incidents[i]
		masked(in.Impact)
		for j, e := range in.Entities {
			in.Entities[j] = render.Masked(e)
		}
		for j := range in.Suspects {
			u := &in.Suspects[j]
			u.Entity, u.Series = render.Masked(u.Entity), render.Masked(u.Series)
		}
		for j := range in.Diagnoses {
			d := &in.Diagnoses[j]
			masked(d.Evidence)
			masked(d.Against)
			d.Entity = render.Masked(d.Entity)
			if d.Pattern == nil {
				continue
			}
			n := x.of(d.Where)
			n.Replica = render.Masked(n.Replica)
			s.names[d.Where] = n
			d.Actions = d.Actions[:0]
			for _, a := range d.Pattern.Actions {
				d.Actions = append(d.Actions, text(a, n))
			}
		}
	}
	for i, r := range s.Input.Replicas {
		s.Input.Replicas[i] = render.Masked(r)
	}
}

// text is an action and what to type, in one line.
func text(a fault.Action, n fault.Names) string {
	line := a.Do
	for i, c := range fitting(a.Run, n) {
		sep := "; "
		if i == 0 {
			sep = ": "
		}
		line += sep + c.On + ": " + c.With(n)
	}
	return line
}

// fitting are the commands that can be about an entity: not those for a pod where it has
// only an address.
func fitting(list []fault.Command, n fault.Names) []fault.Command {
	if !strings.ContainsAny(n.Replica, ":/") {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), func(c fault.Command) bool {
		return c.On == "kubernetes" && strings.Contains(c.Line, "{replica}")
	})
}
