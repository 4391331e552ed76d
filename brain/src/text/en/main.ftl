# English. `…` is code, **…** is bold. Keys in the order of the program's parts.

## Numbers, times, lists

unit-millisecond = { $number } ms
unit-second = { $number } s
unit-minute = { $number } min
unit-hour = { $number } h
unit-day = { $number } d
time-just-now = just now
time-ago = { $duration } ago
time-today = today { $clock }
time-yesterday = yesterday { $clock }
time-date = { $day } { $month ->
    [1] Jan
    [2] Feb
    [3] Mar
    [4] Apr
    [5] May
    [6] Jun
    [7] Jul
    [8] Aug
    [9] Sep
    [10] Oct
    [11] Nov
   *[12] Dec
  }
time-date-year = { $day } { $month ->
    [1] Jan
    [2] Feb
    [3] Mar
    [4] Apr
    [5] May
    [6] Jun
    [7] Jul
    [8] Aug
    [9] Sep
    [10] Oct
    [11] Nov
   *[12] Dec
  } { $year }
list-separator = {", "}
list-more = {" "}and { $more } more

## Roles and rules

role-guest = guest
role-member = member
role-operator = operator
role-operator-tags = operator on { $tags }
role-owner = owner
rule-everyone = Open to everyone.
rule-member = Members and above may do this.
rule-operator = Operators may do this.
rule-operator-tags = An operator with tags may do this on nodes that have one of them.
rule-own = What is one's own is open; what belongs to others is for owners.
rule-owner = Owners may do everything; some things only they may do.
rule-place = Some commands work only in private rooms, some only in groups.
reason-outside-tags = `{ $node }` has none of these tags.
reason-job = That job is somebody else's.
refused-stranger = I don't know you yet. Send /start to see how to get in.
refused-role = That is for the role { $needed }; you are { $role }. Ask an owner, or see { $why }.
refused-tags = You are { $subject }; `{ $node }` is not in it. Ask an owner, or see { $why }.
refused-job = That job is somebody else's. Only they and an owner may do that.
refused-person = That is about somebody else. Only an owner may do that.
refused-private-only = That works only in a private chat with me: others could read it here.
refused-group-only = That works only in a group.
why-allowed = Yes: { $name } ({ $role }) may { $command }.
why-refused = No: { $name } ({ $role }) may not { $command }.
why-rule = Deciding rule `{ $rule }`: { $explanation }

## Finding and reading commands

unknown = I don't know `{ $word }`. Send `help` to see what I can do.
unknown-near = I don't know `{ $word }`. Did you mean { $meant }?
button-run-it = run it
problem-open-quote = The quote { $quote } at character { $position } is never closed. Close it, or put a \ before it if it is meant as text.
problem-flag = `{ $flag }` is no flag of `{ $command }`.
problem-flag-near = `{ $flag }` is no flag of `{ $command }`. Did you mean `{ $near }`?
problem-too-much = `{ $word }` is one word too many for `{ $command }`. Words with blanks belong in quotes.
problem-missing = `{ $command }` needs { $names }.
problem-no-value = `{ $flag }` needs a value after it.
problem-needless-value = `{ $flag }` takes no value.
problem-conflict = `{ $flag }` does not go together with the rest, or stands twice.
problem-value = { $problem } (`{ $argument }`)
problem-other = I can't make sense of the arguments of `{ $command }`.
problem-usage = Usage: { $usage } · more: { $help }
value-time = `{ $value }` is no length of time. Write 90s, 10m or 1h30m.
value-number = `{ $value }` is no number from 1 up.
value-job = `{ $value }` is no job number. See `jobs`.
value-pair = `{ $value }` is not NAME=VALUE.
value-language = I don't speak `{ $value }`. I speak en (English) and zh (中文).
value-role = `{ $value }` is no role. Roles are guest, member, operator and owner.
value-name = `{ $value }` is no name. Names have letters, digits, `-`, `_` and `.`, at most 63 of them.
value-place = `{ $value }` does not say which file: write NODE:PATH, for example web-1:/var/log/syslog. A path with blanks belongs in quotes.
value-which = `{ $value }` is neither failed nor all.
target-empty = Name a node: its name, `tag:NAME`, `type:NAME`, several with commas, or `*` for all.
target-malformed = `{ $part }` is no target. Name a node, `tag:NAME`, `type:NAME`, several with commas, or `*` for all.
node-unknown = There is no node `{ $node }`. Known here: { $nodes }. See `nodes`.
node-unknown-near = There is no node `{ $node }`. Did you mean `{ $near }`?
tag-unknown = No node has the tag `{ $tag }`. Tags here: { $tags }.
tag-unknown-none = No node has the tag `{ $tag }`; no node has any tag.
type-unknown = No node is of type `{ $type }`. Types here: { $types }.
nodes-none = There are no nodes yet. On the server run `jarvis-node init`, then send `enroll NAME ADDRESS` here.

## Help

help-title = What I can do for you:
help-family = **{ $title }**
help-command = { $name } – { $about }
help-more = More about one: `help run`. In a private chat you need no slash.
help-usage = Usage: { $usage }
help-argument = { $argument } – { $about }
help-examples = Examples:
help-aliases = Also: { $aliases }.
help-needs-nothing = Everyone may use it.
help-needs-member = Members may use it.
help-needs-operator = Operators may use it, on nodes within their tags.
help-needs-owner = Owners may use it.
help-private-only = Only in a private chat.
help-group-only = Only in a group.
help-confirm-several = Asks back when several nodes are meant; --yes answers beforehand.
help-confirm-always = Asks back before it does anything.
family-general = First steps
family-jobs = Jobs
family-files = Files
family-nodes = Nodes
family-people = People
family-system = Jarvis itself

cmd-start = say hello and see how to begin
cmd-start-arg-code = what a start link carries
cmd-help = show all commands, or all about one
cmd-help-arg-command = the command to tell of
cmd-help-examples =
    help
    help run
cmd-version = show which version runs here
cmd-ping = answer at once, to see whether I can be reached
cmd-ping-arg-word = what I say back with it
cmd-lang = choose the language in which I speak to you
cmd-lang-arg-language = en or zh; without it I say which one it is
cmd-lang-examples = lang zh
cmd-yes = confirm what I asked
cmd-yes-arg-code = which question, when several are open
cmd-no = refuse what I asked
cmd-no-arg-code = which question, when several are open
cmd-run = run a shell command on nodes
cmd-run-more = Flags come before the command. Everything from the command on goes to the shell exactly as typed, further lines included. A script dropped with the caption NODE or run TARGET runs too.
cmd-run-arg-timeout = stop the job after this time, e.g. 90s or 10m
cmd-run-arg-cwd = working directory
cmd-run-arg-env = an environment variable
cmd-run-arg-files = send back the files that match, e.g. 'out/*.csv'
cmd-run-arg-wait = wait this long for nodes that are offline
cmd-run-arg-stdin = what the command reads from standard input
cmd-run-arg-yes = don't ask back
cmd-run-arg-target = a node, tag:web, type:x, a,b, or * for all
cmd-run-arg-command = the shell command
cmd-run-examples =
    run web-1 uptime
    run tag:web df -h / | tail -1
    run --timeout 10m --files 'dist/*.tar.gz' web-1 make dist
cmd-jobs = list the latest jobs
cmd-jobs-arg-number = how many; 10 without it
cmd-jobs-arg-all = everybody's, for owners
cmd-jobs-arg-node = only those on this node
cmd-job = show one job
cmd-job-arg-job = the job's number
cmd-job-examples = job 42
cmd-log = show the stored output of a job
cmd-log-more = The job does not run again for it.
cmd-log-arg-grep = only lines that contain this text
cmd-log-arg-err = standard error instead of standard output
cmd-log-arg-node = of this node, when the job ran on several
cmd-log-arg-file = all of it, as a file
cmd-log-arg-job = the job's number
cmd-log-examples =
    log 42
    log 42 --grep error --node web-1
cmd-cancel = stop a job on all its nodes
cmd-cancel-arg-job = the job's number; without it your only running job
cmd-cancel-examples = cancel 42
cmd-retry = run a job again where it failed
cmd-retry-arg-yes = don't ask back
cmd-retry-arg-wait = wait this long for nodes that are offline
cmd-retry-arg-job = the job's number
cmd-retry-arg-which = failed (without it) or all
cmd-retry-examples = retry 43 failed
cmd-again = run a job once more, as a new job
cmd-again-arg-on = on these nodes instead
cmd-again-arg-wait = wait this long for nodes that are offline
cmd-again-arg-yes = don't ask back
cmd-again-arg-job = the job's number; without it your last one
cmd-again-examples = again 42 --on tag:web
cmd-get = fetch a file from a node
cmd-get-arg-place = the file; node and path may be two words
cmd-get-arg-node = the node, when named apart from the path
cmd-get-arg-file = the path, when named apart from the node
cmd-get-arg-tail = only so many last lines
cmd-get-arg-head = only so many first lines
cmd-get-arg-gzip = compressed
cmd-get-examples =
    get web-1:/var/log/nginx/error.log --tail 1000
    get "web-1:/srv/my file.txt"
    requestfile -n web-1 -f /var/log/syslog
cmd-put = put the attached file on nodes
cmd-put-more = The caption NODE:PATH alone does the same. A path that ends with / keeps the file's name.
cmd-put-arg-wait = wait this long for nodes that are offline
cmd-put-arg-yes = don't ask back
cmd-put-arg-place = where it goes
cmd-put-examples = put tag:web:/srv/app/
cmd-nodes = list the nodes
cmd-nodes-arg-node-type = only of this type
cmd-nodes-arg-tag = only with this tag
cmd-nodes-arg-number = how many at most
cmd-nodes-examples = nodes --tag web
cmd-node = show all about one node
cmd-node-arg-name = the node
cmd-node-examples = node web-1
cmd-mystate = show this Jarvis' own key, address and state
cmd-enroll = make a node known
cmd-enroll-more = On the server run `jarvis-node init`; it prints the address and what to write into the node's trust list.
cmd-enroll-arg-tag = a tag for the node
cmd-enroll-arg-dial = dial the node there; without it the node dials this Jarvis
cmd-enroll-arg-legacy = where a node of jarviscore 0.7 (jarvissh) listens
cmd-enroll-arg-name = what to call it
cmd-enroll-arg-address = its address, as jarvis-node init prints it
cmd-enroll-examples = enroll web-1 1BoatSLRHtKNngkdXEeobR76b53LETtpyT --tag web
cmd-forget = make a node unknown again
cmd-forget-arg-yes = don't ask back
cmd-forget-arg-name = the node
cmd-whoami = show who you are here
cmd-claim = become the owner, with the code on the server's console
cmd-claim-arg-code = the code; an owner gets a new one without it
cmd-claim-examples = claim 7QK4-MZ2P
cmd-bind = use your account from this chat app too
cmd-bind-more = Send bind in the new app; it answers with a code. Send bind CODE in the app where you are known already.
cmd-bind-arg-code = the code that the other app showed
cmd-bind-examples =
    bind
    bind 4821-KD
cmd-unbind = take chat apps out of your account
cmd-unbind-arg-yes = don't ask back
cmd-unbind-arg-platforms = which; without it the one you write from
cmd-users = list the people
cmd-users-arg-number = how many at most
cmd-user = show all about one person
cmd-user-arg-name = by name, when the name looks like a number
cmd-user-arg-user = number, name or @handle
cmd-user-examples =
    user 3
    user -n Ann
cmd-role = say what somebody may do
cmd-role-arg-tag = only on nodes with this tag, for operators
cmd-role-arg-user = number, name or @handle
cmd-role-arg-role = guest, member, operator or owner
cmd-role-examples = role Ann operator --tag web
cmd-why = say whether somebody may do something, and by which rule
cmd-why-arg-line = the command, perhaps with somebody's name before it
cmd-why-examples =
    why run db-1 reboot
    why Ann run db-1 reboot
cmd-health = see whether everything is well
cmd-audit = see who did what
cmd-audit-arg-number = how many lines
cmd-audit-arg-user = only of this person
cmd-audit-arg-job = only about this job

## First contact

version = Jarvis { $version }
pong = pong
pong-word = pong { $word }
start-known = Hello { $name }. You are { $role } here.
start-next = Try `nodes` or `help`.
start-stranger = Hello { $name }. I don't know you yet.
start-claim = If this Jarvis is yours, send `/claim CODE` (the code is on the server's console). If you already use it elsewhere, send `/bind` here and type the code there.
start-bind = If you already use this Jarvis elsewhere, send `/bind` here and type the code there. Else ask its owner to give you a role.
lang-now = I speak { $language } with you.
lang-set = I speak English with you from now on.
greeting-owner = You are the owner here. Try:  `run local uname -a`   `help`   Ctrl-D ends.
greeting-ready = Jarvis { $version } · brain ready · { $nodes ->
    [one] 1 node
   *[other] { $nodes } nodes
  }
greeting-local = Jarvis { $version } · brain ready · node { $node } ({ $address }) · data in { $data }

## Claiming and binding

claim-done = Welcome, owner. This { $platform } account is now yours here. Next: /nodes · /help · add a server: /join
claim-wrong = That code is not right. { $left ->
    [one] 1 try is left.
   *[other] { $left } tries are left.
  } The code is on the server's console.
claim-none = There is nothing to claim: this Jarvis has an owner. Ask them to give you a role, or send /bind to use your own account here.
bind-code = Within { $duration } send this in the app where you are known already:  `/bind { $code }`
bind-code-group = Within { $duration } send this in the app where you are known already:  `/bind { $code }`  Others can read it here, so that app will then show you a second code to send to me in private.
bind-asks = { $platform } account “{ $name }” ({ $person }) asks to be you. It will be able to do what you can: { $role }.
bind-second = Send this from the { $platform } account that asked, in private:  `/bind { $code }`  (good for { $duration })
bind-done = Done: { $platform } account “{ $name }” is you now. See `whoami`.
bind-done-there = Done: this { $platform } account now belongs to { $name } ({ $role }). See `whoami`.
bind-wrong = That code is not right. { $left ->
    [one] 1 try is left.
   *[other] { $left } tries are left.
  } Send /bind in the new app for a new one.
bind-locked = Too many wrong codes. Try again in { $duration }.
bind-expired = That code has run out. Send /bind in the new app for a new one.
bind-same = Both are your account already.
unbind-ask = Take { $identities } out of your account? It goes back to what it was before.
unbind-done = Done: { $identities } is no longer you.
unbind-last = That is the only chat app of this account: nobody could use it then. Bind another one first.
unbind-none = There is nothing to unbind: this chat app was never bound to another account.

## People

whoami-head = { $name } · user { $number } · { $role }
whoami-identity = { $platform }: { $name } ({ $person })
whoami-here = (here)
users-head = { $count ->
    [one] 1 person
   *[other] { $count } people
  }
users-row = { $number } · { $name } · { $role } · { $identities }
user-unknown = There is nobody called `{ $user }`. See `users`.
user-several = Several people are called `{ $user }`: { $users }. Say which by number.
user-since = here since { $since }
role-done = { $name } is now { $role }.
role-same = { $name } is { $role } already.
role-last-owner = { $name } is the only owner. Make somebody else an owner first.

## Nodes

nodes-head = { $count ->
    [one] 1 node
   *[other] { $count } nodes
  } · { $online } online
nodes-row-load = load { $load }
nodes-row-jobs = { $jobs ->
    [one] 1 job
   *[other] { $jobs } jobs
  }
nodes-row-offline = offline since { $since }
nodes-row-never = never seen
nodes-none-match = No node matches. See `nodes`.
nodes-more = { $more ->
    [one] and 1 more
   *[other] and { $more } more
  } · `nodes -n { $all }`
node-online = { $node } · online since { $since }
node-offline = { $node } · offline since { $since }
node-never = { $node } · never seen. On that server run `jarvis-node run`.
node-address = Address { $address }
node-tags = Tags { $tags }
node-type = { $type } { $version } · jarvis-node { $core }
node-system = { $os } { $kernel } · { $arch } · { $cpus ->
    [one] 1 CPU
   *[other] { $cpus } CPUs
  }
node-load = Load { $load } · CPU { $cpu } %
node-memory = Memory { $used } of { $total }
node-disk = Disk { $used } of { $total }
node-container = In a container ({ $container })
node-jobs = Running: { $jobs }
node-no-jobs = No job runs there
mystate-head = Jarvis { $version } · address { $address }
mystate-nodes = { $nodes ->
    [one] 1 node
   *[other] { $nodes } nodes
  }, { $online } online · since { $since }
enroll-done = I know { $node } now ({ $address }).
enroll-next-in = On that server put this into the node's configuration and start it: root { $root }, address { $dial }.
enroll-next-out = I dial it at { $dial }. It has to trust my address { $root }.
forget-ask = Forget { $node }? It can no longer be reached from here; its stored results stay.
forget-done = { $node } is forgotten. To undo: { $enroll }

## Jobs

progress-quiet = { $elapsed } · no output yet
progress-lines = { $elapsed } · { $lines ->
    [one] 1 line
   *[other] { $lines } lines
  }
progress-bytes = { $elapsed } · { $done } of { $total }
task-waiting = waits for the node, until { $clock }
task-sent = sent
outcome-exit = exit { $code }
outcome-signal = killed by signal { $signal }
outcome-signal-named = killed by { $name }
outcome-timeout = stopped at the time limit
outcome-cancelled = cancelled
outcome-not-started = could not start: { $detail }
outcome-offline = offline
outcome-lost = lost: the node restarted while it ran
outcome-unknown = the node does not know this job any more
outcome-done = done
output-binary = (binary output, { $size })
button-cancel = cancel
button-log-file = log as file
button-again = again
button-retry-failed = retry failed
button-wait = run when it is back
button-yes = yes
button-no = no
button-bind-yes = yes, that is me
button-gzip = compressed
button-tail = last { $lines } lines
jobs-head = Latest jobs
jobs-none = No jobs yet. Try `run { $node } uptime`.
jobs-none-match = No job matches.
jobs-row = { $mark } { $number } · { $target } · { $title } · { $outcome } · { $when }
job-unknown = There is no job { $number }. See `jobs`.
job-no-command = What shall run on { $target }? Write it behind the target: `run { $target } uptime`, or send a script with this as its caption.
cancel-none = No job of yours runs now.
cancel-several = Several jobs of yours run: { $jobs }. Say which: `cancel NUMBER`.
cancel-ended = Job { $number } has ended already.
cancel-sent = Stopping job { $number }: TERM, then KILL, to everything it started.
retry-nothing = Job { $number } failed nowhere. `retry { $number } all` runs it again everywhere.
retry-running = Job { $number } still runs. Wait, or cancel it first.
again-none = You have run nothing yet.
log-empty = Job { $number } wrote nothing.
log-empty-stream = Job { $number } wrote nothing to this stream. The other one: { $other }
log-no-match = No line of job { $number } contains `{ $text }`.
log-which-node = Job { $number } ran on several nodes: { $nodes }. Say which: `log { $number } --node NAME`.
log-head = job { $number } · { $node } · { $lines ->
    [one] 1 line
   *[other] { $lines } lines
  } · { $size }
log-matches = { $matches ->
    [one] 1 line
   *[other] { $matches } lines
  } with `{ $text }`
log-gone = The output of job { $number } is no longer kept on { $node }.

## Asking back

confirm-run = Run this on { $nodes ->
    [one] 1 node
   *[other] { $nodes } nodes
  }?
confirm-nodes = Nodes: { $nodes }
confirm-offline = Offline now: { $nodes }
confirm-waits = Waits { $duration }. Answer { $yes } or { $no }.
confirm-declined = All right, nothing was done.
confirm-expired = That question has run out; nothing was done. Send the command again.
confirm-none = I asked you nothing here.
confirm-wrong = No open question has the code `{ $code }`.
confirm-not-yours = Only the person who was asked can answer that.
press-gone = That button is too old. Send the command again.

## Files

get-too-large = { $size } is more than this chat takes ({ $limit }).
put-no-file = Attach the file: send it with the caption `{ $place }`.
put-one-file = Send one file at a time.
attachment-failed = I could not get the file from the chat: { $detail }. Send it again.
attachment-too-large = { $size } is more than I can fetch from this chat ({ $limit }). Copy it to the server another way, or split it.
attachment-unneeded = I don't know what to do with { $file }. To put it on a node, send it with the caption `NODE:/path`; to run a script, with the caption `NODE`.
files-unsupported = This chat can't show files. It is on { $node }: { $path }
script-empty = { $file } is empty.
script-not-text = { $file } is no script: it holds binary data.

## What a node refuses, and what goes wrong there

refused-untrusted-root = { $node } does not trust this Jarvis. Put { $root } into its trust list.
refused-bad-signature = { $node } found the order's signature wrong, so it was not carried out. If this stays, enroll the node anew.
refused-wrong-node = { $node } says the order was for another node. Enroll it anew with its own address.
refused-expired = { $node } got the order too late, so it was not carried out. Send it again.
refused-replayed = { $node } has seen another order under this number and refused this one. Send it again.
refused-malformed = { $node } could not read the order. Its version may be too old: see `node { $node }`.
refused-path = { $path } is outside what { $node } allows. Its configuration names the allowed folders.
refused-not-found = { $path } is not on { $node }.
refused-directory = { $path } on { $node } is a directory. Name a file in it.
refused-too-large = { $path } on { $node } has { $size }, which is too much for this.
refused-node-busy = { $node } runs as many jobs as it may. Try again when one has ended.
refused-disk-full = The disk of { $node } is full. Free some space, then try again.
refused-not-supported = { $node } can't do that. Its version may be too old: see `node { $node }`.
refused-permission = { $node } may not read or write { $path }: its user lacks the right.
refused-io = { $node } failed to read or write { $path }: { $detail }
refused-other = { $node } refused: { $detail }

## An adapter that cannot go on

adapter-stopped = { $mark } The adapter { $adapter } has stopped, and nothing reaches me there; everything else goes on. The reason: { $reason }
adapter-stopped-taken-over = another program has logged in as this bot, which only one may be, and I do not fight over it. Stop that program, or make a bot of its own for it; then start Jarvis again.
adapter-stopped-credentials = the platform refuses the bot's token or secret. Correct it in the configuration, then start Jarvis again.
adapter-stopped-setting = a setting cannot be used. Correct it in the configuration, then start Jarvis again.
adapter-stopped-in-use = another process on that machine serves this bot. Stop one of the two.
adapter-stopped-other = it cannot go on by itself. Mend the cause, then start Jarvis again.
adapter-stopped-detail = { $words } ({ $detail })

## Health and audit

health-brain = Brain { $version } · up { $uptime } · memory { $memory }
health-store = Store { $kind } · answers in { $latency }
health-outbox = { $waiting ->
    [one] 1 message waits
   *[other] { $waiting } messages wait
  } to be sent
health-outbox-empty = No message waits to be sent
health-adapter = { $mark } { $kind } { $bot } · { $state }
health-adapter-on = connected since { $since }
health-adapter-stopped = { $mark } { $adapter } · stopped { $since }: { $reason }
health-adapters-none = No chat adapter is connected
health-nodes = Nodes: { $online } of { $nodes } online
health-nodes-off = Offline: { $nodes }
audit-none = Nothing matches.
audit-row = { $when } · { $who } · { $what } { $detail } · { $result }
audit-brain = Jarvis

## Trouble

error-internal = Something went wrong here, and it is in the log as `{ $trace }`. Try again; if it stays, tell an owner this number.
error-store = I can't reach my database now. Nothing was done; try again in a minute. (`{ $trace }`)
error-busy = I have too much to do right now. Nothing was done; try again in { $duration }.
error-rate = Slowly, please: try again in { $duration }.
error-too-old = That message is from { $when }, so I did not act on it. Send it again if you still want it.
error-too-long = That is { $size } of text; I take at most { $limit }. Send it as a file.

## Status messages

status-one = { $mark } job { $number } · { $node } · { $what }
status-many = { $mark } job { $number } · { $good } of { $nodes } nodes · { $duration } · { $title }
status-row = { $mark } { $node }  { $what }
status-more-rows = … and { $more } more
status-took = { $outcome } · { $took }
status-outcome-of = { $outcome } · { $command }
status-outcome-last = { $outcome } · { $last }
status-last-lines = Last { $shown } of { $all } lines:
status-away = the line to the node is cut since { $since }; the job goes on there
status-file-note = ⚠ { $note }
status-file-stays = { $path } stays on the node: { $why }
status-get-done = { $size } · BLAKE3 { $hash }
status-put-done = → { $path } · { $size } · BLAKE3 { $hash }
status-put-there = → { $path } · { $size } · was there already
advice-offline = { $node } was last seen { $since }. With `--wait 10m` a job waits for it.
advice-never-seen = { $node } has never connected. Start `jarvis-node run` there; `health` shows who knocks.
advice-lost = What it had started on { $node } was stopped. Run it again if you still want it.
claim-code = Send `/claim { $code }` in your other chat app within { $duration }.
bind-start-in-private = Start that in a private chat: send /bind there, not in a group.
bind-asked-holder = Now say yes in { $platform }, where the code was made.
enroll-malformed = That does not work: { $detail }. `jarvis-node init` prints the address; it begins with 1.
enroll-taken = `{ $what }` belongs to another node already. Choose another name, or `forget` that node first.
file-where = { $name } ({ $size }): where does it go? Send NODE:/path to put it there, NODE to run it (scripts), or cancel. You have ten minutes.
file-no-script = { $name } is no script, so I did not run it. To put it on a node, name the place: { $target }:/path
script-too-large = { $name } is larger than a script may be ({ $limit }). Put it on the node first, then run it there.
log-node-offline = The whole output is on { $node }, which is offline now. Try again when it is back; `job` shows the last lines.
log-too-large = The output has { $size }, more than this chat takes ({ $limit }). Look for lines with { $advice }.
run-arguments-quotes = A quote behind the target is never closed. Close it.
node-forgotten = `{ $node }` is no longer known here. `again NUMBER --on NODE` runs the job elsewhere.
node-clock = Its clock is off by { $offset }. Orders still work; times in its logs are wrong.
mystate-work = Open: { $running } jobs, { $orders } orders, { $messages } unsent messages
mystate-listen = Nodes dial in at { $address }
health-running = Jobs: { $running } running
health-clock = The clock of { $node } is off by { $offset }.
health-stranger = { $address } knocked from { $peer } ({ $when }) and is not enrolled. If it is yours: `enroll NAME` and that address.
put-no-folder = the folder of { $path } is not on { $node }. Make it first: run { $node } mkdir -p …
away = I was away from { $from } to { $to }; the job went on meanwhile.
output-truncated = The stored output was cut in the middle.
