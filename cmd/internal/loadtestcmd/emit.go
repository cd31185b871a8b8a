package loadtestcmd

import (
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"llmops/cmd/internal/cli"
	"llmops/rules/defaults"
)

// emit are the flags that ask for a manifest in place of a run.
type emit struct {
	kind  string // "" runs the load test
	image string
	name  string
}

const emitJob = "kubernetes-job"

func (e *emit) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	cli.Enum(cmd, &e.kind, "emit", "", []string{"none", emitJob}, "send nothing, and print what lets others run this load test in --shard index/N")
	f.StringVar(&e.image, "emit-image", "", "with --emit: container `IMAGE` whose entry point is llmops")
	f.StringVar(&e.name, "emit-name", "llmops-loadtest", "with --emit: name of the job, its volume and its secret")
	cli.Depends(cmd, "emit", "emit-image", "emit-name")
}

func (e *emit) asked() bool { return e.kind == emitJob }

// check keeps a load test from running where a manifest was meant.
func (e *emit) check(given func(string) bool) error {
	for _, name := range []string{"emit-image", "emit-name"} {
		if !e.asked() && given(name) {
			return cli.WithHint(cli.Usagef("--%s needs --emit: without it the load test runs here", name), "add --emit %s", emitJob)
		}
	}
	return nil
}

// getenv is the environment in which --shard index/N is read.
func (e *emit) getenv(real func(string) (string, bool)) func(string) (string, bool) {
	if !e.asked() {
		return real
	}
	return func(name string) (string, bool) {
		if name == indexVariable {
			return "0", true
		}
		return real(name)
	}
}

// label is what Kubernetes takes as a name here: with it names of pods stay within
// their limit of 63 characters.
var label = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,50}[a-z0-9])?$`)

// variable is a name of an environment variable that Kubernetes takes from a secret.
var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

// fileKey is a key of a ConfigMap.
var fileKey = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,253}$`)

// job is what the manifest is made of.
type job struct {
	name, image string
	shards      int
	args        []string
	variables   []string          // from the secret
	inputs      map[string]string // key in the ConfigMap: file here
	secrets     map[string]string // key in the Secret: file here
}

// Where the files of a pod are.
const (
	inputsDir  = "/inputs"
	secretsDir = "/secrets"
	resultsDir = "/results"
)

// own are the flags that are of this command line, not of the run.
var own = []string{"emit", "emit-image", "emit-name", "shard", "out", "output", "output-format", "config", "color", "quiet", "verbose"}

// job is the run of the flags of cmd, whatever set them, in a cluster.
func (o *options) job(cmd *cobra.Command, args []string) (*job, error) {
	e := &o.emit
	switch part, _, _ := strings.Cut(o.shardText, "/"); {
	case o.embedded:
		return nil, cli.Usagef("--emit %s with --embedded: each pod would test a server of its own", e.kind)
	case part != "index":
		return nil, cli.WithHint(cli.Usagef("--emit %s needs --shard index/N: how many pods share the load", e.kind), "an example is --shard index/4")
	case e.image == "":
		return nil, cli.WithHint(cli.Usagef("--emit %s needs --emit-image", e.kind), "an image whose entry point is llmops, such as --emit-image registry.example/llmops:1.0")
	case strings.TrimSpace(e.image) != e.image || strings.ContainsFunc(e.image, func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, cli.Usagef("--emit-image %q is no name of an image", e.image)
	case !label.MatchString(e.name):
		return nil, cli.Usagef("--emit-name %q: want at most 52 characters of a-z, 0-9 and -, with neither end a -", e.name)
	}
	for _, raw := range args {
		if u, err := url.Parse(raw); err != nil || u.User != nil || u.RawQuery != "" {
			return nil, cli.WithHint(cli.Usagef("a URL in a manifest must hold neither a user nor a query: they may be secrets"), "put credentials into a header: --header 'NAME: env:VARIABLE'")
		}
	}
	j := &job{name: e.name, image: e.image, shards: o.shard.Count, inputs: map[string]string{}, secrets: map[string]string{}}
	if err := j.take(o, cmd, args); err != nil {
		return nil, err
	}
	slices.Sort(j.variables)
	j.variables = slices.Compact(j.variables)
	return j, nil
}

// take collects the arguments of the pods.
func (j *job) take(o *options, cmd *cobra.Command, args []string) (err error) {
	// What stands in the environment is for the pods to know.
	if _, _, err := o.link.headers.Read(&cli.App{Getenv: func(string) (string, bool) { return "x", true }}); err != nil {
		return cli.Usage(err)
	}
	j.args = []string{"loadtest"}
	for _, raw := range args {
		j.args = append(j.args, literal(raw))
	}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if err != nil || !f.Changed || slices.Contains(own, f.Name) {
			return
		}
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		for _, v := range values {
			if v, err = j.value(f, v); err != nil {
				return
			}
			j.args = append(j.args, "--"+f.Name+"="+v)
		}
	})
	if err != nil {
		return err
	}
	if !cmd.Flags().Changed("api-key-file") {
		j.variables = append(j.variables, cmd.Flags().Lookup("api-key-env").Value.String())
	}
	for _, name := range j.variables {
		if !variable.MatchString(name) {
			return cli.Usagef("%q is no name of an environment variable that Kubernetes can set", name)
		}
	}
	j.args = append(j.args, "--shard=index/"+fmt.Sprint(j.shards), "--out="+resultsDir+"/$("+indexVariable+")")
	return nil
}

// literal is text that Kubernetes leaves as it is: "$(NAME)" would be expanded.
func literal(text string) string { return strings.ReplaceAll(text, "$", "$$") }

// value is that of a flag as it is given to a pod.
func (j *job) value(f *pflag.Flag, v string) (string, error) {
	_, isFile := f.Annotations[cobra.BashCompFilenameExt]
	if u, err := url.Parse(v); err == nil && u.User != nil {
		return "", cli.Usagef("--%s: a URL in a manifest must not hold a user or a password", f.Name)
	}
	switch {
	case f.Name == "header":
		name, value, _ := strings.Cut(v, ":")
		if from, ok := strings.CutPrefix(strings.TrimSpace(value), "env:"); ok {
			j.variables = append(j.variables, from)
		} else if strings.Contains(cli.Origin(f), ":") {
			return "", cli.WithHint(cli.Usagef("--header %s: its value stands in %s and may be a secret", name, cli.Origin(f)), "write '%s: env:VARIABLE' there", name)
		}
	case (f.Name == "api-key-file" || f.Name == "tls-key") && v != "":
		return mount(j.secrets, secretsDir, f.Name, v)
	case isFile && v != "" && !strings.HasPrefix(v, defaults.Prefix):
		return mount(j.inputs, inputsDir, f.Name, v)
	}
	return literal(v), nil
}

// mount gives a file of this machine its place in a pod.
func mount(files map[string]string, dir, flag, file string) (string, error) {
	base := filepath.Base(file)
	if !fileKey.MatchString(base) || base == "." || strings.HasPrefix(base, "..") {
		return "", cli.WithHint(cli.Usagef("--%s %s: such a name cannot be a key in Kubernetes", flag, file), "rename the file with letters, digits, dots, - and _")
	}
	if other, ok := files[base]; ok && other != file {
		return "", cli.Usagef("--%s %s: %s has the same name, and both would stand in one folder", flag, file, other)
	}
	files[base] = file
	return path.Join(dir, base), nil
}

// printJob prints the manifest in place of a run.
func (o *options) printJob(app *cli.App, cmd *cobra.Command, args []string) error {
	j, err := o.job(cmd, args)
	if err != nil {
		return err
	}
	return o.output.Write(app, j.write)
}
