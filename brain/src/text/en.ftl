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
help-aliases = Also: { $aliases }
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
cmd-enroll-arg-name = what to call it
cmd-enroll-arg-address = its address, as jarvis-node init prints it
cmd-enroll-examples = enroll web-1 1BoatSLRHtKNngkdXEeobR76b53LETtpyT --tag web
cmd-forget = make a node unknown again
cmd-forget-arg-yes = don't ask back
cmd-forget-arg-name = the node
cmd-whoami = show who you are here
cmd-claim = become the owner, with the code on the server's console
cmd-claim-arg-code = the code
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
start-known = Hello { $name }. You are { $role } here.
start-next = Try `nodes` or `help`.
start-stranger = Hello { $name }. I don't know you yet.
start-claim = If this Jarvis is yours, send `/claim CODE` (the code is on the server's console). If you already use it elsewhere, send `/bind` here and type the code there.
start-bind = If you already use this Jarvis elsewhere, send `/bind` here and type the code there. Else ask its owner to give you a role.
lang-now = I speak { $language } with you.
lang-set = I speak English with you from now on.
