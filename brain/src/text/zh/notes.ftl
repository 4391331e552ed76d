## Notes

family-notes = 笔记

cmd-note = 记一条笔记
cmd-note-more = 你的笔记只有你能看。回复一条消息时，会保存那条消息和它的文件。不带内容时，随后的每条消息都是笔记的一部分，直到 `endnote`；再输入关键词，直到 `endkey`。`cancel` 放弃。`[[…]]` 按首行、关键词或编号链接到另一条笔记。
cmd-note-arg-keys = 关键词：单独发送它就能看到这条笔记
cmd-note-arg-notebook = 记到这个共享笔记本
cmd-note-arg-mode = 对笔记本做别的事：`new`、`info`、`forward`（转发给我的消息都成为笔记）、`search`、`keys`、`rmkeys`、`rmmsg`
cmd-note-arg-text = 内容
cmd-note-examples =
    note -k nginx 重启之前先看 error.log 里有没有 emerg
    note --nb ops web-3 的磁盘比较慢
    note -m search -n ops -k 磁盘
cmd-endnote = 结束笔记内容，接着输入关键词
cmd-endkey = 保存正在写的笔记
cmd-find = 查找笔记
cmd-find-more = 中文英文都行，也认拼音、繁体和一个字母的笔误。`"…"` 表示连在一起的词，`-词` 表示排除，还有 `OR` 和 `开头*`。筛选：`nb:` `tag:` `by:` `after:` `before:` `has:file`。文件的内容也能查到：文本、JSON、表格、PDF。
cmd-find-arg-page = 第几页，从 1 开始
cmd-find-arg-query = 要找什么
cmd-find-examples =
    find nginx 重启
    find fwq after:2026-01 by:me
    find "拒绝连接" -连接池
cmd-shownote = 查看一条笔记
cmd-shownote-arg-number = 编号
cmd-shownote-examples = shownote 118
cmd-mynotes = 列出你的笔记，新的在前
cmd-mynotes-arg-page = 第几页，从 1 开始
cmd-editnote = 修改笔记内容
cmd-editnote-arg-number = 编号
cmd-editnote-arg-text = 新的内容
cmd-editnote-examples = editnote 118 先看有没有 emerg 和 alert
cmd-appendnote = 给笔记追加内容
cmd-appendnote-more = 回复一条消息时，会追加那条消息；一起发来的文件也会加进去。
cmd-appendnote-arg-number = 编号
cmd-appendnote-arg-text = 追加的内容
cmd-appendnote-examples = appendnote 118 还要重启 php-fpm
cmd-tagnote = 给笔记加关键词
cmd-tagnote-arg-number = 编号
cmd-tagnote-arg-keys = 要加的关键词
cmd-tagnote-examples = tagnote 118 nginx 网关
cmd-untagnote = 去掉笔记的关键词
cmd-untagnote-arg-number = 编号
cmd-untagnote-arg-keys = 要去掉的关键词
cmd-untagnote-examples = untagnote 118 网关
cmd-notehistory = 查看笔记历次改动之前的样子
cmd-notehistory-arg-number = 编号
cmd-notehistory-examples = notehistory 118
cmd-delnote = 删除一条笔记
cmd-delnote-arg-number = 编号
cmd-delnote-examples = delnote 118
cmd-undonote = 撤销笔记的上一次改动
cmd-undonote-more = 再撤销一次就恢复原样。刚写下的笔记会被删除。
cmd-undonote-arg-number = 编号
cmd-undonote-arg-to = 恢复到哪个状态，编号见 `notehistory`
cmd-undonote-examples =
    undonote 118
    undonote 118 --to 2
cmd-notebook = 和别人共享笔记
cmd-notebook-more = 谁建的笔记本，谁决定哪些人能看、哪些人还能写。能写的人可以教它词典里没有的名称，以及意思相同的词。
cmd-notebook-arg-action = list、new、share、unshare、words 或 synonym
cmd-notebook-arg-name = 笔记本；`me` 表示你自己的笔记
cmd-notebook-arg-items = 谁；或者词语
cmd-notebook-arg-write = 也可以写
cmd-notebook-arg-remove = 忘掉这些词
cmd-notebook-examples =
    notebook new ops
    notebook share ops Ann --write
    notebook words ops 龙门架
    notebook synonym ops k8s kubernetes
cmd-rebuildkeywords = 重建笔记索引
cmd-rebuildkeywords-more = 重建期间照常可以查找。一般用不着：索引损坏时会自动重建。

button-note-undo = 撤销
button-note-end = 写完了
button-note-save = 保存
button-note-more = 更多
button-note-done = 好了
button-note-back = 恢复到 { $place }
button-note-remove = 删除

note-saved = 已保存笔记 { $number }
note-changed = 已修改笔记 { $number }
note-removed = 已删除笔记 { $number }
note-restored = 笔记 { $number } 已恢复到之前的样子
note-unknown = 没有你能看的笔记 { $number }。
note-read-only = 笔记 { $number } 你能看，但不能改。
note-too-long = 太长了，一条笔记最多 { $limit }。
note-begun = 请继续：随后的每条消息都是笔记的一部分，直到 `endnote`。`cancel` 放弃。带斜杠的命令照常可用。
note-begun-group = { $who } 在这里写笔记：{ $who } 说的话，以及别人对我说的话，都会记进去，直到 { $who } 发送 `endnote`。`cancel` 放弃。
note-open-already = 你在这里已经有一条没写完的笔记，共 { $parts } 段。`endnote` 结束内容，`cancel` 放弃。
note-open-of-other = { $who } 正在这里写笔记，只有 { $who } 能结束。
note-left-open = 这条笔记一天没有新消息，已按现有内容保存。
note-too-many = 一条笔记最多 { $most } 段。`endnote` 结束内容。
note-part-empty = 这条消息里没有可以记下的内容。
note-answer-unseen = 我看不到那条消息的内容。先用 `note` 开始一条笔记，再把它转发给我，或者复制文字。
note-part = 第 { $parts } 段。`endnote` 结束内容。
note-still-empty = 笔记还是空的。写点什么，或者 `cancel`。
note-ask-keys = 现在可以输入关键词；`endkey` 保存笔记。
note-ask-keys-group = 现在可以输入关键词：请回复我。`endkey` 保存笔记。
note-keys = 关键词：{ $keys }。`endkey` 保存笔记。
note-no-draft = 没有正在写的笔记。用 `note` 开始写。
note-appended = 已追加到笔记 { $number }
note-keys-now = 笔记 { $number } 的关键词：{ $keys }
note-keys-none = 笔记 { $number } 没有关键词
note-dangling = 你能看的笔记里还没有叫 { $links } 的。
note-file = 📎 { $name }（{ $size }）
note-file-unread = 📎 { $name }（{ $size }）已保存，但查不到它的内容：{ $why }
note-file-broken = 文件无法读取。
note-file-deep = 嵌套太深。
note-file-much = 展开后超过了能读的大小。
note-file-slow = 读取时间太长。
note-file-missing = { $name } 没有记进笔记。{ $why }
note-file-not-here = （这里不能发送）
note-file-too-large = （超过这个聊天的大小限制）
note-file-gone = （已经不在了）
note-file-not-sent = （文件太多，没有发送）
note-files = { $files } 个文件
note-said = { $who }，{ $when }：
note-links-to = { $link } → #{ $number } { $title }
note-links-nowhere = { $link } → 还没有
note-linked-from = 链接自 #{ $number } { $title }
note-history-head = **笔记 { $number }**，新的在前：
note-history-row = { $place }. { $said } · { $who }，{ $when }
note-history-removed = （已删除）
note-no-state = 笔记 { $number } 没有第 { $place } 个状态。见 { $command }。
note-restored-to = 笔记 { $number } 已恢复到第 { $place } 个状态

note-mode-unknown = 没有 `{ $mode }` 这种用法，可以用：{ $modes }
note-mode-name = 哪个笔记本？`note -m { $mode } -n 名称`
note-mode-keys = 哪些关键词？`note -m { $mode } -n 名称 -k 关键词`
note-mode-private = 请私聊我：`note -m { $mode }` 要用转发给我的消息。
note-forward-begun = 请把消息转发给我：每条都成为 { $name } 里的一条笔记。发送其他消息就结束。
note-rmmsg-begun = 请把要从 { $name } 删除的消息转发给我。发送其他消息就结束。
note-rmmsg-unknown = 那里没有内容完全一样的笔记。
note-forward-ended = 好，到此为止。
note-info = { $name } · { $who } 建立 · 笔记 { $notes } 条 · 关键词 { $keys } 个
note-info-writer = { $who } 能看也能写
note-info-reader = { $who } 能看
note-keys-empty = { $name } 没有关键词。
note-keys-list = { $name } 的关键词：{ $keys }
note-keys-removed = 已从 { $name } 的 { $notes } 条笔记里去掉。剩下的关键词：{ $keys }
note-search-none = { $name } 里没有关键词为 { $keys } 的笔记。
note-search-more = 这是前 { $most } 条。`find` 可以翻页。
note-search-private = 我私下发给你。
note-search-start = 请先私聊我一次（`/start`），我会在那里发给你。
note-head = **笔记 { $number }**
note-you = 你

find-nothing-asked = 要找什么？一个词就够：`find nginx`。
find-head = “{ $query }”找到 { $total } 条笔记
find-wider = （包括相近的词）
find-cut = 内容太长，只按开头部分查找。
find-none = 你能看的笔记里没有符合“{ $query }”的。
find-row = { $place }. #{ $number } { $said } · { $who }，{ $when }
find-unavailable = 现在无法查找笔记。`shownote` 和 `mynotes` 可以用。
mynotes-head = 你的笔记，新的在前：
mynotes-none = 你在这里还没有笔记。写一条：`note 内容`。

notebook-usage = 可以用 `notebook list`、`notebook new 名称`、`notebook share 名称 人`（加 `--write` 表示也能写）或 `notebook unshare 名称 人`；`notebook words 名称 词` 和 `notebook synonym 名称 词 另一个词` 教它词语（`--remove` 忘掉）。
notebook-none = 你还没有共享笔记本。新建一个：`notebook new 名称`。
notebook-row-own = { $name } · 你的
notebook-row-write = { $name } · 你能看也能写
notebook-row-read = { $name } · 你能看
notebook-made = 已建立笔记本 { $name }。用 `note --nb { $name } 内容` 写笔记，用 `notebook share { $name } 人` 让别人加入。
notebook-taken = 名称 { $name } 已被占用，请换一个。
notebook-bad-name = `{ $name }` 不能做笔记本名称：最多 32 个文字、数字、`-`、`_` 或 `.`。
notebook-unknown = 你没有笔记本 { $name }。见 `notebook list`。
notebook-read-only = 笔记本 { $name } 你能看，但不能写。
notebook-not-yours = 笔记本 { $name } 不是你建的，不能让别人加入。
notebook-shared = { $who } 现在可以看 { $name }。
notebook-shared-write = { $who } 现在可以看 { $name }，也可以写。
notebook-unshared = { $who } 不能再看 { $name }。
words-none = { $name } 除了词典还不认识别的词。教它一个：`notebook words { $name } 词`。
words-list = { $name } 认识：{ $words }
words-known = { $name } 现在认识 { $words }，按它们或它们的拼音都能找到笔记。
words-forgotten = { $name } 不再认识 { $words }。
words-bad = `{ $word }` 不是一个不超过 { $most } 个字符的词。
words-full = 一个笔记本最多 { $most } 个。
synonyms-none = { $name } 里还没有意思相同的词。这样说明：`notebook synonym { $name } 词 另一个词`。
synonyms-head = 在 { $name } 里，这些词意思相同：
synonyms-row = { $word } = { $other }
synonyms-known = 从现在起，在 { $name } 里 { $words }。
synonyms-forgotten = 在 { $name } 里，{ $words } 不再相同。
synonyms-usage = 请给两到 { $most } 个词：`notebook synonym { $name } k8s kubernetes`。

reindex-begun = 正在重建笔记索引，查找照常可用；完成后告诉你。
reindex-runs = 索引已经在重建了。见 `health`。
reindex-done = 索引已重建，共 { $notes } 条笔记。
reindex-failed = 索引没能重建，仍在使用旧的。原因见日志。

health-notes = 笔记：可查找 { $notes } 条
health-notes-closed = 笔记：索引没有打开；笔记都在，但查不到。原因见日志。
health-notes-rebuilding = 笔记：正在重建索引，查找照常可用
health-notes-replaced = 笔记：可查找 { $notes } 条。启动时索引损坏或版本不同，已重建。


cmd-mynotes-arg-export = 把属于你的一切导出成文件
cmd-expnotes = 把笔记导出成文件
cmd-expnotes-more = 导出你能看的全部笔记，或者查询到的笔记：表格（xlsx）、JSON，或者打包的 Markdown 文件。`-g` 画出哪些关键词一起出现。
cmd-expnotes-arg-graph = 关键词以及一起出现的次数，JSON 和图片
cmd-expnotes-arg-json = 导出为 JSON
cmd-expnotes-arg-markdown = 导出为 Markdown 文件
cmd-expnotes-arg-query = 只要这些，写法同 `find`
cmd-expnotes-examples =
    expnotes
    expnotes --markdown nb:ops after:2026-01
    expnotes -g
cmd-impnotes = 从文件导入笔记
cmd-impnotes-more = 发送文件时把它写在说明里，或者回复那个文件：任何一个 Jarvis 的表格、JSON，或者打包的 Markdown 文件。我先数清楚会发生什么。已经有的不会动，所以同一个文件可以导入两次。
cmd-impnotes-arg-merge = 补上没有的（默认）
cmd-impnotes-arg-replace = 同时删除文件里没有的
cmd-impnotes-arg-notebook = 全部放进这个笔记本
cmd-impnotes-arg-undo = 撤销这次导入
cmd-impnotes-examples =
    impnotes
    impnotes --replace --nb ops
    impnotes --undo 3

expnotes-done = { $notes } 条笔记
expnotes-no-files = 这里不能发送文件，请换一个聊天。
expnotes-too-many = 一个文件放不下：最多 { $most } 条笔记、{ $size } 文字。请缩小范围，例如 `expnotes nb:ops` 或 `expnotes after:2026-01`。
expnotes-too-large = 文件有 { $size }，这里只能发 { $limit }。请缩小范围，例如 `expnotes nb:ops` 或 `expnotes after:2026-01`。
expnotes-no-keys = 这些笔记都没有关键词。
expnotes-graph = 关键词：{ $keys }，联系：{ $links }
expnotes-graph-cut = 图片里只画最常用的 { $most } 个。
mynotes-exported = 属于你的一切。笔记：{ $notes }，笔记本：{ $notebooks }
mynotes-export-private = 你的全部笔记只在私聊里发给你。

impnotes-no-file = 需要一个文件：发送时写上说明 `impnotes`，或者用 `impnotes` 回复那条消息。
impnotes-broken = { $name } 不能导入：{ $why }。
impnotes-preview = { $name }：
impnotes-added = 新增：{ $count }
impnotes-changed = 改动：{ $count }
impnotes-same = 已经有了：{ $count }
impnotes-kept = 这里的更新：{ $count }
impnotes-removed = 删除：{ $count }
impnotes-left-out = 不是笔记：{ $count }
impnotes-into = 共享笔记本：{ $notebooks }
impnotes-homeless = 所属笔记本你不能写，放进你自己的笔记：{ $count }
impnotes-nothing = 没有什么要做的。
impnotes-begun = 导入 { $number } 开始了。笔记：{ $total }
impnotes-running = 导入 { $number }：{ $done } / { $total } 条笔记
impnotes-done = 导入 { $number } 完成：{ $name }。新增或改动的笔记：{ $count }
impnotes-failed = 导入 { $number } 提前结束：{ $why }。已经导入的保留着，按钮可以撤销。
impnotes-unknown = 你没有导入 { $number }。
impnotes-runs = 导入 { $number } 还在进行。
impnotes-is-undone = 导入 { $number } 已经撤销过了。
impnotes-undo-begun = 正在撤销导入 { $number }。
impnotes-undoing = { $count } 条笔记已恢复原样
impnotes-undone = 导入 { $number } 已撤销。笔记：{ $count }
impnotes-undone-not = 之后又改过，所以保留：{ $count }

note-like = 类似的笔记：
note-like-row = #{ $number } { $said }
notes-news = { $notebook } 里的笔记：{ $count }
notes-news-new = + #{ $number } { $said } · { $who }
notes-news-changed = ~ #{ $number } { $said } · { $who }
notes-news-more = 还有 { $count } 条
reindex-running = 正在重建索引：{ $done } / { $total } 处改动
subscribe-notes = 别人新写或改动的笔记会告诉这里（{ $what }），只要你还能看。
subscribe-which-notebook = 哪个笔记本？`subscribe notes nb:名字`，你的笔记本见 `notebook list`。
subscribe-no-notebook = 只有 `subscribe notes` 可以带笔记本。
