//! `log`: the stored output of a job. It never runs anything again.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use jarvis_nodeclient::{Address, NodeName};
use jarvis_proto::node::{GetFile, OutputStream, StoredOutput, get_file};

use super::LogArgs;
use super::run::find;
use crate::answer::Answer;
use crate::blob::StoredBlob;
use crate::commands::{Call, Trouble};
use crate::job::{self, Task, TaskEnding, TaskState};
use crate::reply::{Reply, ReplyFile};
use crate::text::{Text, format, text};

/// Most output shown in a message: bytes and lines. More comes as a file.
const INLINE: (usize, usize) = (3_000, 40);
/// Most lines that `--grep` shows.
const MOST_MATCHES: usize = 100;

/// `log ID [--grep T] [--err] [--node N] [--file]`.
pub(in crate::commands) async fn log(call: &Call<'_>, args: LogArgs) -> Result<Answer, Trouble> {
    let language = call.language();
    let (job, tasks) = match find(call, args.job).await? {
        Ok(found) => found,
        Err(answer) => return Ok(answer),
    };
    if !job.spec.has_output() {
        return Ok(Answer::say(text!(
            language,
            "log-empty",
            number = job.number
        )));
    }
    if args.stop {
        return super::follow::stop(call, &job).await;
    }
    let Some(task) = choose(&tasks, args.node.as_deref()) else {
        let names: Vec<String> = tasks.iter().map(|task| task.node.clone()).collect();
        let nodes = crate::command::target::listed(language, &names);
        let mut reply = Reply::new().line(text!(
            language,
            "log-which-node",
            number = job.number,
            nodes = nodes
        ));
        for (place, task) in most_telling(&tasks).into_iter().enumerate() {
            if place % 4 == 0 {
                reply = reply.row();
            }
            reply = reply.button(Text::plain(&task.node), args.on(&task.node));
        }
        return Ok(Answer::say(reply));
    };
    if args.follow && !task.state.is_final() {
        return super::follow::follow(call, &job, task).await;
    }
    let blob = match output(call, job.number, task, &args).await? {
        Ok(blob) => blob,
        Err(answer) => return Ok(answer),
    };
    call.pin(&blob.hash);
    let name = format!(
        "job-{}-{}{}.log",
        job.number,
        task.node,
        if args.err { "-stderr" } else { "" }
    );
    let path = call.brain.blobs().path(&blob.hash).unwrap_or_default();
    let lines = count_lines(path.clone()).await?;
    let title = text!(
        language,
        "log-head",
        number = job.number,
        node = task.node.as_str(),
        lines = lines,
        size = format::bytes(blob.size),
    );
    if let Some(pattern) = &args.grep {
        let (matches, total) = grep(path, pattern.clone()).await?;
        if total == 0 {
            return Ok(Answer::say(text!(
                language,
                "log-no-match",
                number = job.number,
                text = pattern.as_str()
            )));
        }
        let reply = Reply::new()
            .line(text!(
                language,
                "log-matches",
                matches = total,
                text = pattern.as_str()
            ))
            .pre(&matches);
        return Ok(Answer::say(reply));
    }
    if blob.size == 0 {
        let other = TaskEnding::decode(&task.ending).and_then(|ending| {
            let counts = ending.run()?.counts?;
            let bytes = if args.err {
                counts.stdout_bytes
            } else {
                counts.stderr_bytes
            };
            (bytes > 0)
                .then(|| format!("log {}{}", job.number, if args.err { "" } else { " --err" }))
        });
        if let Some(other) = other {
            let other = Text::code(&other);
            return Ok(Answer::say(text!(
                language,
                "log-empty-stream",
                number = job.number,
                other = other
            )));
        }
        return Ok(Answer::say(text!(
            language,
            "log-empty",
            number = job.number
        )));
    }
    if !args.file
        && blob.size <= INLINE.0 as u64
        && let Ok(text) = String::from_utf8(tokio::fs::read(&path).await?)
        && text.lines().count() <= INLINE.1
    {
        return Ok(Answer::say(Reply::new().line(title).pre(&text)));
    }
    let limit = call.brain.file_limit(&call.room().bot);
    if limit > 0 && blob.size > limit {
        let (size, limit) = (format::bytes(blob.size), format::bytes(limit));
        let advice = Text::code(&format!("log {} --grep TEXT", job.number));
        return Ok(Answer::say(text!(
            language,
            "log-too-large",
            size = size,
            limit = limit,
            advice = advice
        )));
    }
    let file = ReplyFile {
        blob: blob.hash,
        name,
        mime: "text/plain".to_owned(),
        size: blob.size,
    };
    Ok(Answer::say(Reply::new().line(title).file(file)))
}

/// The first or last lines of an output that is here as a whole.
fn part(bytes: &[u8], head: Option<u32>, tail: Option<u32>) -> &[u8] {
    let ends = |bytes: &[u8]| -> Vec<usize> {
        let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        ends.map(|(at, _)| at + 1).collect()
    };
    if let Some(lines) = head {
        let end = ends(bytes).get(lines as usize - 1).copied();
        return &bytes[..end.unwrap_or(bytes.len())];
    }
    let Some(lines) = tail else { return bytes };
    // What ends with a line break has its last line before it.
    let body = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let starts = ends(body);
    let first = starts.len().checked_sub(lines as usize);
    &bytes[first.map_or(0, |first| starts[first])..]
}

/// Counts lines in constant memory, in a thread of its own.
async fn count_lines(path: PathBuf) -> Result<usize, Trouble> {
    let count = move || -> std::io::Result<usize> {
        let mut reader = BufReader::with_capacity(256 << 10, std::fs::File::open(path)?);
        let mut lines = 0;
        loop {
            let chunk = reader.fill_buf()?;
            if chunk.is_empty() {
                return Ok(lines);
            }
            lines += chunk.iter().filter(|byte| **byte == b'\n').count();
            let length = chunk.len();
            reader.consume(length);
        }
    };
    let counted = tokio::task::spawn_blocking(count)
        .await
        .map_err(std::io::Error::other)?;
    Ok(counted?)
}

/// The tasks that people ask for: those that went badly first.
fn most_telling(tasks: &[Task]) -> Vec<&Task> {
    const BUTTONS: usize = 8;
    let mut tasks: Vec<&Task> = tasks.iter().collect();
    tasks.sort_by_key(|task| task.state == TaskState::Done);
    tasks.truncate(BUTTONS);
    tasks
}

fn choose<'t>(tasks: &'t [Task], node: Option<&str>) -> Option<&'t Task> {
    match (node, tasks) {
        (Some(node), _) => tasks.iter().find(|task| task.node == node),
        (None, [one]) => Some(one),
        (None, _) => None,
    }
}

/// The whole output of one stream: from what the ending brought along when that is all of it, else
/// from the node.
async fn output(
    call: &Call<'_>,
    number: i64,
    task: &Task,
    args: &LogArgs,
) -> Result<Result<StoredBlob, Answer>, Trouble> {
    let language = call.language();
    let err = args.err;
    let ending = TaskEnding::decode(&task.ending);
    if let Some(run) = ending.as_ref().and_then(TaskEnding::run) {
        let counts = run.counts.unwrap_or_default();
        let (tail, bytes) = match err {
            false => (&run.stdout_tail, counts.stdout_bytes),
            true => (&run.stderr_tail, counts.stderr_bytes),
        };
        if tail.len() as u64 == bytes {
            let part = part(tail, args.head, args.tail);
            return Ok(Ok(call.brain.blobs().put(part).await?));
        }
    }
    let (Ok(node), Ok(address)) = (NodeName::parse(&task.node), Address::parse(&task.address))
    else {
        return Ok(Err(Answer::say(text!(
            language,
            "node-forgotten",
            node = task.node.as_str()
        ))));
    };
    if !call.brain.fleet().is_online(call.brain, &node) {
        return Ok(Err(Answer::say(text!(
            language,
            "log-node-offline",
            node = task.node.as_str()
        ))));
    }
    let stream = if err {
        OutputStream::Stderr
    } else {
        OutputStream::Stdout
    };
    let get = GetFile {
        source: Some(get_file::Source::Output(StoredOutput {
            order: task.order.clone(),
            stream: stream.into(),
        })),
        tail_lines: u64::from(args.tail.unwrap_or(0)),
        head_lines: u64::from(args.head.unwrap_or(0)),
        ..GetFile::default()
    };
    let key = format!(
        "{}-{}-{}-{}",
        task.order,
        stream.as_str_name(),
        get.tail_lines,
        get.head_lines
    );
    match job::fetch(call.brain, &node, &address, get, &key).await {
        Ok(fetched) => Ok(Ok(fetched.blob)),
        Err(error) => {
            tracing::info!(%error, order = %task.order, "no stored output");
            Ok(Err(Answer::say(text!(
                language,
                "log-gone",
                number = number,
                node = task.node.as_str()
            ))))
        }
    }
}

/// Lines that contain the text, and how many there are in all. Reads line by line in a thread of its
/// own; a line is cut at 64 KiB.
async fn grep(path: PathBuf, pattern: String) -> Result<(String, usize), Trouble> {
    let search = move || -> std::io::Result<(String, usize)> {
        let mut reader = BufReader::new(std::fs::File::open(path)?);
        let (mut shown, mut total) = (String::new(), 0);
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = std::io::Read::take(&mut reader, 64 << 10).read_until(b'\n', &mut line)?;
            if read == 0 {
                return Ok((shown, total));
            }
            let text = String::from_utf8_lossy(&line);
            if text.contains(&pattern) {
                total += 1;
                if total <= MOST_MATCHES && shown.len() < INLINE.0 {
                    shown.extend(text.trim_end().chars().take(500));
                    shown.push('\n');
                }
            }
        }
    };
    let found = tokio::task::spawn_blocking(search)
        .await
        .map_err(std::io::Error::other)?;
    Ok(found?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_whole_lines_from_either_end() {
        let bytes = b"one\ntwo\nthree\n";
        assert_eq!(part(bytes, None, None), bytes);
        assert_eq!(part(bytes, Some(2), None), b"one\ntwo\n");
        assert_eq!(part(bytes, Some(9), None), bytes);
        assert_eq!(part(bytes, None, Some(1)), b"three\n");
        assert_eq!(part(bytes, None, Some(2)), b"two\nthree\n");
        assert_eq!(part(bytes, None, Some(9)), bytes);
        assert_eq!(part(b"one\ntwo", None, Some(1)), b"two");
        assert_eq!(part(b"", Some(1), None), b"");
    }
}
