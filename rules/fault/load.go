package fault

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"llmops/rules/near"
)

// Load reads every *.yaml file of a folder of a file system, in the order of their names.
func Load(fsys fs.FS, dir string) (Catalogue, error) {
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return Catalogue{}, err
	}
	var c Catalogue
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".yaml") {
			continue
		}
		f, err := fsys.Open(dir + "/" + e.Name())
		if err != nil {
			return Catalogue{}, err
		}
		more, err := Read(e.Name(), f)
		_ = f.Close() // it was read only
		if err != nil {
			return Catalogue{}, err
		}
		for _, x := range more.Faults {
			if c.Find(x.ID) != nil {
				return Catalogue{}, Problems{{Position: x.Position, Why: fmt.Sprintf("fault %s stands in two files", x.ID)}}
			}
		}
		c = c.With(more)
	}
	return c, c.Check()
}

// Check tells of references to faults that are not there; the error is Problems.
func (c Catalogue) Check() error {
	var all Problems
	for _, f := range c.Faults {
		for _, id := range f.Explains {
			if c.Find(id) != nil {
				continue
			}
			p := &Problem{Position: f.Position, Why: fmt.Sprintf("fault %s explains %q, which is no fault", f.ID, id), Hint: "the faults are " + strings.Join(c.IDs(), ", ")}
			if likely := near.Names(id, slices.Values(c.IDs()), 1); len(likely) > 0 {
				p.Hint = "did you mean " + likely[0] + "?"
			}
			all = append(all, p)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

// IDs are those of all faults, in order.
func (c Catalogue) IDs() []string {
	ids := make([]string, len(c.Faults))
	for i, f := range c.Faults {
		ids[i] = f.ID
	}
	return slices.Clip(ids)
}
