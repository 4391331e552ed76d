//! The fields of the index.

use tantivy::TantivyDocument;
use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, STRING, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::{PreTokenizedString, Token as IndexToken};

use super::NoteDoc;
use crate::note::fold::fold;
use crate::note::tokenizer::{Form, Terms, Token};

/// The fields, by what they hold.
#[derive(Debug, Clone)]
pub(super) struct Fields {
    pub(super) number: Field,
    pub(super) notebook: Field,
    pub(super) author: Field,
    pub(super) tag: Field,
    pub(super) time: Field,
    pub(super) has_file: Field,
    forms: [Field; Form::ALL.len()],
}

/// Nothing is stored: what a note says is read from the database.
pub(super) fn schema() -> (Schema, Fields) {
    let mut schema = Schema::builder();
    let fields = Fields {
        number: schema.add_u64_field("number", INDEXED | FAST),
        notebook: schema.add_u64_field("notebook", INDEXED),
        author: schema.add_u64_field("author", INDEXED),
        tag: schema.add_text_field("tag", STRING),
        time: schema.add_i64_field("time", INDEXED | FAST),
        has_file: schema.add_u64_field("has_file", INDEXED),
        forms: Form::ALL.map(|form| {
            let record = if form.has_positions() {
                IndexRecordOption::WithFreqsAndPositions
            } else {
                IndexRecordOption::WithFreqs
            };
            let indexing = TextFieldIndexing::default()
                .set_tokenizer("raw")
                .set_index_option(record);
            let name = format!("{form:?}").to_lowercase();
            schema.add_text_field(&name, TextOptions::default().set_indexing_options(indexing))
        }),
    };
    (schema.build(), fields)
}

impl Fields {
    /// The field of a form.
    pub(super) fn of(&self, form: Form) -> Field {
        self.forms[form as usize]
    }

    /// A note as a document.
    pub(super) fn document(&self, doc: &NoteDoc, mut terms: Terms) -> TantivyDocument {
        let mut document = TantivyDocument::new();
        document.add_u64(self.number, doc.number);
        document.add_u64(self.notebook, doc.notebook);
        for author in &doc.authors {
            document.add_u64(self.author, *author);
        }
        for tag in &doc.tags {
            document.add_text(self.tag, fold(tag));
        }
        document.add_i64(self.time, doc.time_ms);
        document.add_u64(self.has_file, u64::from(doc.has_file));
        for form in Form::ALL {
            let tokens = terms.take(form).into_iter().map(index_token).collect();
            let text = PreTokenizedString {
                text: String::new(),
                tokens,
            };
            document.add_pre_tokenized_text(self.of(form), text);
        }
        document
    }
}

fn index_token(token: Token) -> IndexToken {
    IndexToken {
        offset_from: 0,
        offset_to: 0,
        position: token.position,
        position_length: 1,
        text: token.text,
    }
}
