// Package initcmd is "llmops init": a settings file and objectives to begin with, for the
// endpoint at hand. It asks an endpoint what it is and sends it no work; it writes nothing
// over a file that is there unless told to, and no secret into any.
package initcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"llmops/cmd/internal/access"
	"llmops/cmd/internal/cli"
)

type options struct {
	dir     string
	force   bool
	schemas bool
	timeout time.Duration

	key       access.Key
	transport access.Transport
}

// New makes the command.
func New(app *cli.App) *cobra.Command {
	o := &options{}
	cmd := &cobra.Command{
		Use:   "init [URL]",
		Short: "write settings and objectives to begin with",
		Long: `Writes llmops.yaml, the settings that every command reads, and slo.yaml, objectives
for load tests and error budgets, both with comments that say what to change. With
the URL of an endpoint it asks which models are served (GET /v1/models) and which
engine serves them (GET /metrics), and writes what fits; nothing is generated.

Files that are there stay as they are unless --force is given. Secrets are never
written: the API key is read from the environment (LLMOPS_API_KEY).`,
		Example: `  llmops init http://127.0.0.1:8000/v1
  llmops init --dir ops --schemas`,
		Args:              cobra.MaximumNArgs(1),
		PersistentPreRunE: func(cmd *cobra.Command, args []string) error { return o.configure(app, cmd, args) },
		RunE: func(cmd *cobra.Command, args []string) error {
			raw := ""
			if len(args) > 0 {
				if raw = args[0]; raw == "" { // a variable of a script that is not set
					return cli.WithHint(cli.Usagef("the URL is empty"), "an example is http://127.0.0.1:8000/v1; leave it out for files that fit any endpoint")
				}
			}
			return run(cmd.Context(), app, cmd.Root(), o, raw)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.dir, "dir", ".", "`DIR` to write to; it is made where there is none")
	f.BoolVar(&o.force, "force", false, "replace files that are there")
	f.BoolVar(&o.schemas, "schemas", false, "also write JSON Schemas, with which editors complete and check both files")
	f.DurationVar(&o.timeout, "timeout", 3*time.Second, "how long one answer of the endpoint may take")
	o.key.AddFlags(cmd, "environment variable that holds the API key", "`FILE` that holds the API key")
	o.transport.AddFlags(cmd, "the server's certificate")
	_ = cmd.MarkFlagDirname("dir") // only an unknown name is an error
	return cmd
}

// configure reads the settings as for every command, but that a file which is about to be
// replaced may be wrong: there would be no other way to be rid of it.
func (o *options) configure(app *cli.App, cmd *cobra.Command, args []string) error {
	root := cmd.Root()
	wrong := root.PersistentPreRunE(cmd, args)
	file := root.PersistentFlags().Lookup("config")
	if named, _ := app.Getenv("LLMOPS_CONFIG"); wrong == nil || !o.force || file.Changed || named != "" {
		return wrong
	}
	if err := file.Value.Set(os.DevNull); err != nil { // what else there is still counts
		return wrong
	}
	if err := root.PersistentPreRunE(cmd, args); err != nil {
		return err
	}
	read, err := os.Stat(settingsFile)
	if err != nil {
		return wrong
	}
	if written, err := os.Stat(filepath.Join(o.dir, settingsFile)); err != nil || !os.SameFile(read, written) {
		return wrong
	}
	app.Warnf("%v; the file is replaced", wrong)
	return nil
}

func run(ctx context.Context, app *cli.App, root *cobra.Command, o *options, raw string) error {
	if o.timeout <= 0 {
		return cli.Usagef("--timeout %v: want more than 0", o.timeout)
	}
	if raw != "" {
		if err := check(raw); err != nil {
			return err
		}
	}
	if err := o.free(); err != nil {
		return err
	}
	e := endpoint{}
	if raw != "" {
		var err error
		if e, err = o.look(ctx, app, raw); err != nil {
			return err
		}
	}
	e.Schemas = o.schemas
	files, err := e.files(root)
	if err != nil {
		return cli.Failed(err)
	}
	if err := os.MkdirAll(o.dir, 0o755); err != nil { //nolint:gosec // files of a repository: others read them too
		return cli.WithHint(cli.Failed(fmt.Errorf("make the folder: %w", err)), "choose another --dir")
	}
	for _, f := range files {
		if err := write(filepath.Join(o.dir, f.name), f.text); err != nil {
			return err
		}
	}
	var out cli.Output
	return out.Write(app, func(w io.Writer) error { return tell(w, o.dir, e, files) })
}

// check refuses what must not stand in a file that goes into a repository.
func check(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return cli.WithHint(cli.Usagef("the URL cannot be read"), "an example is http://127.0.0.1:8000/v1")
	case u.Fragment != "":
		return cli.WithHint(cli.Usagef("the URL holds a fragment (#...), which belongs to pages"), "an example is http://127.0.0.1:8000/v1")
	case u.User != nil || u.RawQuery != "":
		return cli.WithHint(cli.Usagef("the URL holds a user or a query, which may be secrets"), "put the key into $LLMOPS_API_KEY and leave it out of the URL")
	}
	return nil
}

// free tells whether the files may be written, before anybody is asked and any of them is.
func (o *options) free() error {
	if o.force {
		return nil
	}
	for _, name := range fileNames(o.schemas) {
		name = filepath.Join(o.dir, name)
		if _, err := os.Lstat(name); err == nil {
			return cli.WithHint(cli.Usagef("%s is there already", name), "--force replaces it, --dir takes another folder")
		} else if !errors.Is(err, fs.ErrNotExist) {
			return cli.Failed(fmt.Errorf("look for %s: %w", name, err))
		}
	}
	return nil
}

// write gives a new file the mode of files that are committed; one that is there keeps its own.
func write(name, text string) error {
	_, err := os.Stat(name)
	isNew := errors.Is(err, fs.ErrNotExist)
	if err := cli.WriteFile(name, func(w io.Writer) error { _, err := io.WriteString(w, text); return err }); err != nil {
		return err
	}
	if !isNew {
		return nil
	}
	if err := os.Chmod(name, 0o644); err != nil { //nolint:gosec // it holds no secret, and git would not keep the mode
		return cli.Failed(fmt.Errorf("write %s: %w", name, err))
	}
	return nil
}

// tell prints what was written and what to type next.
func tell(w io.Writer, dir string, e endpoint, files []file) error {
	for _, f := range files {
		if _, err := fmt.Fprintf(w, "wrote %s: %s\n", filepath.Join(dir, f.name), f.about); err != nil {
			return err
		}
	}
	target := "--embedded"
	if e.URL != "" {
		target = shellWord(e.URL)
	}
	next := []string{"llmops loadtest " + target + " --out run1", "llmops budget run1/requests.jsonl"}
	if filepath.Clean(dir) != "." {
		next = append([]string{"cd " + shellWord(dir)}, next...)
	}
	_, err := fmt.Fprintf(w, "\nnext:\n  %s\n", strings.Join(next, "\n  "))
	return err
}

// shellWord quotes a word for a POSIX shell where it must be.
func shellWord(s string) string {
	if strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-+@%:,") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
