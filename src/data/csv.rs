//! Turns the bytes of a CSV file into a header and, on demand, typed columns.
//!
//! The form is RFC 4180 with `,`, `;` or tab between cells (whichever the header has most of), an
//! optional byte order mark, any line ending, and one line of names first. Blank lines are
//! skipped. Spaces around names and numbers are dropped; labels are kept exactly.

use super::column::Cells;
use crate::diagnostic::{Diagnostic, Severity, Slug};
use ::csv::{Reader, ReaderBuilder, StringRecord};
use std::str::Utf8Error;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// A CSV file whose header has been read.
#[derive(Clone, Debug)]
pub(crate) struct Csv {
    /// The name reports show.
    pub(crate) name: String,
    /// The names of the columns, without surrounding spaces.
    pub(crate) header: Vec<String>,
    text: String,
    delimiter: u8,
}

/// Cells of a file and the lines they stand on.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    /// What was asked for, slot by slot.
    pub(crate) slots: Vec<Cells>,
    /// How many rows there are, the header not counted.
    pub(crate) rows: usize,
    /// The line of each row.
    pub(crate) lines: Lines,
}

/// The line of the file each row starts on, held as the places where it runs ahead of the row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines {
    /// (row, line - row) from that row on.
    shifts: Vec<(usize, isize)>,
}

impl Lines {
    fn push(&mut self, row: usize, line: usize) {
        let shift = line as isize - row as isize;
        if self.shifts.last().is_none_or(|(_, last)| *last != shift) {
            self.shifts.push((row, shift));
        }
    }

    /// The 1-based line of a 0-based row.
    pub(crate) fn line(&self, row: usize) -> usize {
        let after = self.shifts.partition_point(|(first, _)| *first <= row);
        let shift = after.checked_sub(1).map_or(1, |i| self.shifts[i].1);
        row.saturating_add_signed(shift)
    }
}

/// Whether a header is of whole numbers of which each is one more than that before it: the elements
/// of an axis, and hardly ever a row of data.
fn counts(header: &[String]) -> bool {
    let numbers: Option<Vec<i64>> = header.iter().map(|h| h.parse().ok()).collect();
    let counts = |n: &Vec<i64>| n.windows(2).all(|pair| pair[0].checked_add(1) == Some(pair[1]));
    numbers.is_some_and(|n| n.len() > 1 && counts(&n))
}

impl Csv {
    /// Reads the header.
    pub(crate) fn open(name: &str, bytes: Vec<u8>) -> Result<Csv, Box<Diagnostic>> {
        let mut text = String::from_utf8(bytes).map_err(|error| {
            Box::new(wrong_encoding(name, error.as_bytes(), error.utf8_error()))
        })?;
        if text.starts_with(BYTE_ORDER_MARK) {
            text.drain(..BYTE_ORDER_MARK.len_utf8());
        }
        let delimiter = delimiter(text.as_bytes());
        let mut csv = Csv { name: name.to_owned(), header: Vec::new(), text, delimiter };
        let mut record = StringRecord::new();
        let read = csv.reader().read_record(&mut record);
        if !read.map_err(|e| Box::new(csv.unreadable(&e)))? {
            return Err(Box::new(csv.bad("is empty").help("the first line names the columns")));
        }
        csv.header = record.iter().map(|cell| cell.trim_ascii().to_owned()).collect();
        let is_comment = csv.header.len() == 1 && csv.header[0].starts_with('#')
            || csv.header.first().is_some_and(|h| h.starts_with("# ") || h.starts_with("##"));
        if is_comment {
            let problem = csv.bad("begins with a comment where the names of its columns should be");
            return Err(Box::new(
                problem
                    .note(format!("its first line is {}", csv.header.join(", ")))
                    .help("delete that line: a CSV file has no comments"),
            ));
        }
        let words = |text: &str| text.split_whitespace().count();
        if csv.header.len() == 1 && words(&csv.header[0]) > 1 {
            let mut next = StringRecord::new();
            let mut reader = csv.reader();
            let mut read = || reader.read_record(&mut next).is_ok_and(|found| found);
            // The first record is the header.
            let has_row = read() && read();
            if has_row && words(next.as_slice()) == words(&csv.header[0]) {
                let problem = csv.bad("has spaces between its cells");
                return Err(Box::new(
                    problem
                        .note(format!("its first line is {}", csv.header[0]))
                        .help("write a `,`, a `;` or a tab between cells"),
                ));
            }
        }
        let is_numbers = csv.header.iter().all(|h| h.parse::<f64>().is_ok());
        if is_numbers && !counts(&csv.header) {
            let problem = csv.bad("has numbers where the names of its columns should be");
            return Err(Box::new(
                problem.note(format!("its first line is {}", csv.header.join(", "))).help(
                    "write the names of the columns in a line above the data; numbers can be \
                         names if they count, such as `1,2,3` or `1990,1991`",
                ),
            ));
        }
        Ok(csv)
    }

    /// The columns of this name.
    pub(crate) fn columns<'a>(&'a self, name: &'a str) -> impl Iterator<Item = usize> + 'a {
        self.header.iter().enumerate().filter(move |(_, h)| *h == name).map(|(i, _)| i)
    }

    /// Reads cells into slots; `wanted` pairs a column with a slot and is sorted by column. Several
    /// columns of one slot are read row by row.
    pub(crate) fn read(
        &self,
        wanted: &[(usize, usize)],
        slots: Vec<Cells>,
    ) -> Result<Body, Box<Diagnostic>> {
        let mut body = Body { slots, rows: 0, lines: Lines::default() };
        if self.is_plain() {
            self.read_plain(wanted, &mut body)?;
        } else {
            self.read_quoted(wanted, &mut body)?;
        }
        if body.rows == 0 {
            let problem = self.bad("has a header but no rows");
            return Err(Box::new(problem.help("write a line of cells for each row below it")));
        }
        Ok(body)
    }

    /// Whether every line break ends a record and every delimiter a cell: there are no quotes, and
    /// no line breaks by `\r` alone.
    fn is_plain(&self) -> bool {
        let text = self.text.as_bytes();
        let alone = |at: usize| text.get(at + 1) != Some(&b'\n');
        memchr::memchr(b'"', text).is_none() && !memchr::memchr_iter(b'\r', text).any(alone)
    }

    fn read_plain(
        &self,
        wanted: &[(usize, usize)],
        body: &mut Body,
    ) -> Result<(), Box<Diagnostic>> {
        // The first line that is not blank is the header.
        let lines = lines(&self.text).zip(1..).filter(|(text, _)| !text.is_empty()).skip(1);
        for (text, line) in lines {
            let (mut cells, mut wanted, mut rest) = (0, wanted, Some(text));
            while let Some(text) = rest {
                let mut length = None;
                while let Some(((column, slot), others)) = wanted.split_first()
                    && *column == cells
                {
                    let slot = &mut body.slots[*slot];
                    length = slot.push_short(text, self.delimiter).or_else(|| {
                        let length = length.unwrap_or_else(|| self.cell_length(text));
                        slot.push(&text[..length], || false);
                        Some(length)
                    });
                    wanted = others;
                }
                cells += 1;
                let length = length.unwrap_or_else(|| self.cell_length(text));
                rest = text.get(length + 1..);
            }
            if cells != self.header.len() {
                let record: Vec<&str> = text.split(char::from(self.delimiter)).collect();
                return Err(Box::new(self.ragged(line, &StringRecord::from(record))));
            }
            body.lines.push(body.rows, line);
            body.rows += 1;
        }
        Ok(())
    }

    /// How many bytes the first cell of the rest of a line has.
    fn cell_length(&self, rest: &str) -> usize {
        memchr::memchr(self.delimiter, rest.as_bytes()).unwrap_or(rest.len())
    }

    fn read_quoted(
        &self,
        wanted: &[(usize, usize)],
        body: &mut Body,
    ) -> Result<(), Box<Diagnostic>> {
        let mut reader = self.reader();
        let mut record = StringRecord::new();
        let mut last = 0;
        let next = |reader: &mut Reader<&[u8]>, record: &mut StringRecord| {
            reader.read_record(record).map_err(|e| Box::new(self.unreadable(&e)))
        };
        next(&mut reader, &mut record)?;
        while next(&mut reader, &mut record)? {
            let (offset, line) = self.start(&record);
            if record.len() != self.header.len() {
                return Err(Box::new(self.ragged(line, &record)));
            }
            body.lines.push(body.rows, line);
            last = offset;
            for (column, slot) in wanted {
                body.slots[*slot].push(&record[*column], || self.is_quoted(offset, *column));
            }
            body.rows += 1;
        }
        let rest = &self.text.as_bytes()[last..];
        if rest.trim_ascii_end().contains(&b'\n') && self.has_open_quote() {
            return Err(Box::new(self.open_quote()));
        }
        Ok(())
    }

    fn reader(&self) -> Reader<&[u8]> {
        ReaderBuilder::new()
            .delimiter(self.delimiter)
            .has_headers(false)
            .flexible(true)
            .from_reader(self.text.as_bytes())
    }

    /// The byte and the line a record starts at; the reader counts blank lines before it as part
    /// of it.
    fn start(&self, record: &StringRecord) -> (usize, usize) {
        let (mut offset, mut line) =
            record.position().map_or((0, 1), |p| (p.byte() as usize, p.line() as usize));
        while let Some(byte @ (b'\r' | b'\n')) = self.text.as_bytes().get(offset) {
            line += usize::from(*byte == b'\n');
            offset += 1;
        }
        (offset, line)
    }

    /// Whether a cell of the record that starts at a byte is written in quotes.
    fn is_quoted(&self, offset: usize, column: usize) -> bool {
        let (mut cell, mut inside) = (0, false);
        let mut first = true;
        for byte in &self.text.as_bytes()[offset.min(self.text.len())..] {
            if cell == column && first {
                return *byte == b'"';
            }
            first = false;
            if *byte == b'"' {
                inside = !inside;
            } else if *byte == self.delimiter && !inside {
                cell += 1;
                first = true;
            }
        }
        false
    }

    fn bad(&self, what: &str) -> Diagnostic {
        Diagnostic::new(Slug::BadFile, Severity::Error, format!("`{}` {what}", self.name))
    }

    fn unreadable(&self, error: &::csv::Error) -> Diagnostic {
        self.bad("cannot be read as CSV").note(error.to_string())
    }

    fn ragged(&self, line: usize, record: &StringRecord) -> Diagnostic {
        if record_spans_lines(record) && self.has_open_quote() {
            return self.open_quote();
        }
        let (found, names) = (record.len(), self.header.len());
        let problem = self.bad(&format!(
            "has {} on line {line} and {} in its header",
            count(found, "cell"),
            count(names, "name")
        ));
        if found == names + 1 && line == 2 {
            problem.help(
                "R's `write.table` leaves out the name of the row names; use `write.csv` with \
                 `row.names = FALSE`",
            )
        } else if found > names && self.delimiter == b',' {
            problem.help("a cell that holds a comma must be written in double quotes")
        } else {
            let cells: Vec<&str> = record.iter().collect();
            let cells = cells.join(&char::from(self.delimiter).to_string());
            problem
                .note(format!("line {line} is `{cells}`"))
                .help("every line must have one cell for each name of the header; one without a value is empty")
        }
    }

    fn has_open_quote(&self) -> bool {
        memchr::memchr_iter(b'"', self.text.as_bytes()).count() % 2 == 1
    }

    fn open_quote(&self) -> Diagnostic {
        self.bad("has a quote that is never closed")
            .help("a double quote inside a quoted cell is written twice")
    }
}

/// The lines of a text, without their `\n` or `\r\n`.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let ends = memchr::memchr_iter(b'\n', text.as_bytes()).chain([text.len()]);
    ends.scan(0, |start, end| {
        let line = &text[std::mem::replace(start, end + 1)..end];
        let length = line.len() - usize::from(line.as_bytes().last() == Some(&b'\r'));
        Some(&line[..length])
    })
}

fn count(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

fn record_spans_lines(record: &StringRecord) -> bool {
    record.as_slice().contains('\n')
}

fn wrong_encoding(name: &str, text: &[u8], error: Utf8Error) -> Diagnostic {
    let before = &text[..error.valid_up_to()];
    let line = 1 + before.iter().filter(|b| **b == b'\n').count();
    let problem = Diagnostic::new(
        Slug::BadFile,
        Severity::Error,
        format!("`{name}` is not UTF-8 text (line {line})"),
    );
    if text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff") {
        problem.note("it starts like UTF-16").help("save it as UTF-8")
    } else if text.contains(&0) {
        problem.note("it holds zero bytes, so it is probably not a text file")
    } else {
        problem.help("save it as UTF-8; `iconv -f latin1 -t utf8` converts from Latin-1")
    }
}

/// The commonest of `,`, `;` and tab on the first line that is not blank, outside quotes.
fn delimiter(text: &[u8]) -> u8 {
    let mut counts = [(b',', 0_usize), (b';', 0), (b'\t', 0)];
    let (mut inside, mut blank) = (false, true);
    for byte in text {
        match byte {
            b'"' => inside = !inside,
            b'\n' | b'\r' if !inside && !blank => break,
            byte if !inside => {
                counts.iter_mut().filter(|(d, _)| d == byte).for_each(|(_, n)| *n += 1);
            }
            _ => {}
        }
        blank &= matches!(byte, b'\n' | b'\r');
    }
    let mut best = counts[0];
    for candidate in &counts[1..] {
        if candidate.1 > best.1 {
            best = *candidate;
        }
    }
    best.0
}
