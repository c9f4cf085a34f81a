package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"bangfu/model"
)

// LogIndex lists the archived files of the binary log, oldest first.
type LogIndex struct {
	Files []LogFile `json:"files"`
	// Until is the server's time before which every commit is in these files.
	Until time.Time `json:"until"`
}

// LogFile is one closed file of the binary log.
type LogFile struct {
	Name   string    `json:"name"`
	Bytes  int64     `json:"bytes"`
	SHA256 string    `json:"sha256"`
	At     time.Time `json:"archived_at"`
}

const indexName = "index.json"

// ArchiveLog closes the server's present binary log and copies all closed files that folder does not hold yet into folder/log. It
// reads them over the connection, so it need not run on the server's machine. Run it often: what is committed after the last run
// is lost with the server's disk.
func ArchiveLog(ctx context.Context, o Options, folder string) (*LogIndex, error) {
	if o.MySQLDSN == "" {
		return nil, errors.New("the embedded database has no log; make full backups often enough")
	}
	s, err := connect(ctx, o.MySQLDSN)
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.close() }()
	if on, err := s.logs(ctx); err != nil || !on {
		return nil, errors.Join(err, errors.New("the server keeps no binary log: start it with log_bin, see docs/deploy.md"))
	}
	dir := filepath.Join(folder, logFolder)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	index, err := readIndex(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	closed, until, err := s.closedLogs(ctx)
	if err != nil {
		return nil, err
	}
	missing, err := index.missing(closed)
	if err != nil {
		return nil, err
	}
	for _, f := range missing {
		if err := s.fetchLog(ctx, dir, &f); err != nil {
			return nil, err
		}
		index.Files = append(index.Files, f)
		if err := writeJSON(filepath.Join(dir, indexName), index); err != nil {
			return nil, err
		}
	}
	index.Until = until
	return index, writeJSON(filepath.Join(dir, indexName), index)
}

// closedLogs starts a new log file and lists all before it; until is the server's time just before.
func (s *server) closedLogs(ctx context.Context) (closed []LogFile, until time.Time, err error) {
	if err := s.pool.QueryRowContext(ctx, "SELECT UTC_TIMESTAMP()").Scan(&until); err != nil {
		return nil, until, err
	}
	if _, err := s.pool.ExecContext(ctx, "FLUSH BINARY LOGS"); err != nil {
		return nil, until, err
	}
	rows, err := s.pool.QueryContext(ctx, "SHOW BINARY LOGS")
	if err != nil {
		return nil, until, err
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		return nil, until, err
	}
	for rows.Next() {
		var f LogFile
		into := []any{&f.Name, &f.Bytes}
		for range columns[2:] { // MySQL has one more: Encrypted
			into = append(into, new(any))
		}
		if err := rows.Scan(into...); err != nil {
			return nil, until, err
		}
		closed = append(closed, f)
	}
	if err := rows.Err(); err != nil || len(closed) == 0 {
		return nil, until, err
	}
	return closed[:len(closed)-1], until, nil
}

// missing tells which of the server's closed files are not archived yet. It refuses when some were lost between, and when
// the archive is that of another server.
func (x *LogIndex) missing(closed []LogFile) ([]LogFile, error) {
	have := map[string]int64{}
	var base string
	var last int64
	for _, f := range x.Files {
		have[f.Name] = f.Bytes
		base, last, _ = splitLogName(f.Name) // well-formed, see check
	}
	var missing []LogFile
	for i, f := range closed {
		bytes, archived := have[f.Name]
		b, n, ok := splitLogName(f.Name)
		switch newest := i == len(closed)-1; {
		case !ok:
			return nil, fmt.Errorf("%q on the server is not the name of a file of the binary log", f.Name)
		case archived && bytes != f.Bytes, last > 0 && b != base, newest && n < last:
			return nil, fmt.Errorf("%s on the server is not the one that was archived: the server was set up anew. Move the log folder away and make a full backup", f.Name)
		case archived:
		case last > 0 && n <= last:
			// Older than the archive begins.
		case last > 0 && n > last+1:
			return nil, fmt.Errorf("the log files between number %d and %s are gone from the server before they were archived: move the log folder away, make a full backup, archive more often or keep them longer there", last, f.Name)
		default:
			missing = append(missing, f)
			base, last = b, n
		}
	}
	return missing, nil
}

// check refuses an index that this program did not write: whose files are not of one log, rising by one. Their names become paths.
func (x *LogIndex) check() error {
	var base string
	var last int64
	for i, f := range x.Files {
		b, n, ok := splitLogName(f.Name)
		if !ok || i > 0 && (b != base || n != last+1) || f.Bytes < 0 {
			return fmt.Errorf("%q in the list of the archived log does not follow on the file before it", f.Name)
		}
		base, last = b, n
	}
	return nil
}

// readIndex reads the list of the archived log in dir.
func readIndex(dir string) (*LogIndex, error) {
	x, path := &LogIndex{}, filepath.Join(dir, indexName)
	if err := readJSON(path, x); err != nil {
		return x, err
	}
	if err := x.check(); err != nil {
		return x, fmt.Errorf("%s: %w", path, err)
	}
	return x, nil
}

// logName is what MySQL and MariaDB call a file of the binary log; it has six digits at least, and names no folder.
var logName = regexp.MustCompile(`^([^:/\\\s\x00]+)\.(\d{6,18})$`)

// splitLogName takes "bin.000042" apart. Of one log and one number there is one name.
func splitLogName(name string) (base string, n int64, ok bool) {
	found := logName.FindStringSubmatch(name)
	if found == nil {
		return "", 0, false
	}
	n, err := strconv.ParseInt(found[2], 10, 64)
	if err != nil || n < 1 || fmt.Sprintf("%06d", n) != found[2] {
		return "", 0, false
	}
	return found[1], n, true
}

// fetchLog copies one file of the server's log into dir.
func (s *server) fetchLog(ctx context.Context, dir string, f *LogFile) error {
	temp := filepath.Join(dir, ".fetch")
	if err := errors.Join(os.RemoveAll(temp), os.Mkdir(temp, 0o700)); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(temp) }()
	c, err := s.command(ctx, programs[s.engine].log, "--read-from-remote-server", "--raw", "--result-file="+temp+string(filepath.Separator), f.Name)
	if err != nil {
		return err
	}
	if err := run(c); err != nil {
		return err
	}
	var n int64
	if f.SHA256, n, err = sumFile(filepath.Join(temp, f.Name)); err != nil {
		return err
	}
	if n != f.Bytes {
		return fmt.Errorf("%s has %d bytes on the server, but %d came", f.Name, f.Bytes, n)
	}
	f.At = time.Now().UTC().Truncate(time.Second)
	return errors.Join(syncFile(filepath.Join(temp, f.Name)), os.Rename(filepath.Join(temp, f.Name), filepath.Join(dir, f.Name)), syncFolder(dir))
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Until is the point to which a restore goes on from a full backup. The zero value: not at all.
type Until struct {
	Time   time.Time // everything committed before this second; nothing that was begun in it or later
	At     *Position // everything before this place
	Latest bool      // everything archived
}

func (u Until) set() bool { return u.Latest || u.At != nil || !u.Time.IsZero() }

func (u Until) String() string {
	switch {
	case u.At != nil:
		return u.At.String()
	case u.Latest:
		return "the end of the archived log"
	}
	return u.Time.In(model.China).Format(time.RFC3339)
}

// untilPlace is a place in the log. Its names are those of splitLogName.
var untilPlace = regexp.MustCompile(`^([^:]+):(\d{1,18})$`)

// Years between which an operator may name a moment: a mistyped one must not read as "no moment at all", and the server's programs
// know no years of five digits.
const firstYear, lastYear = 2000, 9998

// ParseUntil reads "latest", "2026-11-24 15:04:05" (China time), RFC 3339 in whole seconds, or a place in the log like "bin.000042:1234".
func ParseUntil(text string) (Until, error) {
	if text == "latest" {
		return Until{Latest: true}, nil
	}
	if p := readPosition(untilPlace.FindStringSubmatch(text)); p != nil {
		return Until{At: p}, nil
	}
	t, err := time.ParseInLocation(time.DateTime, text, model.China)
	if err != nil {
		t, err = time.Parse(time.RFC3339, text)
	}
	if y := t.UTC().Year(); err != nil || t.Nanosecond() != 0 || y < firstYear || y > lastYear {
		return Until{}, fmt.Errorf("%q is neither a time like \"2026-11-24 15:04:05\" (China time, whole seconds), nor a place in the log like bin.000042:1234, nor latest", text)
	}
	return Until{Time: t.UTC()}, nil
}

// readPosition reads a place of which a form found the file and the number of bytes; nil is none. A log's file begins with 4 bytes that
// are no event.
func readPosition(found []string) *Position {
	if len(found) != 3 {
		return nil
	}
	pos, err := strconv.ParseInt(found[2], 10, 64)
	if _, _, ok := splitLogName(found[1]); !ok || err != nil || pos < 4 {
		return nil
	}
	return &Position{File: found[1], Pos: pos}
}

// replay is what of the archived log is to be done again.
type replay struct {
	files []string // paths, oldest first
	args  []string // of the program that reads the log
}

// planReplay finds the files of the log from the backup's place on, checks that they are whole and reach far enough.
func (s *server) planReplay(dir string, m *Manifest, until Until) (*replay, error) {
	if m.Log == nil {
		return nil, errors.New("when this backup was made the server kept no binary log: it can only be restored as it is")
	}
	index, err := readIndex(dir)
	if err != nil {
		return nil, fmt.Errorf("the archived log cannot be read: %w", err)
	}
	if !until.Time.IsZero() {
		if until.Time.Before(m.FinishedAt) {
			return nil, fmt.Errorf("%s is before the end of this backup (%s): take an earlier one", until, m.FinishedAt.In(model.China).Format(time.RFC3339))
		}
		if until.Time.After(index.Until) {
			return nil, fmt.Errorf("the archived log ends at %s, before %s; if the server still lives, run bangfu backup --log once more, else say --until=latest",
				index.Until.In(model.China).Format(time.RFC3339), until)
		}
	}
	files, err := index.between(*m.Log, until)
	if err != nil {
		return nil, err
	}
	r := &replay{args: s.replayArgs(m, until)}
	for _, f := range files {
		path := filepath.Join(dir, f.Name)
		if sum, _, err := sumFile(path); err != nil || sum != f.SHA256 {
			return nil, errors.Join(err, fmt.Errorf("%s is damaged: its checksum is not the one in %s", path, indexName))
		}
		r.files = append(r.files, path)
	}
	return r, nil
}

// between are the archived files from a backup's place on, as far as until needs them. It refuses when they do not reach from
// one to the other.
func (x *LogIndex) between(start Position, until Until) (files []LogFile, err error) {
	base, from, _ := splitLogName(start.File) // well-formed, see Manifest.check
	to := int64(math.MaxInt64)
	if until.At != nil {
		b, n, ok := splitLogName(until.At.File)
		if !ok || b != base || n < from || n == from && until.At.Pos < start.Pos {
			return nil, fmt.Errorf("%s is not after the backup, which stands at %s: take an earlier one", until, start)
		}
		to = n
	}
	next := from
	for _, f := range x.Files {
		b, n, _ := splitLogName(f.Name)
		if b != base || n < from || n > to {
			continue
		}
		if n != next {
			return nil, fmt.Errorf("the archived log has a gap before %s", f.Name)
		}
		next++
		files = append(files, f)
	}
	if len(files) == 0 || until.At != nil && files[len(files)-1].Name != until.At.File {
		return nil, fmt.Errorf("the archived log does not reach from %s to %s; run bangfu backup --log if the server still lives", start, until)
	}
	return files, nil
}

func (s *server) replayArgs(m *Manifest, until Until) []string {
	only := m.Database
	args := []string{"--start-position=" + strconv.FormatInt(m.Log.Pos, 10), "--verify-binlog-checksum"}
	if m.Database != s.database {
		args = append(args, "--rewrite-db="+m.Database+"->"+s.database)
	}
	if s.engine == engineMySQL {
		only = s.database                   // MySQL's program looks at the name after it was rewritten, MariaDB's before
		args = append(args, "--skip-gtids") // else the server would take them for done already
	}
	args = append(args, "--database="+only)
	switch {
	case until.At != nil:
		args = append(args, "--stop-position="+strconv.FormatInt(until.At.Pos, 10))
	case !until.Time.IsZero():
		args = append(args, "--stop-datetime="+until.Time.UTC().Format(time.DateTime))
	}
	return args
}

// replay does again what the log holds. A transaction that the end cuts is not done at all.
func (s *server) replay(ctx context.Context, r *replay) error {
	reader, err := s.command(ctx, programs[s.engine].log, append(r.args, r.files...)...)
	if err != nil {
		return err
	}
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	out, in := io.Pipe()
	reader.Stdout, client.Stdin = in, out
	read := make(chan error, 1)
	go func() {
		err := run(reader)
		read <- err
		_ = in.CloseWithError(err) // a reader that fails must not look like an end
	}()
	err = run(client)
	select {
	case broke := <-read:
		if broke != nil {
			return broke // what the client says of it is only what followed
		}
		return err
	default:
	}
	_ = out.CloseWithError(errors.New("the client ended"))
	if broke := <-read; err == nil {
		return broke
	}
	return err // the reader had to stop because of it
}

// client is the program that does SQL on our database.
func (s *server) client(ctx context.Context) (*exec.Cmd, error) {
	return s.command(ctx, programs[s.engine].client, "--default-character-set=utf8mb4", "--binary-mode", "--max-allowed-packet=64M", s.database)
}
