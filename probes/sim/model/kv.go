package model

// kvCache is a pool of blocks. A block is used (ref > 0), free (in the list,
// perhaps still with a known content, evicted oldest first) or lost to a leak.
type kvCache struct {
	blocks []block
	byHash map[uint64]int32
	oldest int32 // ends of the free list, -1: empty
	newest int32
	free   int
	lost   int
}

type block struct {
	hash       uint64 // of the prompt up to the end of this block; 0: content not shareable
	ref        int32
	prev, next int32
}

func newKVCache(n int) *kvCache {
	kv := &kvCache{blocks: make([]block, n), byHash: map[uint64]int32{}, oldest: -1, newest: -1}
	for i := range kv.blocks {
		kv.append(int32(i))
	}
	return kv
}

// used is the number of blocks that sequences hold.
func (kv *kvCache) used() int { return len(kv.blocks) - kv.free - kv.lost }

// match is the number of leading hashes that are cached, and how many of those
// blocks are free (and so count against the free ones when they are taken).
func (kv *kvCache) match(hashes []uint64) (hits, hitsFree int) {
	for _, h := range hashes {
		b, ok := kv.byHash[h]
		if !ok {
			break
		}
		hits++
		if kv.blocks[b].ref == 0 {
			hitsFree++
		}
	}
	return hits, hitsFree
}

// share appends the cached blocks of hashes, which match has found.
func (kv *kvCache) share(dst []int32, hashes []uint64) []int32 {
	for _, h := range hashes {
		b := kv.byHash[h]
		if kv.blocks[b].ref == 0 {
			kv.unlink(b)
		}
		kv.blocks[b].ref++
		dst = append(dst, b)
	}
	return dst
}

// take appends n free blocks; the caller has made sure that there are so many.
func (kv *kvCache) take(dst []int32, n int) []int32 {
	for range n {
		b := kv.evict()
		kv.blocks[b].ref = 1
		dst = append(dst, b)
	}
	return dst
}

// publish makes the content of a sequence's leading blocks known. A content
// that another block holds already stays with that block.
func (kv *kvCache) publish(blocks []int32, hashes []uint64) {
	for i, h := range hashes {
		b := &kv.blocks[blocks[i]]
		if _, taken := kv.byHash[h]; taken || b.hash != 0 || h == 0 {
			continue
		}
		b.hash = h
		kv.byHash[h] = blocks[i]
	}
}

// release gives a sequence's blocks back, the end of the prompt first, so that
// the beginning, which more prompts share, is evicted last.
func (kv *kvCache) release(blocks []int32) {
	for i := len(blocks) - 1; i >= 0; i-- {
		b := blocks[i]
		kv.blocks[b].ref--
		if kv.blocks[b].ref == 0 {
			kv.append(b)
		}
	}
}

// lose takes free blocks away until n are lost in all, or none is free.
func (kv *kvCache) lose(n int) {
	for n = min(n, len(kv.blocks)); kv.lost < n && kv.free > 0; kv.lost++ {
		kv.evict()
	}
}

func (kv *kvCache) evict() int32 {
	b := kv.oldest
	kv.unlink(b)
	if h := kv.blocks[b].hash; h != 0 {
		delete(kv.byHash, h)
		kv.blocks[b].hash = 0
	}
	return b
}

func (kv *kvCache) append(b int32) {
	kv.blocks[b].prev, kv.blocks[b].next = kv.newest, -1
	if kv.newest >= 0 {
		kv.blocks[kv.newest].next = b
	} else {
		kv.oldest = b
	}
	kv.newest = b
	kv.free++
}

func (kv *kvCache) unlink(b int32) {
	prev, next := kv.blocks[b].prev, kv.blocks[b].next
	if prev >= 0 {
		kv.blocks[prev].next = next
	} else {
		kv.oldest = next
	}
	if next >= 0 {
		kv.blocks[next].prev = prev
	} else {
		kv.newest = prev
	}
	kv.free--
}
