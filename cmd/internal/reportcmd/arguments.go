package reportcmd

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/inputs"
	"llmops/cmd/internal/runfolder"
)

// sources are what the arguments stand for, each once, in the order of their names.
type sources struct{ folders, files []string }

// find walks folders: a run folder is one source, and its files are none.
func find(args []string) (s sources, err error) {
	for _, arg := range args {
		if arg == inputs.Stdin {
			s.files = append(s.files, arg)
			continue
		}
		if arg == "" { // a variable of a script that is not set; Clean would make the working folder of it
			return s, cli.WithHint(cli.Usagef("the name of a source is empty"), "name a run folder or a file, . is the working folder")
		}
		arg = filepath.Clean(arg)
		info, err := os.Stat(arg)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return s, cli.WithHint(cli.Usagef("%s: there is no such file or folder", arg), "\"llmops loadtest URL --out DIR\" makes a folder, other commands write a file with -o json --output FILE")
		case err != nil:
			return s, cli.Usage(err)
		case !info.IsDir():
			s.files = append(s.files, arg)
			continue
		}
		before := len(s.folders) + len(s.files)
		if err := s.walk(arg); err != nil {
			return s, cli.Usage(err)
		}
		if len(s.folders)+len(s.files) == before {
			return s, cli.WithHint(cli.Usagef("%s is no folder of a load test, and holds nothing to report on", arg),
				"a report is made of run folders (\"llmops loadtest URL --out DIR\"), and of what other commands of llmops write with -o json")
		}
	}
	seen := map[string]bool{}
	s.folders, s.files = once(s.folders, seen), once(s.files, seen)
	return s, nil
}

// once sorts names and leaves out what another of them stands for: the same by another
// path or link, and the summary of a run folder beside the folder.
func once(names []string, seen map[string]bool) (list []string) {
	slices.Sort(names)
	for _, name := range names {
		where := name
		if real, err := filepath.EvalSymlinks(name); err == nil && name != inputs.Stdin {
			where = real
		}
		if abs, err := filepath.Abs(where); err == nil && name != inputs.Stdin {
			where = abs
		}
		if seen[where] || filepath.Base(where) == runfolder.Summary && seen[filepath.Dir(where)] {
			continue
		}
		seen[where] = true
		list = append(list, name)
	}
	return list
}

func (s *sources) walk(dir string) error {
	// With a separator at its end the name of a link stands for the folder behind it.
	return filepath.WalkDir(dir+string(filepath.Separator), func(path string, entry fs.DirEntry, err error) error {
		path = filepath.Clean(path)
		switch {
		case err != nil:
			return err
		case path != dir && strings.HasPrefix(entry.Name(), "."):
			if entry.IsDir() {
				return filepath.SkipDir
			}
		case entry.IsDir() && runfolder.Is(path):
			s.folders = append(s.folders, path)
			return filepath.SkipDir
		case entry.Type().IsRegular() && isDocument(path):
			s.files = append(s.files, path)
		}
		return nil
	})
}

// open reads what the folders hold beside the requests.
func open(dirs []string) (folders []*runfolder.Folder, err error) {
	for _, dir := range dirs {
		f, err := runfolder.Open(dir)
		if err != nil {
			return nil, err
		}
		folders = append(folders, f)
	}
	return folders, nil
}

// runs puts the folders of shards of one run together; a run of its own is alone.
// Shards are of several runs only if each of those is complete: what is left over
// otherwise is more likely a mistake, of which merging tells.
func runs(folders []*runfolder.Folder, partial bool) (list [][]*runfolder.Folder) {
	var shards []*runfolder.Folder
	for _, f := range folders {
		if shardOf(f) == "" {
			list = append(list, []*runfolder.Folder{f})
		} else {
			shards = append(shards, f)
		}
	}
	if len(shards) == 0 {
		return list
	}
	if several := complete(shards); len(several) > 1 && !partial {
		return append(list, several...)
	}
	return append(list, shards)
}

// complete groups shards by what was run; nil unless every group has each shard once.
func complete(shards []*runfolder.Folder) (groups [][]*runfolder.Folder) {
	place := map[string]int{}
	for _, f := range shards {
		if f.Facts == nil {
			return nil
		}
		run := f.Facts.Run
		load := run.Load
		_, of, _ := strings.Cut(load.Shard, "/")
		load.Shard, load.WarmupRequests = of, 0
		key, err := json.Marshal([]any{run.Target, load, run.Prompts})
		if err != nil {
			return nil
		}
		at, is := place[string(key)]
		if !is {
			at = len(groups)
			place[string(key)] = at
			groups = append(groups, nil)
		}
		groups[at] = append(groups[at], f)
	}
	for _, g := range groups {
		var names []string
		for _, f := range g {
			names = append(names, shardOf(f))
		}
		slices.Sort(names)
		_, of, _ := strings.Cut(names[0], "/")
		if len(slices.Compact(names)) != len(g) || of != strconv.Itoa(len(g)) {
			return nil
		}
	}
	return groups
}
