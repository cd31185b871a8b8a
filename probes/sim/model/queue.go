package model

import "time"

// sequence is a request inside the engine.
type sequence struct {
	id     ID
	req    Request
	output int // tokens that it will give
	arrive time.Duration

	generated int
	blocks    []int32
	cached    int           // prompt tokens of the first prefill that came from the cache
	started   bool          // had a slot at least once
	computed  bool          // the present prefill is complete
	first     time.Duration // start of the first prefill
	firstTok  time.Duration
	lastTok   time.Duration

	due        time.Duration // of its next step while it is in the agenda
	slot       int           // position in Engine.running, -1 outside
	turn       int           // position in the agenda, -1 outside
	prev, next *sequence     // neighbours in the waiting queue
	waiting    bool
}

// queue is the waiting queue: a list, because a cancelled request leaves from
// the middle and a preempted one enters at the front.
type queue struct {
	head, tail *sequence
	len        int
}

func (q *queue) pushBack(s *sequence) {
	s.prev, s.next, s.waiting = q.tail, nil, true
	if q.tail != nil {
		q.tail.next = s
	} else {
		q.head = s
	}
	q.tail = s
	q.len++
}

func (q *queue) pushFront(s *sequence) {
	s.prev, s.next, s.waiting = nil, q.head, true
	if q.head != nil {
		q.head.prev = s
	} else {
		q.tail = s
	}
	q.head = s
	q.len++
}

func (q *queue) remove(s *sequence) {
	if s.prev != nil {
		s.prev.next = s.next
	} else {
		q.head = s.next
	}
	if s.next != nil {
		s.next.prev = s.prev
	} else {
		q.tail = s.prev
	}
	s.prev, s.next, s.waiting = nil, nil, false
	q.len--
}

// agenda is a binary heap of the running sequences by due time, then by ID so
// that ties have one order. It is written out because container/heap costs an
// interface call for each comparison on the hottest path.
type agenda []*sequence

func (a agenda) less(i, j int) bool {
	return a[i].due < a[j].due || a[i].due == a[j].due && a[i].id < a[j].id
}

func (a agenda) swap(i, j int) {
	a[i], a[j] = a[j], a[i]
	a[i].turn, a[j].turn = i, j
}

// set puts s, new or present, in its place for due.
func (a *agenda) set(s *sequence, due time.Duration) {
	s.due = due
	if s.turn < 0 {
		s.turn = len(*a)
		*a = append(*a, s)
	}
	a.up(s.turn)
	a.down(s.turn)
}

func (a *agenda) remove(s *sequence) {
	i := s.turn
	if i < 0 {
		return
	}
	last := len(*a) - 1
	a.swap(i, last)
	(*a)[last] = nil
	*a = (*a)[:last]
	s.turn = -1
	if i < last {
		moved := (*a)[i]
		a.up(i)
		a.down(moved.turn)
	}
}

func (a *agenda) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !a.less(i, parent) {
			return
		}
		a.swap(i, parent)
		i = parent
	}
}

func (a *agenda) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(*a) {
			return
		}
		if right := child + 1; right < len(*a) && a.less(right, child) {
			child = right
		}
		if !a.less(child, i) {
			return
		}
		a.swap(i, child)
		i = child
	}
}
