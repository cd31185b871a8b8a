package alertscmd

import (
	"slices"
	"strings"
)

// entities are labels that name what an alert is about, the narrowest first.
var entities = []string{"gpu", "mig", "mountpoint", "interface", "server", "pod", "replica", "instance", "node", "host", "device", "model", "service", "job", "slo", "cluster"}

// apart is what sets each alert apart from the others of its name: as few labels as
// tell them all, those of entities first; of one that is alone the narrowest. Labels
// that the rule gives to all are none of them.
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
		told := 1 // how many of them can be told from each other
		for _, k := range order(names) {
			longer := make([]string, len(of))
			different := map[string]bool{}
			for n, i := range of {
				longer[n] = text[i]
				if v := list[i].Labels[k]; v != "" {
					longer[n] = strings.TrimSpace(text[i] + " " + k + "=" + v)
				}
				different[longer[n]] = true
			}
			if len(different) <= told && len(of) > 1 {
				continue
			}
			told = len(different)
			for n, i := range of {
				text[i] = longer[n]
			}
			if told == len(of) {
				break
			}
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
