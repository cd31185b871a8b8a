package alertscmd

import (
	"slices"
	"strings"
)

// entities are labels that name what an alert is about, the narrowest first.
var entities = []string{"gpu", "mig", "mountpoint", "interface", "device", "server", "pod", "replica", "instance", "node", "host", "model", "service", "job", "slo", "cluster"}

// inside is how many of them name a part of something, and say nothing without it.
const inside = 5

// labelled is an alert by its labels; the rule's own are no part of what it is about.
type labelled struct {
	name        string
	labels, own map[string]string
}

// apart is what sets each alert apart from the others of its name: as few labels as
// tell them all, those of entities first; of one that is alone the narrowest.
func apart(list []labelled) []string {
	byName := map[string][]int{}
	for i, a := range list {
		byName[a.name] = append(byName[a.name], i)
	}
	text := make([]string, len(list))
	for _, of := range byName {
		names := map[string]bool{}
		for _, i := range of {
			for k := range list[i].labels {
				if _, own := list[i].own[k]; !own {
					names[k] = true
				}
			}
		}
		ordered := order(names)
		told := 1 // how many of them can be told from each other
		for _, k := range ordered {
			longer := make([]string, len(of))
			different := map[string]bool{}
			for n, i := range of {
				longer[n] = text[i]
				if v := list[i].labels[k]; v != "" {
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
		for _, i := range of {
			text[i] = whole(text[i], ordered, list[i].labels)
		}
	}
	return text
}

// whole completes what tells an alert: one that is told by what it lacks has a label all
// the same, and a part has what it is a part of.
func whole(text string, ordered []string, labels map[string]string) string {
	for _, k := range ordered {
		name, _, _ := strings.Cut(text, "=")
		part := slices.Contains(entities[:inside], name) && !strings.Contains(text, " ")
		if v := labels[k]; v != "" && (text == "" || part && !slices.Contains(entities[:inside], k)) {
			text = strings.TrimSpace(text + " " + k + "=" + v)
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
