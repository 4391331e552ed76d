## Directories, copies, the list of files

cmd-get-more = A directory, or a pattern such as `*.log`, comes as one .tar.gz. From several nodes comes one file each.
cmd-get-arg-keep = only into the store of files here; the chat's limit does not matter
cmd-put-arg-file = a kept file, by its number (see `files`)
cmd-put-arg-extract = unpack the .tar.gz into the directory
cmd-put-arg-tag = all nodes with this tag; then give only the path
cmd-cp = copy a file of one node to others
cmd-cp-more = The bytes pass here once, and where they are already nothing is sent. A directory or a pattern is unpacked at the other end.
cmd-cp-arg-wait = wait this long for nodes that are offline
cmd-cp-arg-yes = don't ask back
cmd-cp-arg-from = what is copied, from one node
cmd-cp-arg-to = where it goes, on one node or several
cmd-cp-examples =
    cp web-1:/etc/nginx/nginx.conf web-2:/etc/nginx/
    cp web-1:/srv/app/ tag:web:/srv/
cmd-files = list the files that were seen here
cmd-files-more = Send one again with `file NUMBER`, put it on nodes with `put --file NUMBER NODE:/path`.
cmd-files-arg-mine = your own, from every chat
cmd-files-arg-number = how many at most
cmd-files-arg-text = only those with this text in their name or place
cmd-files-examples = files --mine nginx
cmd-file = send a kept file again
cmd-file-arg-number = the file's number
cmd-file-examples = file 12
cmd-rmfile = remove a kept file
cmd-rmfile-arg-number = the file's number
cmd-rmfile-examples = rmfile 12

button-keep = keep it here
get-too-large-archive = { $entries } entries of { $size } together are more than this chat takes ({ $limit }).
get-too-many = More than { $most } entries are more than fit into one archive. Name a part of them.
status-get-archive = { $entries ->
    [one] 1 entry
   *[other] { $entries } entries
}, { $content } · { $size } packed · BLAKE3 { $hash }
status-put-unpacked = → { $path } · { $entries ->
    [one] 1 entry
   *[other] { $entries } entries
}, { $content } unpacked
status-file-began-again = It had changed after its first part came, so it was fetched again from its start.
status-file-kept = Kept as file { $number }. Send it here with { $send }, put it on nodes with { $put }.
put-not-unpacked = { $node } did not unpack it: { $detail }. Nothing there was changed.
progress-bytes-only = { $elapsed } · { $done }
cp-one-source = `cp` copies from one node; { $target } is several.

files-none = No file is kept that fits. Files that you send or fetch are kept for a while.
files-row = #{ $number } { $name } · { $size } · { $age } · { $source }
files-row-sent = #{ $number } { $name } · { $size } · { $age } · sent here
files-foot = { $used } of { $quota } are used. Again: { $send } · to nodes: { $put }
files-quota-full = The store of files is full ({ $used } of { $quota }), and nothing in it can go. Remove a file with `rmfile`, or raise `quota` in the section `files` of the configuration.
files-not-kept = I can't keep the file: { $detail }
files-disk-full = The disk of this Jarvis is full. Free some space there, then try again.
files-cut = The line was cut too often. What came so far is lost; try again when it is better.
file-unknown = There is no file { $number } that you may see. See `files`.
file-gone = File { $number } is no longer kept. Fetch or send it again.
put-file-gone = { $name } is no longer kept here. Fetch or send it again.
file-unsupported = This chat can't show files. To put file { $number } on a node: `put --file { $number } NODE:/path`
rmfile-done = File { $number } ({ $name }) is removed.
rmfile-of-other = File { $number } is somebody else's. They or an owner can remove it.
