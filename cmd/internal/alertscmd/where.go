package alertscmd

import (
	"slices"
	"strings"
)

// entities are labels that name what an alert is about, the narrowest first.
var entities = []string{"gpu", "mig", "mountpoint", "interface", "server", "pod", "replica", "instance", "node", "host", "device", "model", "service", "job", "slo", "cluster"}

// apart is what sets each alert apart from the others of its name: the labels that
// differ among them; of one that is alone the narrowest two. Those that the rule gives
// to all are none of them.
func (r *report) apart(list []streak) []string {
	byName := map[string][]int{}
	for i, s := range list {
		byName[s.Name] = append(byName[s.Name], i)
	}
	text := make([]string, len(list))
	for _, of := range byName {
		names := map[string]bool{}
		for _, i := range of {
			for k := range list[i].Labels {
				if _, own := r.result.Rules[list[i].Rule].Labels[k]; !own {
					names[k] = true
				}
			}
		}
		differ := func(k string) bool {
			return slices.ContainsFunc(of, func(i int) bool { return list[i].Labels[k] != list[of[0]].Labels[k] })
		}
		var show []string
		for _, k := range order(names) {
			if differ(k) || len(of) == 1 {
				show = append(show, k)
			}
		}
		if len(of) == 1 {
			show = show[:min(len(show), 2)]
		}
		for _, i := range of {
			var parts []string
			for _, k := range show {
				if v := list[i].Labels[k]; v != "" {
					parts = append(parts, k+"="+v)
				}
			}
			text[i] = strings.Join(parts, " ")
		}
	}
	return text
}

// order sorts names of labels: those of entities first, as they stand there.
func order(names map[string]bool) []string {
	var list []string
	for _, k := range entities {
		if names[k] {
			list = append(list, k)
		}
	}
	known := len(list)
	for k := range names {
		if !slices.Contains(list[:known], k) {
			list = append(list, k)
		}
	}
	slices.Sort(list[known:])
	return list
}
