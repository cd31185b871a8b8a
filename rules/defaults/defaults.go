// Package defaults holds the rule files that ship with the program, as the files
// that a user could have written: copy one, change it, and name the copy
// instead. It reads none of them and imports nothing of ours.
package defaults

import "embed"

// Objectives are the files of objectives, by name.
//
//go:embed budget.yaml objectives.yaml
var Objectives embed.FS

// Rules are the files of Prometheus rules, by name.
//
//go:embed burn-rate.yaml engines.yaml gpu.yaml health.yaml host.yaml service.yaml
var Rules embed.FS

// Routes is who is told of which alert unless the user says otherwise: the file
// routes.yaml.
//
//go:embed routes.yaml
var Routes embed.FS

// Prefix begins the name of a file that ships, where a flag takes either:
// "@defaults/objectives" is the file objectives.yaml in Objectives.
const Prefix = "@defaults/"

// Extension is that of the files, which a name after Prefix leaves out.
const Extension = ".yaml"

// Faults are the files of signals and fault patterns, in the folder faults.
//
//go:embed faults/*.yaml
var Faults embed.FS
