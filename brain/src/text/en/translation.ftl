## Translation

translation-author = { $name }:{" "}
translation-label = { $language } ·{" "}
translation-back = ↩ { $text }
translation-misread = ⚠ This may be misread. Edit your message, and the translation follows.
translation-delayed = … translation delayed
translation-same = That is in this language already.
translation-no-engine = No translation engine is configured.
translation-no-local-engine = This room allows local engines only (`--local-only`), and none is configured.
translation-no-pair = No engine translates that to { $language }.
translation-no-budget = The characters for this month are used up: see `/translate usage`.
translation-nonsense = No engine gave a usable translation of that. Try other words.
translation-down = No translation engine answers now: see `/translate status`, and send it again later.
translation-too-long = That is too long to translate: { $limit } characters at most.
translation-full = So many messages are waiting for their translation that the next ones are not translated.
link-author = { $name } ({ $from }):{" "}
link-original = ↳ { $text }
link-file-lost = (the file { $name } could not be passed on)

family-translation = Translation

value-tongue = I know no language `{ $value }` that can be translated. Examples: en, zh, ja, es.

cmd-translate = let people here read each other
cmd-translate-more = Everybody writes in their own language. `on` and `off` are for operators; `me` says what you read and write; `status` tells who sees what is written here.
cmd-translate-arg-engine = try this engine first
cmd-translate-arg-local-only = texts do not leave our own machines
cmd-translate-arg-round-trip = writers see how their text reads when it is translated back
cmd-translate-arg-action = on, off, me, status or usage
cmd-translate-arg-languages = the languages
cmd-translate-examples =
    translate on zh en
    translate on zh en ja --local-only
    translate me en
    translate usage
cmd-tr = translate one text
cmd-tr-more = As a reply to a message, it translates that message.
cmd-tr-arg-to = into this language; it may also stand before the text
cmd-tr-arg-text = what to translate
cmd-tr-examples =
    tr en 服务器重启好了
    tr -d it good morning
cmd-glossary = words with a fixed translation in this room
cmd-glossary-more = A word without a translation stays as it is: a name.
cmd-glossary-arg-language = the language of the translation, where letters do not tell
cmd-glossary-arg-action = add, remove or list
cmd-glossary-arg-word = the word
cmd-glossary-arg-becomes = what it becomes
cmd-glossary-examples =
    glossary add 节点 node
    glossary add Jarvis
    glossary remove 节点
cmd-starttranslate = translate one direction, for everybody here or one person
cmd-starttranslate-arg-from = from this language
cmd-starttranslate-arg-to = to this language
cmd-starttranslate-arg-engine = try this engine first
cmd-starttranslate-arg-user = only what this person writes
cmd-starttranslate-arg-round-trip = the writer sees how it reads when it is translated back
cmd-starttranslate-examples =
    starttranslate -s zh-CN -d en
    starttranslate -s en -d zh-CN -u Bob -r
cmd-stoptranslate = end the translation of one direction
cmd-stoptranslate-arg-user = only for this person
cmd-stoptranslate-examples = stoptranslate -u Bob
cmd-link = tie this room to one elsewhere, each in its own language
cmd-link-more = Without a code, it gives one for the other room, good for ten minutes.
cmd-link-arg-language = what is read in this room; without it, what was written
cmd-link-arg-code = what the other room was given
cmd-link-examples =
    link --lang en
    link K7QP-2MXD --lang zh
cmd-unlink = untie this room from the others

translate-get-engine = There is no translation engine yet. Run one, for example: { $command }
translate-configure-engine = Then put { $section } with { $kind } into `jarvis.toml`, and start Jarvis again.
translate-unknown-engine = There is no translation engine { $engine }. There are: { $engines }.
translate-seen-here = What is written here is seen by { $engine } ({ $host }), a machine of our own.
translate-seen-there = What is written here is sent to { $engine } ({ $host }), a service of others.
translate-on-which = Say which languages are spoken here, two to { $limit } of them: { $example }
translate-other-bot = Another bot of ours, { $bot }, translates here already.
translate-is-on = Translation is on here: { $languages }.
translate-is-on-more = Write in your own language. `/translate me LANGUAGE` says which one that is.
translate-is-off = Translation is off here.
translate-was-off = Translation was not on here.
translate-status-off = Translation is not on here. An operator turns it on: `/translate on zh en`.
translate-me-off = This room is not multilingual: an operator turns that on with `/translate on zh en`.
translate-me-which = Say one language: { $example }
translate-me-is = You read and write { $language } here.
translate-me-none = You have no language of your own here.
translate-too-many = That would be more languages than the { $limit } that one room may have.
translate-rule = { $who }: { $from } → { $to }
translate-everyone = everybody
translate-round-trip = Writers see how their texts read when translated back.
translate-local-only = Texts do not leave our own machines.
translate-terms = Words in the glossary: { $count }
translate-engine = { $engine } ({ $host }): { $state }; { $spent } of { $budget } characters this month
translate-engine-good = ready
translate-engine-down = left alone for a while, it failed
usage-head = { $month }: { $characters } characters translated
usage-row = { $name }: { $characters }
tr-nothing = Say what to translate, or answer a message with it: { $example }
glossary-which = Say which word: { $example }
glossary-too-long = Words of a glossary have 1 to { $limit } characters.
glossary-full = The glossary is full: { $limit } words.
glossary-added = Added: { $term }
glossary-removed = Removed: { $word }
glossary-unknown = The glossary has no `{ $word }`.
glossary-empty = The glossary is empty. Add a word: { $example }
starttranslate-same = Those are the same language.
starttranslate-elsewhere = { $name } is not known on the platform of this room.
stoptranslate-person = What { $name } writes is no longer translated.
stoptranslate-nothing = { $name } was not translated here.
link-code = Send this in the other room within { $duration }: { $command }
link-no-code = That code is not good (any more). `/link` in the other room gives a new one.
link-same-room = That is this room.
link-already = This room is tied to others already. `/unlink` unties it.
link-full = { $limit } rooms are tied together; there is no place for more.
link-made = This room and one on { $platform } read each other from now on. `/unlink` ends it.
link-with = Tied to a room on { $platform } ({ $language })
link-none = This room is tied to no other.
link-ended = This room is no longer tied to another.
