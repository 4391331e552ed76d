//! What people would take instead: SQLite's full-text search, and tantivy with jieba and its own parser.

use anyhow::{Context as _, Result};
use sqlx::sqlite::SqlitePoolOptions;
use sqlx::{Row as _, SqlitePool};
use tantivy::collector::TopDocs;
use tantivy::query::QueryParser;
use tantivy::schema::{
    FAST, Field, IndexRecordOption, STORED, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::{Index, IndexReader, TantivyDocument};

use super::texts::Paragraph;

/// SQLite FTS5 with its trigram tokenizer; all words must be there.
pub(super) struct Fts5 {
    runtime: tokio::runtime::Runtime,
    pool: SqlitePool,
}

impl Fts5 {
    pub(super) fn new(paragraphs: &[Paragraph]) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let pool = runtime.block_on(async {
            let one = SqlitePoolOptions::new().max_connections(1);
            let pool = one.connect("sqlite::memory:").await?;
            sqlx::query("CREATE VIRTUAL TABLE note USING fts5(text, tokenize = 'trigram')")
                .execute(&pool)
                .await?;
            let mut unit = pool.begin().await?;
            for paragraph in paragraphs {
                sqlx::query("INSERT INTO note (rowid, text) VALUES ($1, $2)")
                    .bind(paragraph.id.cast_signed())
                    .bind(&paragraph.text)
                    .execute(&mut *unit)
                    .await?;
            }
            unit.commit().await?;
            anyhow::Ok(pool)
        })?;
        Ok(Self { runtime, pool })
    }

    pub(super) fn search(&self, typed: &str) -> Result<Vec<u64>> {
        let words = typed.split_whitespace().map(|word| {
            let word = word.trim_matches('"').replace('"', "\"\"");
            format!("\"{word}\"")
        });
        let asked = words.collect::<Vec<_>>().join(" ");
        let rows = self.runtime.block_on(
            sqlx::query("SELECT rowid FROM note WHERE note MATCH $1 ORDER BY rank LIMIT 10")
                .bind(asked)
                .fetch_all(&self.pool),
        )?;
        let numbers = rows.iter().map(|row| row.get::<i64, _>(0).cast_unsigned());
        Ok(numbers.collect())
    }
}

/// One field, cut by jieba.
pub(super) struct Plain {
    index: Index,
    reader: Option<IndexReader>,
    number: Field,
    text: Field,
}

impl Plain {
    pub(super) fn new() -> Self {
        let mut schema = Schema::builder();
        let number = schema.add_u64_field("number", FAST | STORED);
        let indexing = TextFieldIndexing::default()
            .set_tokenizer("jieba")
            .set_index_option(IndexRecordOption::WithFreqsAndPositions);
        let text = schema.add_text_field(
            "text",
            TextOptions::default().set_indexing_options(indexing),
        );
        let index = Index::create_in_ram(schema.build());
        index
            .tokenizers()
            .register("jieba", tantivy_jieba::JiebaTokenizer::new());
        Self {
            index,
            reader: None,
            number,
            text,
        }
    }

    /// Indexes texts with one thread, as our index does.
    pub(super) fn add<'a>(&mut self, texts: impl Iterator<Item = (u64, &'a str)>) -> Result<()> {
        let mut writer = self.index.writer_with_num_threads(1, 24 << 20)?;
        for (number, text) in texts {
            let mut document = TantivyDocument::new();
            document.add_u64(self.number, number);
            document.add_text(self.text, text);
            writer.add_document(document)?;
        }
        writer.commit()?;
        self.reader = Some(self.index.reader()?);
        Ok(())
    }

    pub(super) fn search(&self, typed: &str) -> Result<Vec<u64>> {
        let parser = QueryParser::for_index(&self.index, vec![self.text]);
        let Ok(query) = parser.parse_query(typed) else {
            return Ok(Vec::new());
        };
        let searcher = self.reader.as_ref().context("nothing is there")?.searcher();
        let top = searcher.search(&query, &TopDocs::with_limit(10).order_by_score())?;
        top.into_iter()
            .map(|(_, address)| {
                let column = searcher
                    .segment_reader(address.segment_ord)
                    .fast_fields()
                    .u64("number")?;
                column.first(address.doc_id).context("a note with a number")
            })
            .collect()
    }
}
