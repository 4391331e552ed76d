//! Notes as a workbook: one row for each note, with the columns `data0…` and `key0…` that there have
//! always been, and before them what else is known of it.

use std::collections::BTreeMap;
use std::io::Cursor;

use calamine::{DataRef, Reader as _, Xlsx};
use rust_xlsxwriter::{Workbook, Worksheet};

use super::{MOST_NOTES, PortableNote, WriteError, clean};

/// The longest text of a cell, in UTF-16 units.
const CELL_UNITS: usize = 32_767;
/// Columns of data and of keys; a sheet has 16,384 in all.
const MOST_DATA: usize = 8_000;
const MOST_KEYS: usize = 1_000;
/// Names of the columns before data and keys.
const HEAD: [&str; 6] = [
    "number", "notebook", "author", "created", "updated",
    // Numbers of the data columns that go on where the one before them ends.
    "joined",
];

/// The pieces of a note's parts, each of which fits in a cell, and which of them go on without a break.
fn cells(note: &PortableNote) -> (Vec<String>, Vec<usize>) {
    let (mut cells, mut joined) = (Vec::new(), Vec::new());
    for part in &note.parts {
        let mut piece = String::new();
        let mut units = 0;
        let mut goes_on = false;
        let text = clean(part);
        for character in text.chars() {
            if units + character.len_utf16() > CELL_UNITS {
                if goes_on {
                    joined.push(cells.len());
                }
                cells.push(std::mem::take(&mut piece));
                units = 0;
                goes_on = true;
            }
            piece.push(character);
            units += character.len_utf16();
        }
        if goes_on {
            joined.push(cells.len());
        }
        cells.push(piece);
    }
    (cells, joined)
}

pub(super) fn write(notes: &[PortableNote]) -> Result<Vec<u8>, WriteError> {
    let (mut data, mut keys) = (1, 1);
    for note in notes {
        data = data.max(cells(note).0.len());
        keys = keys.max(note.keys.len());
    }
    let (data, keys) = (data.min(MOST_DATA), keys.min(MOST_KEYS));
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.set_name("notes")?;
    sheet.set_freeze_panes(1, 0)?;
    let columns = HEAD.iter().map(|name| (*name).to_owned());
    let columns = columns
        .chain((0..data).map(|place| format!("data{place}")))
        .chain((0..keys).map(|place| format!("key{place}")));
    for (column, name) in columns.enumerate() {
        put(sheet, 0, column, &name)?;
    }
    for (row, note) in (1..).zip(notes) {
        let (texts, joined) = cells(note);
        if let Some(number) = note.number {
            // Exact up to 2^53, beyond any note.
            sheet.write_number(row, 0, number as f64)?;
        }
        let time = |time: Option<jiff::Timestamp>| time.map(|time| time.to_string());
        let joined: Vec<String> = joined.iter().map(ToString::to_string).collect();
        let known = [
            note.notebook.clone().unwrap_or_default(),
            note.author.clone(),
            time(note.created).unwrap_or_default(),
            time(note.updated).unwrap_or_default(),
            joined.join(","),
        ];
        for (column, value) in (1..).zip(&known) {
            put(sheet, row, column, value)?;
        }
        for (place, text) in texts.iter().take(data).enumerate() {
            put(sheet, row, HEAD.len() + place, text)?;
        }
        for (place, key) in note.keys.iter().take(keys).enumerate() {
            put(sheet, row, HEAD.len() + data + place, &clean(key))?;
        }
    }
    Ok(workbook.save_to_buffer()?)
}

/// A text as text: what looks like a formula stays what was written.
fn put(sheet: &mut Worksheet, row: u32, column: usize, text: &str) -> Result<(), WriteError> {
    if !text.is_empty() {
        let column = u16::try_from(column).unwrap_or(u16::MAX);
        sheet.write_string(row, column, text)?;
    }
    Ok(())
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Number,
    Notebook,
    Author,
    Created,
    Updated,
    Joined,
    /// In the order of the number in its name.
    Data(usize),
    Key(usize),
}

impl Column {
    /// Older files have their columns in any order, and any name with `data` or `key` in it.
    fn named(name: &str, position: usize) -> Option<Self> {
        let name = name.trim().to_lowercase();
        let place = || {
            let digits: String = name.chars().filter(char::is_ascii_digit).collect();
            digits.parse().unwrap_or(position)
        };
        Some(match name.as_str() {
            "number" => Self::Number,
            "notebook" => Self::Notebook,
            "author" => Self::Author,
            "created" => Self::Created,
            "updated" => Self::Updated,
            "joined" => Self::Joined,
            name if name.contains("key") => Self::Key(place()),
            name if name.contains("data") => Self::Data(place()),
            _ => return None,
        })
    }
}

/// A row as it comes together.
#[derive(Debug, Default)]
struct Row {
    note: PortableNote,
    data: BTreeMap<(usize, u32), String>,
    keys: BTreeMap<(usize, u32), String>,
    joined: Vec<usize>,
}

impl Row {
    fn take(&mut self, column: Column, position: u32, text: String) {
        match column {
            Column::Number => {
                let number = text
                    .parse::<f64>()
                    .ok()
                    .filter(|number| number.fract() == 0.0);
                let number = number.map(|number| number as i64);
                self.note.number = number.filter(|number| *number > 0);
            }
            Column::Notebook => self.note.notebook = Some(text),
            Column::Author => self.note.author = text,
            Column::Created => self.note.created = text.trim().parse().ok(),
            Column::Updated => self.note.updated = text.trim().parse().ok(),
            Column::Joined => {
                let places = text
                    .split(',')
                    .filter_map(|place| place.trim().parse().ok());
                self.joined = places.collect();
            }
            Column::Data(place) => drop(self.data.insert((place, position), text)),
            Column::Key(place) => drop(self.keys.insert((place, position), text)),
        }
    }

    fn finish(mut self) -> PortableNote {
        for ((place, _), text) in self.data {
            match self.note.parts.last_mut() {
                Some(last) if self.joined.contains(&place) => last.push_str(&text),
                _ => self.note.parts.push(text),
            }
        }
        self.note.keys = self.keys.into_values().collect();
        self.note
    }
}

/// Reads the first sheet. Its size was checked before; cells are taken one by one, so that one in the
/// far corner of the sheet does not make the rest of it.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<PortableNote>, String> {
    let error = |error: calamine::XlsxError| error.to_string();
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(error)?;
    let names = book.sheet_names();
    let first = names.first().ok_or("there is no sheet")?;
    let mut cells = book.worksheet_cells_reader(first).map_err(error)?;
    let mut columns: BTreeMap<u32, Column> = BTreeMap::new();
    let mut notes = Vec::new();
    let mut open: Option<(u32, Row)> = None;
    while let Some(cell) = cells.next_cell().map_err(error)? {
        let (row, position) = cell.get_position();
        let Some(text) = shown(cell.get_value()) else {
            continue;
        };
        if row == 0 {
            if let Some(column) = Column::named(&text, position as usize) {
                columns.insert(position, column);
            }
            continue;
        }
        let Some(column) = columns.get(&position) else {
            continue;
        };
        if open.as_ref().is_some_and(|(at, _)| *at != row) {
            notes.extend(open.take().map(|(_, row)| row.finish()));
        }
        if notes.len() > MOST_NOTES {
            return Ok(notes);
        }
        let (_, current) = open.get_or_insert_with(|| (row, Row::default()));
        current.take(*column, position, text);
    }
    notes.extend(open.map(|(_, row)| row.finish()));
    let has_data = |column: &Column| matches!(column, Column::Data(_));
    if !columns.values().any(has_data) {
        return Err("its first row names no column `data…`".to_owned());
    }
    Ok(notes)
}

/// A cell as a person sees it; nothing when it is empty.
fn shown(value: &DataRef<'_>) -> Option<String> {
    let text = match value {
        DataRef::Empty | DataRef::Error(_) => return None,
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            text.clone()
        }
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(value) => value.to_string(),
        DataRef::DateTime(time) => time.as_f64().to_string(),
    };
    (!text.is_empty()).then_some(text)
}
