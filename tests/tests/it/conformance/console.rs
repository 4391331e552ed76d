//! The console of a person at the server, through a pipe.

use std::collections::HashMap;

use anyhow::Result;
use async_trait::async_trait;
use bytes::Bytes;
use jarvis_tests::process::Process;
use jarvis_tests::site::Site;

use super::platform::{Platform, Spot};

/// The owner of the site is whoever speaks.
pub(super) struct OnConsole {
    site: Site,
    adapter: Option<Process>,
    /// Files that came, by name, as often as they did.
    seen_files: HashMap<String, usize>,
}

#[async_trait]
impl Platform for OnConsole {
    async fn start() -> Result<Self> {
        Ok(Self {
            site: Site::with_nodes(&["web-1"]).await?,
            adapter: None,
            seen_files: HashMap::new(),
        })
    }

    fn site(&mut self) -> &mut Site {
        &mut self.site
    }

    async fn person(&mut self, _name: &str) {}

    async fn operator(&mut self, _name: &str) {}

    async fn group(&mut self, _title: &str) -> usize {
        unreachable!("a console has no groups")
    }

    async fn says(&mut self, _name: &str, _spot: Spot, text: &str) {
        self.site.owner.says(text).await;
    }

    async fn mutters(&mut self, _name: &str, _spot: Spot, _text: &str) {
        unreachable!("a console has no groups")
    }

    async fn sees(&mut self, _name: &str, _spot: Spot, text: &str) -> String {
        // A message has several lines here: what belongs to it stands around.
        self.site.owner.sees(text).await;
        self.site.owner.process().out().text()
    }

    async fn everything(&mut self, _name: &str, _spot: Spot) -> String {
        self.site.owner.process().out().text()
    }

    async fn sent(&mut self, _name: &str, _spot: Spot) -> usize {
        let out = self.site.owner.process().out().text();
        out.matches("✖ job").count() + out.matches("✔ job").count()
    }

    async fn sends_file(&mut self, _name: &str, file: &str, bytes: Bytes, caption: &str) {
        let path = self.site.jarvis.folder().join(file);
        std::fs::write(&path, bytes).expect("the folder can be written");
        let line = format!("@'{}' {caption}", path.display());
        self.site.owner.says(&line).await;
    }

    async fn gets_file(&mut self, _name: &str, file: &str) -> Bytes {
        *self.seen_files.entry(file.to_owned()).or_default() += 1;
        let line = self.site.owner.sees(&format!("[file] {file}")).await;
        let path = line.split_once(" /").expect("the line names the place").1;
        let bytes = std::fs::read(format!("/{}", path.trim_end()));
        bytes.expect("the file is there").into()
    }

    async fn cuts_line(&mut self) {
        unreachable!("a console has no line to its platform")
    }

    async fn repeats_last_event(&mut self) {
        unreachable!("a pipe repeats nothing")
    }

    async fn uses_up_quota(&mut self) {
        unreachable!("a pipe has no quota")
    }

    async fn set_down(&mut self, _is_down: bool) {
        unreachable!("a pipe is there or it is not")
    }

    fn shows_progress(&self) -> bool {
        false
    }

    fn adapter(&mut self) -> &mut Option<Process> {
        &mut self.adapter
    }

    async fn start_adapter(&mut self) -> Result<()> {
        unreachable!("the console is the story's own hand")
    }
}
