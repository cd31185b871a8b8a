package accesslog

// Runtimes of containers write long messages in parts, one a row, and may begin a new
// file in between. Files are read on their own, in any order, so the request of such a
// message is lost: its first part counts as a malformed row, and what follows in the
// next file is a message that says nothing.

// unfinishedMessage says why such a row is malformed.
const unfinishedMessage = "an access line whose end is not in this file, but maybe in the next one"

// A keeper is a Parser that keeps parts of messages from row to row.
type keeper interface {
	// kept gives the messages that have not ended.
	kept() [][]byte
}

// unfinished counts the access lines that do not end in a file, which has been read
// to its end.
func (w *worker) unfinished(f *logFile) {
	k, ok := f.parser.(keeper)
	if !ok {
		return
	}
	for _, text := range k.kept() {
		var line accessLine
		if len(text) > 0 && line.read(text) != NoRecord {
			w.count(f, Malformed, f.last, func() (string, string, int) { return shown(text), unfinishedMessage, 0 })
		}
	}
}

func (p *criParser) kept() [][]byte { return p.parts[:] }

func (p *dockerParser) kept() [][]byte { return p.parts[:] }
