// Package runlog reads and writes what a run folder keeps of its requests: the
// records in requests.jsonl, and beside them events.bin with what their JSON
// leaves out, so that whoever reads both sees every request just as the run saw
// it. It reads and writes streams; it opens no file and judges nothing.
//
// events.bin is the line "llmops.events/v1", eight bytes of Unix nanoseconds,
// little endian, from which every time in it counts, and blocks. A block is
//
//	kind     one byte
//	size     of the payload, unsigned varint
//	payload
//	check    CRC-32C of kind, size and payload, four bytes, little endian
//
// The kinds are
//
//	b  the nanoseconds of the head once more, varint: there nothing checks them
//	s  start of the measured part: a varint of nanoseconds
//	f  facts about the run, as JSON; the last one counts
//	c  results of the checks of one answer, as JSON; stands before its record
//	r  one record, in the order of requests.jsonl:
//	     id, varint
//	     one byte: which of the times scheduled, sent, first byte, first token,
//	     last token, done, and of lateness and read lag follow, from bit 0 on
//	     each of these times, a varint of nanoseconds after the one before
//	     lateness, read lag: varint of nanoseconds
//	     number of chunks, unsigned varint
//	     for each chunk an unsigned varint: zigzag(ns after the chunk before, the
//	     first after sent) * 4 + 2 if it was joined + 1 if its tokens are not 1
//	     and, if they are not, a varint of its tokens
//	     to the end of the block, for each event with a choice without output, a
//	     varint of nanoseconds after the one before, the first after sent
//
// Varints are those of encoding/binary. The times keep what the wall clock of
// requests.jsonl does not: differences between them are those of a clock that
// is never set. A file may end anywhere: what was written before counts.
package runlog

import (
	"hash/crc32"
	"time"

	"llmops/probes/request"
)

const (
	magic    = "llmops.events/v1\n"
	baseSize = 8
	crcSize  = 4
	// maxPayload is more than any record needs: a reply of ten million chunks.
	maxPayload = 64 << 20
)

// The kinds of blocks.
const (
	kindBase   = 'b'
	kindStart  = 's'
	kindFacts  = 'f'
	kindChecks = 'c'
	kindRecord = 'r'
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// The bits of a record beyond its times.
const (
	hasLateness = 1 << 6
	hasReadLag  = 1 << 7
)

// anchors are the times of a record in the order of its bits.
func anchors(r *request.Record) [6]*time.Time {
	return [...]*time.Time{&r.ScheduledAt, &r.SentAt, &r.FirstByteAt, &r.FirstTokenAt, &r.LastTokenAt, &r.DoneAt}
}

func zigzag(v int64) uint64   { return uint64(v)<<1 ^ uint64(v>>63) }
func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }
