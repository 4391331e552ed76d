## Translation

translation-author = { $name }：
translation-label = { $language } ·{" "}
translation-back = ↩ { $text }
translation-misread = ⚠ 这句话可能被误解。编辑原消息，译文会随之更新。
translation-delayed = … 翻译延迟
translation-same = 原文已经是这种语言。
translation-no-engine = 没有配置翻译引擎。
translation-no-local-engine = 本房间只允许本地引擎（`--local-only`），但没有配置。
translation-no-pair = 没有引擎能译成{ $language }。
translation-no-budget = 本月的翻译字数已用完：见 `/translate usage`。
translation-nonsense = 没有引擎给出可用的译文，请换个说法。
translation-down = 翻译引擎暂时没有响应：见 `/translate status`，请稍后再发。
translation-too-long = 文字太长，无法翻译：最多 { $limit } 个字符。
translation-full = 等待翻译的消息太多，接下来的消息不再翻译。
link-author = { $name }（{ $from }）：
link-original = ↳ { $text }
link-file-lost = （文件 { $name } 无法转发）

family-translation = 翻译

value-tongue = 不认识语言 `{ $value }`。例如：en、zh、ja、es。

cmd-translate = 让房间里的人互相读懂
cmd-translate-more = 每个人用自己的语言写。`on` 和 `off` 需要操作员；`me` 设置你读写的语言；`status` 说明谁能看到这里的文字。
cmd-translate-arg-engine = 优先使用这个引擎
cmd-translate-arg-local-only = 文字不离开自己的机器
cmd-translate-arg-round-trip = 作者能看到译文回译后的样子
cmd-translate-arg-action = on、off、me、status 或 usage
cmd-translate-arg-languages = 语言
cmd-translate-examples =
    translate on zh en
    translate on zh en ja --local-only
    translate me en
    translate usage
cmd-tr = 翻译一段文字
cmd-tr-more = 回复一条消息时，翻译那条消息。
cmd-tr-arg-to = 译成这种语言；也可以写在文字前面
cmd-tr-arg-text = 要翻译的文字
cmd-tr-examples =
    tr en 服务器重启好了
    tr -d it good morning
cmd-glossary = 本房间的固定译法
cmd-glossary-more = 没有译法的词保持原样，比如名字。
cmd-glossary-arg-language = 译文的语言（看不出来时需要）
cmd-glossary-arg-action = add、remove 或 list
cmd-glossary-arg-word = 词
cmd-glossary-arg-becomes = 译成什么
cmd-glossary-examples =
    glossary add 节点 node
    glossary add Jarvis
    glossary remove 节点
cmd-starttranslate = 单向翻译，对所有人或某个人
cmd-starttranslate-arg-from = 源语言
cmd-starttranslate-arg-to = 目标语言
cmd-starttranslate-arg-engine = 优先使用这个引擎
cmd-starttranslate-arg-user = 只翻译这个人的话
cmd-starttranslate-arg-round-trip = 作者能看到回译
cmd-starttranslate-examples =
    starttranslate -s zh-CN -d en
    starttranslate -s en -d zh-CN -u Bob -r
cmd-stoptranslate = 结束单向翻译
cmd-stoptranslate-arg-user = 只对这个人
cmd-stoptranslate-examples = stoptranslate -u Bob
cmd-link = 把本房间与别处的房间互通，各用各的语言
cmd-link-more = 不带代码时，给出另一个房间要用的代码，十分钟内有效。
cmd-link-arg-language = 本房间阅读的语言；不写则看原文
cmd-link-arg-code = 另一个房间得到的代码
cmd-link-examples =
    link --lang en
    link K7QP-2MXD --lang zh
cmd-unlink = 结束本房间的互通

translate-get-engine = 还没有翻译引擎。可以这样运行一个：{ $command }
translate-configure-engine = 然后在 `jarvis.toml` 里写 { $section } 和 { $kind }，再重启 Jarvis。
translate-unknown-engine = 没有翻译引擎 { $engine }。现有：{ $engines }。
translate-seen-here = 这里的文字会被 { $engine }（{ $host }）看到，那是自己的机器。
translate-seen-there = 这里的文字会发送到 { $engine }（{ $host }），那是别人的服务。
translate-on-which = 请说明这里使用的语言，二到{ $limit }种：{ $example }
translate-other-bot = 我们的另一个机器人 { $bot } 已经在这里翻译。
translate-is-on = 本房间已开启翻译：{ $languages }。
translate-is-on-more = 请用自己的语言写。`/translate me 语言` 设置你的语言。
translate-is-off = 本房间已关闭翻译。
translate-was-off = 本房间没有开启翻译。
translate-status-off = 本房间没有开启翻译。操作员可以开启：`/translate on zh en`。
translate-me-off = 本房间不是多语言房间：操作员用 `/translate on zh en` 开启。
translate-me-which = 请写一种语言：{ $example }
translate-me-is = 你在这里读写{ $language }。
translate-me-none = 你在这里没有设置自己的语言。
translate-too-many = 一个房间最多 { $limit } 种语言。
translate-rule = { $who }：{ $from } → { $to }
translate-everyone = 所有人
translate-round-trip = 作者能看到回译。
translate-local-only = 文字不离开自己的机器。
translate-terms = 术语表词数：{ $count }
translate-engine = { $engine }（{ $host }）：{ $state }；本月 { $spent } / { $budget } 字符
translate-engine-good = 可用
translate-engine-down = 出错，暂时停用
usage-head = { $month }：共翻译 { $characters } 字符
usage-row = { $name }：{ $characters }
tr-nothing = 请写要翻译的文字，或回复一条消息：{ $example }
glossary-which = 请写明词：{ $example }
glossary-too-long = 术语的长度为 1 到 { $limit } 个字符。
glossary-full = 术语表已满：{ $limit } 个词。
glossary-added = 已添加：{ $term }
glossary-removed = 已删除：{ $word }
glossary-unknown = 术语表里没有 `{ $word }`。
glossary-empty = 术语表是空的。添加一个词：{ $example }
starttranslate-same = 两种语言相同。
starttranslate-elsewhere = { $name } 不在本房间的平台上。
stoptranslate-person = 不再翻译 { $name } 的话。
stoptranslate-nothing = 这里没有翻译 { $name } 的话。
link-code = 请在 { $duration } 内到另一个房间发送：{ $command }
link-no-code = 这个代码无效或已过期。在另一个房间发送 `/link` 可得到新的代码。
link-same-room = 这就是本房间。
link-already = 本房间已经与别的房间互通。`/unlink` 可以结束。
link-full = 已有 { $limit } 个房间互通，不能再加。
link-made = 本房间与 { $platform } 上的一个房间从现在起互相可读。`/unlink` 可以结束。
link-with = 与 { $platform } 上的一个房间互通（{ $language }）
link-none = 本房间没有与别的房间互通。
link-ended = 本房间的互通已结束。
