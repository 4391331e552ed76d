## Notes

family-notes = Notes

cmd-note = note something down
cmd-note-more = Only you read your notes. As an answer to a message, it saves that message, with its files. Without a text, the messages that follow are the note, until `endnote`; then come its keys, until `endkey`. `cancel` drops it. `[[…]]` links to a note by its first line, a key or its number.
cmd-note-arg-keys = a key: typed alone, it shows the note
cmd-note-arg-notebook = in this shared notebook
cmd-note-arg-mode = something else with a notebook: `new`, `info`, `forward` (messages that you pass on become notes), `search`, `keys`, `rmkeys`, `rmmsg`
cmd-note-arg-text = what to note
cmd-note-examples =
    note -k nginx look for emerg in error.log before a restart
    note --nb ops web-3 has the slow disk
    note -m search -n ops -k disk
cmd-endnote = end the text of a note; keys follow
cmd-endkey = save the note that is open
cmd-find = find notes
cmd-find-more = Chinese and English, also by pinyin, with one typing mistake, or traditional characters. `"…"` for words that stand together, `-word` to leave out, `OR`, `begin*`. Filters: `nb:` `tag:` `by:` `after:` `before:` `has:file`. What files say is searched too: text, JSON, spreadsheets, PDF.
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
cmd-appendnote = add to a note
cmd-appendnote-more = As an answer to a message, it adds that message. Files that come along are added too.
cmd-appendnote-arg-number = its number
cmd-appendnote-arg-text = what is added
cmd-appendnote-examples = appendnote 118 and restart php-fpm as well
cmd-tagnote = give a note keys
cmd-tagnote-arg-number = its number
cmd-tagnote-arg-keys = keys that it gets
cmd-tagnote-examples = tagnote 118 nginx web
cmd-untagnote = take keys from a note
cmd-untagnote-arg-number = its number
cmd-untagnote-arg-keys = keys that it loses
cmd-untagnote-examples = untagnote 118 web
cmd-notehistory = show what a note was before each change
cmd-notehistory-arg-number = its number
cmd-notehistory-examples = notehistory 118
cmd-delnote = remove a note
cmd-delnote-arg-number = its number
cmd-delnote-examples = delnote 118
cmd-undonote = take back the last change of a note
cmd-undonote-more = Twice is as it was. A note that was only just made is removed.
cmd-undonote-arg-number = its number
cmd-undonote-arg-to = the state that it gets again, as `notehistory` counts them
cmd-undonote-examples =
    undonote 118
    undonote 118 --to 2
cmd-notebook = share notes with others
cmd-notebook-more = Whoever made a notebook decides who reads it, and who also writes in it. Who writes in it teaches it words: names that the dictionary does not know, and words that mean the same.
cmd-notebook-arg-action = list, new, share, unshare, words or synonym
cmd-notebook-arg-name = the notebook; `me` for your own notes
cmd-notebook-arg-items = who; or the words
cmd-notebook-arg-write = may write too
cmd-notebook-arg-remove = it forgets the words
cmd-notebook-examples =
    notebook new ops
    notebook share ops Ann --write
    notebook words ops 龙门架
    notebook synonym ops k8s kubernetes
cmd-rebuildkeywords = make the index of notes anew
cmd-rebuildkeywords-more = Searching goes on meanwhile. It is hardly ever needed: a damaged index is made anew by itself.

button-note-undo = undo
button-note-end = end of text
button-note-save = save
button-note-more = more
button-note-done = done
button-note-back = back to { $place }
button-note-remove = remove

note-saved = Saved note { $number }
note-changed = Changed note { $number }
note-removed = Removed note { $number }
note-restored = Note { $number } is as it was before
note-unknown = There is no note { $number } that you can read.
note-read-only = You can read note { $number }, but not change it.
note-too-long = That is too long for a note; { $limit } fit in one.
note-begun = Go on: every message is part of the note until `endnote`. `cancel` drops it. Commands with a slash still work.
note-begun-group = { $who } writes a note here: what { $who } says, and what others say to me, is part of it until { $who } says `endnote`. `cancel` drops it.
note-open-already = A note of yours is open here already, with { $parts ->
    [one] 1 part
   *[other] { $parts } parts
}. `endnote` ends it, `cancel` drops it.
note-open-of-other = { $who } has a note open here. Only { $who } ends it.
note-left-open = It was open for a day without a message, so I saved it as far as it went.
note-too-many = A note has at most { $most } messages. `endnote` ends it.
note-part-empty = There is nothing in that message that I can note.
note-answer-unseen = I cannot see what that message says. Pass it on to me while a note is open (`note`), or copy its text.
note-part = Part { $parts }. `endnote` ends the text.
note-still-empty = The note is still empty. Write something, or `cancel`.
note-ask-keys = Now its keys, if it should have any; `endkey` saves the note.
note-ask-keys-group = Now its keys, if it should have any: answer me with them. `endkey` saves the note.
note-keys = Keys: { $keys }. `endkey` saves the note.
note-no-draft = No note is open. Begin one with `note`.
note-appended = Added to note { $number }
note-keys-now = Keys of note { $number }: { $keys }
note-keys-none = Note { $number } has no keys
note-dangling = Nothing that you can read is called { $links } yet.
note-file = 📎 { $name } ({ $size })
note-file-unread = 📎 { $name } ({ $size }) is kept, but what it says is not found: { $why }
note-file-broken = it cannot be read.
note-file-deep = it is nested too deeply.
note-file-much = it unpacks to more than I may read.
note-file-slow = reading it took too long.
note-file-missing = { $name } is not in the note. { $why }
note-file-not-here = (cannot be sent here)
note-file-too-large = (too large for this chat)
note-file-gone = (no longer here)
note-file-not-sent = (not sent: too many files)
note-files = { $files ->
    [one] 1 file
   *[other] { $files } files
}
note-said = { $who }, { $when }:
note-links-to = { $link } → #{ $number } { $title }
note-links-nowhere = { $link } → nothing yet
note-linked-from = linked from #{ $number } { $title }
note-history-head = **note { $number }**, newest first:
note-history-row = { $place }. { $said } · { $who }, { $when }
note-history-removed = (removed)
note-no-state = Note { $number } was never in a state { $place }. See { $command }.
note-restored-to = Note { $number } is as it was in state { $place }

note-mode-unknown = There is no mode `{ $mode }`. There are: { $modes }
note-mode-name = Which notebook? `note -m { $mode } -n NAME`
note-mode-keys = Which keys? `note -m { $mode } -n NAME -k KEY`
note-mode-private = Let us do that where only you and I are: `note -m { $mode }` takes messages that you pass on to me.
note-forward-begun = Pass messages on to me: each becomes a note in { $name }. Any other message ends that.
note-rmmsg-begun = Pass on to me what shall go from { $name }. Any other message ends that.
note-rmmsg-unknown = No note there says just that.
note-forward-ended = That was all, then.
note-info = { $name } · made by { $who } · notes: { $notes } · keys: { $keys }
note-info-writer = { $who } reads and writes
note-info-reader = { $who } reads
note-keys-empty = { $name } has no keys.
note-keys-list = Keys of { $name }: { $keys }
note-keys-removed = Took them from { $notes ->
    [one] 1 note
   *[other] { $notes } notes
} of { $name }. Keys left: { $keys }
note-search-none = { $name } has no note with { $keys }.
note-search-more = These are the first { $most }. `find` turns pages.
note-search-private = I show you that where only you and I are.
note-search-start = Write to me in private once (`/start`); I show you that there.
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

notebook-usage = Say `notebook list`, `notebook new NAME`, `notebook share NAME PERSON` (with `--write` if they may write), or `notebook unshare NAME PERSON`; `notebook words NAME WORD` and `notebook synonym NAME WORD OTHER` teach it words (`--remove` makes it forget them).
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
words-none = { $name } knows no words beside the dictionary. Teach it one: `notebook words { $name } WORD`.
words-list = { $name } knows: { $words }
words-known = { $name } knows { $words } now. Its notes are found by them, also by their sound.
words-forgotten = { $name } no longer knows { $words }.
words-bad = `{ $word }` is no single word of at most { $most } characters.
words-full = A notebook has at most { $most } of them.
synonyms-none = In { $name } no words mean the same. Say so: `notebook synonym { $name } WORD OTHER`.
synonyms-head = In { $name }, these mean the same:
synonyms-row = { $word } = { $other }
synonyms-known = In { $name }, { $words } from now on.
synonyms-forgotten = In { $name }, { $words } no longer.
synonyms-usage = Two to { $most } words, please: `notebook synonym { $name } k8s kubernetes`.

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
