package fault

import (
	"slices"
	"strings"
)

// Names are what commands are about; "" is what is not known.
type Names struct {
	Replica    string // pod, or host
	GPU        string // its index on the host
	Namespace  string // of Kubernetes
	Deployment string // of Kubernetes
	Stateful   string // the StatefulSet, where it is none of a Deployment
	Unit       string // of systemd
	Metrics    string // URL of the engine's metrics page
}

// blanks are the names that stand in braces in a catalogue, and the variable of a shell
// for each that is not known: "${POD:?}" stops the command with a message as long as
// nobody has set it, so that no command is about a name that was guessed.
var blanks = []struct {
	brace, variable, about string
	of                     func(Names) string
}{
	{"{replica}", "REPLICA", "the replica: its pod", func(n Names) string { return n.Replica }},
	{"{gpu}", "GPU", "the index of the GPU", func(n Names) string { return n.GPU }},
	{"{deployment}", "DEPLOYMENT", "the Deployment that runs the replicas", func(n Names) string { return n.Deployment }},
	{"{unit}", "UNIT", "the systemd unit of the engine", func(n Names) string { return n.Unit }},
	{"{metrics}", "METRICS_URL", "the address of the engine's metrics page", func(n Names) string { return n.Metrics }},
	{"{pid}", "ENGINE_PID", "the process id of the engine", func(Names) string { return "" }},
	{"{log}", "ENGINE_LOG", "the log file of the engine", func(Names) string { return "" }},
	{"{watts}", "WATTS", "the power limit to set", func(Names) string { return "" }},
	{"{monitoring}", "MONITORING_NAMESPACE", "the namespace of the exporters", func(Names) string { return "" }},
	{"{selector}", "SELECTOR", "the key of the label by which the Service selects its pods", func(Names) string { return "" }},
}

// With is the command with the names in it, quoted for a shell.
func (c Command) With(n Names) string {
	line := c.Line
	if known(n.Namespace) && c.On == "kubernetes" && !strings.Contains(line, "kubectl -n ") {
		line = strings.ReplaceAll(line, "kubectl ", "kubectl -n {namespace} ")
	}
	pairs := []string{"{namespace}", quoted(n.Namespace)} // replaced in one go: a name may have braces in it
	if known(n.Stateful) && n.Deployment == "" {
		pairs = append(pairs, "deployment/{deployment}", "statefulset/"+quoted(n.Stateful))
	}
	for _, b := range blanks {
		word := `"${` + b.variable + `:?}"`
		if name := b.of(n); known(name) {
			word = quoted(name)
		}
		pairs = append(pairs, b.brace, word)
	}
	return strings.NewReplacer(pairs...).Replace(line)
}

// known tells whether a name can be one: a program takes what begins with a dash for an
// option, in quotes as well, and "--all" is not the name of a pod.
func known(name string) bool { return name != "" && name[0] != '-' }

// Blank is a variable of a shell that somebody has to set before a command can run.
type Blank struct{ Variable, About string }

// Blanks are those of the command.
func (c Command) Blanks(n Names) []Blank {
	line := c.Line
	if known(n.Stateful) && n.Deployment == "" {
		line = strings.ReplaceAll(line, "{deployment}", "")
	}
	var list []Blank
	for _, b := range blanks {
		if !known(b.of(n)) && strings.Contains(line, b.brace) {
			list = append(list, Blank{b.variable, b.about})
		}
	}
	return list
}

// With is the action with the names in its commands.
func (a Action) With(n Names) Action {
	a.Run = slices.Clone(a.Run)
	for i, c := range a.Run {
		a.Run[i].Line = c.With(n)
	}
	return a
}
