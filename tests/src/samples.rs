//! Files as people send them, and as they should not: archives, spreadsheets, PDF.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::DeflateEncoder;

/// One file of an archive: its name, and its content as pieces that are written so many times.
pub type Entry<'a> = (&'a str, Vec<(&'a [u8], usize)>);

/// An archive (zip) of these files.
///
/// # Panics
/// When it would be larger than the format's 32 bits.
pub fn zip(entries: &[Entry<'_>]) -> Vec<u8> {
    let (mut body, mut directory) = (Vec::new(), Vec::new());
    for (name, pieces) in entries {
        let mut sum = crc32fast::Hasher::new();
        let mut packed = DeflateEncoder::new(Vec::new(), Compression::fast());
        let mut size = 0;
        for (piece, times) in pieces {
            for _ in 0..*times {
                sum.update(piece);
                packed.write_all(piece).expect("memory takes it");
                size += piece.len();
            }
        }
        let packed = packed.finish().expect("memory takes it");
        let number = |number: usize| u32::try_from(number).expect("small enough").to_le_bytes();
        // Version 2.0, no flags, deflated, no time.
        let mut about = vec![20, 0, 0, 0, 8, 0, 0, 0, 0, 0];
        about.extend(sum.finalize().to_le_bytes());
        about.extend(number(packed.len()));
        about.extend(number(size));
        about.extend(&number(name.len())[..2]);
        about.extend([0, 0]);
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&about);
        directory.extend([0; 10]);
        directory.extend(number(body.len()));
        directory.extend(name.as_bytes());
        body.extend(b"PK\x03\x04");
        body.extend(about);
        body.extend(name.as_bytes());
        body.extend(packed);
    }
    let number = |number: usize| u32::try_from(number).expect("small enough").to_le_bytes();
    let (start, length) = (body.len(), directory.len());
    body.extend(directory);
    body.extend(b"PK\x05\x06\0\0\0\0");
    body.extend(&number(entries.len())[..2]);
    body.extend(&number(entries.len())[..2]);
    body.extend(number(length));
    body.extend(number(start));
    body.extend([0, 0]);
    body
}

/// A spreadsheet with one sheet, `Hosts`, whose first cell says what these pieces say.
pub fn xlsx(pieces: Vec<(&[u8], usize)>) -> Vec<u8> {
    const TYPES: &str = r#"<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>"#;
    const RELS: &str = r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
    const BOOK: &str = r#"<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Hosts" sheetId="1" r:id="rId1"/></sheets></workbook>"#;
    const BOOK_RELS: &str = r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#;
    const BEFORE: &str = r#"<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>"#;
    const AFTER: &str = "</t></is></c></row></sheetData></worksheet>";
    let mut sheet = vec![(BEFORE.as_bytes(), 1)];
    sheet.extend(pieces);
    sheet.push((AFTER.as_bytes(), 1));
    zip(&[
        ("[Content_Types].xml", vec![(TYPES.as_bytes(), 1)]),
        ("_rels/.rels", vec![(RELS.as_bytes(), 1)]),
        ("xl/workbook.xml", vec![(BOOK.as_bytes(), 1)]),
        (
            "xl/_rels/workbook.xml.rels",
            vec![(BOOK_RELS.as_bytes(), 1)],
        ),
        ("xl/worksheets/sheet1.xml", sheet),
    ])
}

/// A PDF with one page that says an ASCII text.
pub fn pdf(text: &str) -> Vec<u8> {
    let page = format!("BT /F1 12 Tf 72 720 Td ({text}) Tj ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R \
         /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_owned(),
        format!("<< /Length {} >>\nstream\n{page}\nendstream", page.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
            .to_owned(),
    ];
    let mut pdf = b"%PDF-1.4\n".to_vec();
    let mut places = Vec::new();
    for (number, object) in (1..).zip(&objects) {
        places.push(pdf.len());
        pdf.extend(format!("{number} 0 obj\n{object}\nendobj\n").bytes());
    }
    let start = pdf.len();
    pdf.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).bytes());
    for place in places {
        pdf.extend(format!("{place:010} 00000 n \n").bytes());
    }
    let size = objects.len() + 1;
    pdf.extend(
        format!("trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n").bytes(),
    );
    pdf
}
