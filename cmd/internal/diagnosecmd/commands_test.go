package diagnosecmd

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"

	"llmops/analysis/diagnose"
	"llmops/rules/defaults"
	"llmops/rules/fault"
)

func shipped(t *testing.T) fault.Catalogue {
	t.Helper()
	c, err := fault.Load(defaults.Faults, "faults")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var (
	nobody  = fault.Names{}
	usual   = fault.Names{Replica: "llm-0", GPU: "1", Namespace: "serving", Deployment: "llm", Unit: "llm.service", Metrics: "http://10.0.0.1:8000/metrics"}
	hostile = fault.Names{Replica: "it's; $(touch x) {gpu} `id`", GPU: "0 -x\n{unit}", Namespace: "a'b {replica}", Deployment: `"$(touch y)`, Unit: "-u", Metrics: "http://h/'"}
)

// each calls do with every command of the catalogue, once, in a script for a shell.
func each(t *testing.T, n fault.Names, do func(id string, c fault.Command, line string)) {
	t.Helper()
	seen := map[string]bool{}
	for _, f := range shipped(t).Faults {
		for _, a := range f.Actions {
			for _, c := range a.Run {
				if line := c.With(n); !seen[line] {
					seen[line] = true
					do(f.ID, c, line)
				}
			}
		}
	}
	if len(seen) < 40 {
		t.Errorf("%d commands only", len(seen))
	}
}

func shell(t *testing.T) string {
	t.Helper()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash to check commands with")
	}
	return bash
}

// TestCommandsAreShell: every command is one that bash can read, whatever names it is
// about, and none names a service of its own making.
func TestCommandsAreShell(t *testing.T) {
	bash := shell(t)
	for _, n := range []fault.Names{nobody, usual, hostile} {
		var script strings.Builder
		each(t, n, func(id string, c fault.Command, line string) {
			if strings.Contains(line, "vllm") {
				t.Errorf("%s: a guessed name: %s", id, line)
			}
			if n != hostile && strings.ContainsAny(strings.ReplaceAll(line, "${", ""), "\n") {
				t.Errorf("%s: more than one line: %s", id, line)
			}
			script.WriteString("f() {\n" + line + "\n}\n")
		})
		if out, err := exec.Command(bash, "-n", "-c", script.String()).CombinedOutput(); err != nil {
			t.Errorf("%+v: %s", n, out)
		}
	}
}

// TestCommandsDoNotGuess: while a name is not set the command ends before anything that
// changes something runs, and labels of anybody run nothing.
func TestCommandsDoNotGuess(t *testing.T) {
	bash := shell(t)
	dir := t.TempDir()
	// Programs that only say with what they were called.
	for _, name := range []string{"kubectl", "systemctl", "journalctl", "nvidia-smi", "kill", "tail", "curl", "py-spy", "touch", "id"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!"+bash+"\nprintf 'RAN %s' \"${0##*/}\"; printf ' <%s>' \"$@\"; echo\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	run := func(line string) (string, error) {
		cmd := exec.Command(bash, "-c", "enable -n kill; "+line)
		cmd.Env, cmd.Dir = []string{"PATH=" + dir}, dir
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	blank := 0
	each(t, nobody, func(id string, c fault.Command, line string) {
		if len(c.Blanks(nobody)) == 0 {
			return
		}
		blank++
		if out, err := run(line); err == nil || strings.Contains(out, "RAN") {
			t.Errorf("%s: %s runs without a name: %s", id, line, out)
		}
	})
	if blank < 20 {
		t.Errorf("%d commands with a name to be set", blank)
	}
	each(t, hostile, func(id string, c fault.Command, line string) {
		if c.Line != "kubectl delete pod {replica}" {
			return
		}
		want := "RAN kubectl <-n> <" + hostile.Namespace + "> <delete> <pod> <" + hostile.Replica + ">\n"
		if out, err := run(line); err != nil || out != want {
			t.Errorf("%s: %s: %v, want %s", line, out, err, want)
		}
	})
}

const nowhere = `apiVersion: v1
kind: Config
clusters: [{name: nowhere, cluster: {server: "http://127.0.0.1:1"}}]
contexts: [{name: nowhere, context: {cluster: nowhere}}]
current-context: nowhere
`

// TestKubectlKnowsThem: kubectl takes verbs and flags of all its commands; that there is
// no server is the only thing it complains of.
func TestKubectlKnowsThem(t *testing.T) {
	bash := shell(t)
	if _, err := exec.LookPath("kubectl"); err != nil {
		t.Skip("there is no kubectl to check commands with")
	}
	if testing.Short() {
		t.Skip("kubectl takes its time")
	}
	// Whatever this machine can reach, the commands must not: port 1 refuses.
	config := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(config, []byte(nowhere), 0o600); err != nil {
		t.Fatal(err)
	}
	checked := 0
	each(t, usual, func(id string, c fault.Command, line string) {
		if c.On != "kubernetes" {
			return
		}
		for _, b := range c.Blanks(usual) {
			line = strings.ReplaceAll(line, "${"+b.Variable+":?}", "app")
		}
		// What comes behind && would run only with a server: the first part gives a word.
		if first, rest, ok := strings.Cut(line, " && "); ok {
			if name, _, ok := strings.Cut(first, "="); ok {
				line = name + "=3; " + rest
			}
		}
		checked++
		cmd := exec.Command(bash, "-c", line)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "KUBECONFIG=" + config, "HOME=" + t.TempDir()}
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "refused") {
			t.Errorf("%s: %s: %s", id, line, out)
		}
	})
	if checked < 15 {
		t.Errorf("%d commands only", checked)
	}
}

func TestNames(t *testing.T) {
	set := func(pairs ...string) labels.Labels { return labels.FromStrings(pairs...) }
	all := []labels.Labels{
		set("__name__", "vllm:num_requests_running", "instance", "10.0.0.1:8000", "pod", "llm-0", "namespace", "serving"),
		set("__name__", "vllm:num_requests_running", "instance", "10.0.0.2:8000", "pod", "llm-1", "namespace", "serving"),
		set("__name__", "DCGM_FI_DEV_GPU_TEMP", "instance", "10.0.0.1:9400", "pod", "llm-0", "namespace", "serving", "deployment", "llm"),
		set("__name__", "vllm:num_requests_running", "instance", "me:secret@10.0.0.3:8000", "pod", "llm-3", "namespace", "serving"),
		set("__name__", "node_load1", "instance", "10.0.0.9:9100", "unit", "a"),
		set("__name__", "node_load1", "instance", "10.0.0.9:9100", "unit", "b"),
	}
	x := index{}
	for _, ls := range all {
		for _, key := range []string{"", ls.Get("pod"), ls.Get("instance")} {
			x[key] = append(x[key], ls)
		}
	}
	for _, c := range []struct {
		at   diagnose.Entity
		want fault.Names
	}{
		{diagnose.Entity{Label: "replica", Name: "llm-0", GPU: "3"}, fault.Names{Replica: "llm-0", GPU: "3", Namespace: "serving", Deployment: "llm", Metrics: "http://10.0.0.1:8000/metrics"}},
		{diagnose.Entity{Label: "replica", Name: "10.0.0.2:8000"}, fault.Names{Replica: "llm-1", Namespace: "serving", Metrics: "http://10.0.0.2:8000/metrics"}},
		{diagnose.Entity{Label: "replica", Name: "llm-3"}, fault.Names{Replica: "llm-3", Namespace: "serving", Metrics: "http://redacted@10.0.0.3:8000/metrics"}},
		{diagnose.Entity{Label: "node", Name: "10.0.0.9:9100"}, fault.Names{Replica: "10.0.0.9:9100"}}, // two units: neither
		{diagnose.Entity{}, fault.Names{Namespace: "serving", Deployment: "llm"}},
		{diagnose.Entity{Label: "replica", Name: "gone"}, fault.Names{Replica: "gone"}},
	} {
		if diff := cmp.Diff(c.want, x.of(c.at)); diff != "" {
			t.Errorf("%s: %s", c.at, diff)
		}
	}
	pod := []fault.Command{{On: "kubernetes", Line: "kubectl delete pod {replica}"}, {On: "kubernetes", Line: "kubectl get nodes"}, {On: "plain", Line: "kill {pid}"}}
	if got := fitting(pod, fault.Names{Replica: "10.0.0.1:8000"}); len(got) != 2 {
		t.Errorf("for an address: %v", got)
	}
	if got := (fault.Command{On: "kubernetes", Line: "kubectl delete pod {replica}"}).With(fault.Names{Replica: "--all", Namespace: "-A"}); got != `kubectl delete pod "${REPLICA:?}"` {
		t.Error(got)
	}
	if got := (fault.Command{On: "kubernetes", Line: "kubectl rollout undo deployment/{deployment}"}).With(fault.Names{Stateful: "llm", Namespace: "n"}); got != "kubectl -n n rollout undo statefulset/llm" {
		t.Error(got)
	}
}

// TestActionsInOrder: the safest first, and whatever changes something says what must
// hold, what it touches and how it is taken back.
func TestActionsInOrder(t *testing.T) {
	for _, f := range shipped(t).Faults {
		d := diagnose.Diagnosis{Fault: f.ID, Pattern: &f}
		last := -1
		for _, s := range planOf(diagnose.Incident{ID: "inc-1"}, d, nobody).Steps {
			at := -1
			for i, r := range fault.Risks() {
				if r == s.Risk {
					at = i
				}
			}
			if at < last {
				t.Errorf("%s: %q is safer than what stands before it", f.ID, s.Do)
			}
			last = at
			if s.Risk != fault.Look && (s.Precondition == "" || s.BlastRadius == "" || s.RollBack == "") {
				t.Errorf("%s: %q: %+v", f.ID, s.Do, s)
			}
		}
		if len(f.Actions) == 0 {
			t.Errorf("%s: nothing to do", f.ID)
		}
	}
}
