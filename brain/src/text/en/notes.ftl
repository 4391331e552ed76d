## Notes

family-notes = Notes

cmd-note = note something down
cmd-note-more = Only you read your notes. Without a text, the messages that follow are the note, until `endnote`; then come its keys, until `endkey`. `cancel` drops it.
cmd-note-arg-keys = a key: typed alone, it shows the note
cmd-note-arg-notebook = in this shared notebook
cmd-note-arg-text = what to note
cmd-note-examples =
    note -k nginx look for emerg in error.log before a restart
    note --nb ops web-3 has the slow disk
cmd-endnote = end the text of a note; keys follow
cmd-endkey = save the note that is open
cmd-find = find notes
cmd-find-more = Chinese and English, also by pinyin, with one typing mistake, or traditional characters. `"…"` for words that stand together, `-word` to leave out, `OR`, `begin*`. Filters: `nb:` `tag:` `by:` `after:` `before:`.
cmd-find-arg-page = which page, from 1
cmd-find-arg-query = what to look for
cmd-find-examples =
    find nginx restart
    find fwq after:2026-01 by:me
    find "refused the connection" -pool
cmd-shownote = show a note
cmd-shownote-arg-number = its number
cmd-shownote-examples = shownote 118
cmd-mynotes = list your notes, newest first
cmd-mynotes-arg-page = which page, from 1
cmd-editnote = give a note another text
cmd-editnote-arg-number = its number
cmd-editnote-arg-text = what it says from now on
cmd-editnote-examples = editnote 118 look for emerg and alert
cmd-delnote = remove a note
cmd-delnote-arg-number = its number
cmd-delnote-examples = delnote 118
cmd-undonote = take back the last change of a note
cmd-undonote-more = Twice is as it was. A note that was only just made is removed.
cmd-undonote-arg-number = its number
cmd-undonote-examples = undonote 118
cmd-notebook = share notes with others
cmd-notebook-more = Whoever made a notebook decides who reads it, and who also writes in it.
cmd-notebook-arg-action = list, new, share or unshare
cmd-notebook-arg-name = the notebook
cmd-notebook-arg-person = who
cmd-notebook-arg-write = may write too
cmd-notebook-examples =
    notebook new ops
    notebook share ops Ann --write
cmd-rebuildkeywords = make the index of notes anew
cmd-rebuildkeywords-more = Searching goes on meanwhile. It is hardly ever needed: a damaged index is made anew by itself.

button-note-undo = undo
button-note-end = end of text
button-note-save = save
button-note-more = more
button-note-remove = remove

note-saved = Saved note { $number }
note-changed = Changed note { $number }
note-removed = Removed note { $number }
note-restored = Note { $number } is as it was before
note-unknown = There is no note { $number } that you can read.
note-read-only = You can read note { $number }, but not change it.
note-too-long = That is too long for a note; { $limit } fit in one.
note-private-dialog = Here please all at once: `note TEXT`. Notes of several messages can be written where only you and I are.
note-begun = Go on: every message is part of the note until `endnote`. `cancel` drops it. Commands with a slash still work.
note-part = Part { $parts }. `endnote` ends the text.
note-still-empty = The note is still empty. Write something, or `cancel`.
note-ask-keys = Now its keys, if it should have any; `endkey` saves the note.
note-keys = Keys: { $keys }. `endkey` saves the note.
note-no-draft = No note is open. Begin one with `note`.
note-head = **note { $number }**
note-you = you

find-nothing-asked = What should I look for? A word is enough: `find nginx`.
find-head = { $total ->
    [one] 1 note
   *[other] { $total } notes
} for “{ $query }”
find-wider = (similar words too)
find-cut = That was long; I looked for the beginning of it.
find-none = No note that you can read fits “{ $query }”.
find-row = { $place }. #{ $number } { $said } · { $who }, { $when }
find-unavailable = Notes cannot be searched right now. `shownote` and `mynotes` work.
mynotes-head = Your notes, newest first:
mynotes-none = You have no notes here. Write one: `note TEXT`.

notebook-usage = Say `notebook list`, `notebook new NAME`, `notebook share NAME PERSON` (with `--write` if they may write), or `notebook unshare NAME PERSON`.
notebook-none = You have no shared notebooks. Make one: `notebook new NAME`.
notebook-row-own = { $name } · yours
notebook-row-write = { $name } · you read and write
notebook-row-read = { $name } · you read
notebook-made = Made the notebook { $name }. Write in it with `note --nb { $name } TEXT`, let others in with `notebook share { $name } PERSON`.
notebook-taken = The name { $name } is taken. Choose another one.
notebook-bad-name = `{ $name }` cannot be a notebook's name: at most 32 letters, digits, `-`, `_` or `.`.
notebook-unknown = You have no notebook { $name }. See `notebook list`.
notebook-read-only = You can read the notebook { $name }, but not write in it.
notebook-not-yours = You have made no notebook { $name }, so you cannot let others in.
notebook-shared = { $who } can read { $name } now.
notebook-shared-write = { $who } can read { $name } and write in it now.
notebook-unshared = { $who } cannot read { $name } any more.

reindex-begun = I am making the index of notes anew. Searching goes on; I will say when it is done.
reindex-runs = The index is being made anew already. See `health`.
reindex-done = The index was made anew. Notes in it: { $notes }.
reindex-failed = The index could not be made anew; the old one is still in use. The log says why.

health-notes = notes: { $notes } can be found
health-notes-closed = notes: the index is not open; notes are kept, but not found. The log says why.
health-notes-rebuilding = notes: the index is being made anew; searching goes on
health-notes-replaced = notes: { $notes } can be found. The index was damaged or of another version, and was made anew at the start.


cmd-mynotes-arg-export = everything of yours as a file
cmd-expnotes = notes as a file
cmd-expnotes-more = All that you may read, or what a query fits, as a workbook (xlsx), as JSON, or as Markdown files in an archive. `-g` draws which keys stand together.
cmd-expnotes-arg-graph = the keys and how often they stand together, as JSON and as a picture
cmd-expnotes-arg-json = as JSON
cmd-expnotes-arg-markdown = as Markdown files
cmd-expnotes-arg-query = only these, as `find` takes it
cmd-expnotes-examples =
    expnotes
    expnotes --markdown nb:ops after:2026-01
    expnotes -g
cmd-impnotes = notes from a file
cmd-impnotes-more = Send the file with this as its caption, or answer it: a workbook of any Jarvis, JSON, or Markdown files in an archive. First I count what would happen. What is there already is left alone, so a file may come twice.
cmd-impnotes-arg-merge = add what is missing (the default)
cmd-impnotes-arg-replace = also remove what the file does not have
cmd-impnotes-arg-notebook = everything into this notebook
cmd-impnotes-arg-undo = take this import back
cmd-impnotes-examples =
    impnotes
    impnotes --replace --nb ops
    impnotes --undo 3

expnotes-done = { $notes ->
    [one] 1 note
   *[other] { $notes } notes
}
expnotes-no-files = No files can be sent here. Ask in another chat.
expnotes-too-many = That is more than one file takes: { $most } notes with { $size } of text. Ask for less, such as `expnotes nb:ops` or `expnotes after:2026-01`.
expnotes-too-large = The file has { $size }, and this chat takes { $limit }. Ask for less, such as `expnotes nb:ops` or `expnotes after:2026-01`.
expnotes-no-keys = None of these notes has a key.
expnotes-graph = Keys: { $keys }, links: { $links }
expnotes-graph-cut = The picture shows the { $most } that are used most.
mynotes-exported = Everything that is yours. Notes: { $notes }, notebooks: { $notebooks }
mynotes-export-private = I send you all of your notes only where you and I are alone.

impnotes-no-file = That needs a file: send it with the caption `impnotes`, or answer its message with `impnotes`.
impnotes-broken = I cannot take notes from { $name }: { $why }.
impnotes-preview = { $name }:
impnotes-added = new: { $count }
impnotes-changed = changed: { $count }
impnotes-same = there already: { $count }
impnotes-kept = newer here: { $count }
impnotes-removed = removed: { $count }
impnotes-left-out = no notes: { $count }
impnotes-into = Shared notebooks: { $notebooks }
impnotes-homeless = Of a notebook that you cannot write in, so they become your own: { $count }
impnotes-nothing = Nothing to do.
impnotes-begun = Import { $number } has begun. Notes: { $total }
impnotes-running = Import { $number }: { $done } of { $total } notes
impnotes-done = Import { $number } is done: { $name }. Notes made or changed: { $count }
impnotes-failed = Import { $number } ended early: { $why }. What was in stays; the button takes it out again.
impnotes-unknown = You have no import { $number }.
impnotes-runs = Import { $number } still goes on.
impnotes-is-undone = Import { $number } was taken back already.
impnotes-undo-begun = I am taking import { $number } back.
impnotes-undoing = { $count } notes are as they were before
impnotes-undone = Import { $number } was taken back. Notes: { $count }
impnotes-undone-not = Changed since, so they stay: { $count }

note-like = Notes like this:
note-like-row = #{ $number } { $said }
notes-news = Notes in { $notebook }: { $count }
notes-news-new = + #{ $number } { $said } · { $who }
notes-news-changed = ~ #{ $number } { $said } · { $who }
notes-news-more = and { $count } more
reindex-running = The index is being made anew: { $done } of { $total } changes
subscribe-notes = You will hear here of new and changed notes of others ({ $what }), as long as you may read them.
subscribe-which-notebook = Which notebook? `subscribe notes nb:NAME`; yours are in `notebook list`.
subscribe-no-notebook = Only `subscribe notes` takes a notebook.
