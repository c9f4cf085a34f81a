package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"sync"
	"time"
)

// Deed is one write that a client asks for under an idempotency key.
type Deed struct {
	Kind string          `json:"kind"` // order | cancel | restock | counter | void | …: see effects
	Key  string          `json:"key"`
	Who  string          `json:"who"` // Login.Name
	Path string          `json:"path"`
	Body json.RawMessage `json:"body"`
}

// Class is what an answer means to the client that asked.
type Class int

// The classes of answers.
const (
	Acked   Class = iota // 2xx: it is done
	Refused              // 4xx: it is not done
	Again                // turned away at the door for the moment (429; 409 while a request of the same member is under way): ask again
	Unknown              // no answer, or 5xx: it may be done
)

// Reply is what came back.
type Reply struct {
	Class  Class           `json:"class"`
	Status int             `json:"status"` // 0: no answer
	Code   string          `json:"code,omitempty"`
	Answer json.RawMessage `json:"answer,omitempty"`
	Err    string          `json:"err,omitempty"`
}

// entry is one line of the journal: a deed that was sent, or the reply to it.
type entry struct {
	At    time.Time `json:"at"`
	Sent  *Deed     `json:"sent,omitempty"`
	Key   string    `json:"key,omitempty"`
	Who   string    `json:"who,omitempty"`
	Reply *Reply    `json:"reply,omitempty"`
}

// Journal is the file in which the clients note what they asked for and what they were told. It is the only memory that the
// verdict believes.
type Journal struct {
	mu   sync.Mutex
	path string
	file *os.File
	buf  *bufio.Writer
	err  error
}

func openJournal(path string) (*Journal, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return &Journal{path: path, file: f, buf: bufio.NewWriterSize(f, 1<<20)}, nil
}

func (j *Journal) note(e entry) {
	e.At = time.Now()
	line, err := json.Marshal(e)
	j.mu.Lock()
	defer j.mu.Unlock()
	if err == nil {
		_, err = j.buf.Write(append(line, '\n'))
	}
	j.err = errors.Join(j.err, err)
}

// sent notes a deed before it is sent; a key that is sent again is noted again.
func (j *Journal) sent(d Deed) { j.note(entry{Sent: &d}) }

// told notes the reply to the deed of a key.
func (j *Journal) told(d Deed, r Reply) { j.note(entry{Key: d.Key, Who: d.Who, Reply: &r}) }

// Close flushes the journal.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return errors.Join(j.err, j.buf.Flush(), j.file.Close())
}

// flush brings what was noted to the file.
func (j *Journal) flush() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return errors.Join(j.err, j.buf.Flush())
}

// fate is all that the clients know of one key.
type fate struct {
	Deed
	acks    []json.RawMessage // the answers of all acknowledgements
	ackedAt time.Time         // when the first of them was heard
	unknown bool              // at least one attempt has no answer
	refused string            // code of a refusal
	waiting bool              // turned away for the moment, never answered
}

// open tells whether it is not known what became of the key.
func (f *fate) open() bool { return len(f.acks) == 0 && (f.unknown || f.waiting) }

// fates reads the journal back, in the order of the first sending.
func (j *Journal) fates() ([]*fate, error) {
	if err := j.flush(); err != nil {
		return nil, err
	}
	f, err := os.Open(j.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var list []*fate
	byKey := map[string]*fate{}
	for d := json.NewDecoder(bufio.NewReaderSize(f, 1<<20)); ; {
		var e entry
		if err := d.Decode(&e); errors.Is(err, io.EOF) {
			return list, nil
		} else if err != nil {
			return nil, err
		}
		switch {
		case e.Sent != nil:
			id := e.Sent.Who + " " + e.Sent.Key
			if byKey[id] == nil {
				byKey[id] = &fate{Deed: *e.Sent}
				list = append(list, byKey[id])
			}
		case byKey[e.Who+" "+e.Key] != nil:
			byKey[e.Who+" "+e.Key].learn(e.At, *e.Reply)
		}
	}
}

func (f *fate) learn(at time.Time, r Reply) {
	switch r.Class {
	case Acked:
		if len(f.acks) == 0 {
			f.ackedAt = at
		}
		f.acks = append(f.acks, r.Answer)
	case Refused:
		f.refused, f.waiting = r.Code, false
	case Again:
		f.waiting = true
	case Unknown:
		f.unknown = true
	}
}
