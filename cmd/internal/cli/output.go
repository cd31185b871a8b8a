package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"llmops/cmd/internal/render"
)

// Output is the group of flags that says how and where a command prints its
// data: -o/--output-format and --output.
type Output struct {
	Format string // one of the formats given to AddFlags
	File   string // "" and "-" are standard output
}

// AddFlags adds the flags to cmd. The first format is the default.
func (o *Output) AddFlags(cmd *cobra.Command, formats ...string) {
	Enum(cmd, &o.Format, "output-format", "o", formats, "format of the data")
	cmd.Flags().StringVar(&o.File, "output", "", "write the data to `FILE` instead of standard output, all of it or nothing; a file that is there keeps its mode, a new one has 0600")
}

// ToFile tells whether the data goes to a file.
func (o *Output) ToFile() bool { return o.File != "" && o.File != "-" }

// Style is how to colour the data: never in a file.
func (o *Output) Style(app *App) render.Style {
	if o.ToFile() {
		return render.Style{}
	}
	return app.Style()
}

// Width is the width to fit the data into, 0 for no limit: a file or a pipe.
func (o *Output) Width(app *App) int {
	if o.ToFile() || !app.OutTTY {
		return 0
	}
	return app.Width
}

// Check finds out whether the file can be written, before work is done that
// would be lost. It leaves nothing behind.
func (o *Output) Check() error {
	if !o.ToFile() {
		return nil
	}
	path, inPlace, err := destination(o.File)
	if err != nil || inPlace {
		return err
	}
	f, err := temporary(path)
	if err != nil {
		return outputError(o.File, err)
	}
	return outputError(o.File, errors.Join(f.Close(), os.Remove(f.Name())))
}

// temporary makes the file, with mode 0600, that is renamed to path in the end.
func temporary(path string) (*os.File, error) {
	return os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
}

// Write calls write with standard output or the file. When write fails, an
// existing file stays as it was. It works after an interrupt too, so that a
// verb can print what is known so far.
func (o *Output) Write(app *App, write func(w io.Writer) error) error {
	if o.ToFile() {
		return WriteFile(o.File, write)
	}
	w := bufio.NewWriterSize(app.Out, 1<<16)
	if err := write(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return Failed(fmt.Errorf("write standard output: %w", err))
	}
	return nil
}

// WriteFile writes a file so that readers see the old content or the whole new
// one: a temporary file in the same folder, synced, renamed. A new file has mode
// 0600; one that is there keeps its mode and, where it may, its owner.
// A symbolic link keeps pointing where it did. What is no regular file, such
// as a named pipe or /dev/null, is written in place, for it must not be replaced.
func WriteFile(name string, write func(w io.Writer) error) (err error) {
	path, inPlace, err := destination(name)
	if err != nil {
		return err
	}
	var f *os.File
	if inPlace {
		f, err = os.OpenFile(path, os.O_WRONLY, 0)
	} else {
		f, err = temporary(path)
	}
	if err != nil {
		return outputError(name, err)
	}
	if old, err := os.Stat(path); err == nil && !inPlace {
		keep(f, old)
	}
	done := false
	defer func() {
		if !done { // also when write panics
			_ = f.Close() // the write has failed already
			if !inPlace {
				_ = os.Remove(f.Name())
			}
		}
	}()
	w := bufio.NewWriterSize(f, 1<<16)
	if err := write(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return outputError(name, err)
	}
	if !inPlace {
		if err := f.Sync(); err != nil {
			return outputError(name, err)
		}
	}
	if err := f.Close(); err != nil {
		return outputError(name, err)
	}
	if !inPlace {
		if err := os.Rename(f.Name(), path); err != nil {
			return outputError(name, err)
		}
	}
	done = true
	return nil
}

// destination follows symbolic links and tells what must be written in place.
func destination(name string) (path string, inPlace bool, err error) {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if link, err := os.Readlink(name); err == nil { // a dangling link: create what it names
			if !filepath.IsAbs(link) {
				link = filepath.Join(filepath.Dir(name), link)
			}
			return link, false, nil
		}
		return name, false, nil
	case err != nil:
		return "", false, outputError(name, err)
	case info.IsDir():
		return "", false, WithHint(Usagef("write %s: it is a folder", name), "name a file in it")
	case !info.Mode().IsRegular():
		return name, true, nil
	}
	if path, err = filepath.EvalSymlinks(name); err != nil {
		return "", false, outputError(name, err)
	}
	return path, false, nil
}

// outputError drops the name of the temporary file, which says nothing to a user.
func outputError(name string, err error) error {
	if err == nil {
		return nil
	}
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err
	} else if l, ok := errors.AsType[*os.LinkError](err); ok {
		err = l.Err
	}
	failed := Failed(fmt.Errorf("write %s: %w", name, err))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return WithHint(failed, "create the folder %s first", filepath.Dir(name))
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return WithHint(failed, "choose a folder that you may write to")
	case errors.Is(err, syscall.ENOSPC):
		return WithHint(failed, "free some space, or choose another disk")
	}
	return failed
}
