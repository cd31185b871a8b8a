package detect

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"testing"

	"llmops/analysis/detect/rows"
)

// A labelled file of a benchmark, with its scores.
type labelled struct {
	name    string
	scores  []float64
	windows [][2]int // first and last row
}

// scored runs the default detector over the files of a benchmark; spans gives their
// labels.
func scored(t testing.TB, folder, labels string, o Options) []labelled {
	t.Helper()
	data := os.Getenv("LLMOPS_DATA")
	if data == "" {
		t.Skip("LLMOPS_DATA names no folder with benchmarks")
	}
	folder = filepath.Join(data, folder)
	text, err := os.ReadFile(filepath.Join(folder, labels))
	if err != nil {
		t.Fatal(err)
	}
	byFile := map[string][][2]any{}
	if err := json.Unmarshal(text, &byFile); err != nil {
		t.Fatal(err)
	}
	var files []labelled
	for name, spans := range byFile {
		content, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		table, ok, err := rows.Parse(name, content)
		if !ok || err != nil {
			t.Fatal(name, ok, err)
		}
		f := labelled{name: name}
		for _, s := range spans {
			var w [2]int
			for k, at := range s {
				switch at := at.(type) {
				case string:
					w[k] = slices.Index(table.Stamps, at[:19])
				case float64:
					w[k] = int(at)
				}
			}
			f.windows = append(f.windows, w)
		}
		d := New(o)
		for row, v := range table.Column(0) {
			f.scores = append(f.scores, d.Next(table.Times[row], v).Value)
		}
		files = append(files, f)
	}
	sort.Slice(files, func(i, j int) bool { return files[i].name < files[j].name })
	return files
}

// nab is the score of the Numenta benchmark at the best threshold for all files
// together (Lavin and Ahmad 2015), and that threshold.
func nab(files []labelled, fp float64) (score, threshold float64) {
	type point struct {
		s, credit float64
		window    int
	}
	sigmoid := func(x float64) float64 {
		if x > 3 {
			return -1
		}
		return 2/(1+math.Exp(5*x)) - 1
	}
	var points []point
	windows := 0
	for _, f := range files {
		n := len(f.scores)
		probation := int(min(0.15*float64(n), 750))
		next, before := 0, -1
		for i, s := range f.scores {
			for next < len(f.windows) && i > f.windows[next][1] {
				before, next = next, next+1
			}
			p := point{s: s, credit: -fp}
			if next < len(f.windows) && i >= f.windows[next][0] {
				w := f.windows[next]
				p.window = windows + next + 1
				p.credit = sigmoid(-float64(w[1]-i+1)/float64(w[1]-w[0]+1)) / sigmoid(-1)
			} else if before >= 0 {
				w := f.windows[before]
				p.credit = fp * sigmoid(float64(i-w[1])/float64(w[1]-w[0]))
			}
			if i >= probation && s > 0 {
				points = append(points, p)
			}
		}
		windows += len(f.windows)
	}
	sort.Slice(points, func(i, j int) bool { return points[i].s > points[j].s })
	found := map[int]float64{}
	total := -float64(windows)
	best, threshold := total, 1.1
	for i := 0; i < len(points); {
		at := points[i].s
		for ; i < len(points) && points[i].s == at; i++ {
			p := points[i]
			if p.window == 0 {
				total += p.credit
				continue
			}
			had, ok := found[p.window]
			if !ok {
				had = -1
			}
			if p.credit > had {
				total += p.credit - had
				found[p.window] = p.credit
			}
		}
		if total > best {
			best, threshold = total, at
		}
	}
	return 50 * (best + float64(windows)) / float64(windows), threshold
}

func TestNAB(t *testing.T) {
	files := scored(t, "nab", "windows.json", Options{})
	standard, at := nab(files, 0.11)
	low, _ := nab(files, 0.22)
	t.Logf("standard %.2f (threshold %.4f), low FP %.2f", standard, at, low)
	if standard < 74 || low < 65 {
		t.Errorf("standard %.2f, low FP %.2f: want at least 74 and 65", standard, low)
	}
}

// TestChannels logs what each channel reaches by itself: the table of docs/detect.md.
func TestChannels(t *testing.T) {
	if testing.Short() {
		t.Skip("half a minute, most of it the network's")
	}
	for i, k := range Kinds() {
		o := Options{Channels: 1 << i}
		files := scored(t, "nab", "windows.json", o)
		standard, at := nab(files, 0.11)
		low, _ := nab(files, 0.22)
		cloud := scored(t, "cloud-monitoring", "labels.json", o)
		best, where := cloudBest(cloud)
		t.Logf("%-12s nab %6.2f (at %.3f) low FP %6.2f  cloud best F1 %.3f (at %.3f), at the default %.3f", k.Name, standard, at, low, best, where, f1(cloudCount(cloud, Alert)))
		if standard < 0 || best == 0 {
			t.Errorf("%s finds nothing", k.Name)
		}
	}
}
